/**
 * From the paths of a source to trees: which volume holds each, where in its snapshot it will be found, and what is
 * mounted below. A nested mount is a tree of its own that is grafted into the outer one; one that cannot be
 * snapshotted stops the plan, because it would otherwise be an empty folder in the backup that looks like success.
 *
 * Invariant: what a mount hides on the living host is not in the restore point, and what a mount shows is, or is reported.
 * A tree counts as read with another one only where nothing is mounted between the two.
 */
import { displayName } from '../../base/bytes.ts';
import { StillpointError } from '../../base/errors.ts';
import { Problems } from '../../base/problems.ts';
import type { ExcludePatterns } from '../../domain/exclude-patterns.ts';
import type { Mount } from '../../domain/host.ts';
import { type RemoteCommand, type RemoteScript, unreadableOutput } from '../../remote/command.ts';
import { holdsData } from '../../snapshot/detect.ts';
import { isWithin } from '../../snapshot/mountinfo.ts';
import { type PlacedVolume, placeOf, placesBelow } from '../../snapshot/places.ts';
import type { DetectedVolume, OriginVolume, UnmountedVolume, VolumePlace } from '../../snapshot/provider.ts';
import type { Survey } from '../../snapshot/survey.ts';
import { outerTreeOf } from './grafts.ts';
import { notSnapshottable } from './not-snapshottable.ts';
import type { SourceTree } from './source-tree.ts';
import { notesOfOthers, roleInSystem } from './system-places.ts';
import { isBelow, notesOfUnmounted, requireMounted } from './unmounted.ts';

export interface ResolvedPath {
  readonly asked: Buffer;
  /** Without symbolic links; empty where there is nothing. */
  readonly real: Buffer;
  /** What a symbolic link says that leads to nothing. */
  readonly brokenLink?: Buffer;
}

const PATH_RULES: RemoteScript = {
  name: 'resolve-paths',
  script: `
for p do
  if [ -e "$p" ]; then readlink -zf -- "$p"; elif [ -L "$p" ]; then printf '>'; readlink -z -- "$p"; else printf '\\0'; fi
done`,
  args: [],
  needs: 'either',
};

/** The sign of a symbolic link that leads to nothing: a path begins with a slash. */
const BROKEN = '>'.charCodeAt(0);

/** Resolves symbolic links; a path that is not there comes back empty. */
export function resolvePaths(paths: readonly Buffer[]): RemoteCommand<readonly ResolvedPath[]> {
  const script: RemoteScript = { ...PATH_RULES, args: paths };
  return {
    ...script,
    ...{ budgetMs: 120_000, repeatable: true, leavesNoProcess: true },
    parse: (output) => {
      const fields = output.stdout.toString('latin1').split('\0');
      if (fields.length !== paths.length + 1) throw unreadableOutput(script, 'paths are missing', fields.join('|'));
      return paths.map((asked, index) => {
        const field = Buffer.from(fields[index] ?? '', 'latin1');
        if (field[0] !== BROKEN) return { asked, real: field };
        return { asked, real: Buffer.alloc(0), brokenLink: field.subarray(1) };
      });
    },
  };
}

export interface Coverage {
  /** Deepest first, so that a nested tree is known before the one that it is grafted into. */
  readonly trees: readonly SourceTree[];
  /** Those to be snapshotted, each once, in the order of the trees. */
  readonly volumes: readonly OriginVolume[];
  /** Where something is mounted that is not saved, or a volume that is left out: nothing below is, nor what lies hidden there. */
  readonly emptyPlaces: readonly Buffer[];
  readonly notes: readonly string[];
}

/** What a look at a host has to tell of its volumes. */
type Seen = Pick<Survey, 'mounts' | 'volumes'> & Partial<Pick<Survey, 'storages' | 'devices'>>;

export interface CoverageTerms {
  readonly exclude: ExcludePatterns;
  /** The name by which the user knows it. */
  readonly host: string;
  /** Whether what is mounted below a path is left out, but for places where what is held still has its files. */
  readonly oneFileSystem?: boolean;
  readonly heldPlaces?: readonly Buffer[];
  /** Whether what no snapshot can hold is read live. */
  readonly mayReadLive: boolean;
  /** Whether the snapshots are made to be kept, so that nothing is read at all. */
  readonly isKept?: boolean;
  /** Whether it is the whole system; see `system-places.ts`. */
  readonly isSystem?: boolean;
}

export function coverPaths(
  paths: readonly ResolvedPath[],
  survey: Seen,
  {
    exclude,
    host,
    mayReadLive,
    isKept = false,
    oneFileSystem = false,
    isSystem = false,
    heldPlaces = [],
  }: CoverageTerms,
): Coverage {
  const notes: string[] = [];
  const problems = new Problems();
  const trees = new Map<string, SourceTree>();
  const empty = new Map<string, EmptyPlace>();
  const aside = new Map<string, VolumePlace & { readonly aside: string }>();
  const elsewhere = new Map<string, EmptyPlace>();
  const seen = { mounts: survey.mounts, devices: survey.devices ?? new Map() };
  const add = (
    path: Buffer,
    at: PlacedVolume,
    { asked, isBoot = false }: { asked?: Buffer; isBoot?: boolean } = {},
  ): void => {
    const tree = problems.attempt(() => treeAt(path, at, { host, asked, isKept, mayReadLive: mayReadLive || isBoot }));
    if (tree !== undefined) trees.set(path.toString('latin1'), tree);
  };
  for (const path of paths) {
    const { asked, real } = path;
    const at = problems.attempt(() => volumeAt(path, paths, survey, exclude, host));
    if (at === undefined) continue;
    if (!real.equals(asked))
      notes.push(`"${displayName(asked)}" leads to "${displayName(real)}", which is what is backed up.`);
    add(real, at, { asked });
    for (const nested of placesBelow(real, survey)) {
      const { target, mount } = nested.place;
      if (isLeftOut(target, real, exclude)) continue;
      const role = isSystem && holdsData(nested.volume) ? roleInSystem(nested, seen) : undefined;
      const isWanted = (path: Buffer): boolean => isWithin(target, path) || isWithin(path, target);
      const isNamed = paths.some((other) => other.real.equals(target)) || heldPlaces.some(isWanted);
      const isOther = oneFileSystem && nested.volume !== at.volume && !isNamed;
      if (isAside(nested.place)) aside.set(target.toString('latin1'), nested.place);
      else if (typeof role === 'object') elsewhere.set(target.toString('latin1'), { mount, why: role.leftOut });
      else if (holdsData(nested.volume) && !isOther) add(target, nested, { isBoot: role === 'read-live' });
      else empty.set(target.toString('latin1'), { mount, why: holdsData(nested.volume) ? OTHER : UNREAL });
    }
  }
  const unmounted = (survey.storages ?? []).flatMap((storage) => storage.unmounted ?? []);
  const there = paths.flatMap(({ real }) => (real.length === 0 ? [] : [real]));
  for (const path of there) problems.attempt(() => requireMounted(path, unmounted, { mounts: survey.mounts, host }));
  const kept = [...trees.values()].filter((tree) => !isCovered(tree, [...trees.values()]));
  kept.sort((a, b) => b.path.length - a.path.length);
  // What a source names is saved, also within something else that it names.
  for (const [place] of aside) if (trees.has(place)) aside.delete(place);
  const placed = ({ mount, why }: EmptyPlace) => ({ target: mount.target, fsType: mount.fsType, why });
  const places = [...empty.values()].map(placed);
  const others = [...elsewhere.values()].map(placed);
  const emptied = [...places, ...others, ...[...aside.values()].map(({ target }) => ({ target, fsType: 'left out' }))];
  for (const tree of kept) problems.attempt(() => requirePlace(tree, kept, emptied, host));
  notes.push(...kept.flatMap(liveNote).reverse());
  problems.throwIfAny((count) => `${count} problems stand in the way of a backup of "${host}"`);
  for (const { target, fsType, why } of places) {
    const isInside = [...places, ...others].some(
      (other) => !other.target.equals(target) && isWithin(target, other.target),
    );
    if (!isInside) notes.push(`"${displayName(target)}" (${fsType}) ${why}; what is in it is not saved.`);
  }
  notes.push(...notesOfOthers(others));
  notes.push(...notesOf([...aside.values()]));
  const isSaved = ({ target }: UnmountedVolume): boolean =>
    there.some((path) => isBelow(target, path) && !isLeftOut(target, path, exclude));
  notes.push(...notesOfUnmounted(unmounted.filter(isSaved)));
  return {
    trees: kept,
    volumes: [...new Set(kept.filter(({ isLive }) => !isLive).map((tree) => tree.volume))].reverse(),
    emptyPlaces: emptied.map(({ target }) => target),
    notes,
  };
}

/** Of which nothing is saved but the folder. */
interface EmptyPlace {
  readonly mount: Mount;
  readonly why: string;
}

const UNREAL = 'is in memory or belongs to the kernel';
const OTHER = 'is another file system';
const isAside = (place: VolumePlace): place is VolumePlace & { readonly aside: string } => place.aside !== undefined;

/** One for each kind of what is left out: there may be hundreds. */
function notesOf(places: readonly (VolumePlace & { readonly aside: string })[]): readonly string[] {
  return [...Map.groupBy(places, ({ aside }) => aside)].map(([aside, [first, ...others]]) => {
    const one = `"${displayName(first?.target ?? Buffer.alloc(0))}"`;
    const what =
      others.length === 0 ? `${one} is left out, as one of the` : `${one} and ${others.length} more are left out, as`;
    return `${what} ${aside}; each is an empty folder in the restore point. To save one, name its path under "paths".`;
  });
}

/** The volume that a path of the source is on. */
function volumeAt(
  { asked, real, brokenLink }: ResolvedPath,
  paths: readonly ResolvedPath[],
  survey: Seen,
  exclude: ExcludePatterns,
  host: string,
): PlacedVolume {
  const at = real.length === 0 ? undefined : placeOf(real, survey);
  if (brokenLink !== undefined) throw leadsNowhere(asked, brokenLink, host);
  if (at === undefined) throw notThere(asked, host);
  if ([asked, real].some((path) => isLeftOut(path, WHOLE_HOST, exclude))) throw leftOutWhole(asked);
  const outer = paths.find((other) => !other.real.equals(real) && other.real.length > 0 && isWithin(real, other.real));
  if (outer !== undefined && isLeftOut(real, outer.real, exclude)) throw contradiction(asked, outer.asked);
  return at;
}

/** A tree inside an empty place has no folder in the outer one's snapshot at which it could be joined. */
function requirePlace(
  tree: SourceTree,
  all: readonly SourceTree[],
  empty: readonly Pick<Mount, 'target' | 'fsType'>[],
  host: string,
): void {
  const outer = outerTreeOf(tree, all);
  const between = outer && empty.find(({ target }) => isBetween(target, outer.path, tree.path));
  if (between === undefined) return;
  const [inner, place] = [displayName(tree.path), displayName(between.target)];
  throw new StillpointError(
    'host.path-not-snapshottable',
    `"${inner}" on "${host}" is mounted inside "${place}" (${between.fsType}), which cannot be snapshotted.`,
    {
      advice: `Name "${place}" under "exclude", and save "${inner}" by a source of its own.`,
      details: { path: inner, host },
      cause: undefined,
    },
  );
}

/** Patterns are looked at from the top. */
const WHOLE_HOST = Buffer.alloc(0);

const isBetween = (place: Buffer, outer: Buffer, inner: Buffer): boolean =>
  !place.equals(inner) && isWithin(inner, place) && isWithin(place, outer);

/** Whether the place, or a folder on the way to it from the source's path, is excluded. */
export function isLeftOut(place: Buffer, from: Buffer, exclude: ExcludePatterns): boolean {
  for (let end = place.indexOf(0x2f, from.length + 1); end > 0; end = place.indexOf(0x2f, end + 1))
    if (exclude.matches(place.subarray(0, end))) return true;
  return exclude.matches(place);
}

/** Whether the closest tree around it shows the very same folder: then it is read with that one. */
function isCovered(tree: SourceTree, all: readonly SourceTree[]): boolean {
  const outer = outerTreeOf(tree, all);
  if (outer === undefined || outer.volume !== tree.volume) return false;
  const below = tree.path.subarray(outer.path.length === 1 ? 0 : outer.path.length);
  return Buffer.concat([trimSlash(outer.pathInVolume), below]).equals(tree.pathInVolume);
}

/** @param asked the path as the source names it; undefined for what is mounted below one */
function treeAt(
  path: Buffer,
  { volume, place }: PlacedVolume,
  {
    host,
    asked,
    isKept,
    mayReadLive,
  }: Pick<CoverageTerms, 'host' | 'isKept' | 'mayReadLive'> & { readonly asked: Buffer | undefined },
): SourceTree {
  const { snapshot } = volume.volume;
  if (place.mount.root.toString('latin1').endsWith(DELETED)) throw deleted(path, host);
  const isLive = !snapshot.possible;
  const mayHelp = !isOfKernel(volume);
  if (!snapshot.possible && !(mayReadLive && mayHelp))
    throw notSnapshottable(path, snapshot, { host, asked, isKept, mayHelp });
  const relative = place.target.equals(Buffer.from('/')) ? path : path.subarray(place.target.length);
  const joined = Buffer.concat([trimSlash(place.root), relative.equals(Buffer.from('/')) ? Buffer.alloc(0) : relative]);
  return { path, volume, isLive, pathInVolume: joined.length === 0 ? Buffer.from('/') : joined };
}

/** What the kernel makes up when it is read: no backup, and reading some of it waits for ever or changes something. */
const isOfKernel = (volume: DetectedVolume): boolean =>
  !holdsData(volume) && !['tmpfs', 'ramfs'].includes(volume.volume.fsType);

function liveNote({ path, volume, isLive }: SourceTree): readonly string[] {
  const { snapshot } = volume.volume;
  if (!isLive || snapshot.possible) return [];
  return [`"${displayName(path)}" is read live, while it may be changing: ${snapshot.reason}.`];
}

const trimSlash = (path: Buffer): Buffer => (path.at(-1) === 0x2f ? path.subarray(0, -1) : path);

/** restic would save nothing of it, and call that a backup. */
function leftOutWhole(path: Buffer): StillpointError {
  return new StillpointError(
    'config.invalid',
    `"${displayName(path)}" is a path of the source, and a pattern under "exclude" leaves all of it out.`,
    {
      advice:
        'Change "paths" or "exclude" of the source. A pattern that does not begin with "/" may match any folder, also one on the way to the path.',
      cause: undefined,
    },
  );
}

function contradiction(path: Buffer, outer: Buffer): StillpointError {
  return new StillpointError(
    'config.invalid',
    `"${displayName(path)}" is to be saved and, as a part of "${displayName(outer)}", to be left out.`,
    { advice: 'Change "paths" or "exclude" of the source.', cause: undefined },
  );
}

/** How the kernel marks a bind mount of what was removed since. */
const DELETED = '//deleted';

function deleted(path: Buffer, host: string): StillpointError {
  const shown = displayName(path);
  return new StillpointError(
    'host.path-not-snapshottable',
    `What is mounted at "${shown}" on "${host}" was deleted where it came from, so no snapshot holds it.`,
    {
      advice: `Unmount "${shown}", mount again what should be there, or name it under "exclude".`,
      details: { path: shown, host },
      cause: undefined,
    },
  );
}

function leadsNowhere(path: Buffer, link: Buffer, host: string): StillpointError {
  const shown = displayName(path);
  return new StillpointError(
    'host.path-not-found',
    `"${shown}" on "${host}" is a symbolic link to "${displayName(link)}", which leads to nothing.`,
    {
      advice: 'Mount what should be there, correct the link, or correct the path in the configuration.',
      details: { path: shown, host },
      cause: undefined,
    },
  );
}

function notThere(path: Buffer, host: string): StillpointError {
  const shown = displayName(path);
  const looksLikePattern = /[*?[]/.test(shown);
  return new StillpointError('host.path-not-found', `There is no "${shown}" on "${host}".`, {
    advice: looksLikePattern
      ? 'Paths are taken letter by letter, and no shell reads "*", "?" or "[": name the folder above, and leave out by "exclude" what need not be saved.'
      : 'Correct the path in the configuration, or mount what should be there.',
    details: { path: shown, host },
    cause: undefined,
  });
}
