/**
 * A guest for tests: a throw-away Debian host with a real device-mapper, booted in seconds from the cached image on
 * copy-on-write disks. Invariant: whatever happens to the test, no process, namespace or file of the guest outlives
 * it; see `guest-process.ts` and `temporary-folder.ts` for how.
 */
import { join } from 'node:path';
import { execa } from 'execa';
import type { CuttableProxy } from './cuttable-proxy.ts';
import { startCuttableProxy } from './cuttable-proxy.ts';
import { type GuestImage, guestImage } from './guest-image.ts';
import type { GuestKind } from './guest-kind.ts';
import type { GuestProcess } from './guest-process.ts';
import { startGuestProcess } from './guest-process.ts';
import type { GuestAlias } from './guest-ssh.ts';
import { waitForSsh, writeGuestSshConfig } from './guest-ssh.ts';
import type { Trace, WriteProbe } from './guest-traces.ts';
import { findTraces, probeWrites } from './guest-traces.ts';
import { lastWords } from './guest-watch.ts';
import type { RunResult } from './open-ssh.ts';
import { runOverSsh } from './open-ssh.ts';
import { type Progress, runPhase, silentProgress } from './progress.ts';
import { SharedConnection } from './shared-connection.ts';
import { createTemporaryFolder } from './temporary-folder.ts';
import { noteFailure, noteKernel, whyNoGuestStarts } from './test-run.ts';

export interface GuestOptions {
  /** Memory of the guest; taken from the machine only as the guest uses it. */
  readonly memoryMiB?: number;
  /** Called with the phases of building, when the image is not cached, and of booting. */
  readonly progress?: Progress;
  /** Empty disks beside those of the image, in MiB: the third one of the machine and so on. */
  readonly spareDisksMiB?: readonly number[];
  /** Another one than the plain one. */
  readonly kind?: GuestKind;
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
  /** Aborted when the guest has ended, with how; after a reboot it is another one. */
  readonly endedSignal: AbortSignal;
  /** Runs a shell script in the guest over the plain OpenSSH client, as root by default. */
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

/**
 * An emulated machine on a busy one takes minutes; one that hangs is noticed long before. Together they are shorter than what
 * tests wait for a guest, so that it is said which of them took so long, with the last words of the console.
 */
const bootSeconds = 180;
const serviceSeconds = 100;
const waitForServices = `i=0
until mountpoint -q /srv/files && mountpoint -q /srv/thin && mariadb-admin --silent ping; do
  i=$((i + 1)); [ $i -lt 300 ] || { systemctl --failed; journalctl -b -n 50; exit 1; }
  sleep 0.3
done`;

/**
 * Boots a fresh guest, its volumes mounted and its database answering. Dispose it to end it and remove all traces.
 * Where the first guest of a run of tests could not start, no other one tries.
 */
export async function startGuest(options: GuestOptions, signal: AbortSignal): Promise<Guest> {
  const known = await whyNoGuestStarts();
  if (known !== undefined) throw new Error(`No guest starts in this run of tests, as an earlier one found: ${known}`);
  const progress = options.progress ?? silentProgress;
  try {
    const image = await guestImage(progress, signal, options.kind);
    const guest = await bootGuest(image, { ...options, progress }, signal);
    await noteKernel(image.kernel.title);
    return guest;
  } catch (error) {
    if (!signal.aborted) await noteFailure((error as Error).message);
    throw error;
  }
}

async function bootGuest(
  image: GuestImage,
  { memoryMiB = 768, spareDisksMiB = [], progress }: GuestOptions & { readonly progress: Progress },
  signal: AbortSignal,
): Promise<Guest> {
  await using started = new AsyncDisposableStack();
  const folder = started.use(await createTemporaryFolder('guest'));
  // The kernel's own copy-on-write files now and then give back old sectors to a device-mapper snapshot: one in twenty
  // XFS snapshots had a torn log. A sparse copy costs half a second and is a disk like any other.
  const dataDisk = join(folder.path, 'data.img');
  await runPhase({ name: "the guest's disk", seconds: 120 }, { progress, signal }, async (limit) => {
    await execa('cp', ['--sparse=always', '--reflink=auto', '--', image.dataDisk, dataDisk], { cancelSignal: limit });
  });
  const spareDisks = spareDisksMiB.map((_, index) => join(folder.path, `spare-${String(index)}.img`));
  for (const [index, disk] of spareDisks.entries()) {
    await execa('truncate', ['--size', `${String(spareDisksMiB[index])}M`, disk], { cancelSignal: signal });
  }
  const boot = async (): Promise<GuestProcess> =>
    await startGuestProcess(
      {
        kernel: image.kernel,
        directory: folder.path,
        disks: [
          { copyOnWrite: join(folder.path, 'root.cow'), base: image.rootDisk },
          { image: dataDisk },
          ...spareDisks.map((disk) => ({ image: disk })),
        ],
        memoryMiB,
      },
      signal,
    );
  let machine = await boot();
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

  const shared = started.use(new SharedConnection({ configFile: sshConfigFile, alias: 'lab' }, folder.path));

  const run: Guest['run'] = async (script, { signal, as = 'lab' }) => {
    const current = machine;
    current.endedSignal.throwIfAborted();
    return await runOverSsh({ configFile: sshConfigFile, alias: as }, script, {
      signal: AbortSignal.any([signal, current.endedSignal]),
      options: as === 'lab' ? shared.options() : [],
    });
  };
  const must: Guest['must'] = async (script, options) => {
    const result = await run(script, options);
    if (result.code !== 0) {
      throw new Error(`In the guest, code ${String(result.code)}: ${script}\n${result.stderr}${result.stdout}`);
    }
    return result.stdout;
  };
  const becomeReady = async (signal: AbortSignal): Promise<void> => {
    try {
      await runPhase({ name: 'the guest boots', seconds: bootSeconds }, { progress, signal }, async (limit) => {
        await waitForSsh({ configFile: sshConfigFile, alias: 'lab' }, machine, limit);
      });
      await runPhase({ name: "the guest's database", seconds: serviceSeconds }, { progress, signal }, async (limit) => {
        await must(waitForServices, { signal: limit });
      });
    } catch (error) {
      if (signal.aborted || machine.hasEnded()) throw error;
      throw new Error(`${(error as Error).message}. ${lastWords(machine.consoleLog)}`, { cause: error });
    }
  };
  await becomeReady(signal);

  const owned = started.move();
  return {
    sshConfigFile,
    identityFile: image.identityFile,
    knownHostsFile: join(folder.path, 'known_hosts'),
    hostKey: image.hostKey,
    proxy,
    directory: folder.path,
    consoleLog: machine.consoleLog,
    get endedSignal() {
      return machine.endedSignal;
    },
    run,
    must,
    traces: async ({ signal }) => await findTraces(run, signal),
    freezeState: async ({ seconds, signal }) => await probeWrites(run, seconds, signal),
    kill: async () => {
      await shared[Symbol.asyncDispose]();
      await machine.kill();
    },
    reboot: async ({ signal }) => {
      await shared[Symbol.asyncDispose]();
      await machine.kill();
      machine = await boot();
      await becomeReady(signal);
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
