/**
 * A User-Mode Linux kernel as a process: booted in network, process-id and mount namespaces that exist only as long
 * as it does. Nothing has a name on the machine, so any number of guests run side by side and nothing is left behind:
 * when this process dies the kernel delivers SIGKILL down the chain (setpriv, unshare), and the namespaces, the tap
 * device and all of the guest's processes go with it.
 */
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { cleanUpAtExit } from './exit-cleanup.ts';
import { quietestProcessor } from './processor.ts';
import { guestAddress, namespaceAddress } from './recipe.ts';

/** A disk of the guest: an image used directly, or a copy-on-write file over a base that is never written. */
export type GuestDisk = { readonly image: string } | { readonly copyOnWrite: string; readonly base: string };

export interface GuestProcess {
  /** Process id of the holder of the namespaces, for nsenter and /proc/PID/ns. */
  readonly pid: number;
  /** A command, without arguments, that speaks a TCP connection to the guest's sshd on stdin and stdout. */
  readonly connectScript: string;
  /** Everything that the guest's console printed. */
  readonly consoleLog: string;
  hasEnded(): boolean;
  /** Aborted when the guest has ended. */
  readonly endedSignal: AbortSignal;
  /** Settles when the guest has ended, whatever the reason. */
  waitForEnd(signal: AbortSignal): Promise<void>;
  /** Ends the guest at once, as a power cut does. Does nothing when it has ended. */
  kill(): Promise<void>;
  /** Stops the guest's kernel: to everybody outside it looks like a machine that hangs. */
  suspend(): Promise<void>;
  resume(): Promise<void>;
}

const umid = 'guest';

const launchScript = `set -e
exec >>"$1" 2>&1
shift
ip link set lo up
ip tuntap add dev tap0 mode tap
ip address add ${namespaceAddress}/30 dev tap0
ip link set tap0 up
exec linux.uml "$@"`;

/** Starts a guest kernel on `disks` (the first one is the root file system), with its files in `directory`. */
export async function startGuestProcess(options: {
  readonly directory: string;
  readonly disks: readonly GuestDisk[];
  readonly memoryMiB: number;
}): Promise<GuestProcess> {
  const consoleLog = join(options.directory, 'console.log');
  await mkdir(options.directory, { recursive: true });
  // After a power cut the kernel's own folder is still there, and its process id looks alive: ours is 1 again.
  await rm(join(options.directory, umid), { recursive: true, force: true });
  const child = execa(
    'sh',
    [
      ...['-c', 'exec "$@" 2>>"$0"', consoleLog],
      ...['taskset', '--cpu-list', String(quietestProcessor())],
      ...['setpriv', '--pdeathsig', 'KILL', 'unshare', '--net', '--pid', '--mount-proc', '--fork', '--kill-child=KILL'],
      ...['sh', '-c', launchScript, 'launch', consoleLog],
      `mem=${String(options.memoryMiB)}M`,
      `umid=${umid}`,
      `uml_dir=${options.directory}/`,
      ...options.disks.map((disk, index) =>
        'image' in disk ? `ubd${String(index)}=${disk.image}` : `ubd${String(index)}=${disk.copyOnWrite},${disk.base}`,
      ),
      ...['root=/dev/ubda', 'rw', 'vec0:transport=tap,ifname=tap0,depth=128,gro=1'],
      ...['con=null', 'con0=null,fd:1', 'ssl=null', 'quiet', 'panic=1', 'noreboot'],
    ],
    { stdin: 'ignore', stdout: 'ignore', stderr: 'ignore', buffer: false, reject: false, cleanup: false },
  );
  const { pid } = child;
  if (pid === undefined) throw new Error(`The guest could not be started: ${String((await child).shortMessage)}`);

  // The namespace goes by the process that holds it, so the way in is written anew for each boot.
  const connectScript = join(options.directory, 'connect');
  // Unlike nc, socat ends when the guest closes the connection: an ssh whose sshd was killed would wait for ever.
  const connect = `exec nsenter --net=/proc/${String(pid)}/ns/net socat -t1 - TCP:${guestAddress}:22`;
  await writeFile(connectScript, `#!/bin/sh\n${connect}\n`, { mode: 0o700 });

  let over = false;
  const dead = new AbortController();
  const killNow = (): void => {
    if (!over) process.kill(pid, 'SIGKILL');
  };
  const forget = cleanUpAtExit(killNow);
  const ended = child.then(() => {
    over = true;
    dead.abort(new Error('The guest has ended'));
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
      if (over) return;
      // Killing the first process inside takes its whole process-id namespace along, and unshare then ends by itself
      // after the last of them is gone; killing unshare alone would not wait for that.
      const inside = await kernelPid(pid);
      if (!over) process.kill(inside ?? pid, 'SIGKILL');
      await ended;
    },
    suspend: async () => {
      signalKernel(await kernelPid(pid), 'SIGSTOP');
    },
    resume: async () => {
      signalKernel(await kernelPid(pid), 'SIGCONT');
    },
  };
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
