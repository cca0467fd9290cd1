/** What is to be seen to where snapshots are thin: pools that stop soon, and those that would not grow by themselves. */
import { formatBytes } from '../../../base/bytes.ts';
import type { HostFinding } from '../../../domain/readiness.ts';
import { isThin, type LogicalVolumeRecord, type VolumeGroupRecord } from '../records.ts';
import type { LvmFacts } from '../survey.ts';
import type { UpkeepSettings } from '../upkeep-settings.ts';
import { BEFORE } from './gates.ts';
import { largerPool } from './plan.ts';
import { poolOf, type ThinPool } from './pool.ts';
import { type PoolStatus, roomOf } from './pool-status.ts';

interface Pool {
  readonly label: string;
  readonly group: VolumeGroupRecord;
  readonly pool: ThinPool & { readonly status: PoolStatus };
  /** All that its volumes could take together. */
  readonly promisedBytes: number;
}

export function thinFindings(facts: LvmFacts, settings: UpkeepSettings): readonly HostFinding[] {
  return facts.volumes
    .filter(({ segtype }) => segtype === 'thin-pool')
    .flatMap((volume) => poolFrom(volume, facts) ?? [])
    .flatMap((pool) => [
      ...failing(pool),
      ...filling(pool, 'data'),
      ...filling(pool, 'metadata'),
      ...fixed(pool, settings),
    ]);
}

function poolFrom(volume: LogicalVolumeRecord, { volumes, groups, pools }: LvmFacts): Pool | undefined {
  const pool = poolOf({ ...volume, pool_lv: volume.lv_name }, volumes, pools);
  const group = groups.find(({ vg_uuid }) => vg_uuid === volume.vg_uuid);
  if (pool?.status === undefined || group === undefined) return undefined;
  const own = volumes.filter(
    (each) => isThin(each) && each.vg_uuid === volume.vg_uuid && each.pool_lv === volume.lv_name,
  );
  return {
    label: `${volume.vg_name}/${volume.lv_name}`,
    group,
    pool: { ...pool, status: pool.status },
    promisedBytes: own.reduce((sum, { lv_size }) => sum + lv_size, 0),
  };
}

function failing({ label, pool: { status } }: Pool): readonly HostFinding[] {
  if (status.mode === 'rw' && !status.needsCheck) return [];
  const state = status.needsCheck ? 'has to be checked (needs_check)' : `is in the state "${status.mode}"`;
  return [
    {
      ...{ kind: 'pool-failing', severity: 'dangerous', object: label },
      message: `The thin pool "${label}" ${state}.`,
      means: 'Writes to its volumes fail or wait, and snapshots cannot be made in it.',
      remedy: {
        ...{ where: 'nowhere', lines: [] },
        note: `Make room with "lvextend", or repair it with "lvconvert --repair ${label}" while nothing of it is in use; copy first what can be read.`,
      },
    },
  ];
}

function filling(pool: Pool, what: 'data' | 'metadata'): readonly HostFinding[] {
  const { label, group } = pool;
  const { used, total } = roomOf(pool.pool.status, pool.pool.volume.chunk_size)[what];
  if (total === 0 || used * 100 <= total * BEFORE[what]) return [];
  const { line, fits } = largerPool(what, pool);
  const free = group.vg_free_count * group.vg_extent_size;
  return [
    {
      ...{ kind: `pool-${what}`, severity: 'dangerous', object: label },
      message: `The ${what} of the thin pool "${label}" is ${Math.floor((used / total) * 100)} % full (${formatBytes(used)} of ${formatBytes(total)}).`,
      means: `A backup begins no snapshot there above ${BEFORE[what]} %; when it is full, everything that writes to its volumes stops.`,
      remedy: fits
        ? {
            where: 'host',
            lines: [line],
            note: 'It takes room of the volume group, and can be done while it is in use.',
          }
        : {
            ...{ where: 'nowhere', lines: [] },
            note: `Its volume group has ${formatBytes(free)} free: add a disk with "vgextend ${group.vg_name} DEVICE", then "${line}".`,
          },
    },
  ];
}

/** From here on it would grow, and by so much; below the gates of a backup. */
const GROW = { threshold: 70, percent: 20 } as const;
const PROFILE = 'stillpoint-pool';

/** It does not grow when it fills. */
function fixed(
  { label, pool: { volume, status }, promisedBytes }: Pool,
  settings: UpkeepSettings,
): readonly HostFinding[] {
  const { seg_monitor: isWatched = false, lv_profile: profile = '' } = settings.records.get(volume.lv_uuid) ?? {};
  const growsFrom = settings.thresholds.get(profile) ?? settings.thresholds.get('') ?? 100;
  if (growsFrom < 100 && isWatched) return [];
  const { data } = roomOf(status, volume.chunk_size);
  const isPromised = promisedBytes > data.total;
  const setting = `activation {\\n\\tthin_pool_autoextend_threshold=${GROW.threshold}\\n\\tthin_pool_autoextend_percent=${GROW.percent}\\n}\\n`;
  const ofOwn = growsFrom >= 100 && profile !== '';
  const lines = [
    ...(growsFrom < 100 || ofOwn
      ? []
      : [
          `printf '${setting}' > /etc/lvm/profile/${PROFILE}.profile`,
          `lvchange --metadataprofile ${PROFILE} ${label}`,
        ]),
    ...(isWatched ? [] : [`lvchange --monitor y ${label}`]),
  ];
  const why = growsFrom < 100 ? 'dmeventd does not watch it' : 'thin_pool_autoextend_threshold is not set for it';
  return [
    {
      ...{ kind: 'pool-fixed', severity: isPromised ? 'dangerous' : 'advice', object: label },
      message: `The thin pool "${label}" does not grow by itself when it fills: ${why}.`,
      means: `What is written while a snapshot lives takes new room of it${isPromised ? `, and its volumes could take ${formatBytes(promisedBytes)} of the ${formatBytes(data.total)} that it has` : ''}; a backup is given up before it is full.`,
      remedy: {
        where: lines.length === 0 ? 'nowhere' : 'host',
        lines,
        note: ofOwn
          ? `Set thin_pool_autoextend_threshold below 100 in its profile, /etc/lvm/profile/${profile}.profile.`
          : `It then grows from ${GROW.threshold} % on, as long as its volume group has room; on Debian that needs the package "dmeventd".`,
      },
    },
  ];
}
