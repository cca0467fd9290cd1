/**
 * The restore: from a restore point to an empty folder, with everything that was kept.
 *
 * The repository's tree becomes a tar stream, in bounded memory, and `tar -x` of the machine makes the files; so the
 * same verb can restore onto a host over SSH, and owners, attributes and ACLs are set by a program that has done so
 * for decades.
 *
 * Invariants. Nothing is ever overwritten: the folder is empty or new. Content was proved against its id before it is
 * sent; a file whose content is damaged is left out and named. What is reported as restored was accepted by tar and
 * counted in the folder afterwards.
 *
 * Crash story. Dying in the middle leaves a folder that is not complete, which the next restore refuses because it is
 * not empty. The repository is only read.
 */
import { displayName } from '../base/bytes.ts';
import type { Clock } from '../base/clock.ts';
import { StillpointError } from '../base/errors.ts';
import type { Logger } from '../base/log.ts';
import type { EmitEvent } from '../domain/events.ts';
import type { RestoreReport } from '../domain/report.ts';
import type { RemoteHost } from '../remote/remote-host.ts';
import type { Repository } from '../repository/repository.ts';
import type { RestorePoint } from '../repository/restore-point.ts';
import { writeTar } from '../tar/write-tar.ts';
import { phases } from './backup/phases.ts';
import { Outcome } from './restore/outcome.ts';
import { type Selection, selectPaths } from './restore/selection.ts';
import { tarItems } from './restore/tar-items.ts';
import { linesOf, parseTarMessage } from './restore/tar-messages.ts';
import { countTarget, extractTar, prepareTarget, removeBroken, type TargetFacts } from './restore/target.ts';
import { notAbsolute, refuseTarget, targetFull } from './restore/target-errors.ts';
import { walkSelected } from './restore/walk.ts';

export interface RestorePorts {
  /** The machine that gets the files: this one. */
  openHost(signal: AbortSignal): Promise<RemoteHost>;
  openRepository(signal: AbortSignal): Promise<Repository>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly emit: EmitEvent;
}

export interface RestoreRequest {
  /** An id, the start of one, or "latest". */
  readonly restorePoint: string;
  /** Absolute paths as the restore point holds them, in bytes; none means everything. */
  readonly paths: readonly Buffer[];
  /** An absolute path to a folder that is empty or does not exist. Paths keep all their folders below it. */
  readonly target: string;
}

/**
 * Fails with `restore.target` before anything is written or when the disk is full, with `restore.failed` when entries
 * are missing in the end (all others are there), and with `repository.…` errors.
 */
export async function restore(
  request: RestoreRequest,
  ports: RestorePorts,
  signal: AbortSignal,
): Promise<RestoreReport> {
  const { target } = request;
  if (!target.startsWith('/') || target.includes('\0')) throw notAbsolute(target);
  const phase = phases(ports.emit, ports.clock, signal);
  await using resources = new AsyncDisposableStack();

  const opened = await phase('open', async () => {
    const repository = resources.use(await ports.openRepository(signal));
    const lock = resources.use(await repository.lock('shared', signal));
    await repository.loadIndex(signal);
    const point = await repository.findRestorePoint(request.restorePoint, signal);
    const selection = await selectPaths(repository, point.tree, request.paths, signal);
    const host = resources.use(await ports.openHost(signal));
    const facts = await host.run(prepareTarget(target), signal);
    refuseTarget(target, facts);
    return { repository, lock, point, selection, host, facts };
  });

  const { point, host, facts } = opened;
  const held = AbortSignal.any([signal, opened.lock.signal]);
  const outcome = new Outcome(ports.emit);
  await phase('restore', () => extract({ ...opened, target, outcome }, ports, held));
  const figures = await phase('verify', async () => {
    if (outcome.broken.length > 0) await host.run(removeBroken(target, outcome.broken), held);
    const failure = outcome.failure(target);
    if (failure !== undefined) throw failure;
    const counted = await count(host, target, facts, outcome, held);
    outcome.tellNotKept();
    return counted;
  });
  const { sent, leftOut, notKept } = outcome;
  return { kind: 'restore', restorePoint: point.id, target, ...figures, bytes: sent.bytes, leftOut, notKept };
}

interface Extraction {
  readonly repository: Repository;
  readonly point: RestorePoint;
  readonly selection: Selection;
  readonly host: RemoteHost;
  readonly facts: TargetFacts;
  readonly target: string;
  readonly outcome: Outcome;
}

async function extract(extraction: Extraction, ports: RestorePorts, signal: AbortSignal): Promise<void> {
  const { repository, point, selection, host, facts, target, outcome } = extraction;
  const isRoot = facts.uid === 0;
  const totals = selection === 'all' ? point.statistics : undefined;
  const progress = (): void =>
    ports.emit({
      type: 'progress',
      phase: 'restore',
      filesDone: outcome.sent.files,
      filesTotal: totals?.totalFilesProcessed,
      bytesDone: outcome.sent.bytes,
      bytesTotal: totals?.totalBytesProcessed,
    });
  const entries = walkSelected(repository, point.tree, selection, outcome, signal);
  const input = writeTar(tarItems(entries, repository, facts, outcome, progress, signal));
  await using stream = await host.stream(extractTar(target, isRoot), input, signal);
  const fatal: string[] = [];
  let explanations = 0;
  for await (const line of linesOf(stream.output)) {
    const message = parseTarMessage(line);
    if (message.kind !== 'noise') ports.logger.log('warn', 'tar has something to say.', { line });
    if (message.kind === 'full') throw targetFull(target, displayName(message.path), message.reason);
    if (message.kind === 'fatal') fatal.push(message.message);
    else if (message.kind !== 'noise') {
      outcome.hear(message);
      explanations += 1;
    }
  }
  const { exitCode } = await stream.finished;
  if (exitCode !== 0 && (explanations === 0 || fatal.length > 0)) throw tarFailed(target, exitCode, fatal);
  for (const message of fatal.slice(0, 20)) {
    outcome.remark(`tar said: ${message}`, 'Every entry was made. Look at those that this may be about.');
  }
}

type Figures = Pick<RestoreReport, 'files' | 'folders' | 'others'>;

/** The last word on a restore: as many entries in the folder as were sent there and not refused by tar. */
async function count(
  host: RemoteHost,
  target: string,
  facts: TargetFacts,
  outcome: Outcome,
  signal: AbortSignal,
): Promise<Figures> {
  const counted = await host.run(countTarget(target), signal);
  const { files, folders, others } = outcome.sent;
  const sent = { files, folders, others };
  const extra = counted.folders - folders;
  const foldersFit = extra === 0 || (facts.hasLostAndFound && extra === 1);
  if (counted.files === files && foldersFit && counted.others === others) return sent;
  const isTotalRight = counted.files + counted.folders + counted.others + outcome.refused === files + folders + others;
  if (outcome.refused > 0 && isTotalRight) {
    return { files: counted.files, folders: counted.folders, others: counted.others };
  }
  if (!counted.isWhole) {
    outcome.remark(
      'The restored entries could not all be counted, since some of the folders are closed to this user.',
      'tar named no entry that it could not make. Restore as root to have them counted.',
    );
    return sent;
  }
  throw new StillpointError(
    'restore.failed',
    `The folder "${target}" holds ${counted.files} files, ${counted.folders} folders and ${counted.others} others, and ${files}, ${folders} and ${others} were restored into it.`,
    {
      advice:
        'Something else wrote into the folder meanwhile, or entries are missing. Restore again into a new folder.',
      details: { counted, sent: outcome.sent, refused: outcome.refused },
      cause: undefined,
    },
  );
}

function tarFailed(target: string, exitCode: number, messages: readonly string[]): StillpointError {
  return new StillpointError(
    'restore.failed',
    `tar could not restore into "${target}" (exit code ${exitCode}): ${messages.slice(0, 3).join('; ') || 'it gave no reason'}.`,
    {
      advice:
        'What is in the folder is not complete. Empty it and restore again; look at the log if it fails the same way.',
      details: { exitCode, messages: messages.slice(0, 20) },
      cause: undefined,
    },
  );
}
