/** Thin snapshots: they share all that is unchanged with their origin, and the pool's room with everything in it. */
import { isThin } from '../records.ts';
import { roundUp } from '../sizing.ts';
import type { LvmKind } from '../storage.ts';
import { thinFindings } from './findings.ts';
import { WHILE } from './gates.ts';
import { planThin, roomUntilGate } from './plan.ts';
import { poolOf } from './pool.ts';
import { roomOf } from './pool-status.ts';

export const THIN: LvmKind = {
  isOrigin: isThin,
  /** One without an origin has become a volume like any other. */
  isSnapshot: (volume) => volume.lv_attr.startsWith('V') && isThin(volume) && volume.origin !== '',
  pools: ({ volumes, pools }) =>
    volumes
      .filter(({ segtype }) => segtype === 'thin-pool')
      .flatMap((volume) => {
        const status = poolOf({ ...volume, pool_lv: volume.lv_name }, volumes, pools)?.status;
        if (status === undefined) return [];
        const { data } = roomOf(status, volume.chunk_size);
        const [name, kindWords] = [`${volume.vg_name}/${volume.lv_name}`, 'thin pool'];
        return [{ name, kindWords, sizeBytes: data.total, freeBytes: data.total - data.used }];
      }),
  // How much of a thin snapshot is shared nobody knows before it is removed: its pool is not counted as emptier.
  without: (facts) => facts,
  roomOf: ({ pool }) =>
    pool?.status === undefined ? undefined : roomUntilGate(roomOf(pool.status, pool.volume.chunk_size).data),
  moreRoom: ({ group, pool }, bytes) => {
    const unit = Math.max(group.vg_extent_size, 1024 * 1024);
    const more = roundUp((bytes * 100) / WHILE.data, unit);
    if (pool === undefined || more > group.vg_free_count * group.vg_extent_size) return [];
    return [`lvextend -L +${more / (1024 * 1024)}m ${group.vg_name}/${pool.volume.lv_name}`];
  },
  findings: thinFindings,
  plan: (volumes, facts, swept, originOf, context) => {
    const sweeping = swept.map((volume) => poolOf(volume, facts.volumes, facts.pools)?.volume.lv_uuid ?? '');
    return planThin(volumes, new Set(sweeping), originOf, context);
  },
};
