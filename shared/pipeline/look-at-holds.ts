/**
 * What a source wants held still, looked at on its host before anything is: what is not there, or cannot be held, and what is
 * kept where no backup of this source would reach, is refused with the plan.
 */
import { displayName } from '../base/bytes.ts';
import { StillpointError } from '../base/errors.ts';
import { Problems } from '../base/problems.ts';
import type { ExcludePatterns } from '../domain/exclude-patterns.ts';
import type { SourceScope } from '../domain/source.ts';
import type { HeldPlace, HoldLook, Hook } from '../quiesce/hook.ts';
import type { RemoteHost } from '../remote/remote-host.ts';
import { isWithin } from '../snapshot/mountinfo.ts';
import { placeOf } from '../snapshot/places.ts';
import type { OriginVolume } from '../snapshot/provider.ts';
import type { Registry } from '../snapshot/registry.ts';
import type { Survey } from '../snapshot/survey.ts';
import type { SourceDevice } from './backup/devices.ts';
import { type Coverage, isLeftOut, resolvePaths } from './backup/paths.ts';
import type { SourceTree } from './backup/source-tree.ts';

export type HoldLooks = ReadonlyMap<Hook, HoldLook>;

/** Errors: `quiesce.freeze-failed` for all that cannot be held, at once. */
export async function lookAtHolds(
  source: SourceScope,
  { hooks }: Registry,
  host: RemoteHost,
  signal: AbortSignal,
): Promise<HoldLooks> {
  const looks = new Map<Hook, HoldLook>();
  const problems = new Problems();
  for (const hook of hooks) {
    const command = hook.look?.(source);
    if (command === undefined) continue;
    const look = await host.run(command, signal);
    for (const { message, advice } of look.lacks)
      problems.attempt(() => refuse(`Something cannot be held still on "${host.name}". ${message}`, advice, host.name));
    const real =
      look.places.length === 0 ? [] : await host.run(resolvePaths(look.places.map(({ path }) => path)), signal);
    looks.set(hook, {
      ...look,
      // What is not there now, such as a log that is switched off, need not be saved, unless it comes and goes.
      places: look.places.flatMap((place, index) => {
        const path = real[index]?.real ?? Buffer.alloc(0);
        if (path.length > 0) return [{ what: place.what, path }];
        return place.comesAndGoes === true ? [place] : [];
      }),
    });
  }
  problems.throwIfAny((count) => `${count} of what the source wants held still on "${host.name}" cannot be held`);
  return looks;
}

/** What a source saves, and how. */
export interface Saved {
  readonly coverage: Pick<Coverage, 'trees' | 'emptyPlaces'>;
  readonly devices: readonly SourceDevice[];
  readonly exclude: ExcludePatterns;
  readonly survey: Pick<Survey, 'mounts' | 'volumes'>;
}

/**
 * The volume of whose snapshot a place is saved, as a file or within the image of a device; "live" for what is read where it
 * lies; undefined for what is not saved.
 */
export function savedFrom(
  path: Buffer,
  { coverage: { trees, emptyPlaces }, devices, exclude, survey }: Saved,
): OriginVolume | 'live' | undefined {
  const tree = trees.find((each) => isWithin(path, each.path));
  const isInEmpty = emptyPlaces.some((place) => isWithin(path, place));
  if (tree !== undefined && !isInEmpty && !isLeftOut(path, tree.path, exclude))
    return tree.isLive ? 'live' : tree.volume;
  const id = placeOf(path, survey)?.volume.volume.id;
  return devices.find(({ volume: { volume } }) => volume.id === id)?.volume;
}

/** What is mounted below a place, or is a volume of its own there, and is saved. */
export const treesBelow = (path: Buffer, { trees }: Pick<Coverage, 'trees'>): readonly SourceTree[] =>
  trees.filter((tree) => !tree.path.equals(path) && isWithin(tree.path, path));

/** Holding still what is not saved would only be a promise. */
export function requireSaved(looks: HoldLooks, saved: Saved, host: string): void {
  const problems = new Problems();
  for (const { places } of looks.values()) {
    for (const place of places) {
      if (savedFrom(place.path, saved) !== undefined) continue;
      problems.attempt(() =>
        refuse(
          notSaved(place),
          'Add it to "paths" of the source, or the volume that it is on to "devices", or take the application out of "quiesce".',
          host,
        ),
      );
    }
  }
  problems.throwIfAny((count) => `${count} places of what the source wants held still on "${host}" are not in it`);
}

const notSaved = ({ what, path }: HeldPlace): string =>
  `"${displayName(path)}" holds ${what}, and the source does not save it.`;

function refuse(message: string, advice: string, host: string): never {
  throw new StillpointError('quiesce.freeze-failed', message, { advice, details: { host }, cause: undefined });
}
