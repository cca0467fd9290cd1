/**
 * A guest's kernel as a process: booted in network, process-id and mount namespaces that exist only as long as it
 * does. Nothing has a name on the machine, so any number of guests run side by side and nothing is left behind: when
 * this process dies the kernel delivers SIGKILL down the chain (setpriv, unshare), and the namespaces, the tap device
 * and all of the guest's processes go with it.
 *
 * A guest whose kernel panics or hangs is killed as soon as that is seen, because some spin for ever, and whoever
 * waits for it learns why.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { cleanUpAtExit } from './exit-cleanup.ts';
import { lastWords, watchGuest } from './guest-watch.ts';
import { earlyUserspace } from './kernel/early-userspace.ts';
import type { GuestDisk, PreparedKernel } from './kernel/guest-kernel.ts';
import { guestMark, quietestProcessor } from './processor.ts';
import { guestAddress, namespaceAddress } from './recipe.ts';

/** The guest is no more; the message says how it ended, with the last lines of its console. */
class GuestEnded extends Error {
  override readonly name = 'GuestEnded';
}

export interface GuestProcess {
  /** Process id of the holder of the namespaces, for nsenter and /proc/PID/ns. */
  readonly pid: number;
  /** A command, without arguments, that speaks a TCP connection to the guest's sshd on stdin and stdout. */
  readonly connectScript: string;
  /** Everything that the guest's console printed. */
  readonly consoleLog: string;
  hasEnded(): boolean;
  /** Aborted with a {@link GuestEnded} when the guest has ended. */
  readonly endedSignal: AbortSignal;
  /** Settles when the guest has ended, whatever the reason. */
  waitForEnd(signal: AbortSignal): Promise<void>;
  /** Ends the guest at once, as a power cut does. Does nothing when it has ended. */
  kill(): Promise<void>;
  /** Stops the guest's kernel: to everybody outside it looks like a machine that hangs. */
  suspend(): Promise<void>;
  resume(): Promise<void>;
}

interface GuestProcessOptions {
  readonly kernel: PreparedKernel;
  readonly directory: string;
  /** The first one is the root file system; none for a trial of the kernel. */
  readonly disks: readonly GuestDisk[];
  readonly memoryMiB: number;
}

const greetLimitMs = 500;

const launchScript = `set -e
exec >>"$1" 2>&1
cd "$2"
shift 3
ip link set lo up
ip tuntap add dev tap0 mode tap
ip address add ${namespaceAddress}/30 dev tap0
ip link set tap0 up
exec "$@"`;

/** Starts a guest with its files in `directory`. */
export async function startGuestProcess(options: GuestProcessOptions, signal: AbortSignal): Promise<GuestProcess> {
  const { kernel, directory, disks } = options;
  const consoleLog = join(directory, 'console.log');
  await mkdir(directory, { recursive: true });
  const launch = await kernel.launch({
    directory,
    disks,
    memoryMiB: options.memoryMiB,
    initialRamDisk: await earlyUserspace(kernel, signal),
    words: ['panic=1', 'systemd.show_status=false', disks.length === 0 ? 'lab.trial' : `lab.root=${kernel.rootDevice}`],
  });
  await writeFile(consoleLog, '');
  const child = execa(
    'sh',
    [
      ...['-c', 'exec "$@" 2>>"$0"', consoleLog],
      ...['taskset', '--cpu-list', String(quietestProcessor())],
      ...['setpriv', '--pdeathsig', 'KILL', 'unshare', '--net', '--pid', '--mount-proc', '--fork', '--kill-child=KILL'],
      ...['sh', '-c', launchScript, 'launch', consoleLog, launch.workingDirectory, guestMark(directory)],
      // Only the kernel gets the environment: libraries of another release would break the programs before it.
      ...['env', ...Object.entries(launch.environment).map(([name, value]) => `${name}=${value}`)],
      ...launch.command,
    ],
    { stdin: 'ignore', stdout: 'ignore', stderr: 'ignore', buffer: false, reject: false, cleanup: false },
  );
  const { pid } = child;
  if (pid === undefined) throw new Error(`The guest could not be started: ${String((await child).shortMessage)}`);

  // The namespace goes by the process that holds it, so the way in is written anew for each boot.
  const connectScript = join(directory, 'connect');
  // Unlike nc, socat ends when the guest closes the connection: an ssh whose sshd was killed would wait for ever.
  const connect = `exec nsenter --net=/proc/${String(pid)}/ns/net socat -t1 - TCP:${guestAddress}:22`;
  await writeFile(connectScript, `#!/bin/sh\n${connect}\n`, { mode: 0o700 });

  let over = false;
  let isKilled = false;
  let failure: string | undefined;
  const dead = new AbortController();
  const killNow = (): void => {
    if (!over) process.kill(pid, 'SIGKILL');
  };
  const kill = async (): Promise<void> => {
    if (over) return;
    // Killing the first process inside takes its whole process-id namespace along, and unshare then ends by itself
    // after the last of them is gone; killing unshare alone would not wait for that.
    const inside = await kernelPid(pid);
    if (!over) process.kill(inside ?? pid, 'SIGKILL');
    await ended;
  };
  const watch = watchGuest(
    { consoleLog, pid, greets: async () => disks.length > 0 && (await greets(connectScript)), hangMs: kernel.hangMs },
    (what) => {
      failure = what;
      void kill();
    },
  );
  const forget = cleanUpAtExit(killNow);
  const ended = child.then(({ exitCode, signal: endSignal }) => {
    over = true;
    watch[Symbol.dispose]();
    const ending = failure ?? `its kernel's program ended with ${endSignal ?? `code ${String(exitCode)}`}`;
    const message = `The guest has ended: ${ending}. ${lastWords(consoleLog)}`;
    dead.abort(new GuestEnded(isKilled ? 'The guest has ended' : message));
    forget();
  });

  return {
    pid,
    connectScript,
    consoleLog,
    hasEnded: () => over,
    endedSignal: dead.signal,
    waitForEnd: async (signal) => {
      const aborted = new Promise<never>((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
      });
      signal.throwIfAborted();
      await Promise.race([ended, aborted]);
    },
    kill: async () => {
      isKilled = !over && failure === undefined;
      await kill();
    },
    suspend: async () => {
      watch.pause();
      signalKernel(await kernelPid(pid), 'SIGSTOP');
    },
    resume: async () => {
      signalKernel(await kernelPid(pid), 'SIGCONT');
      watch.resume();
    },
  };
}

/** Whether the guest's sshd says who it is. */
async function greets(connectScript: string): Promise<boolean> {
  const greeting = await execa(connectScript, {
    stdin: 'pipe',
    timeout: greetLimitMs,
    reject: false,
    killSignal: 'SIGKILL',
  });
  return greeting.stdout.startsWith('SSH-');
}

async function kernelPid(unsharePid: number): Promise<number | undefined> {
  const pid = String(unsharePid);
  const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '');
  const first = Number.parseInt(children, 10);
  return Number.isNaN(first) ? undefined : first;
}

function signalKernel(pid: number | undefined, signal: NodeJS.Signals): void {
  if (pid === undefined) throw new Error('The guest has ended');
  process.kill(pid, signal);
}
