/**
 * Applying a prune, under an exclusive lock. The order is what makes it safe:
 *
 * 1. Where a blob has several copies, the one that stays is proved.
 * 2. Packs that no index names are deleted: they cannot be needed, and it makes room.
 * 3. What is needed of packs that are to be rewritten goes into new packs, each blob proved against its id.
 * 4. New index files name the new packs and what stays.
 * 5. Old index files that name packs which are to go are removed.
 * 6. Those packs are deleted.
 *
 * Crash story: up to 5, everything old is there and named; what is new is extra copies. Within 5, every blob is named
 * by an old or a new index file, and all packs are there. Within 6, what is deleted is named by no index any more. So
 * at every instant every restore point is whole, and the next prune takes up what was left: extra copies in 3 and 4,
 * unreferenced packs in 5 and 6.
 *
 * Before each removal the lock is looked at again: a machine that slept through its lock's life removes nothing more.
 */

import { isStillpointError, StillpointError } from '../../base/errors.ts';
import { forEachWithLimit } from '../../base/limit.ts';
import { release } from '../../base/release.ts';
import type { FileRef } from '../backend/backend.ts';
import type { IndexedPack } from '../format/index-file.ts';
import type { PackedBlob } from '../format/pack.ts';
import type { BlobId, PackId } from '../ids.ts';
import type { OpenedRepository } from '../opened-repository.ts';
import type { RepositoryLock } from '../repository.ts';
import { type Compressor, compress, createCompressor } from '../workers/encode.ts';
import { mustCompress } from './choose-packs.ts';
import { NeededBlobs, readBlobs } from './needed-blobs.ts';
import { PackWriter } from './pack-writer.ts';
import type { PreparedPrune } from './plan.ts';
import { writeNewIndex } from './rewrite-index.ts';

/** Each takes a stretch of 8 MiB and what it puts into new packs. */
const MAX_PACKS_AT_ONCE = 5;

type PruneStep = 'prove' | 'repack' | 'index' | 'remove';

export interface PruneObserver {
  /** A step begins, and ends when its work has. */
  step<T>(name: PruneStep, work: () => Promise<T>): Promise<T>;
  progress(step: PruneStep, done: number, total: number): void;
}

export interface PruneOutcome {
  readonly packsDeleted: number;
  readonly packsWritten: number;
  readonly bytesWritten: number;
  readonly indexesWritten: number;
  readonly indexesRemoved: number;
}

export async function applyPrune(
  repository: OpenedRepository,
  prepared: PreparedPrune,
  lock: RepositoryLock,
  { observer, signal: given }: { readonly observer: PruneObserver; readonly signal: AbortSignal },
): Promise<PruneOutcome> {
  const signal = AbortSignal.any([given, lock.signal]);
  const { plan } = prepared;
  const run = new PruneRun(repository, prepared, lock, observer, signal);
  await observer.step('prove', () => run.proveCopies());
  if (plan.unreferenced.length > 0) {
    await observer.step('remove', () => run.remove('data', plan.unreferenced, 'remove'));
  }
  const writer = new PackWriter(repository, lock, signal);
  await observer.step('repack', () => run.repack(writer));

  const going = [...plan.repack, ...plan.unused] as PackId[];
  const gone = new Set([...going, ...(plan.missing as PackId[])]);
  const { outdated, written } = await observer.step('index', async () => {
    const rewritten = await writeNewIndex(repository, { prepared, gone, fresh: writer.stored }, lock, signal);
    await run.remove('index', rewritten.outdated, 'index');
    return rewritten;
  });
  await observer.step('remove', () => run.remove('data', going, 'remove'));
  await repository.reloadIndex(signal);
  return {
    packsDeleted: plan.unreferenced.length + going.length,
    packsWritten: writer.stored.length,
    bytesWritten: writer.bytesStored,
    indexesWritten: written,
    indexesRemoved: outdated.length,
  };
}

class PruneRun {
  readonly #repository: OpenedRepository;
  readonly #prepared: PreparedPrune;
  readonly #lock: RepositoryLock;
  readonly #observer: PruneObserver;
  readonly #signal: AbortSignal;
  readonly #compressor: Compressor;

  constructor(
    repository: OpenedRepository,
    prepared: PreparedPrune,
    lock: RepositoryLock,
    observer: PruneObserver,
    signal: AbortSignal,
  ) {
    this.#repository = repository;
    this.#prepared = prepared;
    this.#lock = lock;
    this.#observer = observer;
    this.#signal = signal;
    this.#compressor = createCompressor('auto', repository.version);
  }

  /** A copy that lies in a pack that stays is about to become the only one. Blobs of rewritten packs are proved there. */
  async proveCopies(): Promise<void> {
    const { keptIn, plan } = this.#prepared;
    const rewritten = new Set<string>(plan.repack);
    const packs = new Set<PackId>([...keptIn.values()].filter((id) => !rewritten.has(id)));
    if (packs.size === 0) return;
    const needed = new NeededBlobs(this.#repository, this.#prepared);
    let done = 0;
    await this.#eachPack(packs, async (pack) => {
      const copies = readBlobs(this.#repository, pack.id, needed.withCopies(pack), this.#signal);
      for await (const { blob, opened } of copies) {
        if (opened.data === undefined) throw damagedCopy(pack.id, blob.id, opened.fault);
        release(opened.data);
      }
      this.#observer.progress('prove', (done += 1), packs.size);
    });
  }

  async repack(writer: PackWriter): Promise<void> {
    const wanted = new Set(this.#prepared.plan.repack as readonly PackId[]);
    const needed = new NeededBlobs(this.#repository, this.#prepared);
    let done = 0;
    await this.#eachPack(wanted, async (pack) => {
      for await (const read of readBlobs(this.#repository, pack.id, needed.of(pack), this.#signal)) {
        const { blob, envelope, opened } = read;
        if (opened.data !== undefined && !this.#mustCompress(blob)) await writer.add(blob, Uint8Array.from(envelope));
        else await this.#addAnew(writer, blob, opened.data);
        if (opened.data !== undefined) release(opened.data);
      }
      this.#observer.progress('repack', (done += 1), wanted.size);
    });
    await writer.finish();
  }

  /** Some packs at once, because a store far away answers late. */
  #eachPack(wanted: ReadonlySet<PackId>, task: (pack: IndexedPack) => Promise<void>): Promise<void> {
    const { connections } = this.#repository.files.backend.properties;
    const packs = packsAmong(this.#repository.index.packs(), wanted);
    return forEachWithLimit(packs, Math.min(connections, MAX_PACKS_AT_ONCE), task);
  }

  #mustCompress(blob: PackedBlob): boolean {
    const facts = { type: blob.type, hasUncompressed: blob.uncompressedLength === 0 };
    return mustCompress(facts, this.#repository.version, this.#prepared.plan.options);
  }

  /** Where the place that was chosen is damaged, any other copy will do; without one this is the end. */
  async #addAnew(writer: PackWriter, blob: PackedBlob, plain: Buffer | undefined): Promise<void> {
    const { parts } = this.#repository;
    const data = plain ?? (await this.#repository.loadBlob(blob.type, blob.id, this.#signal));
    // "tree" is stored compressed even where that gains nothing; otherwise it would be tried again each time.
    const compressed = compress(data, 'tree', this.#compressor);
    const uncompressedLength = compressed === undefined ? 0 : data.length;
    await writer.add({ ...blob, uncompressedLength }, parts.sealer.seal(compressed ?? data));
  }

  async remove(type: 'data' | 'index', names: readonly string[], step: PruneStep): Promise<void> {
    const { backend } = this.#repository.files;
    let done = 0;
    await forEachWithLimit(names, backend.properties.connections, async (name) => {
      this.#signal.throwIfAborted();
      this.#lock.assertHeld();
      await removeFile(backend, { type, name }, this.#signal);
      this.#observer.progress(step, (done += 1), names.length);
    });
  }
}

function* packsAmong(packs: Iterable<IndexedPack>, wanted: ReadonlySet<PackId>): Generator<IndexedPack> {
  for (const pack of packs) if (wanted.has(pack.id)) yield pack;
}

/** A repeated call may find that the first one did remove it. */
async function removeFile(
  backend: OpenedRepository['files']['backend'],
  file: FileRef,
  signal: AbortSignal,
): Promise<void> {
  try {
    await backend.remove(file, signal);
  } catch (error) {
    if (!isStillpointError(error, 'backend.not-found')) throw error;
  }
}

function damagedCopy(pack: PackId, blob: BlobId, fault: string): StillpointError {
  return new StillpointError(
    'repository.damaged',
    `Pack ${pack.slice(0, 8)} holds a damaged copy of the blob ${blob.slice(0, 8)} (${fault}).`,
    {
      advice:
        'Another pack holds a copy that may be good, and pruning would remove that one. Run verify, then "stillpoint repair packs", then prune.',
      details: { pack, blob },
      cause: undefined,
    },
  );
}
