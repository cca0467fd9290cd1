/**
 * What is done with a repository, beside restic doing the same with the same one, in turn: open and list at millions of
 * blobs, and pack. All on a local disk; the page cache is warm for both. Keys are cheap, so that deriving them does not
 * hide the rest.
 */
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { formatBytes } from '../shared/base/bytes.ts';
import { GIVE_BACK, SMALL_HEAP } from '../shared/jobs/launch.ts';
import { createLocalBackend } from '../shared/repository/backend/local.ts';
import { temporaryFolder } from '../test/support/temporary-folder.ts';
import { createTestRepository, PASSWORD } from '../test/support/test-repository.ts';
import { bundleProgram } from './bundled.ts';
import { addManyBlobs } from './many-blobs.ts';
import { measured, type Taken } from './measured.ts';
import type { ListFigures, ProgramFigures, ProgramOrder } from './program.ts';
import { makeLargeFile, makeSmallFiles } from './samples.ts';

export interface BesideOptions {
  readonly rounds: number;
  /** In the index to open; 0 leaves this out, as with `mib`. */
  readonly blobs: number;
  /** Of files to pack: a quarter in small ones, the rest in four large ones. */
  readonly mib: number;
}

interface Contestant {
  readonly name: string;
  readonly run: () => Promise<Taken>;
}

/** What an index may take in memory; of fewer blobs, it is what everything else takes that counts. */
const LIMIT_BYTES_A_BLOB = 120;
const LIMIT_COUNTS_FROM = 2_000_000;
const MIB = 1024 ** 2;
const MEAN_SMALL_BYTES = 6100;
const RESTIC_ENV = { RESTIC_PASSWORD: PASSWORD, RESTIC_PROGRESS_FPS: '0' };

/** Returns whether the index stayed under its limit. */
export async function measureBesideRestic(options: BesideOptions, signal: AbortSignal): Promise<boolean> {
  await using folder = await temporaryFolder();
  const place = (name: string): string => join(folder.path, name);
  const program = await bundleProgram(place('program'));
  // Beside the program, for modules in it are ES modules by its word.
  await writeFile(place('package.json'), '{"type":"module"}');
  const emptyRepository = async (name: string): Promise<string> => {
    await rm(place(name), { recursive: true, force: true });
    await (await createTestRepository(createLocalBackend(place(name)))).close();
    return place(name);
  };
  const ours = (order: Omit<ProgramOrder, 'password'>): Promise<Taken> => {
    const text = JSON.stringify({ ...order, password: PASSWORD });
    const env = order.do === 'pack' ? GIVE_BACK : {};
    return measured(process.execPath, [...SMALL_HEAP, program, text], { cancelSignal: signal, env });
  };
  const restic = (repository: string, ...args: readonly string[]): Promise<Taken> =>
    measured('restic', ['--no-cache', '--quiet', '--repo', repository, ...args], {
      cancelSignal: signal,
      env: RESTIC_ENV,
    });

  const empty = await emptyRepository('empty');
  await compare('start alone', options.rounds, [
    { name: 'stillpoint, bundled', run: () => ours({ do: 'start', repository: empty }) },
    { name: 'restic cat config', run: () => restic(empty, 'cat', 'config') },
  ]);

  let fits = true;
  if (options.blobs > 0) {
    const repository = await createTestRepository(createLocalBackend(place('many')));
    await addManyBlobs(repository, options.blobs, signal);
    await repository.close();
    const grown: number[] = [];
    const list = async (): Promise<Taken> => {
      const taken = await ours({ do: 'list', repository: place('many') });
      const { blobs, grownBytes } = (JSON.parse(taken.stdout) as ProgramFigures).result as ListFigures;
      grown.push(grownBytes / blobs);
      return taken;
    };
    await compare(`open and list, ${options.blobs} blobs`, options.rounds, [
      { name: 'stillpoint', run: list },
      { name: 'restic ls', run: () => restic(place('many'), 'ls', 'latest') },
    ]);
    const most = Math.max(...grown);
    fits = options.blobs < LIMIT_COUNTS_FROM || most <= LIMIT_BYTES_A_BLOB;
    const verdict = fits ? '' : `, OVER THE LIMIT of ${LIMIT_BYTES_A_BLOB}`;
    console.log(`    stillpoint's memory grew by ${most.toFixed(0)} bytes a blob at most${verdict}`);
    await rm(place('many'), { recursive: true });
  }

  if (options.mib === 0) return fits;
  const smallFiles = Math.round((options.mib * MIB) / 4 / MEAN_SMALL_BYTES);
  const largeBytes = Math.round((options.mib * 3) / 16) * MIB;
  await mkdir(place('large'));
  await makeSmallFiles(place('small'), smallFiles);
  for (const number of [1, 2, 3, 4]) await makeLargeFile(place(`large/log-${number}`), largeBytes, number);
  const samples = [
    { kind: 'small', what: `${smallFiles} small files` },
    { kind: 'large', what: `4 files of ${formatBytes(largeBytes)}` },
  ] as const;
  for (const { kind, what } of samples) {
    const source = place(kind);
    const pack = (workers: number) => async (): Promise<Taken> => {
      const repository = await emptyRepository('packed');
      return await ours({ do: 'pack', repository, folder: source, workers });
    };
    await compare(`pack ${what} into a new repository`, options.rounds, [
      { name: 'stillpoint, 2 workers', run: pack(2) },
      { name: 'stillpoint, 1 worker', run: pack(1) },
      { name: 'restic backup', run: async () => restic(await emptyRepository('packed'), 'backup', source) },
    ]);
  }
  return fits;
}

/** The shortest of several runs is what the program can do; on a machine with other work, the rest is the others'. */
async function compare(what: string, rounds: number, contestants: readonly Contestant[]): Promise<void> {
  const taken = contestants.map((): Taken[] => []);
  for (let round = 0; round < rounds; round += 1) {
    for (const [index, { run }] of contestants.entries()) taken[index]?.push(await run());
  }
  console.log(`\n  ${what}; shortest of ${rounds} rounds, CPU of the same run`);
  const best = taken.map((runs) => runs.toSorted((a, b) => a.seconds - b.seconds)[0] as Taken);
  for (const [index, { name }] of contestants.entries()) {
    const { seconds, cpuSeconds } = best[index] as Taken;
    const ratio = seconds / (best[0]?.seconds ?? seconds);
    const peak = Math.max(...(taken[index] ?? []).map(({ peakBytes }) => peakBytes));
    const each = (taken[index] ?? []).map((run) => run.seconds.toFixed(1)).join(' ');
    console.log(
      `    ${seconds.toFixed(2).padStart(7)} s  x${ratio.toFixed(2)}  ${cpuSeconds.toFixed(1).padStart(5)} s CPU  ${formatBytes(peak).padStart(10)} peak  ${name}  (${each})`,
    );
  }
}
