/** One look at a host: who it is, what is mounted, which volumes there are and how full they are. */

import { type Clock, timed, type WallSpan } from '../base/clock.ts';
import { isStillpointError } from '../base/errors.ts';
import { type ClockSkew, clockSkew } from '../domain/clock-skew.ts';
import type { Mount } from '../domain/host.ts';
import type { RemoteHost } from '../remote/remote-host.ts';
import { listBlockDevices } from './block-devices.ts';
import { type DetectedVolume, detectVolumes } from './detect.ts';
import { type HostIdentity, identifyHost, lackOf } from './identify-host.ts';
import { deviceMapperName } from './lvm/create.ts';
import { readLvmLimits } from './lvm/limits.ts';
import { listLogicalVolumes, listVolumeGroups } from './lvm/list.ts';
import type { LogicalVolumeRecord, VolumeGroupRecord } from './lvm/records.ts';
import { measureMounts } from './measure.ts';
import { readMounts } from './mountinfo.ts';

export interface Survey {
  readonly identity: HostIdentity;
  /** When it was asked for its identity, on our clock. */
  readonly asked: WallSpan;
  /** By how much its clock was ahead of ours then. */
  readonly clockSkew: ClockSkew;
  readonly mounts: readonly Mount[];
  readonly volumes: readonly DetectedVolume[];
  readonly groups: readonly VolumeGroupRecord[];
  /** All of them, snapshots included. */
  readonly logicalVolumes: readonly LogicalVolumeRecord[];
  /** Average writing since boot by the device's number, bytes per second. */
  readonly writtenBytesPerSecond: ReadonlyMap<string, number>;
}

export async function surveyHost(host: RemoteHost, clock: Clock, signal: AbortSignal): Promise<Survey> {
  // Side by side: each costs a round trip, and none depends on another.
  const identifying = timed(clock, () => host.run(identifyHost, signal));
  const [identified, mounts, records, groups, limits, devices] = await Promise.all([
    identifying,
    host.run(readMounts, signal),
    host.run(listLogicalVolumes, signal),
    host.run(listVolumeGroups, signal),
    host.run(readLvmLimits, signal),
    host.run(listBlockDevices, signal),
  ]).catch(async (error: unknown) => {
    // That a program is not there is the cause, and what failed for want of it a symptom.
    const { value } = await identifying;
    throw isStillpointError(error, 'remote.command-failed') ? (lackOf(value, host.name) ?? error) : error;
  });
  const { value: identity, span: asked } = identified;
  const mounted = new Map(mounts.map((mount) => [mount.device, mount]));
  const measured = records.flatMap((record) => {
    const mount = mounted.get(`${record.lv_kernel_major}:${record.lv_kernel_minor}`);
    return mount === undefined ? [] : [{ mount, mapper: deviceMapperName(record.vg_name, record.lv_name) }];
  });
  const measurements = await host.run(measureMounts(measured), signal);
  const found = measured.map(({ mount }, index) => ({ device: mount.device, ...measurements[index] }));
  const use = new Map(found.flatMap((each) => (each.use === undefined ? [] : [[each.device, each.use] as const])));
  const uptime = Math.max(identity.uptimeSeconds, 1);
  const rates = found.flatMap(({ device, writtenBytes }) =>
    writtenBytes === undefined ? [] : [[device, writtenBytes / uptime] as const],
  );
  const externalJournals = new Set(found.filter((each) => each.hasExternalJournal).map(({ device }) => device));
  return {
    identity,
    asked,
    clockSkew: clockSkew(identity.wallClock, asked),
    mounts,
    volumes: detectVolumes(mounts, { volumes: records, groups, limits, devices, use, externalJournals }),
    groups,
    logicalVolumes: records,
    writtenBytesPerSecond: new Map(rates),
  };
}
