/**
 * A guest for tests: a throw-away Debian host with a real device-mapper, booted in seconds from the cached image on
 * copy-on-write disks. Invariant: whatever happens to the test, no process, namespace or file of the guest outlives
 * it; see `guest-process.ts` and `temporary-folder.ts` for how.
 */
import { join } from 'node:path';
import { execa } from 'execa';
import type { CuttableProxy } from './cuttable-proxy.ts';
import { startCuttableProxy } from './cuttable-proxy.ts';
import { guestImage } from './guest-image.ts';
import type { GuestProcess } from './guest-process.ts';
import { startGuestProcess } from './guest-process.ts';
import type { GuestAlias } from './guest-ssh.ts';
import { waitForSsh, writeGuestSshConfig } from './guest-ssh.ts';
import type { Trace, WriteProbe } from './guest-traces.ts';
import { findTraces, probeWrites } from './guest-traces.ts';
import type { PhaseListener } from './image-build.ts';
import type { RunResult } from './open-ssh.ts';
import { runOverSsh } from './open-ssh.ts';
import { createTemporaryFolder } from './temporary-folder.ts';

export interface GuestOptions {
  /** Memory of the guest; taken from the machine only as the guest uses it. */
  readonly memoryMiB?: number;
  /** Called with each phase of building (when the image is not cached) and booting. */
  readonly onPhase?: PhaseListener;
}

export interface Guest extends AsyncDisposable {
  /** OpenSSH client configuration with the aliases of {@link GuestAlias}. */
  readonly sshConfigFile: string;
  readonly identityFile: string;
  readonly knownHostsFile: string;
  /** The guest's public host key: type, base64, comment. */
  readonly hostKey: string;
  /** What alias `lab-proxied` goes through. */
  readonly proxy: CuttableProxy;
  /** Folder of this guest's files; gone after disposal. */
  readonly directory: string;
  readonly consoleLog: string;
  /** Runs a shell script in the guest over the plain OpenSSH client, as root unless told otherwise. */
  run(script: string, options: { readonly signal: AbortSignal; readonly as?: GuestAlias }): Promise<RunResult>;
  /** Like {@link run}, but a failing script is an error with everything that it said. Returns its stdout. */
  must(script: string, options: { readonly signal: AbortSignal; readonly as?: GuestAlias }): Promise<string>;
  /** Everything that a backup could have left in the guest; empty when it is as it was found. */
  traces(options: { readonly signal: AbortSignal }): Promise<readonly Trace[]>;
  /** Tries a write on every file system and in the database: none may be frozen or locked after `seconds`. */
  freezeState(options: { readonly seconds: number; readonly signal: AbortSignal }): Promise<readonly WriteProbe[]>;
  /** Ends the guest at once, as a power cut does. */
  kill(): Promise<void>;
  /** Cuts the power, if it is still on, and boots again from the same disks. Settles when the database answers. */
  reboot(options: { readonly signal: AbortSignal }): Promise<void>;
  /** The whole machine hangs until resumed: no answer, no reset. */
  suspend(): Promise<void>;
  resume(): Promise<void>;
}

const bootLimitMs = 120_000;
const waitForServices = `i=0
until mountpoint -q /srv/files && mountpoint -q /srv/thin && mariadb-admin --silent ping; do
  i=$((i + 1)); [ $i -lt 300 ] || { systemctl --failed; journalctl -b -n 50; exit 1; }
  sleep 0.3
done`;

/** Boots a fresh guest, its volumes mounted and its database answering. Dispose it to end it and remove all traces. */
export async function startGuest(options: GuestOptions, signal: AbortSignal): Promise<Guest> {
  const { memoryMiB = 768, onPhase = () => undefined } = options;
  const image = await guestImage({ onPhase }, signal);
  const limit = AbortSignal.any([signal, AbortSignal.timeout(bootLimitMs)]);
  await using started = new AsyncDisposableStack();

  const folder = started.use(await createTemporaryFolder('guest'));
  const start = performance.now();
  // The kernel's own copy-on-write files now and then give back old sectors to a device-mapper snapshot: one in twenty
  // XFS snapshots had a torn log. A sparse copy costs half a second and is a disk like any other.
  const dataDisk = join(folder.path, 'data.img');
  await execa('cp', ['--sparse=always', '--reflink=auto', '--', image.dataDisk, dataDisk], { cancelSignal: limit });
  const boot = async (signal: AbortSignal): Promise<GuestProcess> =>
    await startGuestProcess(
      {
        kernel: image.kernel,
        directory: folder.path,
        disks: [{ copyOnWrite: join(folder.path, 'root.cow'), base: image.rootDisk }, { image: dataDisk }],
        memoryMiB,
      },
      signal,
    );
  let machine = await boot(limit);
  started.defer(async () => {
    await machine.kill();
  });
  const proxy = started.use(await startCuttableProxy([machine.connectScript]));
  const sshConfigFile = await writeGuestSshConfig({
    directory: folder.path,
    guest: machine,
    identityFile: image.identityFile,
    hostKey: image.hostKey,
    proxyPort: proxy.port,
  });

  const run: Guest['run'] = async (script, { signal, as = 'lab' }) => {
    const current = machine;
    if (current.hasEnded()) throw new Error('The guest has ended');
    return await runOverSsh({ configFile: sshConfigFile, alias: as }, script, {
      signal: AbortSignal.any([signal, current.endedSignal]),
    });
  };
  const must: Guest['must'] = async (script, options) => {
    const result = await run(script, options);
    if (result.code !== 0) {
      throw new Error(`In the guest, code ${String(result.code)}: ${script}\n${result.stderr}${result.stdout}`);
    }
    return result.stdout;
  };
  const becomeReady = async (since: number, limit: AbortSignal): Promise<void> => {
    await waitForSsh({ configFile: sshConfigFile, alias: 'lab' }, machine, limit);
    onPhase('boot to sshd', performance.now() - since);
    await must(waitForServices, { signal: limit });
    onPhase('boot to database', performance.now() - since);
  };
  await becomeReady(start, limit);

  const owned = started.move();
  return {
    sshConfigFile,
    identityFile: image.identityFile,
    knownHostsFile: join(folder.path, 'known_hosts'),
    hostKey: image.hostKey,
    proxy,
    directory: folder.path,
    consoleLog: machine.consoleLog,
    run,
    must,
    traces: async ({ signal }) => await findTraces(run, signal),
    freezeState: async ({ seconds, signal }) => await probeWrites(run, seconds, signal),
    kill: async () => {
      await machine.kill();
    },
    reboot: async ({ signal }) => {
      await machine.kill();
      machine = await boot(signal);
      await becomeReady(performance.now(), AbortSignal.any([signal, AbortSignal.timeout(bootLimitMs)]));
    },
    suspend: async () => {
      await machine.suspend();
    },
    resume: async () => {
      await machine.resume();
    },
    [Symbol.asyncDispose]: async () => {
      await owned.disposeAsync();
    },
  };
}
