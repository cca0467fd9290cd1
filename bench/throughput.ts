/**
 * How fast reading and storing is at native speed, beside programs that people use for the same: all over the same
 * private sshd on this machine, on the same data, in turn, so that noise of the machine hits all of them alike.
 * A first backup goes into a fresh repository each time.
 */
import { mkdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { formatBytes } from '../shared/base/bytes.ts';
import { GIVE_BACK, SMALL_HEAP } from '../shared/jobs/launch.ts';
import { createLocalBackend } from '../shared/repository/backend/local.ts';
import { createRepository } from '../shared/repository/open-repository.ts';
import { startLocalSshd } from '../test/lab/local-sshd.ts';
import type { LiveReaderFigures, LiveReaderOrder } from '../test/support/live-reader.ts';
import { temporaryFolder } from '../test/support/temporary-folder.ts';
import { makeLargeFile, makeSmallFiles } from './samples.ts';

export interface ThroughputOptions {
  readonly rounds: number;
  /** 0 leaves this sample out, as with `largeBytes`. */
  readonly smallFiles: number;
  readonly largeBytes: number;
}

interface Setting {
  readonly sshConfigFile: string;
  readonly dir: string;
  /** Emptied before each first backup. */
  readonly store: string;
}

interface Contestant {
  readonly name: string;
  /** Programs that must be on this machine. */
  readonly programs: readonly string[];
  prepare(setting: Setting, signal: AbortSignal): Promise<unknown>;
  run(setting: Setting, signal: AbortSignal): Promise<unknown>;
  /** Has a way to see what has not changed; then `run` is measured a second time on the same store. */
  readonly rescans: boolean;
}

const PASSWORD = 'a password for measurements';
const RESTIC_ENV = { RESTIC_PASSWORD: PASSWORD, RESTIC_PROGRESS_FPS: '0' };
const BORG_ENV = {
  BORG_PASSPHRASE: PASSWORD,
  BORG_RELOCATED_REPO_ACCESS_IS_OK: 'yes',
  BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK: 'yes',
};
const peaks: number[] = [];

const CONTESTANTS: readonly Contestant[] = [
  {
    name: 'stillpoint: ssh, list and tar, into a local repository',
    programs: [],
    rescans: true,
    prepare: async ({ store }, signal) => {
      const repository = await createRepository(createLocalBackend(join(store, 'repository')), PASSWORD, signal);
      await repository.close();
    },
    run: async ({ sshConfigFile, dir, store }, signal) => {
      const order: LiveReaderOrder = {
        sshConfigFile,
        dir,
        repository: join(store, 'repository'),
        password: PASSWORD,
        workFolder: store,
      };
      const program = join(import.meta.dirname, 'live-reader.ts');
      const { stdout } = await execa(process.execPath, [...SMALL_HEAP, program, JSON.stringify(order)], {
        cancelSignal: signal,
        env: GIVE_BACK,
      });
      peaks.push((JSON.parse(stdout) as LiveReaderFigures).peakBytes);
    },
  },
  {
    name: 'restic, no ssh: local files into a local repository',
    programs: ['restic'],
    rescans: true,
    prepare: ({ store }, signal) => restic(store, join(store, 'repository'), ['init'], signal),
    run: ({ store, dir }, signal) => restic(store, join(store, 'repository'), ['backup', dir], signal),
  },
  {
    name: 'restic: local files into a repository over sftp',
    programs: ['restic'],
    rescans: true,
    prepare: (setting, signal) => resticSftp(setting, ['init'], signal),
    run: (setting, signal) => resticSftp(setting, ['backup', setting.dir], signal),
  },
  {
    name: 'borg, zstd: local files into a repository over ssh',
    programs: ['borg'],
    rescans: true,
    prepare: (setting, signal) => borg(setting, ['init', '--encryption=repokey-blake2', borgUrl(setting)], signal),
    run: (setting, signal) =>
      borg(setting, ['create', '--compression=zstd,3', `${borgUrl(setting)}::{now:%s.%f}`, setting.dir], signal),
  },
  {
    name: 'ssh tar | zstd -1: no encryption at rest, no deduplication',
    programs: ['tar', 'zstd'],
    rescans: false,
    prepare: async () => undefined,
    run: ({ sshConfigFile, dir, store }, signal) =>
      execa(
        'bash',
        [
          '-c',
          'set -o pipefail; ssh -F "$0" local "tar -cf - -C $1 ." | zstd -1 -q -o "$2"',
          sshConfigFile,
          dir,
          join(store, 'all.tar.zst'),
        ],
        { cancelSignal: signal },
      ),
  },
  {
    name: 'rsync -a: a plain copy',
    programs: ['rsync'],
    rescans: true,
    prepare: async () => undefined,
    run: ({ sshConfigFile, dir, store }, signal) =>
      execa('rsync', ['-a', '-e', `ssh -F ${sshConfigFile}`, `local:${dir}/`, `${join(store, 'copy')}/`], {
        cancelSignal: signal,
      }),
  },
];

export async function measureThroughput(options: ThroughputOptions, signal: AbortSignal): Promise<void> {
  await using folder = await temporaryFolder();
  await using sshd = await startLocalSshd({}, signal);
  const { sshConfigFile } = sshd;
  const samples: { readonly what: string; readonly dir: string }[] = [];
  if (options.smallFiles > 0) {
    const dir = join(folder.path, 'small');
    await makeSmallFiles(dir, options.smallFiles);
    samples.push({ what: `${options.smallFiles} small files, ${formatBytes(await sizeOf(dir))}`, dir });
  }
  if (options.largeBytes > 0) {
    const dir = join(folder.path, 'large');
    await mkdir(dir);
    await makeLargeFile(join(dir, 'log.txt'), options.largeBytes);
    samples.push({ what: `one file of ${formatBytes(options.largeBytes)}, a log`, dir });
  }
  const contestants = await present(CONTESTANTS);
  for (const { what, dir } of samples) {
    console.log(`\n${what}; medians of ${options.rounds} rounds`);
    const firsts = contestants.map((): number[] => []);
    const rescans = contestants.map((): number[] => []);
    const stored = contestants.map(() => 0);
    for (let round = 0; round < options.rounds; round += 1) {
      for (const [index, contestant] of contestants.entries()) {
        const store = join(folder.path, 'store');
        await mkdir(store);
        const setting = { sshConfigFile, dir, store };
        await contestant.prepare(setting, signal);
        // Everybody finds the same calm disk and a warm cache of the source.
        await execa('sh', ['-c', 'sync; cat "$0"/* "$0"/*/* > /dev/null 2>&1; true', dir]);
        firsts[index]?.push(await seconds(() => contestant.run(setting, signal)));
        if (contestant.rescans) rescans[index]?.push(await seconds(() => contestant.run(setting, signal)));
        stored[index] = await sizeOf(store);
        await rm(store, { recursive: true });
      }
    }
    print('first backup', contestants, firsts, stored);
    print('again, nothing changed', contestants, rescans, undefined);
  }
  console.log(`\nstillpoint's peak memory in these runs: ${formatBytes(Math.max(...peaks))}`);
}

function print(
  what: string,
  contestants: readonly Contestant[],
  times: readonly (readonly number[])[],
  stored: readonly number[] | undefined,
): void {
  console.log(`  ${what}`);
  const ours = median(times[0] ?? []);
  for (const [index, { name }] of contestants.entries()) {
    const all = times[index] ?? [];
    if (all.length === 0) continue;
    const ratio = median(all) / ours;
    const size = stored === undefined ? '' : `  ${formatBytes(stored[index] ?? 0).padStart(10)} stored`;
    const each = all.map((time) => time.toFixed(1)).join(' ');
    console.log(`    ${median(all).toFixed(2).padStart(7)} s  x${ratio.toFixed(2)}${size}  ${name}  (${each})`);
  }
}

async function present(contestants: readonly Contestant[]): Promise<readonly Contestant[]> {
  const found: Contestant[] = [];
  for (const contestant of contestants) {
    const missing: string[] = [];
    for (const program of contestant.programs) {
      const { exitCode } = await execa('sh', ['-c', 'command -v "$0"', program], { reject: false });
      if (exitCode !== 0) missing.push(program);
    }
    if (missing.length === 0) found.push(contestant);
    else console.log(`skipped, since ${missing.join(' and ')} is not installed: ${contestant.name}`);
  }
  return found;
}

function restic(store: string, repository: string, args: readonly string[], signal: AbortSignal) {
  const common = ['--quiet', '--cache-dir', join(store, 'cache'), '--repo', repository];
  return execa('restic', [...common, ...args], { cancelSignal: signal, env: RESTIC_ENV });
}

function resticSftp({ sshConfigFile, store }: Setting, args: readonly string[], signal: AbortSignal) {
  const command = `sftp.command=ssh -F ${sshConfigFile} local -s sftp`;
  return restic(store, `sftp:local:${join(store, 'repository')}`, ['-o', command, ...args], signal);
}

const borgUrl = ({ store }: Setting): string => `ssh://local${join(store, 'repository')}`;

function borg({ sshConfigFile, store }: Setting, args: readonly string[], signal: AbortSignal) {
  const env = { ...BORG_ENV, BORG_RSH: `ssh -F ${sshConfigFile}`, BORG_BASE_DIR: join(store, 'base') };
  return execa('borg', [...args], { cancelSignal: signal, env });
}

async function sizeOf(path: string): Promise<number> {
  if ((await stat(path)).isFile()) return (await stat(path)).size;
  return Number((await execa('du', ['-sb', path])).stdout.split('\t')[0]);
}

async function seconds(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work();
  return (performance.now() - started) / 1000;
}

function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
