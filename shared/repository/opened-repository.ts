/** The repository behind its port: one key, one index in memory, and the parts that read and write by them. */
import { availableParallelism } from 'node:os';
import { never } from '../base/cancel.ts';
import type { Clock } from '../base/clock.ts';
import { invariant, isStillpointError, StillpointError } from '../base/errors.ts';
import { mapWithLimit } from '../base/limit.ts';
import type { Logger } from '../base/log.ts';
import type { RestorePointId } from '../domain/names.ts';
import type { UnlockReport } from '../domain/repository-access.ts';
import type { Backend } from './backend/backend.ts';
import type { CipherKey, Sealer } from './crypto/aes-poly1305.ts';
import type { RepositoryConfig } from './format/config.ts';
import { readIndex } from './format/index-table.ts';
import { plaintextLength } from './format/pack.ts';
import type { StoredNode, Tree } from './format/stored-node.ts';
import { byName, LONG_TREE_BYTES, readTree, treeByName } from './format/tree-reader.ts';
import type { BlobId, BlobType, PackId } from './ids.ts';
import { BlobIndex } from './index/blob-index.ts';
import type { LockPorts } from './locks/held-lock.ts';
import { lockForReading } from './locks/lock-for-reading.ts';
import { acquireLock, announceLock } from './locks/locks.ts';
import { unlock } from './locks/unlock.ts';
import type { NodeByName } from './node.ts';
import type { LoadedBlob, RestorePointList } from './point-reader.ts';
import { BlobReader } from './read/blob-reader.ts';
import { Trees } from './read/trees.ts';
import type {
  AnnouncedLock,
  ConfigMark,
  LockMode,
  ReadLock,
  ReadLockOptions,
  Repository,
  RepositoryLock,
  RepositoryNotice,
  RepositoryWriter,
  Vault,
  WriterOptions,
} from './repository.ts';
import type { RestorePoint, RestorePointDraft } from './restore-point.ts';
import { RestorePointStore } from './restore-point-store.ts';
import { StoredFiles } from './stored-files.ts';
import { type BorderFinder, createBorderFinder } from './workers/border-finder.ts';
import { isPiece } from './workers/content-cutter.ts';
import { cutTables } from './workers/cut-tables.ts';
import { defaultWorkerUrl, WorkerPool } from './workers/pool.ts';
import { findUnnamed } from './write/adopt-packs.ts';
import { IndexWriter } from './write/index-writer.ts';
import { BlobWriter } from './write/writer.ts';

const PACK_BYTES = 16 * 1024 * 1024;
const MAX_WORKERS = 4;
/** The text of an index takes 10 MB or more while it is being read. */
const INDEXES_AT_ONCE = 2;

export interface RepositoryParts {
  readonly backend: Backend;
  /** See `PointReader`. */
  readonly title: string;
  readonly config: RepositoryConfig;
  readonly configMark: ConfigMark;
  readonly key: CipherKey;
  /** The key file whose password opened it. */
  keyName: string;
  readonly sealer: Sealer;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly notify: (notice: RepositoryNotice) => void;
}

export class OpenedRepository implements Repository {
  readonly parts: RepositoryParts;
  readonly files: StoredFiles;
  readonly index = new BlobIndex();
  readonly #reader: BlobReader;
  readonly #points: RestorePointStore;
  readonly #trees = new Trees({
    sizeOf: (id) => this.blobSize('tree', id),
    load: (id, signal) => this.loadBlob('tree', id, signal),
    nameOf: treeName,
  });
  #loadedIndexes = new Set<string>();
  #finder: BorderFinder | undefined;
  #writer: BlobWriter | undefined;
  /** The lock under which the index was last compared with what is stored. */
  #indexLock: RepositoryLock | undefined;

  constructor(parts: RepositoryParts) {
    this.parts = parts;
    this.files = new StoredFiles(parts, parts.title);
    this.#reader = new BlobReader(parts, this.index);
    this.#points = new RestorePointStore(this.files, parts.clock);
  }

  get id(): string {
    return this.parts.config.id;
  }

  get configMark(): ConfigMark {
    return this.parts.configMark;
  }

  isPiece(data: Uint8Array): boolean {
    this.#finder ??= createBorderFinder(cutTables(this.parts.config.chunkerPolynomial));
    return isPiece(this.#finder, data);
  }

  get vault(): Vault {
    return this.parts.sealer;
  }

  get version(): 1 | 2 {
    return this.parts.config.version;
  }

  get title(): string {
    return this.parts.title;
  }

  get location(): string {
    return this.parts.backend.properties.location;
  }

  lock(mode: LockMode, signal: AbortSignal): Promise<RepositoryLock> {
    return acquireLock(this.#lockPorts, mode, signal);
  }

  announceLock(mode: LockMode, signal: AbortSignal): Promise<AnnouncedLock> {
    return announceLock(this.#lockPorts, mode, signal);
  }

  lockForReading(signal: AbortSignal, options: ReadLockOptions = {}): Promise<ReadLock> {
    return lockForReading(this.#lockPorts, options, signal);
  }

  unlock(which: 'stale' | 'all', signal: AbortSignal): Promise<UnlockReport> {
    return unlock(this.#lockPorts, which, signal);
  }

  get #lockPorts(): LockPorts {
    const { clock, logger, notify } = this.parts;
    return { files: this.files, clock, logger, notify };
  }

  get indexFiles(): readonly string[] {
    return [...this.#loadedIndexes];
  }

  async loadIndex(signal: AbortSignal): Promise<void> {
    const names = await this.files.listNames('index', signal);
    const stored = new Set(names);
    const isOutdated = [...this.#loadedIndexes].some((name) => !stored.has(name));
    const holdsUnnamed = this.#writer?.isClosed === true && this.#writer.hasUnnamedPacks;
    if (isOutdated || holdsUnnamed) return this.reloadIndex(signal);
    const fresh = names.filter((name) => !this.#loadedIndexes.has(name));
    await mapWithLimit(fresh, INDEXES_AT_ONCE, async (name) => {
      await this.#readIndex(name, this.index, signal);
      this.#loadedIndexes.add(name);
    });
  }

  /**
   * Starts over, and believes only what is stored now: another process may have pruned. A damaged index file is given to
   * `onDamaged`, or thrown where there is none.
   */
  async reloadIndex(signal: AbortSignal, onDamaged?: (name: string, error: StillpointError) => void): Promise<void> {
    const names = await this.files.listNames('index', signal);
    const index = new BlobIndex();
    await mapWithLimit(names, INDEXES_AT_ONCE, async (name) => {
      try {
        await this.#readIndex(name, index, signal);
      } catch (error) {
        if (onDamaged === undefined || !isStillpointError(error, 'repository.damaged')) throw error;
        onDamaged(name, error);
      }
    });
    this.index.become(index);
    this.#loadedIndexes = new Set(names);
    if (this.#writer?.isClosed === true) this.#writer.forgetUnnamedPacks();
  }

  async #readIndex(name: string, index: BlobIndex, signal: AbortSignal): Promise<void> {
    const json = await this.files.load('index', name, signal);
    signal.throwIfAborted();
    index.addTable(readIndex(json, `index ${name.slice(0, 8)}`));
  }

  /**
   * What the index in memory says of packs is true only while a lock keeps others from pruning: before anything is
   * deduplicated against it or named by a restore point, it is compared with what is stored, once under each lock.
   */
  async #loadIndexUnder(lock: RepositoryLock, signal: AbortSignal): Promise<void> {
    lock.assertHeld();
    const holdsUnnamed = this.#writer?.isClosed === true && this.#writer.hasUnnamedPacks;
    if (this.#indexLock === lock && !holdsUnnamed) return;
    await this.loadIndex(AbortSignal.any([signal, lock.signal]));
    this.#indexLock = lock;
  }

  listRestorePoints(signal: AbortSignal): Promise<RestorePointList> {
    return this.#points.list(signal);
  }

  findRestorePoint(idOrPrefix: string, signal: AbortSignal): Promise<RestorePoint> {
    return this.#points.find(idOrPrefix, signal);
  }

  async saveRestorePoint(draft: RestorePointDraft, lock: RepositoryLock, signal: AbortSignal): Promise<RestorePoint> {
    signal.throwIfAborted();
    const isPending = this.#writer?.lock === lock && !this.#writer.isFlushed;
    invariant(!isPending, 'the writer was flushed before a restore point is saved');
    await this.#loadIndexUnder(lock, signal);
    invariant(this.hasBlob('tree', draft.tree), 'the tree of a restore point was flushed before the point is saved');
    return this.#points.save(draft, AbortSignal.any([signal, lock.signal]));
  }

  /** Its data stays until a prune. Gone already is as good. */
  async removeRestorePoint(id: RestorePointId, lock: RepositoryLock, signal: AbortSignal): Promise<void> {
    invariant(lock.mode === 'exclusive', 'restore points are removed under an exclusive lock');
    signal.throwIfAborted();
    lock.assertHeld();
    await this.files.remove('snapshots', id, signal).catch((error: unknown) => {
      if (!isStillpointError(error, 'backend.not-found')) throw error;
    });
  }

  hasBlob(type: BlobType, id: BlobId): boolean {
    return this.index.has(type, id);
  }

  blobSize(type: BlobType, id: BlobId): number | undefined {
    const place = this.index.find(type, id);
    return place === undefined ? undefined : plaintextLength(place);
  }

  loadBlob(type: BlobType, id: BlobId, signal: AbortSignal): Promise<Buffer> {
    return this.#reader.load(type, id, signal);
  }

  loadBlobs(ids: Iterable<BlobId>, signal: AbortSignal): AsyncIterable<LoadedBlob> {
    return this.#reader.loadMany(ids, signal);
  }

  /** Cached; the tree is shared and must not be changed. */
  loadTree(id: BlobId, signal: AbortSignal): Promise<Tree> {
    return this.#trees.load(id, signal);
  }

  expectTrees(ids: Iterable<BlobId>, signal: AbortSignal): void {
    this.#trees.expect(ids, signal);
  }

  async *treeParts(id: BlobId, signal: AbortSignal): AsyncIterable<readonly StoredNode[]> {
    if (this.#isLong(id)) yield* readTree(await this.loadBlob('tree', id, signal), treeName(id), signal);
    else yield (await this.loadTree(id, signal)).nodes;
  }

  async treeByName(id: BlobId, signal: AbortSignal): Promise<NodeByName> {
    if (this.#isLong(id)) return await treeByName(await this.loadBlob('tree', id, signal), treeName(id), signal);
    return byName((await this.loadTree(id, signal)).nodes);
  }

  #isLong(id: BlobId): boolean {
    return (this.blobSize('tree', id) ?? 0) > LONG_TREE_BYTES;
  }

  async openWriter(lock: RepositoryLock, options: WriterOptions = {}): Promise<RepositoryWriter> {
    if (this.#writer !== undefined && !this.#writer.isClosed) {
      throw new StillpointError('usage.invalid', `The ${this.title} has an open writer already.`, {
        advice: 'Close the first writer before another one is opened.',
        cause: undefined,
      });
    }
    await this.#loadIndexUnder(lock, never);
    const { key, config, clock } = this.parts;
    const { compression = 'auto', foreign } = options;
    const setup = {
      ...{ key, version: config.version, compression, foreign },
      cutTables: cutTables(config.chunkerPolynomial),
    };
    const workers = options.workers ?? Math.min(availableParallelism(), MAX_WORKERS);
    const pool = new WorkerPool(setup, workers, options.workerUrl ?? defaultWorkerUrl());
    const packSizeBytes = options.packSizeBytes ?? PACK_BYTES;
    const { files, index } = this;
    const indexWriter = new IndexWriter(files, index, clock, (name) => this.#loadedIndexes.add(name));
    const { onPackStored } = options;
    const findStored = (ids: readonly PackId[], signal: AbortSignal) => findUnnamed(this, ids, signal);
    const ports = { files, index, indexWriter, pool, lock, packSizeBytes, onPackStored, findStored };
    this.#writer = new BlobWriter(ports);
    return this.#writer;
  }

  async close(): Promise<void> {
    await this.#writer?.[Symbol.asyncDispose]();
    await this.#reader[Symbol.asyncDispose]();
    await this.parts.backend.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

function treeName(id: BlobId): string {
  return `tree ${id.slice(0, 8)}`;
}
