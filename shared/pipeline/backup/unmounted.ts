/**
 * Volumes that have a place within what is saved and are not mounted there. What is seen at the place is saved, as
 * everywhere; that the volume is not must not be found out on the day of the restore.
 */
import { displayName, displayText } from '../../base/bytes.ts';
import { StillpointError } from '../../base/errors.ts';
import type { Mount } from '../../domain/host.ts';
import { isWithin, mountOf } from '../../snapshot/mountinfo.ts';
import type { UnmountedVolume } from '../../snapshot/provider.ts';

export const isBelow = (place: Buffer, path: Buffer): boolean => !place.equals(path) && isWithin(place, path);

/** One for each kind of them: there may be hundreds. */
export function notesOfUnmounted(volumes: readonly UnmountedVolume[]): readonly string[] {
  return [...Map.groupBy(volumes, ({ what }) => what)].map(([what, [first, ...others]]) => {
    const one = `"${displayName(first?.target ?? Buffer.alloc(0))}"`;
    const places =
      others.length === 0 ? `${one} is the place of one of the` : `${one} and ${others.length} more are places of`;
    return `${places} ${what}, so nothing of them is in the restore point; what is seen there now is saved.`;
  });
}

/** Who names such a place wants what is in the volume, and not the folder that is seen there without it. */
export function requireMounted(
  path: Buffer,
  unmounted: readonly UnmountedVolume[],
  { mounts, host }: { readonly mounts: readonly Mount[]; readonly host: string },
): void {
  const mount = mountOf(path, mounts);
  const there = unmounted.find(
    ({ target, isExpected }) =>
      // What is mounted within the place is seen with or without it.
      isExpected && isWithin(path, target) && !(mount !== undefined && isWithin(mount.target, target)),
  );
  if (there === undefined) return;
  throw new StillpointError(
    'host.path-not-snapshottable',
    `"${displayName(path)}" on "${host}" belongs to "${displayText(there.label)}", which is one of the ${there.what}.`,
    {
      advice: `Mount it on the host (${there.remedy}), or take the path out of "paths" of the source.`,
      details: { path: displayName(path), host },
      cause: undefined,
    },
  );
}
