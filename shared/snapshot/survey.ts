/** One look at a host: who it is, what is mounted, which volumes there are and how full they are. */

import type { Mount } from '../domain/host.ts';
import type { RemoteHost } from '../remote/remote-host.ts';
import { type DetectedVolume, detectVolumes } from './detect.ts';
import { type HostIdentity, identifyHost } from './identify-host.ts';
import { listLogicalVolumes, listVolumeGroups } from './lvm/list.ts';
import type { LogicalVolumeRecord, VolumeGroupRecord } from './lvm/records.ts';
import { measureMounts } from './measure.ts';
import { readMounts } from './mountinfo.ts';

export interface Survey {
  readonly identity: HostIdentity;
  readonly mounts: readonly Mount[];
  readonly volumes: readonly DetectedVolume[];
  readonly groups: readonly VolumeGroupRecord[];
  /** All of them, snapshots included. */
  readonly logicalVolumes: readonly LogicalVolumeRecord[];
  /** Average writing since boot by the device's number, bytes per second. */
  readonly writtenBytesPerSecond: ReadonlyMap<string, number>;
}

export async function surveyHost(host: RemoteHost, signal: AbortSignal): Promise<Survey> {
  // Side by side: each costs a round trip, and none depends on another.
  const [identity, mounts, records, groups] = await Promise.all([
    host.run(identifyHost, signal),
    host.run(readMounts, signal),
    host.run(listLogicalVolumes, signal),
    host.run(listVolumeGroups, signal),
  ]);
  const devices = new Set(records.map((record) => `${record.lv_kernel_major}:${record.lv_kernel_minor}`));
  const measured = [
    ...new Map(mounts.filter((mount) => devices.has(mount.device)).map((mount) => [mount.device, mount])).values(),
  ];
  const measurements = await host.run(measureMounts(measured), signal);
  const use = new Map(
    measured.flatMap((mount, index) => {
      const found = measurements[index]?.use;
      return found === undefined ? [] : [[mount.device, found] as const];
    }),
  );
  const rates = new Map(
    measured.flatMap((mount, index) => {
      const written = measurements[index]?.writtenBytes;
      return written === undefined ? [] : [[mount.device, written / Math.max(identity.uptimeSeconds, 1)] as const];
    }),
  );
  return {
    identity,
    mounts,
    volumes: detectVolumes(mounts, records, groups, use),
    groups,
    logicalVolumes: records,
    writtenBytesPerSecond: rates,
  };
}
