/**
 * How large what lies in a repository may be. What a repository claims must not make us take memory or time for it: each
 * of these is looked at before anything is read, and again while it is decompressed. All are far above what restic and
 * we write, and what is above them is damage, said with its name.
 */

const MIB = 1024 ** 2;

/** Plaintext. restic's chunker cuts at 8 MiB, we at 1 MiB; some programs can be configured to cut later. */
const MOST_DATA_BLOB_BYTES = 64 * MIB;
/** Plaintext. A folder of 7 million files, or a file of 30 TiB. */
const MOST_TREE_BLOB_BYTES = 2 ** 31 - 1;

/**
 * Content to what is stored, of blobs larger than any of data. Of all trees, those of very many empty files compress
 * best, some hundredfold; what is made of blanks to fill memory, thirty thousandfold.
 */
const MOST_RATIO = 4096;

interface Claim {
  readonly type: 'data' | 'tree';
  /** Sealed. */
  readonly length: number;
  /** 0 for what is not compressed. */
  readonly uncompressedLength: number;
}

/** Why no blob can be as an index or a header says; undefined for one that can. */
export function claimFault({ type, length, uncompressedLength }: Claim): string | undefined {
  const most = type === 'data' ? MOST_DATA_BLOB_BYTES : MOST_TREE_BLOB_BYTES;
  const claimed = Math.max(length, uncompressedLength);
  // What cannot be compressed takes a little more room than it had.
  if (claimed > most + MIB) return `it claims ${claimed} bytes, and none may have more than ${most}`;
  const possible = Math.max(MOST_DATA_BLOB_BYTES, MOST_RATIO * length);
  return uncompressedLength > possible + MIB
    ? `it claims ${claimed} bytes, more than ${length} stored ones can hold`
    : undefined;
}
