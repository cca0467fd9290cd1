/** What real hosts printed; the version of the tool is in the name of the file. */
import { readFileSync } from 'node:fs';
import type { Mount } from '../../../shared/domain/host.ts';
import type { RemoteCommand } from '../../../shared/remote/command.ts';
import { detectVolumes } from '../../../shared/snapshot/detect.ts';
import type { LvmLimits } from '../../../shared/snapshot/lvm/limits.ts';
import { listLogicalVolumes, listVolumeGroups } from '../../../shared/snapshot/lvm/list.ts';
import { lvmThick, lvmThin } from '../../../shared/snapshot/lvm/provider.ts';
import type { LogicalVolumeRecord, VolumeGroupRecord } from '../../../shared/snapshot/lvm/records.ts';
import { lvmStorage } from '../../../shared/snapshot/lvm/storage.ts';
import type { LvmFacts } from '../../../shared/snapshot/lvm/survey.ts';
import { THICK } from '../../../shared/snapshot/lvm/thick/kind.ts';
import { THIN } from '../../../shared/snapshot/lvm/thin/kind.ts';
import { type Pools, readThinPools } from '../../../shared/snapshot/lvm/thin/pool-status.ts';
import { readMounts } from '../../../shared/snapshot/mountinfo.ts';
import type { DetectedVolume, Storage } from '../../../shared/snapshot/provider.ts';
import { NO_ZFS } from '../../../shared/snapshot/zfs/survey-command.ts';

export const fixture = (name: string): Buffer => readFileSync(new URL(`./fixtures/${name}`, import.meta.url));

export function parsed<T>(command: RemoteCommand<T>, stdout: Buffer | string): T {
  return command.parse({ stdout: Buffer.from(stdout), stderr: '', exitCode: 0 });
}

/**
 * A guest with LVM 2.03.16: thick volumes `files` and `mysql` with snapshots (that of `mysql` overflowed), `multi` of two
 * segments, `offline` not active, a thin pool with the volume `thin`.
 */
export const guestVolumes = (): readonly LogicalVolumeRecord[] =>
  parsed(listLogicalVolumes, fixture('lvs-2.03.16.txt'));
export const guestGroups = (): readonly VolumeGroupRecord[] => parsed(listVolumeGroups, fixture('vgs-2.03.16.txt'));
/** Of the pool of the guest, so full of so many blocks; each block of data has 64 KiB. */
export const poolsWith = (
  data: string,
  metadata = '25/4096',
  rest = '- rw discard_passdown queue_if_no_space - 1024',
): Pools =>
  parsed(
    readThinPools,
    `vg0-pool0-tpool: 0 2097152 thin-pool 1 ${metadata} ${data} ${rest}\n\0Active|vg0-pool0-tpool\n\0`,
  );
const guestPools = (): Pools => poolsWith('273/16384');
/** What LVM has there; nothing forbids anything. */
const guestFacts = (more: Partial<LvmFacts> = {}): LvmFacts => ({
  host: 'db1',
  volumes: guestVolumes(),
  groups: guestGroups(),
  limits: noLimits,
  pools: guestPools(),
  measured: new Map(),
  ...more,
});
export const guestStorage = (more: Partial<LvmFacts> = {}): Storage => lvmStorage(lvmThick, THICK, guestFacts(more));
export const guestThinStorage = (more: Partial<LvmFacts> = {}): Storage => lvmStorage(lvmThin, THIN, guestFacts(more));
/** What is seen of these mounts on the guest. */
export const detectOnGuest = (
  mounts: readonly Mount[],
  storages = [guestStorage(), guestThinStorage()],
): readonly DetectedVolume[] => detectVolumes(mounts, new Map(), storages);
export const noLimits: LvmLimits = {
  ownGroups: new Set(guestGroups().map((group) => group.vg_uuid)),
  duplicateGroups: new Set(),
  volumeList: undefined,
  forbiddenBy: undefined,
};
export const guestMounts = (): readonly Mount[] => parsed(readMounts, fixture('mountinfo-linux-6.1.txt'));

export function volumeCalled(name: string): LogicalVolumeRecord {
  const found = guestVolumes().find((volume) => volume.lv_name === name);
  if (found === undefined) throw new Error(`the fixture has no volume ${name}`);
  return found;
}

/** What a host on paper answers to the commands of a survey, and of resolving paths; all that it has can be used. */
export function surveyAnswer(
  { name, args }: RemoteCommand<unknown>,
  { mounts = guestMounts(), volumes = guestVolumes() }: Partial<Record<'mounts' | 'volumes', readonly unknown[]>> = {},
): unknown {
  switch (name) {
    case 'identify-host':
      return {
        ...{
          isRoot: true,
          missing: [],
          gnuTar: true,
          gnuFind: true,
          uptimeSeconds: 1000,
          users: new Map(),
          groups: new Map(),
        },
        wallClock: { earliestMs: 0, latestMs: 1 },
      };
    case 'read-mounts':
      return mounts;
    case 'list-logical-volumes':
      return volumes;
    case 'list-volume-groups':
      return guestGroups();
    case 'read-lvm-limits':
      return noLimits;
    case 'read-thin-pools':
      return guestPools();
    case 'list-datasets':
      return NO_ZFS;
    case 'list-block-devices':
      return new Map();
    case 'measure-mounts':
      return args.map(() => ({ use: { sizeBytes: 1e9, usedBytes: 1e8 }, writtenPerSecond: 0, writesPerSecond: 0 }));
    case 'resolve-paths':
      return args.map((path) => ({ asked: path, real: path }));
    case 'look-for-turns':
      return [];
    default:
      throw new Error(`nobody answers "${name}"`);
  }
}

let nextId = 100;

/** A mount as mountinfo tells it, on "/" of the device unless said otherwise. */
export function aMount(target: string, facts: Partial<Mount> = {}): Mount {
  nextId += 1;
  return {
    id: nextId,
    parentId: 1,
    device: '8:1',
    root: Buffer.from('/'),
    target: Buffer.from(target),
    options: ['rw'],
    fsType: 'ext4',
    source: Buffer.from('/dev/sda1'),
    superOptions: ['rw'],
    ...facts,
  };
}
