/**
 * The port of a repository in restic's format, as the pipeline uses it: reading (`point-reader.ts`), locks and writing.
 *
 * Invariants: a restore point names only trees and blobs that are stored durably and are in a durable index; an index
 * names only packs that are stored durably; nothing stored is ever changed. Hence the order of every write: packs,
 * then index, then restore point; and of every read: restore points, then index, then packs.
 *
 * Crash story: whatever instant the process dies at, earlier restore points are whole. What may remain is packs that
 * no index names, an index that no restore point needs, and a lock that is recognised as stale; all are harmless.
 */
import type { ErrorCode } from '../base/error-codes.ts';
import type { Finding } from '../domain/finding.ts';
import type { RestorePointId } from '../domain/names.ts';
import type { UnlockReport } from '../domain/repository-access.ts';
import type { ProvedContent } from '../domain/verbs/verify.ts';
import type { CipherKey } from './crypto/aes-poly1305.ts';
import type { BlobId, BlobType, PackId } from './ids.ts';
import type { NodeByName } from './node.ts';
import type { PendingPieces } from './pieces.ts';
import type { PointReader } from './point-reader.ts';
import type { RestorePoint, RestorePointDraft } from './restore-point.ts';

export interface Repository extends PointReader {
  /** 64 hexadecimal digits, the same for everyone who opens this repository. */
  readonly id: string;
  readonly version: 1 | 2;
  /** Its file "config" as it is stored: no other repository has the same. */
  readonly configMark: ConfigMark;
  /** For what is kept elsewhere and is only for those who may read this repository. */
  readonly vault: Vault;

  /**
   * Takes a lock, keeps it fresh, and gives it back when disposed. A conflicting lock of another process is
   * `repository.locked`; that of a process which is provably dead is removed. `shared` for backing up and reading,
   * `exclusive` for removing data.
   */
  lock(mode: LockMode, signal: AbortSignal): Promise<RepositoryLock>;
  /** The same for who has something else to do in the moment that it takes until nobody can be in the way any more. */
  announceLock(mode: LockMode, signal: AbortSignal): Promise<AnnouncedLock>;

  /** A shared lock, or none where the place takes none or none is wished for. For reading only. */
  lockForReading(signal: AbortSignal, options?: ReadLockOptions): Promise<ReadLock>;

  /** Removes stale locks, or all, which only a person may decide. */
  unlock(which: 'stale' | 'all', signal: AbortSignal): Promise<UnlockReport>;

  /** The last act of a backup: everything that the draft names must have been flushed before. */
  saveRestorePoint(draft: RestorePointDraft, lock: RepositoryLock, signal: AbortSignal): Promise<RestorePoint>;

  /** The names of the index files that are stored and were read; none of them ever changes. */
  readonly indexFiles: readonly string[];

  /** The entries of a tree for many questions in any order; of a long one little more than its text is held. */
  treeByName(id: BlobId, signal: AbortSignal): Promise<NodeByName>;

  /**
   * Whether these bytes are one piece, as files are cut in this repository: there is a border behind them and none in them, whatever
   * follows. The last piece of a file is none in this sense.
   */
  isPiece(data: Uint8Array): boolean;

  /** Starts the workers that hash, compress and encrypt. One at a time; dispose it to stop them. */
  openWriter(lock: RepositoryLock, options?: WriterOptions): Promise<RepositoryWriter>;
}

export interface ConfigMark {
  readonly bytes: number;
  /** In hex digits. */
  readonly sha256: string;
}

/** By the key of the repository. */
export interface Vault {
  seal(plaintext: Uint8Array): Buffer;
  /** undefined for what was not sealed by this key, or was changed. */
  open(sealed: Uint8Array): Buffer | undefined;
}

/** What an observer should know, and which is not an error. */
export interface RepositoryNotice {
  readonly code: ErrorCode;
  readonly message: string;
  readonly advice: string;
}

export type LockMode = 'shared' | 'exclusive';

export interface RepositoryLock extends AsyncDisposable {
  readonly mode: LockMode;
  /** Aborts with `repository.lock-lost` when the lock could not be kept. Join it with your own signal. */
  readonly signal: AbortSignal;
  /** Throws `repository.lock-lost` when it is gone, judged by the wall clock, so that it also holds after standby. */
  assertHeld(): void;
}

export interface AnnouncedLock {
  readonly lock: RepositoryLock;
  /** Rejects with `repository.locked` where somebody came at the same instant. May be ignored. */
  readonly settled: Promise<void>;
}

export interface ReadLockOptions {
  /** What a person said to --no-lock; left out where there is no such option. */
  readonly noLock?: boolean;
  /** What becomes of reading when the lock is lost; default `stop`. */
  readonly whenLost?: 'stop' | 'go on';
}

/** Does not allow writing. */
export interface ReadLock extends AsyncDisposable {
  /** Aborts with `repository.lock-lost` where reading has to stop then. Join it with your own signal. */
  readonly signal: AbortSignal;
  /** Why there is none, and what that means; undefined where there is one. */
  readonly absence: string | undefined;
}

/** As restic: `auto` is fast, `max` small and slow, `off` leaves data blobs as they are. */
export type Compression = 'auto' | 'off' | 'max';

export interface WriterOptions {
  readonly compression?: Compression;
  /** Default: one per core, at most four. */
  readonly workers?: number;
  /** The workers' entry file; default: the one beside the source or the bundle. */
  readonly workerUrl?: URL;
  /** The repository whose sealed blobs `reseal` takes. */
  readonly foreign?: { readonly key: CipherKey; readonly version: 1 | 2 };
  /** A pack is closed when it holds this much; default 16 MiB. */
  readonly packSizeBytes?: number;
  /** Called for each pack that is stored, before an index names it. */
  readonly onPackStored?: (id: PackId) => void;
}

export interface RepositoryWriter extends AsyncDisposable {
  /**
   * Resolves when there is room for more; awaiting that is the back-pressure. Takes ownership of `data`: where it
   * spans its whole ArrayBuffer the buffer is moved to a worker and empty afterwards. After a failure of any write
   * (a full disk, a lost lock) every further call fails with that first error.
   */
  put(type: BlobType, data: Uint8Array, signal: AbortSignal): Promise<PendingBlob>;
  /**
   * Data blobs as another repository has sealed them (see `WriterOptions.foreign`): opened, proved against their ids and
   * sealed again, without compressing again. Resolves when there is room for more. Takes ownership of the data.
   */
  reseal(batch: SealedBlobs, signal: AbortSignal): Promise<PendingReseal>;
  /**
   * A file, to be cut into data blobs where its content says so, as restic cuts it. Dispose it where its end does not come.
   *
   * @param size undefined where it is known only at the end
   */
  openContent(size: number | undefined, options?: ContentOptions): ContentInput;
  /** A file of which some pieces are stored and known to be as they were. Dispose it where its end does not come. */
  openChanged(size: number): ChangedContent;
  /**
   * Names packs that a writer of ours had stored when its process died, as far as they are still there; what they hold is known from then
   * on. Resolves to how many they are.
   */
  adopt(packs: readonly PackId[], signal: AbortSignal): Promise<number>;
  /** A blob that is stored or under way, by its id alone: for content whose SHA-256 the host computed. */
  known(type: BlobType, id: BlobId): boolean;
  /** Everything put so far is durable when it resolves: packs first, then the index that names them. */
  flush(signal: AbortSignal): Promise<WriterStats>;
  /** Counts so far. */
  readonly stats: WriterStats;
}

/** A sealed blob of another repository, and where it lies in what was read of its pack. */
export interface ForeignBlob {
  readonly id: BlobId;
  readonly offset: number;
  readonly length: number;
  readonly uncompressedLength: number;
}

/** What was read of a pack of another repository, and which blobs in it are wanted. */
export interface SealedBlobs {
  readonly data: Uint8Array;
  readonly blobs: readonly ForeignBlob[];
}

export interface PendingReseal {
  /** The blobs that are not what their ids say, and were not taken. The others are in a pack; not yet durable. */
  readonly faults: Promise<readonly BlobId[]>;
}

export interface PendingBlob {
  /** Resolves when the id is known and the blob is in a pack or was known already; not yet durable. */
  readonly saved: Promise<SavedBlob>;
}

export interface ContentOptions {
  /** How much of it is no hole; default: all. */
  readonly storedBytes?: number | undefined;
  /** Told of all pieces in order, when their ends are known; not when they are stored. */
  readonly onPieces?: ((pieces: PendingPieces) => void) | undefined;
}

export interface ContentInput extends Disposable {
  /** Resolves when there is room for more. The data are copied. */
  add(data: Uint8Array, signal: AbortSignal): Promise<void>;
  /** The same, but where the data fill their memory that is the writer's from now on, and the caller finds it empty. */
  give(data: Uint8Array, signal: AbortSignal): Promise<void>;
  /** So many bytes of zero, which cost next to nothing. */
  addZeros(count: number, signal: AbortSignal): Promise<void>;
  /** Resolves when all is handed over; `ids` when all of it is in packs or was known: the blobs of the file in order. */
  end(signal: AbortSignal): Promise<{ readonly ids: Promise<readonly BlobId[]> }>;
}

/** A piece of a file that is a blob of this repository. */
export interface StoredPiece {
  readonly id: BlobId;
  readonly bytes: number;
}

export interface ChangedContent extends ContentInput {
  /** Whether a piece ends exactly where what came so far does, or nothing came. Waits until all of it is cut. */
  isAtBorder(signal: AbortSignal): Promise<boolean>;
  /** The next piece is this one, behind a border. The content goes on behind it as if it began there. */
  takeOver(piece: StoredPiece): void;
}

export interface SavedBlob {
  readonly id: BlobId;
  readonly isNew: boolean;
  /** Bytes that it takes in its pack; 0 for one that was known. */
  readonly storedBytes: number;
}

export interface WriterStats {
  readonly dataBlobsNew: number;
  readonly treeBlobsNew: number;
  /** Bytes of all blobs put, new or not. */
  readonly bytesPut: number;
  /** Bytes of new blobs before compression. */
  readonly bytesNew: number;
  /** The same as stored, without pack headers. */
  readonly bytesStored: number;
  readonly packs: number;
}

export interface VerifyProgress {
  readonly packsDone: number;
  readonly packsTotal: number;
  readonly bytesDone: number;
  readonly bytesTotal: number;
}

export interface CheckResult {
  readonly findings: readonly Finding[];
  readonly packs: number;
  readonly blobs: number;
  readonly restorePoints: readonly RestorePointId[];
  readonly bytesRead: number;
  /** What a `verify` proved by reading it. */
  readonly proved?: ProvedContent;
}
