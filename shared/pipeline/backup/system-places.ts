/**
 * What of the mounts of a host belongs to its system, where a source is the whole of it. What the firmware and the boot
 * loader read has no snapshot as a rule, and is read where it lies; what lies elsewhere, or is a view of something that is
 * saved where it lies, is left out and told; all else is taken as with any other source.
 */
import { displayName } from '../../base/bytes.ts';
import { BARE_KINDS, type Mount } from '../../domain/host.ts';
import type { RemoteCommand, RemoteScript } from '../../remote/command.ts';
import { type BlockDevices, layersOf } from '../../snapshot/block-devices.ts';
import type { PlacedVolume } from '../../snapshot/places.ts';
import { isImage } from '../../snapshot/without-provider.ts';

interface Seen {
  readonly mounts: readonly Mount[];
  readonly devices: BlockDevices;
}

/** Undefined: as with any source. */
export type SystemRole = 'read-live' | { readonly leftOut: string } | undefined;

const BOOT = /^\/(boot|efi)(\/|$)/;

/** Of something that is mounted below "/". */
export function roleInSystem({ volume: { volume }, place: { mount, target } }: PlacedVolume, seen: Seen): SystemRole {
  if (volume.snapshot.possible) return undefined;
  switch (volume.kind) {
    case BARE_KINDS.network.name:
      return { leftOut: 'are on the network' };
    case BARE_KINDS.overlay.name:
      return { leftOut: 'are put together of folders that lie elsewhere on the host' };
    case BARE_KINDS.fuse.name:
      // A file system that lies on a disk of this host, such as NTFS, is like any other.
      return mount.fsType === 'fuseblk' ? undefined : { leftOut: 'are provided by programs' };
    case BARE_KINDS.plain.name:
      break;
    default:
      return undefined;
  }
  if (isImage(mount)) return { leftOut: 'are read-only images' };
  if (BOOT.test(displayName(target))) return 'read-live';
  return isRemovable(mount, seen) ? { leftOut: 'are on removable disks' } : undefined;
}

/** A stick from which the system itself runs is a part of it. */
function isRemovable(mount: Mount, { mounts, devices }: Seen): boolean {
  const own = mounts.filter(({ target }) => target.equals(ROOT) || BOOT.test(displayName(target)));
  const ofSystem = new Set(own.flatMap((each) => disksOf(each, devices)));
  const disks = disksOf(mount, devices);
  return disks.some((disk) => devices.get(disk)?.isRemovable === true) && !disks.some((disk) => ofSystem.has(disk));
}

const ROOT = Buffer.from('/');

/** The whole disks that it lies on, by number. A file system with a number of its own is known by its source. */
function disksOf({ device, source }: Mount, devices: BlockDevices): readonly string[] {
  const name = displayName(source).replace(/^\/dev\//, '');
  const start = devices.has(device) ? device : [...devices.values()].find((each) => each.name === name)?.device;
  return start === undefined ? [] : layersOf(start, devices).map((each) => each.disk ?? each.device);
}

/** What does not belong to the system, by why: a host with containers has hundreds of one kind. */
export function notesOfOthers(places: readonly { readonly target: Buffer; readonly why: string }[]): readonly string[] {
  return [...Map.groupBy(places, ({ why }) => why)].map(([why, of]) => {
    const named = of.slice(0, 3).map(({ target }) => `"${displayName(target)}"`);
    const more = of.length > named.length ? ` and ${of.length - named.length} more` : '';
    return `Left out of the system, because they ${why}: ${named.join(', ')}${more}.`;
  });
}

const script: RemoteScript = {
  name: 'read-fstab',
  script: '[ ! -r /etc/fstab ] || head -c 1000000 /etc/fstab',
  args: [],
  needs: 'either',
};

/** What belongs to the system by its own word: mountpoints of local file systems. */
export const readFstab: RemoteCommand<readonly Buffer[]> = {
  ...script,
  budgetMs: 30_000,
  repeatable: true,
  leavesNoProcess: true,
  parse: ({ stdout }) =>
    stdout
      .toString('latin1')
      .split('\n')
      .flatMap((line) => {
        const [source = '', target = '', type = ''] = line.trim().split(/[ \t]+/);
        if (source.startsWith('#') || !target.startsWith('/') || target === '/' || NOT_LOCAL.test(type)) return [];
        const octal = (_: string, digits: string): string => String.fromCharCode(Number.parseInt(digits, 8));
        return [Buffer.from(target.replaceAll(/\\([0-7]{3})/g, octal).replace(/(.)\/+$/, '$1'), 'latin1')];
      }),
};

const NOT_LOCAL =
  /^(swap|none|tmpfs|ramfs|proc|sysfs|devpts|devtmpfs|cgroup2?|debugfs|tracefs|securityfs|hugetlbfs|mqueue|bpf|efivarfs|configfs|overlay|nfs4?|cifs|smb3|ceph|glusterfs|9p|virtiofs|fuse\..*|autofs)$|iso9660/;

/** One that is not there now is an empty folder in the restore point, and looks like success. */
export function notesOfUnmountedPlaces(places: readonly Buffer[], mounts: readonly Mount[]): readonly string[] {
  const isMounted = (place: Buffer): boolean =>
    mounts.some(({ target, fsType }) => target.equals(place) && fsType !== 'autofs');
  const missing = new Set(places.filter((place) => !isMounted(place)).map(displayName));
  return [...missing].map(
    (place) =>
      `"${place}" stands in /etc/fstab and is not mounted; what belongs there is not saved. Mount it where it is a part of the system.`,
  );
}
