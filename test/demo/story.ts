/**
 * The whole way, once: a living database in a throw-away guest is backed up over SSH while it goes on being written,
 * proved by restic, restored by restic and by us, compared, and started from the restored files. The demo tells it,
 * and the end-to-end test asserts what it found.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import type { RunEvent } from '../../shared/domain/events.ts';
import type { BackupReport } from '../../shared/domain/verbs/backup.ts';
import { startGuest } from '../lab/guest.ts';
import type { Trace } from '../lab/guest-traces.ts';
import { committedBefore, type JournalEntry, startedBefore, startWriter } from '../lab/living-writer.ts';
import { type Progress, runPhase } from '../lab/progress.ts';
import { createTemporaryFolder } from '../lab/temporary-folder.ts';
import { describeTree, treeDifferences } from '../support/describe-tree.ts';
import { type CommandLine, commandLine } from './command-line.ts';
import { type Rehearsal, rehearseDatabase } from './rehearsal.ts';
import { endingRunners } from './runners.ts';

export interface StoryTeller {
  /** Each chapter is a phase. */
  readonly progress: Progress;
  event(event: RunEvent): void;
}

export interface Story {
  readonly first: BackupReport;
  /** Taken right after, with nothing but the writer's own changes in between. */
  readonly second: BackupReport;
  readonly resticCheck: string;
  /** Between restic's restore and ours. */
  readonly differences: readonly string[];
  readonly rehearsal: Rehearsal;
  /** Orders whose commit had returned before the snapshot began; all must be there. */
  readonly committedBefore: number;
  /** Orders that had been started when it was over; none beyond may be there. */
  readonly startedBefore: number;
  readonly traces: readonly Trace[];
}

const PASSWORD = 'a throw-away password for a throw-away guest';
const PATHS = ['/var/lib/mysql', '/srv/files'];

/** No chapter takes a quarter of this in a guest on User-Mode Linux; one that is emulated is several times slower. */
const CHAPTER_SECONDS = 600;

export async function tellStory(teller: StoryTeller, outer: AbortSignal): Promise<Story> {
  const { progress } = teller;
  const event = (happened: RunEvent): void => teller.event(happened);
  await using folder = await createTemporaryFolder('story');
  await using guest = await startGuest({ progress }, outer);
  progress.note('A guest with LVM and MariaDB is up');
  const context = { progress, signal: AbortSignal.any([outer, guest.endedSignal]) };
  const chapter = async <T>(
    title: string,
    work: (signal: AbortSignal) => Promise<T>,
    facts: (result: T) => readonly string[] = () => [],
  ): Promise<T> => {
    const result = await runPhase({ name: title, seconds: CHAPTER_SECONDS }, context, work);
    for (const fact of facts(result)) progress.note(fact);
    return result;
  };
  await using writer = await chapter('A writer commits orders and rewrites files', async (signal) => {
    const started = await startWriter(guest, {}, outer);
    await started.waitForOrders(25, signal);
    return started;
  });
  await using _runners = endingRunners(join(folder.path, 'state'));
  const cli = await chapter('A repository is created', (signal) => prepare(folder.path, guest.sshConfigFile, signal));

  const first = await chapter('Backed up over SSH while the writer went on', (signal) => backUp(cli, event, signal));
  const second = await chapter('Backed up again', async (signal) => {
    await writer.waitForOrders(10, signal);
    return await backUp(cli, event, signal);
  });
  const traces = await chapter(
    'Looked for traces on the guest',
    (signal) => guest.traces({ signal }),
    (found) =>
      found.length === 0
        ? ['none: no snapshot, mount, process, unit or file']
        : found.map((trace) => `${trace.kind}: ${trace.description}`),
  );
  const journal = await chapter('The writer stopped', (signal) => writer.stop(signal));

  const restic = resticAt(join(folder.path, 'repository'), folder.path);
  const resticCheck = await chapter(
    'restic check --read-data',
    (signal) => restic(['check', '--read-data'], signal),
    lastLine,
  );
  const byRestic = join(folder.path, 'by-restic');
  const byUs = join(folder.path, 'by-stillpoint');
  await chapter('Restored by restic', (signal) =>
    restic(['restore', first.restorePoint, '--target', byRestic], signal),
  );
  await chapter('Restored by Stillpoint', (signal) =>
    cli.follow(['restore', first.restorePoint, '--to', byUs], event, signal),
  );
  const differences = await chapter(
    'Compared both, bytes and metadata',
    () => compare(byRestic, byUs),
    (found) => (found.length === 0 ? ['equal'] : found),
  );
  const rehearsal = await chapter('MariaDB started on the restored files', (signal) =>
    rehearseDatabase(guest, join(byUs, 'var/lib/mysql'), signal),
  );
  return { first, second, resticCheck, differences, rehearsal, traces, ...bounds(first, journal) };
}

async function prepare(folder: string, sshConfigFile: string, signal: AbortSignal): Promise<CommandLine> {
  const passwordFile = join(folder, 'password');
  const configFile = join(folder, 'config.jsonc');
  await mkdir(join(folder, 'state'), { recursive: true });
  await writeFile(passwordFile, `${PASSWORD}\n`, { mode: 0o600 });
  const config = {
    hosts: { shop1: { ssh: 'lab', sshConfigFile } },
    repositories: { main: { location: join(folder, 'repository'), passwordFile } },
    sources: { shop: { host: 'shop1', paths: PATHS, repository: 'main' } },
  };
  await writeFile(configFile, JSON.stringify(config, undefined, 2));
  const cli = commandLine(configFile, join(folder, 'state'));
  await cli.ask(['init', 'main'], signal);
  return cli;
}

async function backUp(
  cli: CommandLine,
  onEvent: (event: RunEvent) => void,
  signal: AbortSignal,
): Promise<BackupReport> {
  const result = await cli.follow(['backup', 'shop'], onEvent, signal);
  if (result.kind !== 'backup') throw new Error(`a backup reported as ${result.kind}`);
  return result;
}

function resticAt(repository: string, folder: string) {
  return async (args: readonly string[], signal: AbortSignal): Promise<string> => {
    const { stdout } = await execa(
      'restic',
      ['--no-cache', '--repo', repository, '--password-file', join(folder, 'password'), ...args],
      {
        cancelSignal: signal,
        stdin: 'ignore',
      },
    );
    return stdout;
  };
}

const lastLine = (text: string): readonly string[] => [text.trim().split('\n').at(-1) ?? ''];

async function compare(left: string, right: string): Promise<readonly string[]> {
  const found: string[] = [];
  for (const path of PATHS) {
    const [expected, actual] = await Promise.all([describeTree(join(left, path)), describeTree(join(right, path))]);
    found.push(...treeDifferences(expected, actual).map((difference) => `${path}: ${difference}`));
  }
  return found;
}

/** The instant lies between two readings of uptime, which round down to 10 ms. */
function bounds(
  report: BackupReport,
  journal: readonly JournalEntry[],
): { committedBefore: number; startedBefore: number } {
  const instant = report.snapshots.find((snapshot) => snapshot.volume.endsWith('/mysql'))?.instant;
  if (instant === undefined) throw new Error('the database has no snapshot in the report');
  const nanoseconds = (seconds: number): bigint => BigInt(Math.round(seconds * 1000)) * 1_000_000n;
  return {
    committedBefore: committedBefore(journal, 'order', nanoseconds(instant.afterUptime)),
    startedBefore: startedBefore(journal, 'order', nanoseconds(instant.beforeUptime) + 10_000_000n),
  };
}
