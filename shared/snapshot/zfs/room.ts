/**
 * How much room there must be. A snapshot of ZFS takes none at first and then holds what is changed or removed, out of the
 * room that its dataset writes to: what the pool has left, or what a quota on the way up leaves. It counts in a
 * `quota`, and not in a `refquota`. Without room, writers get an error at once; nothing is broken, and all is well again
 * when the snapshot is gone. So the limits are low, and no more than an amount: of a pool of many terabytes one percent is
 * room enough. Gathered here so that they can be seen and argued about at one place.
 */
import type { DatasetRecord } from './records.ts';

const GIB = 1024 ** 3;

/** From here on no snapshot is begun: twice the other limit, because a run needs some room. */
const BEFORE = { share: 0.06, mostBytes: 64 * GIB } as const;

/** From here on the watchman gives our snapshot up: what is left must last until he has looked (2 s) and removed it. */
const WHILE = { share: 0.03, mostBytes: 32 * GIB } as const;

export interface Room {
  /** The dataset whose room it is: the pool's own, or the one whose quota leaves less; none in which snapshots do not count. */
  readonly dataset: string;
  /** What tells what is left: what ZFS calls available, or, where that is about a `refquota`, the quota. */
  readonly by: 'available' | 'quota';
  readonly freeBytes: number;
  readonly totalBytes: number;
}

/** What one dataset is listed with later than another may be a little different. */
const isMore = (left: number, right: number): boolean => left > right + Math.max(right / 100, 1024 ** 2);

/** @param byName all datasets of the pool */
export function roomOf(dataset: DatasetRecord, byName: ReadonlyMap<string, DatasetRecord>): Room {
  const upwards = [dataset, ...ancestorsOf(dataset, byName)];
  let at = upwards.find(({ refquotaBytes }) => refquotaBytes === 0) ?? upwards.at(-1) ?? dataset;
  // Whose limit it is: of the pool, where no quota on the way leaves less.
  for (const upper of upwards.slice(upwards.indexOf(at) + 1)) {
    if (isMore(upper.availableBytes, at.availableBytes)) break;
    if (upper.refquotaBytes === 0) at = upper;
  }
  const totalBytes = at.availableBytes + at.usedBytes;
  const room = { dataset: at.name, by: 'available', freeBytes: at.availableBytes, totalBytes } as const;
  const { quotaBytes, usedBytes } = dataset;
  if (at === dataset || quotaBytes === 0) return room;
  const freeBytes = Math.max(0, quotaBytes - usedBytes);
  const own = { dataset: dataset.name, by: 'quota', freeBytes, totalBytes: quotaBytes } as const;
  return own.freeBytes < room.freeBytes ? own : room;
}

/** The nearest first. */
function ancestorsOf({ name }: DatasetRecord, byName: ReadonlyMap<string, DatasetRecord>): readonly DatasetRecord[] {
  const parts = name.split('/');
  return parts.flatMap((_, depth) => byName.get(parts.slice(0, -1 - depth).join('/')) ?? []);
}

const limit = ({ share, mostBytes }: typeof BEFORE | typeof WHILE, total: number): number =>
  Math.min(Math.floor(total * share), mostBytes);

export const leastBefore = ({ totalBytes }: Room): number => limit(BEFORE, totalBytes);
export const leastWhile = ({ totalBytes }: Room): number => limit(WHILE, totalBytes);
