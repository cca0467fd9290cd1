/**
 * The work of a plan, as one script on the host. It looks once more that the device is the same and unused, does one step
 * after the other, and takes all of them back where one fails. It goes on when we vanish: it ends whole, or with nothing.
 */
import { StillpointError } from '../../../base/errors.ts';
import type { EmptyDevice, NewFileSystem } from '../../../domain/new-volume.ts';
import { type RemoteCommand, type RemoteScript, unreadableOutput } from '../../../remote/command.ts';
import { lastLines } from '../../../remote/host-errors.ts';
import { LVM } from '../tool.ts';
import { ENDS_MIB } from './look.ts';

export interface Work {
  readonly host: string;
  readonly device: EmptyDevice;
  readonly sequence: string;
  readonly group: string;
  /** Undefined where the device comes to a group that there is. */
  readonly volume: { readonly name: string; readonly extents: number; readonly fileSystem: NewFileSystem } | undefined;
}

export const MAKE_FILE_SYSTEM: Readonly<Record<NewFileSystem, string>> = {
  ext4: 'mkfs.ext4 -q',
  xfs: 'mkfs.xfs -q',
};

/** The steps by the number of what was done before each: what fails, and what is there then. */
const STEPS = ['look', 'pvcreate', 'vgcreate', 'lvcreate', 'mkfs', 'vgextend'] as const;

const BEGIN = `
${LVM}
trap '' HUP PIPE
sp_device=$1 sp_number=$2 sp_sectors=$3 sp_sequence=$4 sp_group=$5
shift 5
sp_made='' sp_step=look
# Takes back what was made, the last first; says what could not be.
sp_end() {
  sp_left=''
  for sp_each in $sp_made; do
    case $sp_each in
      lv) sp_lvm 60 lvremove -y "$sp_group/$sp_volume" >&2 || sp_left="$sp_left lv" ;;
      vg) sp_lvm 60 vgremove "$sp_group" >&2 || sp_left="$sp_left vg" ;;
      # Its beginning was nothing but zeros, as was seen below; without them no second attempt would find it empty.
      pv) sp_lvm 60 pvremove "$sp_device" >&2 &&
        dd if=/dev/zero of="$sp_device" bs=1048576 count=${ENDS_MIB} conv=notrunc,fsync 2>/dev/null || sp_left="$sp_left pv" ;;
    esac
  done
  printf '%s\\0%s\\0' "$sp_step" "$sp_left"
  exit 0
}
sp_do() { sp_step=$1 sp_adds=$2; shift 2; "$@" >&2 </dev/null || sp_end; sp_made="$sp_adds $sp_made"; }
d=$(readlink -f "/sys/dev/block/$sp_number") disk=$d
[ ! -e "$d/partition" ] || disk=\${d%/*}
sequence=''
[ ! -r "$disk/diskseq" ] || read -r sequence < "$disk/diskseq"
read -r sectors < "$d/size" || sectors=''
number=$(stat -c '%t %T' -- "$sp_device" 2>/dev/null) || number='0 0'
[ "$((0x\${number% *})):$((0x\${number#* }))" = "$sp_number" ] && [ "$sectors" = "$sp_sectors" ] && [ "$sequence" = "$sp_sequence" ] ||
  { echo "$sp_device is another device than it was" >&2; sp_end; }
for each in "$d"/holders/* "$d"/*/partition; do
  [ ! -e "$each" ] || { echo "$each has come since" >&2; sp_end; }
done
blkid -p -- "$sp_device" >&2; [ $? = 2 ] || { echo "$sp_device is not empty any more" >&2; sp_end; }
dd if="$sp_device" of=/dev/null bs=1048576 count=${ENDS_MIB} 2>/dev/null || { echo "$sp_device cannot be read" >&2; sp_end; }
[ "$({ dd if="$sp_device" bs=1048576 count=${ENDS_MIB} 2>/dev/null || printf x; } | tr -d '\\000' | head -c 1 | wc -c)" -eq 0 ] ||
  { echo "$sp_device is not empty any more" >&2; sp_end; }
sp_do pvcreate pv sp_lvm 120 pvcreate -- "$sp_device"`;

const NEW_GROUP = `
sp_volume=$1 extents=$2
shift 2
sp_do vgcreate vg sp_lvm 120 vgcreate -s 4m -- "$sp_group" "$sp_device"
sp_do lvcreate lv sp_lvm 120 lvcreate -W n -Z y -n "$sp_volume" -l "$extents" "$sp_group"
sp_step=mkfs
made=/dev/$sp_group/$sp_volume
[ -b "$made" ] || { echo "$made did not come to be" >&2; sp_end; }
blkid -p -- "$made" >&2; [ $? = 2 ] || { echo "$made is not empty" >&2; sp_end; }
sp_do mkfs '' timeout 3600 "$@" "$made"
uuid=$(blkid -p -o value -s UUID -- "$made") && [ -n "$uuid" ] || { echo "$made has no file system" >&2; sp_end; }
printf 'done\\0%s\\0' "$uuid"`;

const MORE_ROOM = `
sp_do vgextend '' sp_lvm 120 vgextend -- "$sp_group" "$sp_device"
printf 'done\\0\\0'`;

/** Answers with the uuid of the file system; undefined where none was to be made. */
export function workOn({ host, device, sequence, group, volume }: Work): RemoteCommand<string | undefined> {
  const script: RemoteScript = {
    name: volume === undefined ? 'extend-group' : 'make-volume',
    script: `${BEGIN}${volume === undefined ? MORE_ROOM : NEW_GROUP}`,
    args: [
      ...[device.path, device.number, String(device.sizeBytes / 512), sequence, group],
      ...(volume === undefined
        ? []
        : [volume.name, String(volume.extents), ...MAKE_FILE_SYSTEM[volume.fileSystem].split(' ')]),
    ],
    needs: 'root',
  };
  return {
    ...script,
    budgetMs: 4_000_000,
    repeatable: false,
    parse: ({ stdout, stderr }) => {
      const [step = '', said = '', rest] = stdout.toString('utf8').split('\0');
      if (rest !== '') throw unreadableOutput(script, 'fields are missing', `${stderr}${stdout.toString('utf8')}`);
      if (step === 'done') return said === '' ? undefined : said;
      if (!STEPS.some((known) => known === step)) throw unreadableOutput(script, 'it ended in no step', step);
      throw notMade(step, said.split(' ').filter(Boolean), { host, device, group, volume, sequence }, stderr);
    },
  };
}

function notMade(step: string, left: readonly string[], work: Work, stderr: string): StillpointError {
  const { host, device, group, volume } = work;
  const names: Readonly<Record<string, string>> = {
    lv: `the volume ${group}/${volume?.name ?? ''}`,
    vg: `the group ${group}`,
    pv: `LVM's mark on ${device.path}`,
  };
  const remains = left.map((each) => names[each] ?? each).join(', ');
  const state =
    step === 'look'
      ? 'Nothing was changed'
      : remains === ''
        ? 'What was made before was taken back'
        : `${remains} could not be taken back`;
  const what = step === 'look' ? 'the look at it' : step;
  return new StillpointError(
    'host.volume-not-made',
    `What was wanted of ${device.path} on "${host}" could not be made: ${what} failed. ${state}.${lastLines(stderr)}`,
    {
      advice:
        remains === ''
          ? 'See what it complains of, and look at the device again with the same command.'
          : 'See what it complains of, and remove on the host what is left with lvremove, vgremove and pvremove.',
      details: { host, device: device.path, step, left },
      cause: undefined,
    },
  );
}
