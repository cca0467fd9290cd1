/** What the main thread and a worker say to each other. Buffers are moved, never copied. */
import type { CipherKey } from '../crypto/aes-poly1305.ts';
import type { BlobId, BlobType, PackId } from '../ids.ts';
import type { Compression, ForeignBlob } from '../repository.ts';
import type { Cut } from './content-cutter.ts';

export interface WorkerSetup {
  readonly key: CipherKey;
  readonly version: 1 | 2;
  readonly compression: Compression;
  /** Say where content is cut; see `cutTables`. */
  readonly cutTables: BigUint64Array<ArrayBuffer>;
  /** The repository whose sealed blobs are to become ours. */
  readonly foreign: { readonly key: CipherKey; readonly version: 1 | 2 } | undefined;
}

/** Blobs of one type, one after the other in one piece of memory. */
export interface HashRequest {
  readonly kind: 'hash';
  readonly job: number;
  readonly type: BlobType;
  readonly data: Uint8Array;
  readonly lengths: readonly number[];
}

/** The answer to `hashed`: which of the blobs are new. None: forget the job. */
export interface EncodeRequest {
  readonly kind: 'encode';
  readonly job: number;
  readonly wanted: readonly number[];
}

/** Seals the header and hashes the pack. */
export interface FinishRequest {
  readonly kind: 'finish';
  readonly job: number;
  readonly pieces: readonly Uint8Array[];
  readonly header: Uint8Array;
}

/** Opens and proves data blobs of another repository, and seals them for ours. */
export interface ResealRequest {
  readonly kind: 'reseal';
  readonly job: number;
  readonly data: Uint8Array;
  readonly blobs: readonly ForeignBlob[];
}

/** More of a content: some bytes, and then so many zeros. What is open of it stays in the worker, which therefore gets all of it. */
export interface CutRequest {
  readonly kind: 'cut';
  readonly job: number;
  readonly content: number;
  readonly data: readonly Uint8Array[];
  readonly zeros: number;
  readonly behind: CutBehind;
}

/**
 * What is done behind what came. `more`: nothing. `look`: all of it is looked at, so that it is known whether a piece ends there.
 * `end`: the last piece ends there.
 */
export type CutBehind = 'more' | 'look' | 'end';

export interface CutContent {
  /** The pieces that ended, in order. */
  readonly cuts: readonly Cut[];
  /** What has come of the piece that has not ended, as far as that is known: all of it behind `look` and `end`. */
  readonly openBytes: number;
}

export type ToWorker = HashRequest | EncodeRequest | ResealRequest | FinishRequest | CutRequest;

export interface EncodedBlob {
  /** Its place in the request. */
  readonly index: number;
  readonly length: number;
  readonly uncompressedLength: number;
}

export type FromWorker =
  | { readonly kind: 'hashed'; readonly job: number; readonly ids: readonly BlobId[] }
  /** `data` holds the sealed blobs in the order of `blobs`. */
  | {
      readonly kind: 'encoded';
      readonly job: number;
      readonly data: Uint8Array;
      readonly blobs: readonly EncodedBlob[];
    }
  | {
      readonly kind: 'resealed';
      readonly job: number;
      readonly data: Uint8Array;
      readonly blobs: readonly EncodedBlob[];
      readonly faults: readonly number[];
    }
  | ({ readonly kind: 'cut'; readonly job: number } & CutContent)
  | { readonly kind: 'finished'; readonly job: number; readonly id: PackId; readonly content: readonly Uint8Array[] };
