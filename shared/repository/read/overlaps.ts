/**
 * Blobs of one pack that overlap cannot all be there. Which of them is, the pack's own header says; where that cannot
 * be read either, so many are tried as a wrong index may have by accident.
 */
import type { PackedBlob } from '../format/pack.ts';
import type { HeaderVerdict } from './pack-header.ts';

/** Of a pack whose header cannot be read. */
export const MOST_TRIES = 1000;

export const UNLISTED = 'it overlaps with others, and the header of the pack does not list it there';
export const UNTRIED = 'it overlaps with others, too many to try each';

/** @param blobs by their offsets */
export function overlap(blobs: readonly PackedBlob[]): boolean {
  let end = 0;
  for (const { offset, length } of blobs) {
    if (offset < end) return true;
    end = offset + length;
  }
  return false;
}

/** The same text for the same blob at the same place. */
export function placeKey({ type, id, offset, length, uncompressedLength }: PackedBlob): string {
  return `${type} ${id} ${offset} ${length} ${uncompressedLength}`;
}

interface Sifted {
  readonly believed: readonly PackedBlob[];
  readonly doubted: readonly { readonly blob: PackedBlob; readonly fault: string }[];
}

/** Of blobs that overlap, those that are worth reading. */
export function sift(blobs: readonly PackedBlob[], header: HeaderVerdict): Sifted {
  if (header.kind === 'same') return { believed: blobs, doubted: [] };
  if (header.kind === 'broken') {
    const doubted = blobs.slice(MOST_TRIES).map((blob) => ({ blob, fault: UNTRIED }));
    return { believed: blobs.slice(0, MOST_TRIES), doubted };
  }
  // Each once, also where the index has it several times.
  const listed = new Set(header.blobs.map(placeKey));
  const believed: PackedBlob[] = [];
  const doubted: { readonly blob: PackedBlob; readonly fault: string }[] = [];
  for (const blob of blobs) {
    if (listed.delete(placeKey(blob))) believed.push(blob);
    else doubted.push({ blob, fault: UNLISTED });
  }
  return { believed, doubted };
}
