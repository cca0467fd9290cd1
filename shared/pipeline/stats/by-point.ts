/**
 * What each restore point holds alone. Every blob gets one owner, or is shared for good; a tree that a second restore
 * point reaches is gone through once more to say so of all below it, and then never again.
 */
import type { PointShare } from '../../domain/stats.ts';
import { BlobSet } from '../../repository/blob-set.ts';
import type { BlobId, BlobType } from '../../repository/ids.ts';
import type { PointReader } from '../../repository/point-reader.ts';
import type { RestorePoint } from '../../repository/restore-point.ts';
import { timestampToDate } from '../../repository/timestamp.ts';
import type { Counter } from './counter.ts';

const NOBODY = 0;
const SHARED = -1;

export function countShares(repository: PointReader, wanted: readonly RestorePoint[]): Counter {
  const owners = new Owners(repository);
  const points: RestorePoint[] = [];
  return {
    async add(point, signal) {
      await owners.claim(points.push(point), point.tree, signal);
    },
    result() {
      const { alone, bytesShared } = owners.sums(points.length);
      const isWanted = new Set(wanted.map(({ id }) => id));
      const shares = points.map(
        (point, index): PointShare => ({
          restorePoint: point.id,
          time: timestampToDate(point.time).toISOString(),
          hostname: point.hostname ?? '',
          blobsAlone: alone[index]?.blobs ?? 0,
          bytesAlone: alone[index]?.bytes ?? 0,
        }),
      );
      return {
        mode: 'by-point',
        points: shares.filter((_, index) => isWanted.has(points[index]?.id ?? ('' as never))),
        bytesShared,
      };
    },
  };
}

class Owners {
  readonly #repository: PointReader;
  #owners: Int32Array;
  /** Says so when the index begins anew and numbers mean other blobs. */
  readonly #guard: BlobSet;

  constructor(repository: PointReader) {
    this.#repository = repository;
    this.#owners = new Int32Array(repository.index.blobCount + 1);
    this.#guard = new BlobSet(repository.index);
  }

  async claim(owner: number, top: BlobId, signal: AbortSignal): Promise<void> {
    const waiting: [BlobId, number][] = [[top, owner]];
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      const [id, claimed] = next;
      const result = this.#mark('tree', id, claimed);
      if (result === undefined) continue;
      signal.throwIfAborted();
      for await (const nodes of this.#repository.treeParts(id, signal)) {
        for (const { content, subtree } of nodes) {
          for (const blob of content ?? []) this.#mark('data', blob, result);
          if (subtree !== undefined) waiting.push([subtree, result]);
        }
      }
    }
  }

  /** What it is now, or undefined when that is what it was. */
  #mark(type: BlobType, id: BlobId, owner: number): number | undefined {
    this.#guard.has(type, id);
    const number = this.#repository.index.numberOf(type, id);
    if (number === undefined) return owner;
    if (number >= this.#owners.length) this.#grow(number);
    const before = this.#owners[number] ?? NOBODY;
    const now = before === NOBODY || before === owner ? owner : SHARED;
    if (now === before) return undefined;
    this.#owners[number] = now;
    return now;
  }

  sums(count: number): { readonly alone: readonly { blobs: number; bytes: number }[]; readonly bytesShared: number } {
    const alone = Array.from({ length: count }, () => ({ blobs: 0, bytes: 0 }));
    let bytesShared = 0;
    for (const [number, owner] of this.#owners.entries()) {
      if (owner === NOBODY) continue;
      const { storedBytes } = this.#repository.index.sizeAt(number);
      const share = alone[owner - 1];
      if (share === undefined) bytesShared += storedBytes;
      else {
        share.blobs += 1;
        share.bytes += storedBytes;
      }
    }
    return { alone, bytesShared };
  }

  #grow(number: number): void {
    const owners = new Int32Array(Math.max(number + 1, this.#owners.length * 2));
    owners.set(this.#owners);
    this.#owners = owners;
  }
}
