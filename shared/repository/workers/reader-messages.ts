/** What the main thread and a thread that proves and opens stored blobs say to each other. Buffers are moved. */
import type { CipherKey } from '../crypto/aes-poly1305.ts';
import type { PackedBlob } from '../format/pack.ts';
import type { BlobId } from '../ids.ts';

export interface ReaderSetup {
  readonly key: CipherKey;
}

/** A stretch of a pack and the sealed blobs that lie in it. */
export interface Stretch {
  readonly data: Uint8Array;
  readonly ids: readonly BlobId[];
  /** Three numbers for each id: where it begins in `data`, its sealed length, its plaintext length (0: as it is). */
  readonly places: Uint32Array;
}

/** `data` begins at `start` of the pack. */
export function stretchOf(data: Uint8Array, start: number, blobs: readonly PackedBlob[]): Stretch {
  const places = new Uint32Array(3 * blobs.length);
  blobs.forEach(({ offset, length, uncompressedLength }, index) => {
    places.set([offset - start, length, uncompressedLength], 3 * index);
  });
  return { data, ids: blobs.map(({ id }) => id), places };
}

/** One pack is proved in several stretches, which follow each other in one lane. */
export interface ProveRequest extends Stretch {
  readonly kind: 'prove';
  readonly job: number;
  readonly lane: number;
  readonly isFirst: boolean;
  /** The pack ends with this stretch, and its SHA-256 is reported. */
  readonly isLast: boolean;
}

export interface OpenRequest extends Stretch {
  readonly kind: 'open';
  readonly job: number;
}

export type ToReader = ProveRequest | OpenRequest;

/** The first word of a thread: its modules are loaded. */
export interface Started {
  readonly kind: 'started';
}

export interface BlobFault {
  /** Its place in the request. */
  readonly index: number;
  readonly fault: string;
}

export interface Proved {
  readonly kind: 'proved';
  readonly job: number;
  readonly faults: readonly BlobFault[];
  /** Of the whole pack, after its last stretch. */
  readonly sha256: string | undefined;
}

export interface Opened {
  readonly kind: 'opened';
  readonly job: number;
  /** Plaintext in the order of the request, or why it cannot be read. */
  readonly blobs: readonly (Uint8Array | string)[];
}

export type FromReader = Proved | Opened;
