/** Thin snapshots: they share all that is unchanged with their origin, and the pool's room with everything in it. */
import { isThin } from '../records.ts';
import type { LvmKind } from '../storage.ts';
import { thinFindings } from './findings.ts';
import { largerPool, planThin, roomUntilGate } from './plan.ts';
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
    if (pool?.status === undefined) return [];
    const label = `${group.vg_name}/${pool.volume.lv_name}`;
    const { line, fits } = largerPool('data', { label, group, pool: { ...pool, status: pool.status } }, bytes);
    return fits ? [line] : [];
  },
  findings: thinFindings,
  plan: (volumes, facts, swept, originOf, context) => {
    const sweeping = swept.map((volume) => poolOf(volume, facts.volumes, facts.pools)?.volume.lv_uuid ?? '');
    return planThin(volumes, new Set(sweeping), originOf, context);
  },
};
