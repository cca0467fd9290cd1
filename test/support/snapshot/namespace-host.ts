/**
 * This machine as a host of its own: a PID and a mount namespace with an empty /run, in which the scripts of a lease may
 * start what they like. When its first process ends, everything in it ends.
 */
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { execa } from 'execa';
import { systemClock } from '../../../shared/base/clock.ts';
import { silentLogger } from '../../../shared/base/log.ts';
import { createLocalTransport } from '../../../shared/remote/local.ts';
import { quoteArg } from '../../../shared/remote/quoting.ts';
import type { RemoteHost } from '../../../shared/remote/remote-host.ts';
import { createShellHost } from '../../../shared/remote/shell-host.ts';
import type { Transport } from '../../../shared/remote/transport.ts';

export interface NamespaceHost extends AsyncDisposable {
  readonly host: RemoteHost;
  /** The same by a connection of its own. */
  readonly connect: (wrapTransport?: (inner: Transport) => Transport) => RemoteHost;
  /** Arguments of nsenter(1) for whatever shall run there. */
  readonly enter: readonly string[];
  /** Runs sh in the host's namespaces; a failure is an error. */
  readonly sh: (script: string) => Promise<string>;
  /** Ends it at once, with all that runs there, as a power cut does. */
  readonly kill: () => void;
}

/** What must be on the machine for it; undefined when all is there. */
export async function whyNoNamespaceHost(): Promise<string | undefined> {
  if (process.getuid?.() !== 0) return 'namespaces need root';
  const probe = await execa('unshare', ['-m', '-p', '-f', '--mount-proc', 'true'], { reject: false });
  return probe.exitCode === 0 ? undefined : `unshare failed: ${probe.stderr}`;
}

/**
 * A namespace begins with a copy of all mounts of this machine, and tests beside us mount and unmount: what they have in
 * their temporary folders is none of this host's, and would come and go while it is looked at.
 */
const withoutMountsOfOthers = (own: string | undefined): string => `while read -r _ _ _ _ place _; do
  case $place in
    ${own === undefined ? '' : `(${quoteArg(own).toString()}/*) ;;`}
    (${quoteArg(tmpdir()).toString()}/*) umount -l "$place" 2>/dev/null || : ;;
  esac
done < /proc/self/mountinfo`;

/**
 * @param setup bash that runs in the namespaces before anything else
 * @param own a temporary folder of whoever asks: what is mounted in it is this host's, too
 */
export async function startNamespaceHost(setup: string, own?: string): Promise<NamespaceHost> {
  await using started = new AsyncDisposableStack();
  const script = `${withoutMountsOfOthers(own)}\nmount -t tmpfs tmpfs /run\n${setup}\necho ready\nexec sleep 100000`;
  const flags = ['-m', '--propagation', 'private', '-p', '-f', '--mount-proc'];
  const main = execa('unshare', [...flags, 'bash', '-euc', script], { stdin: 'ignore', reject: false, buffer: false });
  await new Promise<void>((resolve, reject) => {
    main.stdout.once('data', () => resolve());
    void main.then(() => reject(new Error('the host in namespaces did not come up')));
  });
  const children = await readFile(`/proc/${main.pid}/task/${main.pid}/children`, 'utf8');
  const init = children.trim();
  let isOver = false;
  void main.finally(() => {
    isOver = true;
  });
  const kill = (): void => {
    if (!isOver) process.kill(Number(init), 'SIGKILL');
  };
  started.defer(async () => {
    kill();
    await main;
  });
  const enter = [`--mount=/proc/${init}/ns/mnt`, `--pid=/proc/${init}/ns/pid`];
  const connect: NamespaceHost['connect'] = (wrapTransport = (inner) => inner) =>
    createShellHost({
      name: 'paper',
      transport: wrapTransport(insideOf(enter, createLocalTransport())),
      sudo: 'none',
      logger: silentLogger,
      clock: systemClock,
      askPassword: async () => undefined,
    });
  const host = started.use(connect());
  const owned = started.move();
  return {
    ...{ host, connect, enter, kill },
    async sh(line) {
      const withPath = `PATH=/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin\n${line}`;
      return (await execa('nsenter', [...enter, '--', 'bash', '-euc', withPath], { stdin: 'ignore' })).stdout;
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

function insideOf(enter: readonly string[], transport: Transport): Transport {
  const prefix = `exec nsenter ${enter.join(' ')} -- /bin/sh -c `;
  return {
    properties: transport.properties,
    start: (line, signal) => transport.start(prefix + quoteArg(line).toString('latin1'), signal),
    [Symbol.asyncDispose]: () => transport[Symbol.asyncDispose](),
  };
}
