/**
 * How much of every pack is needed. A blob that lies in several packs is needed in one of them only, and only in a pack
 * that is there with the right size. Nothing here depends on the order in which index files were read, so that two
 * looks at one repository make one plan.
 *
 * Memory: some numbers for each pack and two bytes for each blob; places are listed for blobs with several copies only.
 */
import { StillpointError } from '../../base/errors.ts';
import { describeFile } from '../backend/backend.ts';
import { packSizeOf } from '../format/pack.ts';
import type { BlobType, PackId } from '../ids.ts';
import type { BlobIndex } from '../index/blob-index.ts';
import type { BlobSet } from './used-blobs.ts';

export interface PackUse {
  readonly id: PackId;
  /** Of the file; undefined where there is none. */
  readonly sizeBytes: number | undefined;
  /** Whether the file is there with the size that the index says. */
  readonly isWhole: boolean;
  readonly type: BlobType | 'mixed';
  readonly hasUncompressed: boolean;
  usedBlobs: number;
  usedBytes: number;
  unusedBlobs: number;
  unusedBytes: number;
}

export interface Usage {
  readonly packs: readonly PackUse[];
  /** For blobs in several whole packs: the one in which each is needed. */
  readonly keptIn: ReadonlyMap<number, PackId>;
  /** Copies of needed blobs that are not needed. */
  readonly duplicates: number;
}

interface Copy {
  readonly number: number;
  readonly pack: PackUse;
  readonly bytes: number;
}

const NAMED = 50;

export function measureUsage(index: BlobIndex, used: BlobSet, sizes: ReadonlyMap<PackId, number>): Usage {
  const copiesOf = countCopies(index, used, sizes);
  const packs: PackUse[] = [];
  const copies: Copy[] = [];
  const lost = new Set<PackId>();
  for (const { id, blobs } of index.packs()) {
    const types = new Set(blobs.map(({ type }) => type));
    const pack: PackUse = {
      id,
      sizeBytes: sizes.get(id),
      isWhole: sizes.get(id) === packSizeOf(blobs),
      type: types.size === 1 ? (blobs[0]?.type ?? 'data') : 'mixed',
      hasUncompressed: blobs.some(({ uncompressedLength }) => uncompressedLength === 0),
      ...{ usedBlobs: 0, usedBytes: 0, unusedBlobs: 0, unusedBytes: 0 },
    };
    packs.push(pack);
    for (const { type, id: blob, length } of blobs) {
      const number = index.numberOf(type, blob) ?? 0;
      const isNeeded = used.has(number);
      if (isNeeded && copiesOf[number] === 0) lost.add(id);
      if (!isNeeded || !pack.isWhole) count(pack, false, length);
      else if (copiesOf[number] === 1) count(pack, true, length);
      else copies.push({ number, pack, bytes: length });
    }
  }
  if (lost.size > 0) throw lostPacks([...lost].toSorted(), sizes);
  packs.sort((left, right) => (left.id < right.id ? -1 : 1));
  return { packs, ...chooseCopies(copies) };
}

/** In how many whole packs each needed blob lies, as far as a byte can count. */
function countCopies(index: BlobIndex, used: BlobSet, sizes: ReadonlyMap<PackId, number>): Uint8Array {
  const copies = new Uint8Array(index.blobCount);
  for (const { id, blobs } of index.packs()) {
    if (sizes.get(id) !== packSizeOf(blobs)) continue;
    for (const blob of blobs) {
      const number = index.numberOf(blob.type, blob.id) ?? 0;
      if (used.has(number)) copies[number] = Math.min(255, (copies[number] ?? 0) + 1);
    }
  }
  return copies;
}

function count(pack: PackUse, isUsed: boolean, bytes: number): void {
  if (isUsed) {
    pack.usedBlobs += 1;
    pack.usedBytes += bytes;
  } else {
    pack.unusedBlobs += 1;
    pack.unusedBytes += bytes;
  }
}

/** A pack that stays anyhow is preferred, then one with little waste: so that the other packs become free as a whole. */
function chooseCopies(copies: readonly Copy[]): Pick<Usage, 'keptIn' | 'duplicates'> {
  const order = [...new Set(copies.map(({ pack }) => pack))].toSorted(
    (left, right) =>
      Number(right.usedBlobs > 0) - Number(left.usedBlobs > 0) ||
      left.unusedBytes - right.unusedBytes ||
      (left.id < right.id ? -1 : 1),
  );
  const rank = new Map(order.map((pack, place) => [pack, place]));
  const rankOf = (pack: PackUse): number => rank.get(pack) ?? 0;
  const best = new Map<number, PackUse>();
  for (const { number, pack } of copies) {
    const known = best.get(number);
    if (known === undefined || rankOf(pack) < rankOf(known)) best.set(number, pack);
  }
  let duplicates = 0;
  for (const { number, pack, bytes } of copies) {
    const isKept = best.get(number) === pack;
    count(pack, isKept, bytes);
    if (!isKept) duplicates += 1;
  }
  return { keptIn: new Map([...best].map(([number, { id }]) => [number, id])), duplicates };
}

function lostPacks(lost: readonly PackId[], sizes: ReadonlyMap<PackId, number>): StillpointError {
  const name = (id: PackId): string =>
    `${describeFile({ type: 'data', name: id })} (${sizes.has(id) ? 'has the wrong size' : 'is not there'})`;
  const rest = lost.length > 5 ? ` and ${lost.length - 5} more` : '';
  return new StillpointError(
    'repository.damaged',
    `Nothing can be pruned: restore points need packs that are damaged: ${lost.slice(0, 5).map(name).join(', ')}${rest}.`,
    {
      advice:
        'If you have a copy of the files of the repository, bring these back from there. Otherwise run check to see which restore points and files are affected, then "stillpoint repair packs" and "stillpoint repair points", then prune.',
      details: { packs: lost.slice(0, NAMED) },
      cause: undefined,
    },
  );
}
