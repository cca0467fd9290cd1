/**
 * The whole way, once: a living database in a throw-away guest is backed up over SSH while it goes on being written,
 * proved by restic, restored by restic and by us, compared, and started from the restored files. The demo tells it,
 * and the end-to-end test asserts what it found.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import type { RunEvent } from '../../shared/domain/events.ts';
import type { BackupReport } from '../../shared/domain/report.ts';
import { startGuest } from '../lab/guest.ts';
import type { Trace } from '../lab/guest-traces.ts';
import { committedBefore, type JournalEntry, startedBefore, startWriter } from '../lab/living-writer.ts';
import { createTemporaryFolder } from '../lab/temporary-folder.ts';
import { describeTree, treeDifferences } from '../support/describe-tree.ts';
import { type CommandLine, commandLine } from './command-line.ts';
import { type Rehearsal, rehearseDatabase } from './rehearsal.ts';

export interface StoryTeller {
  /** A chapter ended. */
  chapter(title: string, durationMs: number, facts?: readonly string[]): void;
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

export async function tellStory(teller: StoryTeller, signal: AbortSignal): Promise<Story> {
  const chapter = async <T>(
    title: string,
    work: () => Promise<T>,
    facts?: (result: T) => readonly string[],
  ): Promise<T> => {
    const started = performance.now();
    const result = await work();
    teller.chapter(title, performance.now() - started, facts?.(result));
    return result;
  };
  await using folder = await createTemporaryFolder('story');
  await using guest = await chapter('A guest with LVM and MariaDB is up', () => startGuest({}, signal));
  await using writer = await chapter('A writer commits orders and rewrites files', async () => {
    const started = await startWriter(guest, {}, signal);
    await started.waitForOrders(25, signal);
    return started;
  });
  const cli = await chapter('A repository is created', () => prepare(folder.path, guest.sshConfigFile, signal));

  const onEvent = (event: RunEvent): void => teller.event(event);
  const first = await chapter('Backed up over SSH while the writer went on', () => backUp(cli, onEvent, signal));
  await writer.waitForOrders(10, signal);
  const second = await chapter('Backed up again', () => backUp(cli, onEvent, signal));
  const traces = await chapter(
    'Looked for traces on the guest',
    () => guest.traces({ signal }),
    (found) =>
      found.length === 0
        ? ['none: no snapshot, mount, process, unit or file']
        : found.map((trace) => `${trace.kind}: ${trace.description}`),
  );
  const journal = await writer.stop(signal);

  const restic = resticAt(join(folder.path, 'repository'), folder.path);
  const resticCheck = await chapter(
    'restic check --read-data',
    () => restic(['check', '--read-data'], signal),
    lastLine,
  );
  const byRestic = join(folder.path, 'by-restic');
  const byUs = join(folder.path, 'by-stillpoint');
  await chapter('Restored by restic', () => restic(['restore', first.restorePoint, '--target', byRestic], signal));
  await chapter('Restored by Stillpoint', () =>
    cli.follow(['restore', first.restorePoint, '--to', byUs], onEvent, signal),
  );
  const differences = await chapter(
    'Compared both, bytes and metadata',
    () => compare(byRestic, byUs),
    (found) => (found.length === 0 ? ['equal'] : found),
  );
  const rehearsal = await chapter('MariaDB started on the restored files', () =>
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
