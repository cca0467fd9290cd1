/**
 * Saving what is good in damaged packs. Every blob of a damaged pack that proves good, at the place that the index or
 * the pack's own header gives, is written into a new pack as it lies. Order and crash story:
 *
 * 0. Each damaged pack is read once more, and has to show the very same damage: what a bad cable or bad memory made up
 *    is no reason to remove a pack. One that cannot be read at all is left alone.
 * 1. The new packs are stored, read back whole and proved. A crash leaves packs that no index names.
 * 2. The new index is stored, read back and compared, then the old one is removed (see `replace-index.ts`).
 * 3. The damaged packs are removed, each after a last look: whatever was good in it lies in a new pack that the stored
 *    index names. A crash leaves a damaged pack that no index names; the next repair of packs finds it there.
 */
import { invariant, StillpointError } from '../../base/errors.ts';
import type { RepairLoss, RepairScope, RepairStep } from '../../domain/repair-plan.ts';
import { isSound, packName, provePacks } from '../check/pack-proof.ts';
import type { IndexedPack } from '../format/index-file.ts';
import type { PackId } from '../ids.ts';
import type { OpenedRepository } from '../opened-repository.ts';
import { PackWriter } from '../prune/pack-writer.ts';
import { openBlob } from '../read/open-blob.ts';
import { openReading } from '../workers/reader-pool.ts';
import { type DamagedPack, findDamagedPacks } from './damaged-packs.ts';
import type { PreparedRepair } from './index-repair.ts';
import { makePlan, step } from './make-plan.ts';
import { type RepairRun, removeFile, replaceIndex } from './replace-index.ts';

export interface PackRepairOptions {
  readonly signal: AbortSignal;
  readonly onProgress: (done: number, total: number) => void;
}

export async function planPackRepair(
  repository: OpenedRepository,
  scope: RepairScope,
  options: PackRepairOptions,
): Promise<PreparedRepair> {
  const { damaged, lost, notes } = await findDamagedPacks(repository, scope.packs ?? [], options);
  const old = await repository.files.listNames('index', options.signal);
  const saved = damaged.filter(({ good }) => good.length > 0);
  const plan = makePlan(repository, scope, {
    writes: saved.map(({ id, good }) => ({
      object: 'new packs',
      reason: `hold ${good.length} good blobs of ${packName(id)}`,
    })),
    removes: [
      ...damaged.map(({ id, message }) => step('data', id, message)),
      ...(damaged.some(changesIndex) ? old.map((name) => step('index', name, 'a new index replaces it')) : []),
    ],
    lost: lost.map((loss): RepairLoss => ({ ...loss })),
    notes: notes.map((note): RepairStep => ({ ...note })),
    exact: [...damaged.flatMap(({ id, good }) => [id, ...good.map((blob) => blob.id)]), ...old],
  });
  return { plan, apply: (run) => new PackRepair(repository, damaged, old, run).run() };
}

class PackRepair {
  readonly #repository: OpenedRepository;
  readonly #damaged: readonly DamagedPack[];
  readonly #old: readonly string[];
  readonly #run: RepairRun;

  constructor(repository: OpenedRepository, damaged: readonly DamagedPack[], old: readonly string[], run: RepairRun) {
    this.#repository = repository;
    this.#damaged = damaged;
    this.#old = old;
    this.#run = run;
  }

  async run(): Promise<void> {
    if (this.#damaged.length === 0) return;
    const { lock, signal } = this.#run;
    for (const pack of this.#damaged) if (!(await pack.isStill(signal))) throw changing(pack.id);
    const stored = await this.#save(new PackWriter(this.#repository, lock, signal));
    await this.#prove(stored);
    const going = new Set(this.#damaged.map(({ id }) => id));
    if (stored.length > 0 || this.#damaged.some(changesIndex)) {
      await replaceIndex(this.#repository, this.#staying(going, stored), this.#old, this.#run);
    }
    for (const pack of this.#damaged) {
      this.#assertReplaced(pack, going);
      await removeFile(this.#repository, 'data', pack.id, lock, signal);
    }
  }

  async #save(writer: PackWriter): Promise<readonly IndexedPack[]> {
    const { files, parts } = this.#repository;
    let done = 0;
    for (const { id, good } of this.#damaged) {
      for (const blob of good) {
        const range = { offset: blob.offset, length: blob.length };
        const envelope = await files.backend.load({ type: 'data', name: id }, range, this.#run.signal);
        if (openBlob(parts.sealer, blob, envelope).data === undefined) throw changing(id);
        await writer.add(blob, Uint8Array.from(envelope));
      }
      this.#run.onProgress((done += 1), this.#damaged.length);
    }
    await writer.finish();
    return writer.stored;
  }

  async #prove(stored: readonly IndexedPack[]): Promise<void> {
    const { files, parts } = this.#repository;
    const packs = await Promise.all(
      stored.map(async (pack) => ({
        pack,
        size: (await files.backend.stat({ type: 'data', name: pack.id }, this.#run.signal)).sizeBytes,
      })),
    );
    const bytes = packs.reduce((sum, { size }) => sum + size, 0);
    await using reading = openReading(parts.key, parts.sealer, bytes);
    await provePacks({ files, sealer: parts.sealer, reading, signal: this.#run.signal }, packs, (verdict) => {
      if (!isSound(verdict)) throw changing(verdict.pack.id);
    });
  }

  *#staying(going: ReadonlySet<PackId>, stored: readonly IndexedPack[]): Generator<IndexedPack> {
    for (const pack of this.#repository.index.packs()) if (!going.has(pack.id)) yield pack;
    yield* stored;
  }

  /** The index in memory was read from the store after the new one was written. */
  #assertReplaced({ good }: DamagedPack, going: ReadonlySet<PackId>): void {
    for (const { type, id } of good) {
      const isKept = this.#repository.index.findAll(type, id).some(({ pack }) => !going.has(pack));
      invariant(isKept, 'every good blob of a damaged pack lies in another pack before it is removed');
    }
  }
}

const changesIndex = ({ isIndexed, good }: DamagedPack): boolean => isIndexed || good.length > 0;

function changing(id: PackId): StillpointError {
  return new StillpointError(
    'repository.damaged',
    `What is read of ${packName(id)} changes from one time to the next.`,
    {
      advice: 'The store or this machine is not reliable: check the disk and the memory first.',
      cause: undefined,
    },
  );
}
