/**
 * A new index, made from what is there: packs that the index and their own sizes agree about are taken as they are,
 * the headers of all others are read. A pack whose header cannot be read keeps those entries of the old index whose
 * blobs prove good. See `replace-index.ts` for the order of writes and what a crash leaves.
 */
import { isStillpointError } from '../../base/errors.ts';
import { forEachWithLimit } from '../../base/limit.ts';
import type { RepairLoss, RepairPlan, RepairScope, RepairStep } from '../../domain/repair-plan.ts';
import { Damage } from '../check/damage.ts';
import { packName, provePacks } from '../check/pack-proof.ts';
import { inspectStructure, type Structure } from '../check/structure.ts';
import { Survey } from '../check/survey.ts';
import type { IndexedPack } from '../format/index-file.ts';
import type { PackedBlob } from '../format/pack.ts';
import type { PackId } from '../ids.ts';
import { BlobIndex } from '../index/blob-index.ts';
import type { OpenedRepository } from '../opened-repository.ts';
import { readPackHeader } from '../read/pack-header.ts';
import { openReading } from '../workers/reader-pool.ts';
import { assertPacksThere, cannotRead, makePlan, readsDiffer, step } from './make-plan.ts';
import { type RepairRun, replaceIndex } from './replace-index.ts';

export interface PreparedRepair {
  readonly plan: RepairPlan;
  apply(run: RepairRun): Promise<void>;
}

export async function planIndexRepair(
  repository: OpenedRepository,
  scope: RepairScope,
  signal: AbortSignal,
): Promise<PreparedRepair> {
  const structure = await inspectStructure(repository, signal);
  assertPacksThere(repository, structure, scope);
  const old = await repository.files.listNames('index', signal);
  const gathering = new Gathering(repository, structure, signal);
  await gathering.run(scope.readAll === true);
  const { changes, notes, fresh, exact, dropped } = gathering;
  const damaged = new Set(structure.damagedIndexes);
  const isNeeded = changes.length > 0 || damaged.size > 0;
  // From here on the repository in memory is as it will be, so that its losses are those that stay.
  repository.index.become(fresh);
  const lost = await findLosses(repository, structure, signal);
  const { packCount, blobCount } = repository.index;
  const written = { object: 'a new index', reason: `names ${packCount} packs with ${blobCount} blobs` };
  const removes = old.map((name) =>
    step('index', name, damaged.has(name) ? 'it cannot be read' : 'the new index replaces it'),
  );
  const plan = makePlan(repository, scope, {
    writes: isNeeded ? [written, ...changes] : [],
    removes: isNeeded ? removes : [],
    lost,
    notes,
    exact: [...exact, ...old],
  });
  return {
    plan,
    apply: async (run) => {
      if (!isNeeded) return;
      await assertStillMissing(repository, dropped, run.signal);
      await replaceIndex(repository, repository.index.packs(), old, run);
    },
  };
}

/** Reading headers may take hours, in which a disk may have come back. */
async function assertStillMissing(
  { files: { backend } }: OpenedRepository,
  dropped: readonly PackId[],
  signal: AbortSignal,
): Promise<void> {
  await forEachWithLimit(dropped, backend.properties.connections, async (name) => {
    const isThere = await backend.stat({ type: 'data', name }, signal).then(
      () => true,
      (error: unknown) => {
        if (isStillpointError(error, 'backend.not-found')) return false;
        throw error;
      },
    );
    if (isThere) throw readsDiffer(packName(name));
  });
}

/** What restore points need and no pack holds, by what the index will say. */
async function findLosses(
  repository: OpenedRepository,
  { points }: Structure,
  signal: AbortSignal,
): Promise<readonly RepairLoss[]> {
  const damage = new Damage();
  damage.add('lost', 'no pack that is there holds it', '');
  const { index } = repository;
  const causeOf = (type: 'data' | 'tree', id: Parameters<BlobIndex['has']>[1]): string | undefined =>
    index.has(type, id) ? undefined : 'lost';
  await new Survey({ repository, damage, causeOf, signal }).examine(points);
  return damage.findings
    .filter(({ affects }) => affects.length > 0)
    .map(({ message, affects }) => ({ object: 'content of restore points', reason: message, affects }));
}

/** Collects the packs of the new index. */
class Gathering {
  readonly #repository: OpenedRepository;
  readonly #structure: Structure;
  readonly #signal: AbortSignal;
  readonly fresh = new BlobIndex();
  readonly changes: RepairStep[] = [];
  readonly notes: RepairStep[] = [];
  readonly exact: string[] = [];
  /** Packs that are not there. */
  readonly dropped: PackId[] = [];

  constructor(repository: OpenedRepository, structure: Structure, signal: AbortSignal) {
    this.#repository = repository;
    this.#structure = structure;
    this.#signal = signal;
  }

  async run(readAll: boolean): Promise<void> {
    const { index } = this.#repository;
    const { sizes, suspects } = this.#structure.packs;
    for (const pack of index.packs()) {
      const size = sizes.get(pack.id);
      if (size === undefined) {
        this.dropped.push(pack.id);
        this.#change(
          pack.id,
          `is not there; what was in it (${pack.blobs.length} ${pack.blobs.length === 1 ? 'blob' : 'blobs'}) is taken out of the index`,
        );
      } else if (suspects.has(pack.id) || readAll) await this.#readHeader(pack, size);
      else this.fresh.addPack(pack);
    }
    for (const [id, size] of sizes) if (!index.hasPack(id)) await this.#adopt(id, size);
  }

  async #readHeader(pack: IndexedPack, size: number): Promise<void> {
    const header = await readPackHeader(this.#repository, pack.id, size, this.#signal);
    if (typeof header !== 'string') {
      this.fresh.addPack({ id: pack.id, blobs: header });
      if (!isSame(header, pack.blobs))
        this.#change(
          pack.id,
          `its header lists ${header.length} blobs where the index has ${pack.blobs.length}, or has others`,
        );
      return;
    }
    const good = await this.#goodBlobs(pack, size);
    if (good.length > 0) this.fresh.addPack({ id: pack.id, blobs: good });
    const left = pack.blobs.length - good.length;
    if (left > 0)
      this.#change(pack.id, `${left} of its ${pack.blobs.length} blobs cannot be used and are taken out of the index`);
    this.notes.push(
      step(
        'data',
        pack.id,
        `${header}; ${good.length} blobs that prove good stay in the index. "stillpoint repair packs" moves them to a sound pack`,
      ),
    );
  }

  async #adopt(id: PackId, size: number): Promise<void> {
    const header = await readPackHeader(this.#repository, id, size, this.#signal);
    if (typeof header === 'string') {
      this.notes.push(step('data', id, `is in no index and ${header}; what it holds is unknown. prune removes it`));
      return;
    }
    this.fresh.addPack({ id, blobs: header });
    this.#change(
      id,
      `is in no index; ${header.length === 1 ? 'the one blob of its header is' : `the ${header.length} blobs of its header are`} added`,
    );
  }

  async #goodBlobs(pack: IndexedPack, size: number): Promise<IndexedPack['blobs']> {
    const { files, parts } = this.#repository;
    const bad = new Set<PackedBlob>();
    await using reading = openReading(parts.key, parts.sealer, size);
    await provePacks(
      { files, sealer: parts.sealer, reading, signal: this.#signal },
      [{ pack, size }],
      ({ badBlobs, readFault }) => {
        if (readFault !== undefined) throw cannotRead(packName(pack.id), readFault);
        for (const { blob } of badBlobs) bad.add(blob);
      },
    );
    return pack.blobs.filter((blob) => !bad.has(blob));
  }

  #change(id: PackId, reason: string): void {
    this.changes.push({ object: packName(id), reason });
    this.exact.push(id);
  }
}

function isSame(left: IndexedPack['blobs'], right: IndexedPack['blobs']): boolean {
  const text = (blobs: IndexedPack['blobs']): string =>
    blobs
      .map(({ type, id, offset, length, uncompressedLength }) => [type, id, offset, length, uncompressedLength].join())
      .join(';');
  return left.length === right.length && text(left) === text(right);
}
