/** The step of the critical section that makes one snapshot. A snapshot of a subvolume is one instant, and holds what was written before. */
import type { Fragment } from '../../remote/fragment.ts';
import type { StandingSnapshot } from '../provider.ts';
import { NO_UUID } from './naming.ts';

export interface SnapshotOrder {
  /** UUID of the file system. */
  readonly fileSystem: string;
  /** As the kernel calls its device. */
  readonly source: Buffer;
  /** "major:minor" of it, as it is mounted. */
  readonly device: string;
  /** Of the subvolume. */
  readonly number: number;
  /** From the top level, without and with a slash at its front. */
  readonly path: Buffer;
  readonly root: Buffer;
  /** UUID of the subvolume, or what stands for none. */
  readonly origin: string;
  readonly name: string;
  readonly folder: string;
  /** Numbers of the subvolumes in it that the plan knows. */
  readonly known: readonly number[];
}

export function createSnapshot(order: SnapshotOrder): Fragment<StandingSnapshot> {
  const { fileSystem, source, device, number, path, origin, name, folder, known, root } = order;
  return {
    name: 'create-subvolume-snapshot',
    script: `
fs=$1 source=$2 device=$3 number=$4 folder=$5 name=$6 origin=$7 path=$8 known=$9
sp_plan btrfs "$fs/$name"
# Not through a pipe: who reads it would be ended by the signal that we outlive.
{ sp_instant sp_btrfs_in make "$source" "$device" "$number" "$folder" "$name" &&
  sp_btrfs_in prove "$source" "$number" "$folder" "$name" "$origin" "$path" "$known" 3> "$dir/made.new"; } > "$dir/said.new" 2>&1 || {
  code=$?
  cat "$dir/said.new" >&2
  sp_standing
  exit "$code"
}
{ read -r uuid parent made; read -r appeared || :; } < "$dir/made.new"
sp_made "$uuid" "$parent" "$device" "$made" "$folder"
printf '%s\\0%s\\0%s\\0' "$uuid" "$parent" "$appeared"`,
    args: [fileSystem, source, device, String(number), folder, name, origin, shellPath(path), known.join(' ')],
    fields: 3,
    parse: ([uuid = '', parent = '', appeared = '']) => {
      if (!/^[0-9a-f-]{36}$/.test(uuid) || (origin !== NO_UUID && parent !== origin))
        throw new Error('a snapshot has another form');
      const paths = appeared.split(' ').flatMap((hex) => (hex === '' ? [] : [pathOf(hex)]));
      const unplanned = paths.flatMap((each) => within(each, root));
      return { sizeBytes: 0, seen: { uuid, parent }, ...(unplanned.length === 0 ? {} : { unplanned }) };
    },
  };
}

/** As sh has what a program prints: without the line breaks at its end. */
const shellPath = (path: Buffer): Buffer => Buffer.from(path.toString('latin1').replace(/\n+$/, ''), 'latin1');

function pathOf(hex: string): Buffer {
  if (!/^(?:[0-9a-f]{2})+$/.test(hex)) throw new Error('a path has another form');
  return Buffer.concat([Buffer.from('/'), Buffer.from(hex, 'hex')]);
}

/** As seen from the root of the volume, where it still lies there. */
function within(path: Buffer, root: Buffer): readonly Buffer[] {
  const prefix = root.length === 1 ? root : Buffer.concat([root, Buffer.from('/')]);
  if (!path.subarray(0, prefix.length).equals(prefix)) return [];
  return [path.subarray(prefix.length - 1)];
}
