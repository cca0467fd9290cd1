/** Cutting a pack into stretches of some megabytes at the borders of its blobs. */
import type { PackedBlob } from '../format/pack.ts';

const STRETCH_BYTES = 4 * 1024 * 1024;

export interface Portion {
  readonly start: number;
  readonly end: number;
  readonly blobs: readonly PackedBlob[];
  readonly isLast: boolean;
}

export interface Portions {
  /** Together they are the whole file, header and gaps included. */
  readonly portions: readonly Portion[];
  /** Blobs that overlap with others, as a wrong index may say; to be read by themselves. */
  readonly stragglers: readonly PackedBlob[];
  /** Blobs that do not end within the file. */
  readonly beyond: readonly PackedBlob[];
}

/** @param blobs by their offsets */
export function portionsOf(blobs: readonly PackedBlob[], size: number): Portions {
  const portions: Portion[] = [];
  const stragglers: PackedBlob[] = [];
  const beyond: PackedBlob[] = [];
  let start = 0;
  let end = 0;
  let gathered: PackedBlob[] = [];
  const cut = (at: number, isLast = false): void => {
    portions.push({ start, end: at, blobs: gathered, isLast });
    start = at;
    end = at;
    gathered = [];
  };
  for (const blob of blobs) {
    const blobEnd = blob.offset + blob.length;
    if (blobEnd > size) {
      beyond.push(blob);
      continue;
    }
    if (gathered.length > 0 && blobEnd - start > STRETCH_BYTES) cut(end);
    if (blob.offset < start) {
      stragglers.push(blob);
      continue;
    }
    while (blob.offset - start > STRETCH_BYTES) cut(start + STRETCH_BYTES);
    gathered.push(blob);
    end = Math.max(end, blobEnd);
  }
  // What follows the last blob is the header, as a rule a small one, which belongs to the last stretch.
  if (end > start && size - start > 2 * STRETCH_BYTES) cut(end);
  while (size - start > 2 * STRETCH_BYTES) cut(start + STRETCH_BYTES);
  cut(size, true);
  return { portions, stragglers, beyond };
}
