/** LVM as a storage that can make room for data: from an empty device to a group with a reserve, a volume, a file system. */
import { formatBytes } from '../../../base/bytes.ts';
import { StillpointError } from '../../../base/errors.ts';
import type { EmptyDevice, NewVolumePlan, NewVolumeRequest } from '../../../domain/new-volume.ts';
import { planIdOf } from '../../../domain/plan-id.ts';
import type { RemoteHost } from '../../../remote/remote-host.ts';
import type { PlannedVolume, VolumeMaker } from '../../volume-maker.ts';
import { readLvmLimits } from '../limits.ts';
import { listVolumeGroups } from '../list.ts';
import { looksLikeOurs } from '../names.ts';
import type { VolumeGroupRecord } from '../records.ts';
import { type DeviceFacts, lookAtDevice } from './look.ts';
import { absentDevice, findingsOn, refuseDevice } from './refusals.ts';
import { EXTENT_BYTES, extentsOn, sizesOf, type VolumeSizes } from './sizes.ts';
import { MAKE_FILE_SYSTEM, workOn } from './work.ts';

export const lvmMaker: VolumeMaker = {
  refuse(wanted) {
    requireName('group', wanted.group);
    if (wanted.kind === 'volume') requireName('volume', wanted.volume);
  },

  async plan(request, host, signal) {
    const { wanted, device } = request;
    lvmMaker.refuse(wanted);
    const facts = await host.run(lookAtDevice(device, wanted.group, programsFor(request)), signal);
    if (facts === 'absent') throw absentDevice(device, host.name);
    if (facts.missing.length > 0) throw lacksPrograms(facts.missing, host.name);
    const findings = findingsOn(facts);
    if (findings.length > 0) throw refuseDevice(facts, findings, host.name);
    return planned(request, facts, await groupFor(request, facts, host, signal));
  },
};

function programsFor({ wanted }: NewVolumeRequest): readonly string[] {
  const always = ['blkid', 'wipefs', 'pvcreate', 'pvremove'];
  if (wanted.kind === 'more-room') return [...always, 'vgextend'];
  const [mkfs = ''] = MAKE_FILE_SYSTEM[wanted.fileSystem].split(' ');
  return [...always, 'vgcreate', 'vgremove', 'lvcreate', 'lvremove', mkfs];
}

/** As lvm(8) has it; a name of the form of our snapshots would be taken for one. */
function requireName(what: 'group' | 'volume', name: string): void {
  const isReserved =
    /^(\.|\.\.|snapshot.*|pvmove.*)$/.test(name) ||
    /_(mlog|mimage|rimage|rmeta|tdata|tmeta|cdata|cmeta|vorigin|corig|pmspare|vdata|imeta|iorig)/.test(name);
  if (/^[A-Za-z0-9+_.][A-Za-z0-9+_.-]{0,63}$/.test(name) && !isReserved && !looksLikeOurs(name)) return;
  throw new StillpointError('usage.invalid', `"${name}" cannot be the name of a ${what}.`, {
    advice: 'Use letters, digits and the characters + _ . and -, and none of the names that LVM keeps for itself.',
    details: { name },
    cause: undefined,
  });
}

/** The group that the device comes to; undefined where it is made. */
async function groupFor(
  { wanted }: NewVolumeRequest,
  { isNameTaken }: DeviceFacts,
  host: RemoteHost,
  signal: AbortSignal,
): Promise<VolumeGroupRecord | undefined> {
  const [groups, limits] = [await host.run(listVolumeGroups, signal), await host.run(readLvmLimits, signal)];
  if (limits.forbiddenBy !== undefined)
    throw notHere(`LVM on "${host.name}" changes nothing (${limits.forbiddenBy}).`, 'Correct it in its lvm.conf.');
  const named = groups.filter(({ vg_name }) => vg_name === wanted.group);
  const names = groups.map(({ vg_name }) => `"${vg_name}"`).join(', ');
  if (wanted.kind === 'volume') {
    if (named.length === 0 && !isNameTaken) return undefined;
    const what = named.length > 0 ? 'a group' : 'something in /dev that is';
    throw notHere(
      `There is ${what} named "${wanted.group}" on "${host.name}" already.`,
      named.length > 0 ? 'Choose another name, or give the group more room with --add-to.' : 'Choose another name.',
    );
  }
  const [group, second] = named;
  if (group === undefined)
    throw notHere(
      `There is no group "${wanted.group}" on "${host.name}".`,
      names === '' ? 'It has none.' : `It has ${names}.`,
    );
  if (second !== undefined)
    throw notHere(`There are several groups "${wanted.group}" on "${host.name}".`, 'Rename one of them by its uuid.');
  const why = whyNotExtended(group, limits);
  if (why !== undefined) throw notHere(`The group "${wanted.group}" on "${host.name}" ${why}.`, 'Choose another one.');
  return group;
}

/** The third to sixth characters are exported, partial, policy and clustered or shared; see vgs(8). */
function whyNotExtended(
  group: VolumeGroupRecord,
  limits: { readonly ownGroups: ReadonlySet<string>; readonly duplicateGroups: ReadonlySet<string> },
): string | undefined {
  const { vg_attr, vg_uuid } = group;
  if (vg_attr[0] !== 'w') return 'is read-only';
  if (vg_attr[2] === 'x') return 'is exported';
  if (vg_attr[3] === 'p') return 'lacks one of its disks';
  if (vg_attr[5] === 'c' || vg_attr[5] === 's') return 'is shared with other machines';
  if (!limits.ownGroups.has(vg_uuid)) return 'belongs to another machine';
  return limits.duplicateGroups.has(vg_uuid) ? 'has a disk that is seen twice' : undefined;
}

function notHere(message: string, advice: string): StillpointError {
  return new StillpointError('usage.invalid', message, { advice, cause: undefined });
}

function lacksPrograms(missing: readonly string[], host: string): StillpointError {
  return new StillpointError('remote.tool-missing', `"${host}" lacks ${missing.join(', ')}.`, {
    advice: 'Install them there: blkid and wipefs are of util-linux, mkfs.xfs of xfsprogs, mkfs.ext4 of e2fsprogs.',
    details: { host, missing },
    cause: undefined,
  });
}

const OTHERS = 'Whether another machine uses the same disk, over a storage network, cannot be seen from the host.';

function planned(request: NewVolumeRequest, facts: DeviceFacts, group: VolumeGroupRecord | undefined): PlannedVolume {
  const { host, wanted } = request;
  const device: EmptyDevice = {
    ...{ path: facts.path, number: facts.number, sizeBytes: facts.sizeBytes },
    says: [facts.model, facts.serial].filter((each) => each !== '').join(' '),
  };
  const sizes = wanted.kind === 'volume' ? sizesOf(wanted, facts.sizeBytes) : undefined;
  const volume =
    wanted.kind === 'volume' && sizes !== undefined
      ? { name: wanted.volume, extents: sizes.volumeExtents, fileSystem: wanted.fileSystem }
      : undefined;
  const work = workOn({ host, device, sequence: facts.sequence, group: wanted.group, volume });
  const { name, script, args } = work;
  const content = {
    ...{ host, device, group: wanted.group, ...roomOf(sizes, group, facts.sizeBytes) },
    volume:
      volume === undefined
        ? undefined
        : {
            ...{ path: `/dev/${wanted.group}/${volume.name}`, fileSystem: volume.fileSystem },
            sizeBytes: volume.extents * EXTENT_BYTES,
          },
    steps: [
      { does: linesOf(device, wanted.group, volume), command: { name, needs: 'root', script, args: args.map(String) } },
    ],
    risks: [OTHERS],
  } as const;
  const plan: NewVolumePlan = {
    kind: 'prepare',
    id: planIdOf({ ...content, sequence: facts.sequence, groupUuid: group?.vg_uuid }),
    basis: 'the device or the group',
    rollback:
      volume === undefined
        ? `Until something lies on it, "vgreduce ${wanted.group} ${device.path}" takes it out again.`
        : `Until something lies on it, "lvremove", "vgremove" and "pvremove" take it back.`,
    ...content,
  };
  return { plan, work };
}

function roomOf(
  sizes: VolumeSizes | undefined,
  group: VolumeGroupRecord | undefined,
  deviceBytes: number,
): Pick<NewVolumePlan, 'groupBytes' | 'freeBytes'> {
  if (sizes !== undefined) {
    const { groupExtents, volumeExtents } = sizes;
    return { groupBytes: groupExtents * EXTENT_BYTES, freeBytes: (groupExtents - volumeExtents) * EXTENT_BYTES };
  }
  const { vg_extent_size = EXTENT_BYTES, vg_size = 0, vg_free_count = 0 } = group ?? {};
  const more = extentsOn(deviceBytes, vg_extent_size);
  if (more < 1)
    throw notHere(
      `The device has ${formatBytes(deviceBytes)}, which is less than one extent of the group.`,
      'Use a larger device.',
    );
  return { groupBytes: vg_size + more * vg_extent_size, freeBytes: (vg_free_count + more) * vg_extent_size };
}

function linesOf(
  { path }: EmptyDevice,
  group: string,
  volume: Parameters<typeof workOn>[0]['volume'],
): readonly string[] {
  if (volume === undefined) return [`pvcreate ${path}`, `vgextend ${group} ${path}`];
  const { name, extents, fileSystem } = volume;
  return [
    `pvcreate ${path}`,
    `vgcreate -s 4m ${group} ${path}`,
    `lvcreate -n ${name} -l ${extents} ${group}`,
    `${MAKE_FILE_SYSTEM[fileSystem]} /dev/${group}/${name}`,
  ];
}
