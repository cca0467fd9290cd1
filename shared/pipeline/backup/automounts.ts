/**
 * Automounts below a source: places that are empty until something looks, and again some time after. What a restore point
 * holds must not depend on who looked last. So those that lead to one file system are looked at before the volumes are
 * taken stock of, and whatever is then still idle is refused, as are maps in which folders appear by being asked for.
 */
import { displayName } from '../../base/bytes.ts';
import { StillpointError } from '../../base/errors.ts';
import type { ExcludePatterns } from '../../domain/exclude-patterns.ts';
import type { Mount } from '../../domain/host.ts';
import type { RemoteCommand } from '../../remote/command.ts';
import { mountOf, mountsBelow } from '../../snapshot/mountinfo.ts';
import { isLeftOut, type ResolvedPath } from './paths.ts';

/** A server that does not answer must not hold up the backup of everything else for long. */
const SECONDS_TO_MOUNT = 20;

const isAutomount = (mount: Mount | undefined): boolean => mount?.fsType === 'autofs';

/** What is idle at the paths or below them and not excluded. */
export function idleAutomounts(
  paths: readonly ResolvedPath[],
  mounts: readonly Mount[],
  exclude: ExcludePatterns,
): readonly Mount[] {
  const found = paths.flatMap(({ real }) => {
    const own = mountOf(real, mounts);
    const below = mountsBelow(real, mounts).filter((mount) => !isLeftOut(mount.target, real, exclude));
    return [...(own === undefined ? [] : [own]), ...below].filter(isAutomount);
  });
  return [...new Set(found)];
}

/** Looks at each place, side by side, which makes the host mount what belongs there; no more than `ls` does. */
export function wakeAutomounts(places: readonly Buffer[]): RemoteCommand<void> {
  return {
    name: 'wake-automounts',
    script: `
for p do
  timeout -s KILL ${SECONDS_TO_MOUNT} stat -- "$p/." >/dev/null 2>&1 &
done
wait`,
    args: places,
    needs: 'either',
    budgetMs: (SECONDS_TO_MOUNT + 15) * 1000,
    repeatable: true,
    parse: () => undefined,
  };
}

/** An automount that is not excluded and shows no file system. */
export function refuseAutomount(mount: Mount, host: string): StillpointError {
  const place = displayName(mount.target);
  const isMap = mount.superOptions.includes('indirect');
  return new StillpointError(
    'host.path-not-snapshottable',
    isMap
      ? `"${place}" on "${host}" is an automount map: folders are in it only while they are in use.`
      : `"${place}" on "${host}" is an automount that mounted nothing within ${SECONDS_TO_MOUNT} s of being looked at.`,
    {
      advice: isMap
        ? `Name "${place}" under "exclude", and the folders of it that are to be saved under "paths" of a source of their own.`
        : `Find out why the host cannot mount it, or name "${place}" under "exclude".`,
      details: { path: place, host },
      cause: undefined,
    },
  );
}
