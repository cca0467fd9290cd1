/**
 * The machine that we run on, as a transport: the same command lines go to /bin/sh, so that every remote command can
 * be run, and tested, without a network. A crash of ours closes the pipes, exactly as a lost connection would.
 */
import { execa } from 'execa';
import { StillpointError } from '../base/errors.ts';
import { Semaphore } from '../base/limit.ts';
import { MAX_CHANNELS } from './budgets.ts';
import { hostClosed } from './host-errors.ts';
import type { ExitStatus, RemoteProcess, Transport } from './transport.ts';

export function createLocalTransport(): Transport {
  const running = new Set<RemoteProcess>();
  let isClosed = false;
  const places = new Semaphore(MAX_CHANNELS);
  return {
    properties: { isLocal: true, maxChannels: MAX_CHANNELS },
    async start(commandLine, signal, onFull) {
      if (running.size >= MAX_CHANNELS) onFull?.();
      const place = await places.acquire(signal);
      if (isClosed) {
        place[Symbol.dispose]();
        throw hostClosed('this machine');
      }
      const process = spawnShell(commandLine);
      running.add(process);
      const forget = (): void => {
        running.delete(process);
        place[Symbol.dispose]();
      };
      process.exited.then(forget, forget);
      return process;
    },
    async [Symbol.asyncDispose]() {
      isClosed = true;
      const ending = [...running];
      for (const process of ending) process.kill();
      await Promise.allSettled(ending.map((process) => process.exited));
    },
  };
}

function spawnShell(commandLine: string): RemoteProcess {
  const child = execa('/bin/sh', ['-c', commandLine], {
    stdin: 'pipe',
    stdout: 'pipe',
    stderr: 'pipe',
    buffer: false,
    reject: false,
    // A process group of its own, because that is what sshd gives a command and what a signal reaches.
    detached: true,
    cleanup: false,
  });
  // A process that went away shows in `exited`; an unheard EPIPE would end our own process.
  child.stdin.on('error', () => undefined);
  let hasExited = false;
  // Not execa's own promise: that one also waits for processes that inherited the pipes.
  const exited = new Promise<ExitStatus>((resolve, reject) => {
    child.nodeChildProcess.once('exit', (code, signal) => {
      hasExited = true;
      resolve({ code: code ?? undefined, signal: signal ?? undefined });
    });
    child.nodeChildProcess.once('error', (cause) =>
      reject(
        new StillpointError('remote.tool-missing', 'The shell "/bin/sh" of this machine could not be started.', {
          advice: 'See that /bin/sh exists and may be run.',
          cause,
        }),
      ),
    );
  });
  exited.catch(() => undefined);
  return {
    stdin: child.stdin,
    stdout: child.stdout,
    stderr: child.stderr,
    exited,
    kill() {
      // What an ended script left behind on purpose is in its group, and is not ours to end.
      if (!hasExited) endGroup(child.pid);
      for (const stream of [child.stdin, child.stdout, child.stderr]) stream.destroy();
    },
  };
}

function endGroup(pid: number | undefined): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGTERM');
  } catch {
    // It is gone already.
  }
}
