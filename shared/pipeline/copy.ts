/**
 * The copy: restore points of one repository in a second one, as the third copy of the 3-2-1 rule.
 *
 * Invariants. Nothing is stored that was not proved against its id on the way. Blobs that the second repository has are
 * not read; those that it lacks are sealed again for it, and not compressed again where both are of format 2. A restore
 * point is saved only when all below it is durable; one that the source holds damaged is not copied and named.
 *
 * Crash story. Nothing in the source changes. In the target, packs come before the index and that before the restore
 * points, as in a backup; what an interrupted copy has indexed is found by the next one and not stored again. Restore
 * points that were copied are recognised by what they say they are copies of, so copying again does nothing.
 */
import type { Clock } from '../base/clock.ts';
import { isStillpointError } from '../base/errors.ts';
import type { EmitEvent } from '../domain/events.ts';
import { unreadablePoints } from '../domain/unreadable-point.ts';
import type { CopyReport } from '../domain/verbs/copy.ts';
import type { OpenedRepository } from '../repository/opened-repository.ts';
import type { RepositoryLock, RepositoryWriter } from '../repository/repository.ts';
import type { RestorePoint } from '../repository/restore-point.ts';
import { transferBlobs } from '../repository/write/transfer.ts';
import { phases } from './backup/phases.ts';
import { Gatherer } from './copy/gather.ts';
import { findMissing } from './copy/missing.ts';
import { draftOfCopy, KnownCopies } from './copy/recognise.ts';
import { assertTargetPacks } from './copy/target-packs.ts';
import { openResources } from './resources.ts';
import { type PointSelection, selectPoints } from './select-points.ts';

export interface CopyPorts {
  openSource(signal: AbortSignal): Promise<OpenedRepository>;
  openTarget(signal: AbortSignal): Promise<OpenedRepository>;
  readonly clock: Clock;
  readonly emit: EmitEvent;
  /** See `WriterOptions`. */
  readonly workers?: number;
}

/** Restore points are finished in groups, because a pack for each of many small ones would be a waste. */
const GROUP_BYTES = 256 * 1024 * 1024;
const GROUP_POINTS = 100;

/** Errors: `repository.…`, `backend.…`. Restore points that could not be copied are in the report. */
export async function copy(
  selection: PointSelection & { readonly from: string; readonly to: string; readonly noLock?: boolean | undefined },
  ports: CopyPorts,
  signal: AbortSignal,
): Promise<CopyReport> {
  const phase = phases<'copy'>(ports.emit, ports.clock, signal);
  await using resources = openResources(ports.emit);
  const opened = await phase('open', async () => {
    const source = resources.use(await ports.openSource(signal));
    const target = resources.use(await ports.openTarget(signal));
    const sourceLock = resources.use(await source.lockForReading(signal, { noLock: selection.noLock === true }));
    const lock = resources.use(await target.lock('shared', signal));
    // Restore points before the index, so that one which is saved meanwhile is not missed in part.
    const selected = await selectPoints(source, selection, signal);
    await source.loadIndex(signal);
    const foreign = { key: source.parts.key, version: source.version };
    const writer = resources.use(
      await target.openWriter(lock, { foreign, ...(ports.workers === undefined ? {} : { workers: ports.workers }) }),
    );
    const held = AbortSignal.any([signal, sourceLock.signal, lock.signal]);
    await assertTargetPacks(target, held);
    return { source, target, lock, writer, held, selected };
  });
  const { target, held } = opened;
  return await phase('copy', async () => {
    const { points, findings } = opened.selected;
    const known = new KnownCopies((await target.listRestorePoints(held)).points);
    const missing = points.filter((point) => !known.has(point));
    const run = new CopyRun({ ...opened, emit: ports.emit, total: missing.length });
    for (const point of missing) await run.add(point);
    await run.finishGroup();
    return {
      kind: 'copy',
      from: selection.from,
      to: selection.to,
      copied: run.copied,
      alreadyThere: points.length - missing.length,
      failed: [...unreadablePoints(findings), ...run.failed],
      bytesRead: run.bytesRead,
      bytesStored: opened.writer.stats.bytesStored,
      blobsNew: opened.writer.stats.dataBlobsNew + opened.writer.stats.treeBlobsNew,
    };
  });
}

interface CopyRunPorts {
  readonly source: OpenedRepository;
  readonly target: OpenedRepository;
  readonly writer: RepositoryWriter;
  /** On the target. */
  readonly lock: RepositoryLock;
  readonly held: AbortSignal;
  readonly emit: EmitEvent;
  /** Restore points to copy. */
  readonly total: number;
}

class CopyRun {
  readonly #ports: CopyRunPorts;
  readonly #gatherer: Gatherer;
  #group: RestorePoint[] = [];
  /** Something of the source could not be read, so nothing is believed without a look, in later groups too. */
  #isDoubtful = false;
  readonly copied: { readonly source: string; readonly copy: string }[] = [];
  readonly failed: { readonly restorePoint: string; readonly reason: string }[] = [];
  bytesRead = 0;

  constructor(ports: CopyRunPorts) {
    this.#ports = ports;
    this.#gatherer = new Gatherer(ports.source, ports.writer);
  }

  /** Oldest first, so that an interrupted copy leaves a history without gaps. */
  async add(point: RestorePoint): Promise<void> {
    try {
      await this.#gatherer.gather(point.tree, this.#ports.held);
    } catch (error) {
      this.#ports.held.throwIfAborted();
      if (!isStillpointError(error, 'repository.damaged')) throw error;
      // Trees that were seen on the way count as seen: a later restore point that shares them has to be looked at.
      this.#isDoubtful = true;
      this.failed.push({ restorePoint: point.id, reason: error.message });
      return;
    }
    this.#group.push(point);
    if (this.#gatherer.wantedBytes >= GROUP_BYTES || this.#group.length >= GROUP_POINTS) await this.finishGroup();
  }

  async finishGroup(): Promise<void> {
    const { source, target, writer, lock, held } = this.#ports;
    const bytesTotal = this.bytesRead + this.#gatherer.wantedBytes;
    this.#report(bytesTotal);
    const onProgress = (bytes: number): void => {
      this.bytesRead += bytes;
      this.#report(bytesTotal);
    };
    const lost = await transferBlobs(this.#gatherer.wanted, { source, writer, signal: held, onProgress });
    // Trees that were seen are not gone through again, so a later group does not ask again for what was lost here.
    this.#isDoubtful ||= lost.length > 0;
    for (const point of this.#group) {
      const reason = this.#isDoubtful ? await findMissing(point, source, target, held) : undefined;
      if (reason === undefined) {
        const saved = await target.saveRestorePoint(draftOfCopy(point), lock, held);
        this.copied.push({ source: point.id, copy: saved.id });
      } else this.failed.push({ restorePoint: point.id, reason });
      this.#report(bytesTotal);
    }
    this.#group = [];
    this.#gatherer.clear();
  }

  #report(bytesTotal: number): void {
    this.#ports.emit({
      type: 'progress',
      phase: 'copy',
      filesDone: this.copied.length,
      filesTotal: this.#ports.total,
      bytesDone: this.bytesRead,
      bytesTotal,
    });
  }
}
