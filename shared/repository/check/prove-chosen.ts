/** Proves the chosen packs in threads and adds what is wrong with them to the damage. */

import type { IndexedPack } from '../format/index-file.ts';
import { packSizeOf } from '../format/pack.ts';
import type { PackId } from '../ids.ts';
import type { OpenedRepository } from '../opened-repository.ts';
import type { VerifyProgress } from '../repository.ts';
import { openReading } from '../workers/reader-pool.ts';
import { isSound, type PackVerdict, provePacks } from './pack-proof.ts';
import type { Structure } from './structure.ts';

export interface ChosenOptions {
  readonly signal: AbortSignal;
  readonly choose: (pack: PackId) => boolean;
  readonly onProgress?: (progress: VerifyProgress) => void;
}

export interface ProvedShare {
  /** Only packs that were read to their end count, and their bytes. */
  readonly packs: number;
  readonly bytes: number;
  /** Those that are not as they should be, in the order of the index. */
  readonly faulty: readonly PackVerdict[];
}

export async function proveChosen(
  repository: OpenedRepository,
  { packs, faults }: Pick<Structure, 'packs' | 'faults'>,
  { signal, choose, onProgress }: ChosenOptions,
): Promise<ProvedShare> {
  const { files, index } = repository;
  const { key, sealer } = repository.parts;
  let bytesTotal = 0;
  const chosen = new Set<PackId>();
  for (const id of index.packIds) {
    const size = packs.sizes.get(id);
    if (size === undefined || !choose(id)) continue;
    chosen.add(id);
    bytesTotal += size;
  }
  const faulty = new Map<PackId, PackVerdict>();
  if (chosen.size === 0) return { packs: 0, bytes: 0, faulty: [] };
  let packsDone = 0;
  let bytesDone = 0;
  const read = { packs: 0, bytes: 0 };
  await using reading = openReading(key, sealer, bytesTotal);
  await provePacks({ files, sealer, reading, signal }, sized(index.packs(), packs.sizes, chosen), (verdict) => {
    if (!isSound(verdict)) faulty.set(verdict.pack.id, verdict);
    packsDone += 1;
    bytesDone += verdict.size;
    if (wasReadWhole(verdict)) {
      read.packs += 1;
      read.bytes += verdict.size;
    }
    onProgress?.({ packsDone, packsTotal: chosen.size, bytesDone, bytesTotal });
  });
  // Threads end in any order; what is reported should not depend on it.
  const inOrder = index.packIds.map((id) => faulty.get(id)).filter((verdict) => verdict !== undefined);
  for (const verdict of inOrder) faults.add(verdict);
  return { ...read, faulty: inOrder };
}

/** Of a pack that was cut short, a part of the content was never there to be read. */
function wasReadWhole({ pack, size, readFault }: PackVerdict): boolean {
  return readFault === undefined && size >= packSizeOf(pack.blobs);
}

function* sized(
  packs: Iterable<IndexedPack>,
  sizes: ReadonlyMap<PackId, number>,
  chosen: ReadonlySet<PackId>,
): Generator<{ readonly pack: IndexedPack; readonly size: number }> {
  for (const pack of packs) if (chosen.has(pack.id)) yield { pack, size: sizes.get(pack.id) ?? 0 };
}
