/**
 * How large a thick snapshot must be. Too small and it overflows under the reader: nothing is lost, but the run is
 * worth nothing. Too large and other volumes cannot grow meanwhile. All numbers are bytes.
 */

import { ASSUMED_READ_BYTES_PER_SECOND } from '../../measure.ts';
import { inSteps, roundDown, roundUp } from '../sizing.ts';

/** Margins, gathered so that they can be seen and argued about at one place. */
export const SIZING = {
  /** Never allocate less, unless the largest useful snapshot is smaller. */
  floorBytes: 256 * 1024 * 1024,
  /** Share of the origin that a snapshot should hold at least. */
  floorShare: 0.05,
  /** Foreseen writing is multiplied by this: the rate is an average since boot, and rush hours exist. */
  rateFactor: 3,
  /** What stays free in the volume group for the automatic growth of others, as a share of the free space. */
  reserveShare: 0.1,
  /** device-mapper's default chunk of a thick snapshot. */
  chunkBytes: 4096,
} as const;

export interface SizingInput {
  readonly originBytes: number;
  readonly usedBytes: number | undefined;
  readonly freeBytes: number;
  readonly extentBytes: number;
  /** Average writing to the origin since boot; undefined when it could not be read. */
  readonly writtenBytesPerSecond: number | undefined;
  /** How long it is to live where that is not until it was read: then it takes what that is likely to need, and no more. */
  readonly lifetimeSeconds?: number | undefined;
}

export interface SnapshotSize {
  readonly sizeBytes: number;
  readonly extents: number;
  /** A snapshot of this size can hold every chunk of its origin and cannot overflow. */
  readonly cannotOverflow: boolean;
}

/** The size at which more is of no use: every chunk copied, with its table and header. */
export function largestUseful(originBytes: number, extentBytes: number): number {
  const table = Math.ceil(originBytes / SIZING.chunkBytes) * 16;
  return roundUp(originBytes + table, extentBytes) + 2 * extentBytes;
}

/** Undefined when the volume group has too little room; then `needed` says how much would be wanted. */
export function sizeSnapshot(input: SizingInput): { readonly size: SnapshotSize | undefined; readonly needed: number } {
  const { originBytes, extentBytes, freeBytes, lifetimeSeconds } = input;
  const useful = largestUseful(originBytes, extentBytes);
  const readingSeconds = (input.usedBytes ?? originBytes) / ASSUMED_READ_BYTES_PER_SECOND;
  const foreseen = (input.writtenBytesPerSecond ?? 0) * readingSeconds * SIZING.rateFactor;
  const wanted = Math.max(SIZING.floorBytes, originBytes * SIZING.floorShare, inSteps(foreseen));
  const needed = roundUp(Math.min(wanted, useful), extentBytes);
  const available = roundDown(freeBytes * (1 - SIZING.reserveShare), extentBytes);
  if (available < needed) return { size: undefined, needed };
  // Half of what is free is ours to use without asking; with it an overflow becomes impossible or at least unlikely. Of one
  // that stays, the other snapshots of the time need their half, too.
  const half = roundDown(freeBytes / 2, extentBytes);
  const living = (input.writtenBytesPerSecond ?? 0) * (lifetimeSeconds ?? 0) * SIZING.rateFactor;
  const ample = lifetimeSeconds === undefined ? half : Math.min(half, roundUp(inSteps(living), extentBytes));
  const sizeBytes = Math.min(useful, Math.max(needed, ample));
  return { size: { sizeBytes, extents: sizeBytes / extentBytes, cannotOverflow: sizeBytes >= useful }, needed };
}
