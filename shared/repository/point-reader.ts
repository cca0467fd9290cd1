/**
 * The port of a repository for those who read: restore points, the trees and blobs that they name, and what the index
 * knows of blobs. Nothing can be changed through it. It and the words that it is made of (`restore-point.ts`, `node.ts`,
 * `ids.ts`, `timestamp.ts`) say nothing of how a repository is stored.
 */

import type { Finding } from '../domain/finding.ts';
import type { TimeDoubt } from '../domain/point-order.ts';
import type { BlobId, BlobType, PackId } from './ids.ts';
import type { Node } from './node.ts';
import type { RestorePoint } from './restore-point.ts';

export interface PointReader extends AsyncDisposable {
  /** Where it lies, for people. */
  readonly location: string;
  /** As in "the repository "main" at /srv/backup"; where it has no name, without one. */
  readonly title: string;

  /** Reads the index files; needed once before blobs are read or written. Calling it again reads what is new. */
  loadIndex(signal: AbortSignal): Promise<void>;
  /** What was loaded, or written by us. */
  readonly index: BlobCatalogue;

  /**
   * Oldest first, by what proves their order (see `point-order.ts`). Files that cannot be read are findings, not an
   * error.
   */
  listRestorePoints(signal: AbortSignal): Promise<RestorePointList>;
  /** By id, the start of one (`repository.ambiguous-point` where several fit) or `latest`. */
  findRestorePoint(idOrPrefix: string, signal: AbortSignal): Promise<RestorePoint>;

  /** Whether the blob is stored and in an index that was loaded or written by us. */
  hasBlob(type: BlobType, id: BlobId): boolean;
  /** Plaintext length of a stored blob, without reading it. */
  blobSize(type: BlobType, id: BlobId): number | undefined;
  /** Proved against its id before it is returned; tries every copy that there is. */
  loadBlob(type: BlobType, id: BlobId, signal: AbortSignal): Promise<Buffer>;
  /**
   * Many data blobs with few reads: packs are read in long ranges. Each distinct id is yielded once, in the order in
   * which the packs hold them, not in the order asked for, and belongs to the caller. Memory is bounded by two ranges
   * (of about 8 MiB).
   */
  loadBlobs(ids: Iterable<BlobId>, signal: AbortSignal): AsyncIterable<LoadedBlob>;
  /**
   * The entries of a tree in the order of the bytes of their names, in parts: a folder may have millions of them, and
   * most are one part. They are shared and must not be changed.
   */
  treeParts(id: BlobId, signal: AbortSignal): AsyncIterable<readonly Node[]>;
  /**
   * Says which trees will be asked for next, so that some of them can be read meanwhile. May be said again and again, and
   * also of what is not asked for in the end. Never fails.
   */
  expectTrees(ids: Iterable<BlobId>, signal: AbortSignal): void;

  close(): Promise<void>;
}

export interface RestorePointList {
  readonly points: readonly RestorePoint[];
  /** By id: those whose time cannot be believed. */
  readonly doubts: ReadonlyMap<string, TimeDoubt>;
  readonly findings: readonly Finding[];
}

export interface LoadedBlob {
  readonly id: BlobId;
  readonly data: Buffer;
}

/** The blobs that an index knows, each with a number, for sets of them and sums over millions. */
export interface BlobCatalogue {
  /** Numbers are below this. */
  readonly blobCount: number;
  /** Rises when the index begins anew; numbers of blobs are good within one generation. */
  readonly generation: number;
  /** Undefined where the blob is not known. */
  numberOf(type: BlobType, id: BlobId): number | undefined;
  /** Smaller for what lies before in the same pack; packs do not mix. Undefined where the blob is not known. */
  storedOrder(type: BlobType, id: BlobId): number | undefined;
  /** Of the blob at a number that `numberOf` gave. */
  sizeAt(number: number): BlobSize;
  /** Every pack with its blobs in the order in which they lie there. */
  packs(): Iterable<CataloguedPack>;
}

export interface BlobSize {
  readonly type: BlobType;
  /** Plaintext. */
  readonly bytes: number;
  /** As it is stored. */
  readonly storedBytes: number;
}

interface CataloguedPack {
  readonly id: PackId;
  readonly blobs: readonly { readonly type: BlobType; readonly id: BlobId }[];
}
