/**
 * Snapshots of LVM that are kept on purpose: the words about one are its tags, and lvrename makes it a kept one. A thick one
 * is activated with its origin by every restart. A thin one is put away as soon as it has its name: it is not active, takes
 * no names from its origin in /dev/disk, and whoever reads it activates it for that long.
 */

import type { KeptState } from '../../domain/kept.ts';
import { keptBy, mintKeptName, setOfName } from '../../domain/kept-name.ts';
import type { Fragment } from '../../remote/fragment.ts';
import { type KeepOrder, type KeepSteps, type KeptObject, removalOf } from '../kept-port.ts';
import { MOUNT_EXITS } from '../mounting.ts';
import type { DetectedVolume, KeptReading, KeptSnapshots, RunIdentity, Seen } from '../provider.ts';
import { listLogicalVolumes } from './list.ts';
import { isThin, type LogicalVolumeRecord } from './records.ts';
import { thickItem } from './thick/item.ts';
import { thinItem } from './thin/item.ts';
import { readUpkeep } from './upkeep-settings.ts';

/** Exit codes of the steps: it is not the snapshot that was made; it overflowed; LVM failed, and said why. */
const KEEP_EXITS = { otherOne: 79, full: 80, failed: 81 } as const;

/**
 * @param isOfKind whether it is the business of this kind of snapshot
 * @param known what a survey saw
 */
export function lvmKept(
  isOfKind: (volume: LogicalVolumeRecord) => boolean,
  known: readonly LogicalVolumeRecord[],
): KeptSnapshots {
  return {
    look: async (host, signal) => {
      const volumes = await host.run(listLogicalVolumes, signal);
      const found = volumes.filter((volume) => setOfName(volume.lv_name) !== undefined && isOfKind(volume));
      // How full they are takes a look at each volume of the host.
      const { records } = found.some(isThickSnapshot) ? await host.run(readUpkeep, signal) : { records: undefined };
      return found.map((volume) => objectOf(volume, volumes, records?.get(volume.lv_uuid)?.data_percent));
    },
    keep: keepSteps,
    read: (object, volume, reader) => readingOf(object, volume, reader, known),
    remove: ({ id, proof }, owner) => ({
      line: `lvremove -y ${id}`,
      remove: {
        name: 'remove-kept-lvm-snapshot',
        script: `sp_said=$(sp_lvm_take_away "$1" "$2" stillpoint "spk.owner=$3")
printf '%s\\0' "\${sp_said%% *}"`,
        args: [id, proof, owner],
        fields: 1,
        parse: ([word = '']) => removalOf(word),
      },
    }),
  };
}

function readingOf(
  { id, proof, volumeId }: KeptObject,
  detected: DetectedVolume,
  identity: RunIdentity,
  known: readonly LogicalVolumeRecord[],
): KeptReading {
  const record = known.find(({ lv_uuid }) => lv_uuid === proof);
  if (record === undefined) throw new Error(`${id} is not among what the survey saw`);
  const { volume } = detected;
  const planned = {
    ...{ volume: volume.label, volumeId, snapshot: record.lv_name, mountpoint: volume.mountpoints[0] ?? '' },
    ...{ sizeBytes: 0, freeBytesAfter: 0 },
  };
  const named = { group: record.vg_name, origin: record.origin, name: record.lv_name, fsType: volume.fsType };
  const common = { identity, volume: detected, planned };
  const parse = (): void => undefined;
  const done = { name: 'put-away-kept-snapshot', args: [id], fields: 0, parse };
  if (!isThin(record)) {
    const sizes = { extents: 0, leastExtents: 0, reserveExtents: 0, extentBytes: 0 };
    return {
      item: thickItem({ ...common, order: { ...named, ...sizes } }),
      seen: { uuid: proof },
      putAway: { ...done, script: ':' },
    };
  }
  const item = thinItem({ ...common, order: { ...named, pool: record.pool_lv, chunkBytes: record.chunk_size } });
  return {
    item: { ...item, mount: (path) => activated(item.mount(path), id) },
    seen: { uuid: proof },
    putAway: { ...done, script: `sp_lvm 60 lvchange -y -an "$1" >/dev/null 2>&1; :` },
  };
}

/** It is not active, and bears the flag that keeps it so. */
function activated(mount: Fragment<Seen>, id: string): Fragment<Seen> {
  return {
    ...mount,
    script: `sp_lvm 60 lvchange -y -ay -K "\${${mount.args.length + 1}}" >&2 || exit ${MOUNT_EXITS.notMounted}\n${mount.script}`,
    args: [...mount.args, id],
  };
}

const isThickSnapshot = ({ lv_attr }: LogicalVolumeRecord): boolean => /^[sS]/.test(lv_attr);

function objectOf(
  volume: LogicalVolumeRecord,
  volumes: readonly LogicalVolumeRecord[],
  percent: number | undefined,
): KeptObject {
  const { vg_name, vg_uuid, lv_name, lv_uuid, lv_size, lv_tags, origin } = volume;
  const set = setOfName(lv_name);
  if (set === undefined) throw new Error(`${lv_name} is no kept name`);
  const usedBytes = percent === undefined ? undefined : Math.round((lv_size * percent) / 100);
  const source = volumes.find((other) => other.vg_uuid === vg_uuid && other.lv_name === origin);
  const state = stateOf(volume, percent);
  return {
    ...{ kind: 'lvm', id: `${vg_name}/${lv_name}`, set, proof: lv_uuid, state },
    volumeId: `lvm:${source?.lv_uuid ?? ''}`,
    volume: origin === '' ? `${vg_name}, of a volume that is gone` : `${vg_name}/${origin}`,
    words: lv_tags.includes('stillpoint') ? lv_tags : [],
    room: isThickSnapshot(volume)
      ? { usedBytes: state === 'full' ? lv_size : usedBytes, totalBytes: lv_size }
      : { usedBytes: undefined, totalBytes: undefined },
  };
}

/** lv_attr: the first letter is the type, the fifth the state. */
function stateOf(volume: LogicalVolumeRecord, percent: number | undefined): KeptState {
  const { lv_attr } = volume;
  if (lv_attr.startsWith('S')) return 'merging';
  if (lv_attr.startsWith('s')) return /^.{4}[IS]/.test(lv_attr) || (percent ?? 0) >= 100 ? 'full' : 'whole';
  return lv_attr.startsWith('V') && isThin(volume) ? 'whole' : 'foreign';
}

function keepSteps(taken: KeepOrder, words: readonly string[]): KeepSteps {
  const { run, owner, id, planned, standing } = taken;
  const [group = ''] = id.split('/');
  const name = mintKeptName(keptBy(run), planned.volumeId);
  const tags = words.flatMap((word) => ['--addtag', word]);
  const uuid = standing.seen['uuid'] ?? '';
  return {
    id: `${group}/${name}`,
    proof: uuid,
    lines: [`lvchange -y ${tags.join(' ')} ${id}`, `lvrename ${group} ${planned.snapshot} ${name}`],
    mark: {
      name: 'mark-kept-lvm-snapshot',
      script: `
id=$1 uuid=$2
shift 2
sp_lvm_look "$id" && [ "$sp_uuid" = "$uuid" ] || exit ${KEEP_EXITS.otherOne}
case $sp_attr in s???[IS]*) exit ${KEEP_EXITS.full} ;; esac
sp_lvm 60 lvchange -y "$@" "$id" >/dev/null || exit ${KEEP_EXITS.failed}`,
      args: [id, uuid, ...tags],
      fields: 0,
      parse: () => undefined,
    },
    rename: {
      name: 'rename-kept-lvm-snapshot',
      script: `
id=$1 uuid=$2 name=$3 run=$4 owner=$5 type=$6
vg=\${id%/*}
sp_lvm_look "$id" && [ "$sp_uuid" = "$uuid" ] || exit ${KEEP_EXITS.otherOne}
sp_lvm 60 lvrename -y "$vg" "\${id#*/}" "$name" >/dev/null || exit ${KEEP_EXITS.failed}
# It stays already. These marks would say of which run it was.
sp_lvm 60 lvchange -y --deltag "sp.run=$run" --deltag "sp.owner=$owner" "$vg/$name" >/dev/null 2>&1
[ "$type" != lvm-thin ] || sp_lvm 60 lvchange -y -an "$vg/$name" >/dev/null 2>&1
exit 0`,
      args: [id, uuid, name, run, owner, taken.provider],
      fields: 0,
      parse: () => undefined,
    },
  };
}
