/** What is asked of a host about LVM; thick and thin volumes are looked at once, together. */
import type { Mount } from '../../domain/host.ts';
import type { RemoteHost } from '../../remote/remote-host.ts';
import { type Measurement, measureMounts } from '../measure.ts';
import { type LvmLimits, readLvmLimits } from './limits.ts';
import { listLogicalVolumes, listVolumeGroups } from './list.ts';
import { deviceMapperName } from './names.ts';
import type { LogicalVolumeRecord, VolumeGroupRecord } from './records.ts';
import { NO_POOLS, type Pools, readThinPools } from './thin/pool-status.ts';

export interface LvmFacts {
  /** Of which all this is, by the name by which the user knows it. */
  readonly host: string;
  /** All of them, hidden ones and snapshots too. */
  readonly volumes: readonly LogicalVolumeRecord[];
  readonly groups: readonly VolumeGroupRecord[];
  readonly limits: LvmLimits;
  readonly pools: Pools;
  /** Of mounted file systems, by the "major:minor" of the device. */
  readonly measured: ReadonlyMap<string, Measurement>;
}

/** By the mounts of a survey, which is the same promise for every provider that takes part in it. */
const surveys = new WeakMap<Promise<readonly Mount[]>, Promise<LvmFacts>>();

/** Asked by several providers in one survey, it asks the host once. */
export function surveyLvm(
  host: RemoteHost,
  mounting: Promise<readonly Mount[]>,
  signal: AbortSignal,
): Promise<LvmFacts> {
  const known = surveys.get(mounting);
  if (known !== undefined) return known;
  const asking = askHost(host, mounting, signal);
  surveys.set(mounting, asking);
  return asking;
}

async function askHost(host: RemoteHost, mounting: Promise<readonly Mount[]>, signal: AbortSignal): Promise<LvmFacts> {
  const [mounts, volumes, groups, limits] = await Promise.all([
    mounting,
    host.run(listLogicalVolumes, signal),
    host.run(listVolumeGroups, signal),
    host.run(readLvmLimits, signal),
  ]);
  const mounted = new Map(mounts.map((mount) => [mount.device, mount]));
  const measuring = volumes.flatMap((volume) => {
    const mount = mounted.get(deviceOf(volume));
    return mount === undefined ? [] : [{ mount, mapper: deviceMapperName(volume.vg_name, volume.lv_name) }];
  });
  const hasPools = volumes.some(({ segtype, lv_active }) => segtype === 'thin-pool' && lv_active);
  const [measurements, pools] = await Promise.all([
    host.run(measureMounts(measuring), signal),
    hasPools ? host.run(readThinPools, signal) : NO_POOLS,
  ]);
  const measured = measuring.flatMap(({ mount }, index) => {
    const measurement = measurements[index];
    return measurement === undefined ? [] : [[mount.device, measurement] as const];
  });
  return { host: host.name, volumes, groups, limits, pools, measured: new Map(measured) };
}

export const deviceOf = ({ lv_kernel_major, lv_kernel_minor }: LogicalVolumeRecord): string =>
  `${lv_kernel_major}:${lv_kernel_minor}`;
