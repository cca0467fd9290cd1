/**
 * Verify: prove by reading. Every pack, or a chosen share, is read whole: its SHA-256 against its name, its header
 * against the index, and every blob's seal, size and SHA-256. Afterwards each fault is traced to the restore points and
 * files that it hits. Memory is bounded by some stretches of packs; findings are values, and reading continues after each.
 *
 * A share proves its packs and no others; the report says how much that was.
 */
import type { VerifySubset } from '../../domain/verify-subset.ts';
import { packSizeOf } from '../format/pack.ts';
import type { PackId } from '../ids.ts';
import type { OpenedRepository } from '../opened-repository.ts';
import type { CheckResult, VerifyProgress } from '../repository.ts';
import { proveChosen } from './prove-chosen.ts';
import { conclude, inspectStructure } from './structure.ts';
import { chooseSubset } from './verify-subset.ts';

export interface VerifyOptions {
  readonly signal: AbortSignal;
  readonly onProgress?: (progress: VerifyProgress) => void;
  /** Which share of the packs is read; all of them unless said. */
  readonly subset?: VerifySubset;
}

export async function verifyRepository(repository: OpenedRepository, options: VerifyOptions): Promise<CheckResult> {
  const { signal, subset } = options;
  const structure = await inspectStructure(repository, signal);
  const { sizes, suspects } = structure.packs;
  const there = repository.index.packIds.filter((id) => sizes.has(id));
  const { chosen, label } = chooseSubset(subset, there, repository.parts.clock.now());
  const choose = (id: (typeof there)[number]): boolean => chosen.has(id) || suspects.has(id);
  const { packs, bytes } = await proveChosen(repository, structure, { ...options, choose });
  const bytesTotal = there.reduce((sum, id) => sum + (sizes.get(id) ?? 0), 0);
  return {
    ...(await conclude(repository, structure, signal)),
    bytesRead: bytes,
    proved: {
      ...{ packs, packsTotal: there.length, bytes, bytesTotal, subset: label },
      missing: missingPacks(repository, sizes),
      lostIndexes: structure.damagedIndexes.length,
    },
  };
}

function missingPacks(
  { index }: OpenedRepository,
  sizes: ReadonlyMap<PackId, number>,
): { readonly packs: number; readonly bytes: number } {
  const missing = { packs: 0, bytes: 0 };
  if (index.packIds.every((id) => sizes.has(id))) return missing;
  for (const { id, blobs } of index.packs()) {
    if (sizes.has(id)) continue;
    missing.packs += 1;
    missing.bytes += packSizeOf(blobs);
  }
  return missing;
}
