/** Thick (copy-on-write) LVM snapshots: the order of steps. What each step runs on the host is in its own file. */
import { formatBytes, quotation } from '../../base/bytes.ts';
import { isStillpointError, StillpointError, toStillpointError } from '../../base/errors.ts';
import { Problems } from '../../base/problems.ts';
import { mintSnapshotName } from '../../domain/snapshot-name.ts';
import { lastLines } from '../../remote/host-errors.ts';
import type { DetectedVolume } from '../detect.ts';
import { watchmanLines } from '../lease/commands.ts';
import { noControlFiles } from '../lease/lease.ts';
import type { PlannedItem, SnapshotPlan, SnapshotProvider, TakenSnapshot } from '../provider.ts';
import { createSnapshots, lvcreateLine, type SnapshotOrder } from './create.ts';
import { judgeSnapshot, observeSnapshot } from './end-check.ts';
import { type MountedSnapshot, mountLine, mountSnapshot } from './mount.ts';
import type { LogicalVolumeRecord, VolumeGroupRecord } from './records.ts';
import { SIZING, sizeSnapshot } from './sizing.ts';

export const lvmThickProvider: SnapshotProvider = {
  kind: 'lvm-thick',

  plan(volumes, survey, identity, host) {
    const free = new Map(survey.groups.map((group) => [group.vg_uuid, group.vg_free_count * group.vg_extent_size]));
    const risks: string[] = [];
    const problems = new Problems();
    const planItem = (volume: DetectedVolume): PlannedItem => {
      const { volume: lv, group } = requireLvm(volume);
      const freeBytes = free.get(group.vg_uuid) ?? 0;
      const { size, needed } = sizeSnapshot({
        originBytes: lv.lv_size,
        usedBytes: volume.volume.usedBytes,
        freeBytes,
        extentBytes: group.vg_extent_size,
        writtenBytesPerSecond: survey.writtenBytesPerSecond.get(`${lv.lv_kernel_major}:${lv.lv_kernel_minor}`),
      });
      if (size === undefined) {
        // What this one lacks is not there for the next one either.
        free.set(group.vg_uuid, Math.max(0, freeBytes - needed));
        throw noRoom(lv, group, { host, freeBytes, needed });
      }
      if (!size.cannotOverflow) {
        risks.push(
          `The snapshot of ${volume.volume.label} can hold ${formatBytes(size.sizeBytes)} of changes; if more is written while it is read, the run fails.`,
        );
      }
      if (lv.lv_attr.startsWith('o'))
        risks.push(`${volume.volume.label} has a snapshot already; each one slows its writes.`);
      if (/^R|^.{8}[rm]/.test(lv.lv_attr))
        risks.push(
          `${volume.volume.label} is a RAID that is not whole at present (see "lvs -a -o name,attr,sync_percent ${lv.vg_name}"); the backup reads what there is, and slows the recovery.`,
        );
      free.set(group.vg_uuid, freeBytes - size.sizeBytes);
      return {
        volume,
        leastBytes: needed,
        planned: {
          volume: volume.volume.label,
          volumeId: volume.volume.id,
          snapshot: mintSnapshotName(identity.run, volume.volume.id),
          sizeBytes: size.sizeBytes,
          freeBytesAfter: freeBytes - size.sizeBytes,
          mountpoint: volume.volume.mountpoints[0] ?? '',
        },
      };
    };
    const items = volumes.flatMap((volume) => problems.attempt(() => planItem(volume)) ?? []);
    problems.throwIfAny((count) => `There is no room on "${host}" for ${count} of ${volumes.length} snapshots`);
    const plan = { ...identity, items, risks };
    const ordered = orders({ ...plan, commands: [] });
    const watchman = watchmanLines(identity.run, identity.owner);
    const mounts = ordered.map((order, index) => {
      const fsType = items[index]?.volume.volume.fsType ?? '';
      return mountLine(identity.run, { index, group: order.group, snapshot: order.name, fsType });
    });
    // All are made before the first one goes.
    const commands = [
      watchman.start,
      ...ordered.map((order) => lvcreateLine(order, identity.run, identity.owner)),
      ...mounts,
      ...ordered.map((order) => `lvremove -y ${order.group}/${order.name}`),
      watchman.stop,
    ];
    return { ...plan, commands };
  },

  async create(plan, host, signal) {
    const created = await host
      .run(createSnapshots(plan.run, plan.owner, orders(plan)), signal)
      .catch((error: unknown) => Promise.reject(createError(error, host.name)));
    return plan.items.map(({ planned, volume }, index) => {
      const made = created[index];
      if (made?.name !== planned.snapshot)
        throw new Error(`the host answered for another snapshot than ${planned.snapshot}`);
      const { extents, ...facts } = made;
      const sizeBytes = extents * requireLvm(volume).group.vg_extent_size;
      return { run: plan.run, owner: plan.owner, planned: { ...planned, sizeBytes }, volume, ...facts };
    });
  },

  async mount(taken, host, lease, signal) {
    const readable = [];
    for (const [index, snapshot] of taken.entries()) {
      lease.signal.throwIfAborted();
      const { volume: lv } = requireLvm(snapshot.volume);
      const order = {
        index,
        group: lv.vg_name,
        snapshot: snapshot.planned.snapshot,
        fsType: snapshot.volume.volume.fsType,
      };
      const pinned = await host
        .run(mountSnapshot(snapshot.run, order), signal)
        .catch((error: unknown) => Promise.reject(mountError(error, snapshot, host.name)));
      readable.push({ ...snapshot, path: pinned.path, pinned });
    }
    return readable;
  },

  async judge(snapshots, host, lease, signal) {
    for (const snapshot of snapshots) {
      const expected = {
        group: requireLvm(snapshot.volume).volume.vg_name,
        name: snapshot.planned.snapshot,
        uuid: snapshot.uuid,
        bootId: lease.armed.bootId,
        mounted: snapshot.pinned as MountedSnapshot,
      };
      const observed = await host.run(observeSnapshot(snapshot.run, expected), signal);
      try {
        judgeSnapshot(expected, observed, host.name);
      } catch (error) {
        // Our own watchman removes it at the end of a lease: renewing that says so.
        if (isStillpointError(error, 'snapshot.identity-changed')) await lease.renew(signal);
        throw error;
      }
    }
    await lease.renew(signal);
  },
};

function requireLvm(detected: DetectedVolume): NonNullable<DetectedVolume['lvm']> {
  if (detected.lvm && detected.volume.snapshot.possible) return detected.lvm;
  const { volume } = detected;
  throw new StillpointError('lvm.unsupported-origin', `"${volume.label}" is not a volume that LVM can snapshot.`, {
    advice: volume.snapshot.possible ? 'Choose another path.' : volume.snapshot.remedy,
    details: { volume: volume.label },
    cause: undefined,
  });
}

function orders(plan: SnapshotPlan): readonly SnapshotOrder[] {
  return plan.items.map(({ planned, volume, leastBytes }) => {
    const { volume: lv, group } = requireLvm(volume);
    return {
      group: lv.vg_name,
      origin: lv.lv_name,
      name: planned.snapshot,
      extents: planned.sizeBytes / group.vg_extent_size,
      leastExtents: leastBytes / group.vg_extent_size,
      reserveExtents: Math.ceil(group.vg_free_count * SIZING.reserveShare),
    };
  });
}

function noRoom(
  lv: LogicalVolumeRecord,
  group: VolumeGroupRecord,
  { host, freeBytes, needed }: { readonly host: string; readonly freeBytes: number; readonly needed: number },
): StillpointError {
  const withReserve = Math.ceil(needed / (1 - SIZING.reserveShare));
  return new StillpointError(
    'lvm.no-room',
    `The volume group "${group.vg_name}" on "${host}" has ${formatBytes(freeBytes)} free for it; a snapshot of "${lv.lv_name}" needs ${formatBytes(withReserve)}.`,
    {
      advice: `Add a disk with "vgextend ${group.vg_name} DEVICE", or remove a logical volume that nobody needs ("lvs ${group.vg_name}" lists them).`,
      details: { host, group: group.vg_name, volume: lv.lv_name, freeBytes, neededBytes: withReserve },
      cause: undefined,
    },
  );
}

function createError(error: unknown, host: string): unknown {
  const known = toStillpointError(error);
  if (known.code !== 'remote.command-failed') return error;
  const stderr = stderrOf(known);
  const facts = { details: known.details, cause: error };
  if (known.details['exitCode'] === 75) {
    return new StillpointError(
      'snapshot.lease-lost',
      `The lease on "${host}" ended while the snapshots were being made.`,
      {
        advice:
          'Run the backup again; if it recurs, the host is too slow for the lease: raise "leaseSeconds" of the host.',
        ...facts,
      },
    );
  }
  if (known.details['exitCode'] === 71) {
    return noControlFiles(known, host);
  }
  if (known.details['exitCode'] === 78) {
    return new StillpointError(
      'snapshot.create-failed',
      `LVM on "${host}" reported a new snapshot, and there is no such device.`,
      {
        advice:
          'Look at "lvm dumpconfig global/test global/activation activation/volume_list" on the host: LVM may be set there to change nothing, or to activate nothing.',
        ...facts,
      },
    );
  }
  if (/insufficient free space/i.test(stderr)) {
    return new StillpointError(
      'lvm.no-room',
      `LVM on "${host}" found too little room for the snapshot: ${lastLine(stderr)}`,
      {
        advice: 'Something else took the space in the meantime; look at "vgs" on the host and run again.',
        ...facts,
      },
    );
  }
  if (/device-mapper target|not detected in your kernel/i.test(stderr)) {
    return new StillpointError(
      'lvm.module-missing',
      `The kernel of "${host}" cannot do LVM snapshots: ${lastLine(stderr)}`,
      {
        advice: 'Load the module with "modprobe dm-snapshot"; small cloud kernels lack it.',
        ...facts,
      },
    );
  }
  return new StillpointError(
    'snapshot.create-failed',
    `A snapshot could not be made on "${host}".${lastLines(stderr)}`,
    {
      advice:
        'Correct what LVM complains of on the host, then run the backup again; the record of the job has all that it said.',
      ...facts,
    },
  );
}

function mountError(error: unknown, snapshot: TakenSnapshot, host: string): unknown {
  const known = toStillpointError(error);
  if (known.code !== 'remote.command-failed') return error;
  const stderr = stderrOf(known);
  return new StillpointError(
    'snapshot.mount-failed',
    `The snapshot of "${snapshot.planned.volume}" on "${host}" could not be mounted.${lastLines(stderr)}`,
    {
      advice:
        'Look at "dmesg" on the host, and check the file system of the volume; the record of the job has all that was said.',
      details: known.details,
      cause: error,
    },
  );
}

function stderrOf(error: StillpointError): string {
  const { stderr } = error.details as { stderr?: unknown };
  return typeof stderr === 'string' ? stderr : '';
}

function lastLine(stderr: string): string {
  return quotation(stderr.trim().split('\n').at(-1) ?? '');
}
