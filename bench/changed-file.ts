/**
 * A large file of which little changed, beside restic over SFTP: both have it from the run before, in a repository of their own.
 * Where the changes lie decides what a piece of a file is worth: each page that changed alone makes a piece new, of 96 pages.
 */
import { mkdir, open } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { formatBytes } from '../shared/base/bytes.ts';
import { GIVE_BACK, SMALL_HEAP } from '../shared/jobs/launch.ts';
import { createLocalBackend } from '../shared/repository/backend/local.ts';
import { createRepository } from '../shared/repository/open-repository.ts';
import { startLocalSshd } from '../test/lab/local-sshd.ts';
import type { LiveReaderFigures, LiveReaderOrder } from '../test/support/live-reader.ts';
import { chanceFrom } from '../test/support/seeded.ts';
import { temporaryFolder } from '../test/support/temporary-folder.ts';
import { measured, type Taken } from './measured.ts';
import { makeLargeFile } from './samples.ts';

const PAGE_BYTES = 16 * 1024;
const SHARE = 0.01;
/** Of pages beside each other, in the places of the second sample. */
const PLACES = 12;
const PASSWORD = 'a password for measurements';
const RESTIC_ENV = { RESTIC_PASSWORD: PASSWORD, RESTIC_PROGRESS_FPS: '0' };

const SAMPLES = ['at random', 'in 12 places', 'at the end'] as const;
type Sample = (typeof SAMPLES)[number];

/** @param program of ours, to compare one version with another */
export async function measureChangedFile(
  { rounds, mib, program }: { readonly rounds: number; readonly mib: number; readonly program: string | undefined },
  signal: AbortSignal,
): Promise<void> {
  await using folder = await temporaryFolder();
  await using sshd = await startLocalSshd({}, signal);
  const { sshConfigFile } = sshd;
  const place = (name: string): string => join(folder.path, name);
  const [dir, file] = [place('source'), place('source/database')];
  await mkdir(dir);
  await makeLargeFile(file, mib * 1024 ** 2);
  await (await createRepository(createLocalBackend(place('ours')), PASSWORD, signal)).close();

  const order: LiveReaderOrder = {
    ...{ sshConfigFile, dir, repository: place('ours'), password: PASSWORD, workFolder: folder.path },
  };
  const ours = (): Promise<Taken> => {
    const reader = program ?? join(import.meta.dirname, 'live-reader.ts');
    const args = [...SMALL_HEAP, reader, JSON.stringify(order)];
    return measured(process.execPath, args, { cancelSignal: signal, env: GIVE_BACK });
  };
  const command = `sftp.command=ssh -F ${sshConfigFile} local -s sftp`;
  const common = ['--quiet', '--cache-dir', place('cache'), '--repo', `sftp:local:${place('theirs')}`, '-o', command];
  const restic = (...args: readonly string[]): Promise<Taken> =>
    measured('restic', [...common, ...args], { cancelSignal: signal, env: RESTIC_ENV });
  await restic('init');
  await restic('backup', dir);
  await ours();

  for (const sample of SAMPLES) {
    const [our, their]: [Taken[], Taken[]] = [[], []];
    let figures: LiveReaderFigures | undefined;
    for (let round = 0; round < rounds; round += 1) {
      await change(file, sample, round);
      await execa('sh', ['-c', 'sync; cat "$0" > /dev/null', file]);
      const runOurs = async (): Promise<void> => {
        const taken = await ours();
        figures = JSON.parse(taken.stdout) as LiveReaderFigures;
        our.push(taken);
      };
      if (round % 2 === 0) await runOurs();
      their.push(await restic('backup', dir));
      if (round % 2 === 1) await runOurs();
    }
    const [best, beside] = [our, their].map(shortest) as [Taken, Taken];
    const { bytesReceived = 0, bytesStored = 0 } = figures?.report ?? {};
    console.log(`\n  1 % of the pages of a file of ${mib} MiB, ${sample}; shortest of ${rounds} rounds`);
    console.log(`    stillpoint ${inWords(best)}, restic over sftp ${inWords(beside)}: ${ratio(best, beside)}`);
    console.log(`    came ${formatBytes(bytesReceived)}, stored ${formatBytes(bytesStored)}`);
  }
}

const shortest = (all: readonly Taken[]): Taken => all.toSorted((a, b) => a.seconds - b.seconds)[0] as Taken;
const inWords = ({ seconds, cpuSeconds }: Taken): string => `${seconds.toFixed(2)} s (CPU ${cpuSeconds.toFixed(1)} s)`;
const ratio = (ours: Taken, theirs: Taken): string => (ours.seconds / theirs.seconds).toFixed(2);

async function change(path: string, sample: Sample, round: number): Promise<void> {
  await using file = await open(path, 'r+');
  const { size } = await file.stat();
  const pages = Math.floor(size / PAGE_BYTES);
  const count = Math.round(pages * SHARE);
  const chance = chanceFrom(SAMPLES.indexOf(sample) * 1000 + round);
  const run = Math.round(count / PLACES);
  const starts = Array.from({ length: PLACES }, () => chance.below(pages - run));
  for (let n = 0; n < count; n += 1) {
    const pageOf: Readonly<Record<Sample, () => number>> = {
      'at random': () => chance.below(pages),
      'in 12 places': () => (starts[n % PLACES] ?? 0) + Math.floor(n / PLACES),
      'at the end': () => pages + n,
    };
    // Half of a page is noise, so that it does not shrink to nothing.
    const page = Buffer.concat([chance.bytes(PAGE_BYTES / 2), Buffer.alloc(PAGE_BYTES / 2, `page ${n} of ${round}`)]);
    await file.write(page, 0, PAGE_BYTES, pageOf[sample]() * PAGE_BYTES);
  }
}
