/** What a mounted device is made of: the kernel's own list of block devices, with what each of them lies on. */
import { type RemoteCommand, type RemoteScript, unreadableOutput } from '../remote/command.ts';

export interface BlockDevice {
  /** "major:minor". */
  readonly device: string;
  /** The kernel's name, such as "dm-3" or "sda1". */
  readonly name: string;
  /** device-mapper's name and uuid; the uuid begins with what made the device: "CRYPT-", "mpath-", "part1-" and so on. */
  readonly mapper: { readonly name: string; readonly uuid: string } | undefined;
  /** Of a loop device: the file in it. */
  readonly file: string | undefined;
  readonly layer: 'md' | 'bcache' | undefined;
  /** Device numbers of what it lies on. */
  readonly below: readonly string[];
  /** Of a partition: the number of its disk. */
  readonly disk: string | undefined;
  /** Of a whole disk: whether it is made to be taken away, by the kernel's word or because it is on USB. */
  readonly isRemovable: boolean;
}

export type BlockDevices = ReadonlyMap<string, BlockDevice>;

const script: RemoteScript = {
  name: 'list-block-devices',
  script: `
for d in /sys/class/block/*; do
  [ -r "$d/dev" ] && read -r number < "$d/dev" || continue
  name='' uuid='' file='' layer='' below='' disk='' removable=''
  [ ! -r "$d/dm/name" ] || read -r name < "$d/dm/name"
  [ ! -r "$d/dm/uuid" ] || read -r uuid < "$d/dm/uuid"
  [ ! -r "$d/loop/backing_file" ] || read -r file < "$d/loop/backing_file"
  if [ -d "$d/md" ]; then layer=md; elif [ -d "$d/bcache/stripe_size" ] || [ -e "$d/bcache/dirty_data" ]; then layer=bcache; fi
  if [ -e "$d/partition" ]; then
    [ ! -r "$d/../dev" ] || read -r disk < "$d/../dev"
  elif [ -d "$d/device" ]; then
    [ ! -r "$d/removable" ] || read -r removable < "$d/removable"
    case $(cd "$d" && pwd -P) in */usb[0-9]*) removable=1 ;; esac
  fi
  for s in "$d"/slaves/*; do [ -r "$s/dev" ] && read -r n < "$s/dev" && below="$below $n"; done
  printf '%s\\0%s\\0%s\\0%s\\0%s\\0%s\\0%s\\0%s\\0%s\\0' "$number" "\${d##*/}" "$name" "$uuid" "$file" "$layer" "$below" "$disk" "$removable"
done
exit 0`,
  args: [],
  needs: 'user',
};

const FIELDS = 9;

export const listBlockDevices: RemoteCommand<BlockDevices> = {
  ...script,
  budgetMs: 120_000,
  repeatable: true,
  leavesNoProcess: true,
  parse: (output) => {
    const fields = output.stdout.toString('utf8').split('\0');
    if (fields.pop() !== '' || fields.length % FIELDS !== 0)
      throw unreadableOutput(script, 'fields are missing', fields.join('|'));
    const devices = Array.from({ length: fields.length / FIELDS }, (_, index) =>
      parseDevice(fields.slice(index * FIELDS)),
    );
    return new Map(devices.map((each) => [each.device, each]));
  },
};

function parseDevice(fields: readonly string[]): BlockDevice {
  const [
    device = '',
    name = '',
    mapperName = '',
    uuid = '',
    file = '',
    layer = '',
    below = '',
    disk = '',
    removable = '',
  ] = fields;
  const numbers = below.split(' ').filter((each) => each !== '');
  if (![device, ...numbers, ...(disk === '' ? [] : [disk])].every((each) => /^\d+:\d+$/.test(each))) {
    throw unreadableOutput(script, 'a device has no number', fields.join('|'));
  }
  return {
    device,
    name,
    mapper: mapperName === '' ? undefined : { name: mapperName, uuid },
    file: file === '' ? undefined : file,
    layer: layer === 'md' || layer === 'bcache' ? layer : undefined,
    below: numbers,
    disk: disk === '' ? undefined : disk,
    isRemovable: removable === '1',
  };
}

/** The device and all that it lies on, the upper ones first; each once. */
export function layersOf(device: string, devices: BlockDevices): readonly BlockDevice[] {
  const found = new Map<string, BlockDevice>();
  const waiting = [device];
  for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
    const known = devices.get(next);
    if (known === undefined || found.has(next)) continue;
    found.set(next, known);
    waiting.push(...known.below);
  }
  return [...found.values()];
}
