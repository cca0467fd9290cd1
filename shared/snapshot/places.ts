/** Which volume a path is on. A mount may show several: those of a file system that has volumes within volumes. */
import type { Mount } from '../domain/host.ts';
import { isWithin, mountOf } from './mountinfo.ts';
import type { DetectedVolume, VolumePlace } from './provider.ts';

export interface PlacedVolume {
  readonly volume: DetectedVolume;
  readonly place: VolumePlace;
}

interface Seen {
  readonly mounts: readonly Mount[];
  readonly volumes: readonly DetectedVolume[];
}

/** The volume that a path is on, and its place there. */
export function placeOf(path: Buffer, { mounts, volumes }: Seen): PlacedVolume | undefined {
  const mount = mountOf(path, mounts);
  return (
    placed(volumes)
      .filter(({ place }) => place.mount.id === mount?.id && isWithin(path, place.target))
      // The innermost; of several on one target the last, as with mounts.
      .toSorted((left, right) => left.place.target.length - right.place.target.length)
      .at(-1)
  );
}

/** What is seen strictly below a path, and is no part of the snapshot of the volume that the path is on. */
export function placesBelow(path: Buffer, { mounts, volumes }: Seen): readonly PlacedVolume[] {
  return placed(volumes).filter(
    ({ place: { target, mount } }) =>
      !target.equals(path) && isWithin(target, path) && mountOf(target, mounts)?.id === mount.id,
  );
}

const placed = (volumes: readonly DetectedVolume[]): readonly PlacedVolume[] =>
  volumes.flatMap((volume) => volume.places.map((place) => ({ volume, place })));
