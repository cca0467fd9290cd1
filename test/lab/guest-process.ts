/**
 * A User-Mode Linux kernel as a process: booted in network, process-id and mount namespaces that exist only as long
 * as it does. Nothing has a name on the machine, so any number of guests run side by side and nothing is left behind:
 * when this process dies the kernel delivers SIGKILL down the chain (setpriv, unshare), and the namespaces, the tap
 * device and all of the guest's processes go with it.
 */
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { cleanUpAtExit } from './exit-cleanup.ts';
import { guestAddress, namespaceAddress } from './recipe.ts';

/** A disk of the guest: an image used directly, or a copy-on-write file over a base that is never written. */
export type GuestDisk = { readonly image: string } | { readonly copyOnWrite: string; readonly base: string };

export interface GuestProcess {
  /** Process id of the holder of the namespaces, for nsenter and /proc/PID/ns. */
  readonly pid: number;
  /** argv prefix that runs a command in the guest's network namespace. */
  readonly enterNetwork: readonly string[];
  /** Everything that the guest's console printed. */
  readonly consoleLog: string;
  hasEnded(): boolean;
  /** Settles when the guest has ended, whatever the reason. */
  waitForEnd(signal: AbortSignal): Promise<void>;
  /** Ends the guest at once, as a power cut does. Does nothing when it has ended. */
  kill(): Promise<void>;
  /** Stops the guest's kernel: to everybody outside it looks like a machine that hangs. */
  suspend(): Promise<void>;
  resume(): Promise<void>;
}

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
  const child = execa(
    'sh',
    [
      ...['-c', 'exec "$@" 2>>"$0"', consoleLog],
      ...['setpriv', '--pdeathsig', 'KILL', 'unshare', '--net', '--pid', '--mount-proc', '--fork', '--kill-child=KILL'],
      ...['sh', '-c', launchScript, 'launch', consoleLog],
      `mem=${String(options.memoryMiB)}M`,
      'umid=guest',
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

  let over = false;
  const killNow = (): void => {
    if (!over) process.kill(pid, 'SIGKILL');
  };
  const forget = cleanUpAtExit(killNow);
  const ended = child.then(() => {
    over = true;
    forget();
  });

  return {
    pid,
    enterNetwork: ['nsenter', `--net=/proc/${String(pid)}/ns/net`],
    consoleLog,
    hasEnded: () => over,
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

/** How a TCP connection to the guest's port 22 is made from outside: a command that speaks it on stdin and stdout. */
export function connectCommand(guest: GuestProcess): readonly string[] {
  return [...guest.enterNetwork, 'nc', guestAddress, '22'];
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
