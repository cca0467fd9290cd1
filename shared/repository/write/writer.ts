/**
 * The way of a blob into the repository: put → batch → worker (hash) → index (known?) → worker (compress, seal) →
 * packer → uploader. Only new blobs are compressed and stored; a blob that is on its way counts as known. A file comes as
 * content and is cut into blobs first (`content-input.ts`).
 *
 * Memory is bounded by one budget from `put` to the stored pack. The first failure of any step ends the writer: all
 * waiting and later calls get that error, so a caller can never believe in a blob that was not stored.
 *
 * Crash story: see `uploader.ts`. Disposing without a flush stores nothing more and leaves unreferenced packs at most.
 */
import { abortable } from '../../base/cancel.ts';
import { StillpointError, toStillpointError } from '../../base/errors.ts';
import type { IndexedPack } from '../format/index-file.ts';
import { plaintextLength } from '../format/pack.ts';
import type { BlobId, BlobType, PackId } from '../ids.ts';
import type { BlobIndex } from '../index/blob-index.ts';
import { LEAST_PIECE_BYTES } from '../pieces.ts';
import type {
  ChangedContent,
  ContentInput,
  ContentOptions,
  ForeignBlob,
  PendingBlob,
  PendingReseal,
  RepositoryLock,
  RepositoryWriter,
  SavedBlob,
  SealedBlobs,
  WriterStats,
} from '../repository.ts';
import type { StoredFiles } from '../stored-files.ts';
import type { EncodedBatch, WorkerPool } from '../workers/pool.ts';
import { Batcher, type BlobBatch, ownedCopy } from './batcher.ts';
import { ByteBudget } from './byte-budget.ts';
import { type ContentPorts, OpenContent } from './content-input.ts';
import type { IndexWriter } from './index-writer.ts';
import { Packer, packedCost } from './packer.ts';
import { ShortContent } from './short-content.ts';
import { Uploader } from './uploader.ts';

export interface WriterPorts {
  readonly files: StoredFiles;
  readonly index: BlobIndex;
  readonly pool: WorkerPool;
  readonly indexWriter: IndexWriter;
  readonly lock: RepositoryLock;
  readonly packSizeBytes: number;
  readonly onPackStored?: ((id: PackId) => void) | undefined;
  /** Which of these packs are stored and named by no index. */
  findStored(ids: readonly PackId[], signal: AbortSignal): Promise<readonly IndexedPack[]>;
}

/** Beside the two open packs, and the open piece of each content: what lies in queues and on its way to the disk. */
const QUEUE_BYTES = 8 * 1024 * 1024;
/** The objects that represent a blob until it is in a pack; without it a million empty files would be free. */
const COST_PER_BLOB = 1024;

export class BlobWriter implements RepositoryWriter {
  readonly #ports: WriterPorts;
  readonly #budget: ByteBudget;
  readonly #uploader: Uploader;
  readonly #batchers: Readonly<Record<BlobType, Batcher>>;
  readonly #packers: Readonly<Record<BlobType, Packer>>;
  readonly #stop = new AbortController();
  /** Blobs that are in a worker, in an open pack, or in a pack on its way. */
  readonly #underWay: Readonly<Record<BlobType, Set<BlobId>>> = { data: new Set(), tree: new Set() };
  readonly #running = new Set<Promise<void>>();
  #failure: StillpointError | undefined;
  #isClosed = false;
  /** Blobs that were taken, and how many of them a flush has made durable. */
  #accepted = 0;
  #flushed = 0;
  /** The piece that a hole has again and again. */
  #zeros: Promise<BlobId> | undefined;
  readonly #contentPorts: ContentPorts = {
    openCutLane: (bytes) => this.#ports.pool.openCutLane(bytes),
    take: async (bytes, signal) => {
      this.#check(signal);
      await this.#budget.take(bytes, signal);
      this.#check(signal);
    },
    give: (bytes) => this.#budget.give(bytes),
    store: (piece) => this.#acceptPiece(piece),
    storeZeros: (count) => this.#acceptZeros(count),
    run: (work) => this.#run(work),
  };
  #stats = { dataBlobsNew: 0, treeBlobsNew: 0, bytesPut: 0, bytesNew: 0, bytesStored: 0, packs: 0 };

  constructor(ports: WriterPorts) {
    this.#ports = ports;
    this.#budget = new ByteBudget(QUEUE_BYTES + 2 * ports.packSizeBytes);
    this.#uploader = new Uploader({ ...ports, signal: AbortSignal.any([this.#stop.signal, ports.lock.signal]) });
    const { packSizeBytes, pool } = ports;
    const dispatch = (batch: BlobBatch): void => this.#run(this.#encode(batch));
    const isIdle = (): boolean => pool.hasIdle;
    this.#batchers = { data: new Batcher('data', dispatch, isIdle), tree: new Batcher('tree', dispatch, isIdle) };
    this.#packers = { data: new Packer('data', packSizeBytes), tree: new Packer('tree', packSizeBytes) };
    pool.onIdle = () => {
      for (const batcher of Object.values(this.#batchers)) batcher.onIdle();
    };
    ports.lock.signal.addEventListener('abort', this.#onLockLost, { once: true });
    if (ports.lock.signal.aborted) this.#onLockLost();
  }

  get lock(): RepositoryLock {
    return this.#ports.lock;
  }

  /** Whether packs were stored that no index names yet. */
  get hasUnnamedPacks(): boolean {
    return !this.#ports.indexWriter.isComplete;
  }

  forgetUnnamedPacks(): void {
    this.#ports.indexWriter.forget();
  }

  /** Whether everything that was put is durable. */
  get isFlushed(): boolean {
    return this.#accepted === this.#flushed;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  get stats(): WriterStats {
    return { ...this.#stats };
  }

  known(type: BlobType, id: BlobId): boolean {
    return this.#underWay[type].has(id) || this.#ports.index.has(type, id);
  }

  async adopt(packs: readonly PackId[], signal: AbortSignal): Promise<number> {
    this.#check(signal);
    const found = await this.#ports.findStored(packs, signal);
    this.#check(signal);
    for (const pack of found) this.#ports.indexWriter.add(pack);
    return found.length;
  }

  async put(type: BlobType, data: Uint8Array, signal: AbortSignal): Promise<PendingBlob> {
    this.#check(signal);
    await this.#budget.take(data.length + COST_PER_BLOB, signal);
    this.#check(signal);
    return { saved: this.#accept(type, data) };
  }

  openContent(size: number | undefined, options: ContentOptions = {}): ContentInput {
    if (size === undefined || size > LEAST_PIECE_BYTES) return new OpenContent(this.#contentPorts, size, options);
    return new ShortContent(size, this.#putData, options.onPieces);
  }

  openChanged(size: number): ChangedContent {
    return new OpenContent(this.#contentPorts, size, {});
  }

  readonly #putData = (data: Uint8Array, signal: AbortSignal): Promise<PendingBlob> => this.put('data', data, signal);

  /** Its bytes are in the budget. */
  async #acceptPiece(piece: Uint8Array): Promise<BlobId> {
    this.#budget.give(-COST_PER_BLOB);
    return (await this.#accept('data', piece)).id;
  }

  /** Put once. */
  #acceptZeros(count: number): Promise<BlobId> {
    const again = this.#zeros === undefined ? count - 1 : count;
    this.#stats.bytesPut += again * LEAST_PIECE_BYTES;
    if (this.#zeros === undefined) {
      this.#budget.give(-LEAST_PIECE_BYTES);
      this.#zeros = this.#acceptPiece(new Uint8Array(LEAST_PIECE_BYTES));
    }
    return this.#zeros;
  }

  #accept(type: BlobType, data: Uint8Array): Promise<SavedBlob> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    this.#stats.bytesPut += data.length;
    const saved = Promise.withResolvers<SavedBlob>();
    saved.promise.catch(() => undefined);
    this.#accepted += 1;
    this.#batchers[type].add(data, saved);
    return saved.promise;
  }

  async reseal({ data, blobs }: SealedBlobs, signal: AbortSignal): Promise<PendingReseal> {
    this.#check(signal);
    const cost = data.length + blobs.length * COST_PER_BLOB;
    await this.#budget.take(cost, signal);
    this.#check(signal);
    const fresh = blobs.filter(({ id }) => !this.known('data', id));
    for (const { id } of fresh) this.#underWay.data.add(id);
    this.#accepted += 1;
    const faults = this.#reseal(ownedCopy(data), fresh, cost);
    this.#run(faults.then(() => undefined));
    return { faults };
  }

  async #reseal(data: Uint8Array, blobs: readonly ForeignBlob[], cost: number): Promise<readonly BlobId[]> {
    const lengths = blobs.map(plaintextLength);
    const encoded = await this.#ports.pool.reseal(data, blobs);
    this.#budget.give(cost - packedCost(encoded.data.length, encoded.blobs.length));
    this.#stats.bytesPut += lengths.reduce((sum, length) => sum + length, 0);
    const faults = encoded.faults.map((index) => encoded.ids[index] as BlobId);
    for (const id of faults) this.#underWay.data.delete(id);
    if (encoded.blobs.length > 0) this.#pack({ type: 'data', data, lengths, waiting: [] }, encoded);
    return faults;
  }

  async flush(signal: AbortSignal): Promise<WriterStats> {
    this.#check(signal);
    const accepted = this.#accepted;
    await abortable(this.#drain(), signal);
    this.#flushed = accepted;
    return this.stats;
  }

  async #drain(): Promise<void> {
    // What is being cut becomes blobs first.
    await this.#settled();
    for (const batcher of Object.values(this.#batchers)) batcher.dispatch();
    await this.#settled();
    for (const packer of Object.values(this.#packers)) this.#uploadFrom(packer);
    await this.#settled();
    this.#run(this.#uploader.saveIndex());
    await this.#settled();
  }

  async #settled(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
    if (this.#failure !== undefined) throw this.#failure;
  }

  async #encode(batch: BlobBatch): Promise<void> {
    const plainCost = batch.data.length + batch.lengths.length * COST_PER_BLOB;
    let fresh: readonly number[] = [];
    try {
      const encoded = await this.#ports.pool.encode(batch.type, batch.data, batch.lengths, (ids) => {
        fresh = this.#chooseNew(batch.type, ids);
        settleKnown(batch, ids, fresh);
        return fresh;
      });
      this.#budget.give(plainCost - packedCost(encoded.data.length, encoded.blobs.length));
      if (fresh.length > 0) this.#pack(batch, encoded);
    } catch (error) {
      for (const waiter of batch.waiting) waiter.reject(error);
      throw error;
    }
  }

  #chooseNew(type: BlobType, ids: readonly BlobId[]): readonly number[] {
    const fresh: number[] = [];
    for (const [index, id] of ids.entries()) {
      if (this.known(type, id)) continue;
      this.#underWay[type].add(id);
      fresh.push(index);
    }
    return fresh;
  }

  #pack(batch: BlobBatch, encoded: EncodedBatch): void {
    const packer = this.#packers[batch.type];
    packer.add(encoded);
    const stats = this.#stats;
    for (const { index, length } of encoded.blobs) {
      if (batch.type === 'data') stats.dataBlobsNew += 1;
      else stats.treeBlobsNew += 1;
      stats.bytesNew += batch.lengths[index] ?? 0;
      stats.bytesStored += length;
      batch.waiting[index]?.resolve({ id: encoded.ids[index] as BlobId, isNew: true, storedBytes: length });
    }
    if (packer.isFull) this.#uploadFrom(packer);
  }

  #uploadFrom(packer: Packer): void {
    const filled = packer.take();
    if (filled === undefined) return;
    this.#run(
      this.#uploader.upload(filled).then(() => {
        this.#stats.packs += 1;
        for (const { type, id } of filled.blobs) this.#underWay[type].delete(id);
        this.#budget.give(packedCost(filled.bytes, filled.blobs.length));
      }),
    );
  }

  #run(work: Promise<void>): void {
    const watched: Promise<void> = work
      .catch((error: unknown) => this.#fail(error))
      .finally(() => this.#running.delete(watched));
    this.#running.add(watched);
  }

  #onLockLost = (): void => this.#fail(this.#ports.lock.signal.reason);

  #fail(reason: unknown): void {
    if (this.#failure !== undefined) return;
    const error = toStillpointError(reason);
    this.#failure = error;
    for (const batcher of Object.values(this.#batchers)) batcher.fail(error);
    this.#budget.fail(error);
    this.#stop.abort(error);
  }

  #check(signal: AbortSignal): void {
    if (this.#failure !== undefined) throw this.#failure;
    signal.throwIfAborted();
    this.#ports.lock.assertHeld();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    this.#ports.lock.signal.removeEventListener('abort', this.#onLockLost);
    this.#fail(
      new StillpointError('run.cancelled', 'The writer of the repository was closed.', {
        advice: 'What was not flushed is not stored.',
        cause: undefined,
      }),
    );
    await this.#ports.pool[Symbol.asyncDispose]();
    await Promise.allSettled(this.#running);
  }
}

function settleKnown(batch: BlobBatch, ids: readonly BlobId[], fresh: readonly number[]): void {
  const isFresh = new Set(fresh);
  for (const [index, id] of ids.entries()) {
    if (!isFresh.has(index)) batch.waiting[index]?.resolve({ id, isNew: false, storedBytes: 0 });
  }
}
