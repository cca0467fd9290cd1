/**
 * What becomes of every pack, by restic's rules: packs without anything needed go; packs that are used wholly stay;
 * the others are rewritten until little enough unused data is left. Trees, packs of mixed kinds and many small packs
 * are rewritten first, because they slow down every reader.
 */
import { type PruneOptions, unusedLimit } from '../../domain/prune-plan.ts';
import type { PackUse } from './pack-usage.ts';

export interface PackChoice {
  readonly keep: readonly PackUse[];
  readonly repack: readonly PackUse[];
  readonly unused: readonly PackUse[];
  /** Named by an index, not stored and not needed. */
  readonly missing: readonly PackUse[];
}

const PACK_BYTES = 16 * 1024 * 1024;
/** Below this a pack is small. */
const SMALL_BYTES = Math.floor(PACK_BYTES / 25);
/** Fewer small packs are not worth the trouble, and would be rewritten again each time. */
const MANY_SMALL = 10;

export function choosePacks(packs: readonly PackUse[], version: 1 | 2, options: PruneOptions): PackChoice {
  const keep: PackUse[] = [];
  const repack: PackUse[] = [];
  const candidates: PackUse[] = [];
  const small: PackUse[] = [];
  for (const pack of packs) {
    if (pack.usedBlobs === 0) continue;
    const isWhollyUsed = pack.unusedBlobs === 0 && pack.type !== 'mixed' && !mustCompress(pack, version, options);
    if (!isWhollyUsed) candidates.push(pack);
    else if (sizeOf(pack) < SMALL_BYTES) small.push(pack);
    else keep.push(pack);
  }
  (small.length < MANY_SMALL ? keep : candidates).push(...small);

  const unneeded = packs.filter(({ usedBlobs }) => usedBlobs === 0);
  const limit = unusedLimit(options.maxUnused, sum(packs, 'usedBytes'));
  let unusedLeft = sum(candidates, 'unusedBytes');
  let repackLeft = options.maxRepackBytes ?? Number.POSITIVE_INFINITY;
  for (const pack of candidates.toSorted(worstFirst)) {
    const isUrgent = pack.type !== 'data' || mustCompress(pack, version, options) || sizeOf(pack) < SMALL_BYTES;
    if (sizeOf(pack) >= repackLeft || (!isUrgent && unusedLeft <= limit)) {
      keep.push(pack);
      continue;
    }
    repack.push(pack);
    repackLeft -= sizeOf(pack);
    unusedLeft -= pack.unusedBytes;
  }
  return {
    keep,
    repack: repack.toSorted(byId),
    unused: unneeded.filter(({ sizeBytes }) => sizeBytes !== undefined),
    missing: unneeded.filter(({ sizeBytes }) => sizeBytes === undefined),
  };
}

/** Trees are compressed whenever the format allows it, because every reader reads all of them. */
export function mustCompress(
  { type, hasUncompressed }: Pick<PackUse, 'type' | 'hasUncompressed'>,
  version: 1 | 2,
  { repackUncompressed }: PruneOptions,
): boolean {
  return version === 2 && hasUncompressed && (type === 'tree' || repackUncompressed === true);
}

/** The higher the share of unused bytes, the more a rewrite gains. */
function worstFirst(left: PackUse, right: PackUse): number {
  return (
    Number(left.type === 'data') - Number(right.type === 'data') ||
    Number(sizeOf(left) >= SMALL_BYTES) - Number(sizeOf(right) >= SMALL_BYTES) ||
    right.unusedBytes / sizeOf(right) - left.unusedBytes / sizeOf(left) ||
    byId(left, right)
  );
}

const sizeOf = ({ sizeBytes }: PackUse): number => sizeBytes ?? 0;
const byId = (left: PackUse, right: PackUse): number => (left.id < right.id ? -1 : 1);

export function sum(
  packs: readonly PackUse[],
  what: 'usedBytes' | 'unusedBytes' | 'unusedBlobs' | 'sizeBytes',
): number {
  return packs.reduce((total, pack) => total + (pack[what] ?? 0), 0);
}
