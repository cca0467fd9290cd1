/**
 * What a device is, and all that could be on it or use it. Changes nothing: it is opened for reading, and LVM is asked by
 * its own dry run whether it would take it, which no other program's use of the device escapes.
 */
import { type RemoteCommand, type RemoteScript, unreadableOutput } from '../../../remote/command.ts';
import { LVM } from '../tool.ts';

/** So much is looked at from each end: what formats, partition tables and databases begin and end with. */
export const ENDS_MIB = 16;

/** What is at an end of a device. What cannot be read is never taken for zeros. */
export type DeviceEnd = 'zeros' | 'data' | 'unreadable';

export interface DeviceFacts {
  /** The kernel's own name, "/dev/sdb"; what was asked about may have been a link to it. */
  readonly path: string;
  /** "major:minor". */
  readonly number: string;
  readonly sizeBytes: number;
  /** Grows with each disk that comes, so another disk under this name is seen; empty where the kernel has none. */
  readonly sequence: string;
  readonly isReadOnly: boolean;
  readonly isRemovable: boolean;
  /** device-mapper's uuid; begins with what made the device. */
  readonly mapperUuid: string;
  /** Of a loop device: the file. */
  readonly file: string;
  readonly model: string;
  readonly serial: string;
  /** Kernel names of its partitions, and of what lies on it. */
  readonly partitions: readonly string[];
  readonly holders: readonly string[];
  /** Where it is mounted, as mountinfo escapes it. */
  readonly mounts: readonly string[];
  readonly isSwap: boolean;
  /** What libblkid knows it by, "TYPE=ext4"; several lines where it has several. */
  readonly signatures: readonly string[];
  /** "ambivalent" where several contradict each other. */
  readonly probe: 'nothing' | 'found' | 'ambivalent';
  /** The first, and the last, 16 MiB. */
  readonly start: DeviceEnd;
  readonly end: DeviceEnd;
  /** Why LVM would not take it; empty where it would. */
  readonly refusal: string;
  /** Whether something in /dev has the name of the wanted group. */
  readonly isNameTaken: boolean;
  /** Of the programs that the work takes, those that are not there. */
  readonly missing: readonly string[];
}

const FIELDS = 21;

/** "absent" where there is no such device. */
export function lookAtDevice(
  device: string,
  group: string,
  programs: readonly string[],
): RemoteCommand<DeviceFacts | 'absent'> {
  const script: RemoteScript = {
    name: 'look-at-device',
    script: `
${LVM}
sp_field() { printf '%s\\0' "$1"; }
sp_read() { sp_value=''; [ ! -r "$1" ] || read -r sp_value < "$1" || :; sp_field "$sp_value"; }
# What dd reads with these words, of which a byte that is not zero is data.
sp_part() {
  if ! dd if="$path" of=/dev/null bs=1048576 "$@" 2>/dev/null; then sp_field unreadable
  elif [ "$({ dd if="$path" bs=1048576 "$@" 2>/dev/null || printf x; } | tr -d '\\000' | head -c 1 | wc -c)" -gt 0 ]; then sp_field data
  else sp_field zeros
  fi
}
path=$(readlink -f -- "$1" && echo x) || exit 0
path=\${path%?x}
[ -b "$path" ] || exit 0
group=$2
shift 2
number=$(stat -c '%t %T' -- "$path")
number=$((0x\${number% *})):$((0x\${number#* }))
d=$(readlink -f "/sys/dev/block/$number")
[ -d "$d" ] || exit 1
# Of a partition these are the disk's.
disk=$d
[ ! -e "$d/partition" ] || disk=\${d%/*}
read -r sectors < "$d/size"
mib=$((sectors / 2048))
sp_field "$path"; sp_field "$number"; sp_field "$sectors"
sp_read "$disk/diskseq"; sp_read "$d/ro"; sp_read "$disk/removable"
sp_read "$d/dm/uuid"; sp_read "$disk/loop/backing_file"
sp_read "$disk/device/model"
if [ -r "$disk/device/serial" ]; then sp_read "$disk/device/serial"; else sp_read "$disk/serial"; fi
for p in "$d"/*/partition; do [ ! -e "$p" ] || { p=\${p%/*}; printf '%s ' "\${p##*/}"; }; done; printf '\\0'
for p in "$d"/holders/*; do [ ! -e "$p" ] || printf '%s ' "\${p##*/}"; done; printf '\\0'
while read -r _ _ device _ target _; do [ "$device" != "$number" ] || printf '%s ' "$target"; done < /proc/self/mountinfo; printf '\\0'
swap=0
while read -r file _; do
  [ ! -b "$file" ] || [ "$(readlink -f -- "$file")" != "$path" ] || swap=1
done < /proc/swaps
sp_field "$swap"
probe=$(blkid -p -o export -- "$path" 2>/dev/null) && code=0 || code=$?
case $code in 0) sp_field found ;; 2) sp_field nothing ;; 8) sp_field ambivalent ;; *) sp_field "blkid ended with $code" ;; esac
known=$(printf '%s\\n' "$probe" | grep -E '^(TYPE|PTTYPE|LABEL|UUID|PTUUID)=')
marks=$(wipefs -p -- "$path" 2>/dev/null | sed -n '/^#/d; s/^\\(0x[0-9a-f]*\\),.*,\\([^,]*\\)$/TYPE=\\2/p')
printf '%s\\n%s\\n' "$known" "$marks" | sort -u; printf '\\0'
sp_part count=${ENDS_MIB}
skip=$((mib - ${ENDS_MIB})); [ "$skip" -gt 0 ] || skip=0
sp_part skip="$skip"
said=$(sp_lvm 60 pvcreate --test -- "$path" 2>&1) && sp_field '' || sp_field "\${said:-pvcreate --test ended without a word}"
if [ -e "/dev/$group" ] || [ -L "/dev/$group" ]; then sp_field 1; else sp_field 0; fi
for p; do command -v "$p" >/dev/null 2>&1 || printf '%s ' "$p"; done; printf '\\0'`,
    args: [device, group, ...programs],
    needs: 'root',
  };
  return {
    ...script,
    budgetMs: 240_000,
    repeatable: true,
    parse: ({ stdout, stderr }) => {
      if (stdout.length === 0) return 'absent';
      const text = stdout.toString('utf8');
      const fields = text.split('\0');
      if (fields.pop() !== '' || fields.length !== FIELDS)
        throw unreadableOutput(script, 'fields are missing', `${stderr}${text}`);
      return parseFacts(fields, (why) => unreadableOutput(script, why, `${stderr}${text}`));
    },
  };
}

const words = (text: string): readonly string[] => text.split(' ').filter((word) => word !== '');

function parseFacts(fields: readonly string[], odd: (why: string) => Error): DeviceFacts {
  const [path = '', number = '', sectors = '', sequence = '', readOnly, removable, mapperUuid = '', file = ''] = fields;
  const [model = '', serial = '', partitions = '', holders = '', mounts = '', swap] = fields.slice(8);
  const [probe, signatures = '', atStart, atEnd, refusal = '', taken, missing = ''] = fields.slice(14);
  if (!/^\d+:\d+$/.test(number) || !/^\d{1,15}$/.test(sectors) || !/^\d*$/.test(sequence))
    throw odd('a number is none');
  if (probe !== 'nothing' && probe !== 'found' && probe !== 'ambivalent') throw odd(`nothing probes it: ${probe}`);
  const flag = (value: string | undefined): boolean => {
    if (value === '1') return true;
    if (value === '0' || value === '') return false;
    throw odd('a flag is none');
  };
  const part = (value: string | undefined): DeviceEnd => {
    if (value === 'zeros' || value === 'data' || value === 'unreadable') return value;
    throw odd('an end of it is nothing that is known');
  };
  return {
    ...{ path, number, sequence, mapperUuid, file, refusal, probe },
    sizeBytes: Number(sectors) * 512,
    isReadOnly: flag(readOnly),
    isRemovable: flag(removable),
    model: model.trim(),
    serial: serial.trim(),
    partitions: words(partitions),
    holders: words(holders),
    mounts: words(mounts),
    isSwap: flag(swap),
    signatures: signatures.split('\n').filter((line) => line !== ''),
    start: part(atStart),
    end: part(atEnd),
    isNameTaken: flag(taken),
    missing: words(missing),
  };
}
