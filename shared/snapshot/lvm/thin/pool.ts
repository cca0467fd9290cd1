/** The pool of a thin volume, as far as it is known. */
import { poolMapperName } from '../names.ts';
import type { LogicalVolumeRecord } from '../records.ts';
import type { PoolStatus, Pools } from './pool-status.ts';

export interface ThinPool {
  readonly volume: LogicalVolumeRecord;
  /** Undefined where the kernel has no such pool, as where it is not active. */
  readonly status: PoolStatus | undefined;
  readonly isSuspended: boolean;
  /** What its data and its metadata lie on; hidden volumes. */
  readonly parts: readonly LogicalVolumeRecord[];
}

/** LVM writes the names of hidden volumes in brackets. */
const bareName = ({ lv_name }: LogicalVolumeRecord): string => lv_name.replaceAll(/[[\]]/g, '');

export function poolOf(
  { vg_uuid, vg_name, pool_lv }: LogicalVolumeRecord,
  volumes: readonly LogicalVolumeRecord[],
  pools: Pools,
): ThinPool | undefined {
  const own = volumes.filter((volume) => volume.vg_uuid === vg_uuid);
  const name = pool_lv.replaceAll(/[[\]]/g, '');
  const volume = own.find((each) => bareName(each) === name && each.segtype === 'thin-pool');
  if (volume === undefined) return undefined;
  const mapper = poolMapperName(vg_name, name);
  const parts = new Set([`${name}_tdata`, `${name}_tmeta`]);
  return {
    volume,
    status: pools.statuses.find((status) => status.mapper === mapper),
    isSuspended: pools.suspended.has(mapper),
    parts: own.filter((each) => parts.has(bareName(each))),
  };
}
