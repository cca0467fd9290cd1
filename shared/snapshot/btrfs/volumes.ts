/** From subvolumes and mounts to volumes and where each is seen. Pure. */
import { displayName } from '../../base/bytes.ts';
import type { Mount } from '../../domain/host.ts';
import { isWithin, mountOf } from '../mountinfo.ts';
import { placeOfMount, type VolumePlace } from '../provider.ts';
import { isKeptPath, OURS, ownPath } from './naming.ts';
import { type Subvolume, TOP_LEVEL } from './subvolumes.ts';
import type { FileSystemFacts } from './survey-command.ts';

/** A subvolume that is no snapshot of ours. */
export interface BtrfsVolume {
  readonly id: string;
  readonly label: string;
  readonly fileSystem: FileSystemFacts;
  readonly subvolume: Subvolume;
  /** From the top level; "/" for that itself. */
  readonly root: Buffer;
  /** Whether it is a read-only snapshot of what is still there, as snapper and btrbk keep them by the hundred. */
  readonly isHistory: boolean;
}

const OUR_FOLDER = Buffer.from(`/${OURS}`);

/** What a place that holds one is called, where it is left out. */
const HISTORY = 'read-only snapshots of subvolumes that are still there';

export function volumesOf(fileSystem: FileSystemFacts): readonly BtrfsVolume[] {
  const { uuid, topLevelUuid, source, subvolumes } = fileSystem;
  const top: Subvolume = {
    ...{ number: TOP_LEVEL, inside: 0, path: Buffer.alloc(0) },
    ...{ uuid: topLevelUuid, parentUuid: undefined, isReadOnly: false },
  };
  const own = subvolumes.filter(
    ({ path }) => ownPath(path.toString('latin1')) === undefined && !isKeptPath(path.toString('latin1')),
  );
  const living = new Set([top, ...own].map((each) => each.uuid));
  return [top, ...own].map((subvolume) => {
    const root = Buffer.concat([Buffer.from('/'), subvolume.path]);
    return {
      id: subvolume.uuid === undefined ? `btrfs:${uuid}:${subvolume.number}` : `btrfs:${subvolume.uuid}`,
      label: `${displayName(source)}:${displayName(root)}`,
      ...{ fileSystem, subvolume, root },
      isHistory: subvolume.isReadOnly && subvolume.parentUuid !== undefined && living.has(subvolume.parentUuid),
    };
  });
}

/**
 * Where each is seen through these mounts of its file system, those that a mount shows by itself first. What is not seen
 * anywhere has no place.
 *
 * @param all mounts of the host, which may hide what lies in a volume
 */
export function placesOf(
  volumes: readonly BtrfsVolume[],
  mounts: readonly Mount[],
  all: readonly Mount[],
): ReadonlyMap<BtrfsVolume, readonly VolumePlace[]> {
  const places = new Map<BtrfsVolume, VolumePlace[]>();
  const nested = new Map<BtrfsVolume, VolumePlace[]>();
  const add = (to: typeof places, volume: BtrfsVolume, place: VolumePlace): void =>
    void to.set(volume, [...(to.get(volume) ?? []), place]);
  for (const mount of mounts) {
    const shown = innermost(mount.root, volumes);
    if (shown !== undefined) add(places, shown, { ...placeOfMount(mount), root: below(mount.root, shown.root) });
    for (const volume of volumes) {
      // In our folder nothing is saved, so nothing has a place there.
      if (volume.root.equals(mount.root) || !isWithin(volume.root, mount.root) || isWithin(volume.root, OUR_FOLDER))
        continue;
      const target = at(mount.target, below(volume.root, mount.root));
      if (mountOf(target, all)?.id !== mount.id) continue;
      const aside = volume.isHistory ? { aside: HISTORY } : {};
      add(nested, volume, { target, root: Buffer.from('/'), mount, ...aside });
    }
  }
  return new Map(volumes.map((volume) => [volume, [...(places.get(volume) ?? []), ...(nested.get(volume) ?? [])]]));
}

function innermost(root: Buffer, volumes: readonly BtrfsVolume[]): BtrfsVolume | undefined {
  return volumes.filter((volume) => isWithin(root, volume.root)).toSorted((a, b) => b.root.length - a.root.length)[0];
}

/** A path as seen from one that it is within, with a slash at its front. */
function below(path: Buffer, from: Buffer): Buffer {
  const rest = path.subarray(from.length === 1 ? 0 : from.length);
  return rest.length === 0 ? Buffer.from('/') : rest;
}

const at = (target: Buffer, path: Buffer): Buffer =>
  Buffer.concat([target.length === 1 ? Buffer.alloc(0) : target, path]);
