/**
 * From the paths of a source to trees: which volume holds each, where in its snapshot it will be found, and what is
 * mounted below. A nested mount is a tree of its own that is grafted into the outer one; one that cannot be
 * snapshotted stops the plan, because it would otherwise be an empty folder in the backup that looks like success.
 */
import { displayName } from '../../base/bytes.ts';
import { StillpointError } from '../../base/errors.ts';
import type { ExcludePatterns } from '../../domain/exclude-patterns.ts';
import type { Mount } from '../../domain/host.ts';
import { type RemoteCommand, type RemoteScript, unreadableOutput } from '../../remote/command.ts';
import { type DetectedVolume, holdsData } from '../../snapshot/detect.ts';
import { isWithin, mountOf, mountsBelow } from '../../snapshot/mountinfo.ts';
import type { Survey } from '../../snapshot/survey.ts';

/** One tree to read: a path and everything of its own file system below it. */
export interface SourceTree {
  /** Absolute, symbolic links resolved; where it stands in the restore point. */
  readonly path: Buffer;
  readonly volume: DetectedVolume;
  /** From the root of the volume's file system; "/" for all of it. */
  readonly pathInVolume: Buffer;
}

export interface ResolvedPath {
  readonly asked: Buffer;
  readonly real: Buffer;
}

const PATH_RULES: RemoteScript = {
  name: 'resolve-paths',
  script: `
for p do
  if [ -e "$p" ]; then readlink -zf -- "$p"; else printf '\\0'; fi
done`,
  args: [],
  needs: 'root',
};

/** Resolves symbolic links; a path that is not there comes back empty. */
export function resolvePaths(paths: readonly Buffer[]): RemoteCommand<readonly ResolvedPath[]> {
  const script: RemoteScript = { ...PATH_RULES, args: paths };
  return {
    ...script,
    budgetMs: 30_000,
    repeatable: true,
    parse: (output) => {
      const fields = output.stdout.toString('latin1').split('\0');
      if (fields.length !== paths.length + 1) throw unreadableOutput(script, 'paths are missing', fields.join('|'));
      return paths.map((asked, index) => ({ asked, real: Buffer.from(fields[index] ?? '', 'latin1') }));
    },
  };
}

export interface Coverage {
  /** Deepest first, so that a nested tree is known before the one that it is grafted into. */
  readonly trees: readonly SourceTree[];
  /** Each volume once, in the order of the trees. */
  readonly volumes: readonly DetectedVolume[];
  readonly notes: readonly string[];
}

export function coverPaths(
  paths: readonly ResolvedPath[],
  survey: Survey,
  exclude: ExcludePatterns,
  host: string,
): Coverage {
  const notes: string[] = [];
  const trees = new Map<string, SourceTree>();
  const add = (path: Buffer, mount: Mount): void => {
    trees.set(path.toString('latin1'), treeAt(path, mount, survey, host));
  };
  for (const { asked, real } of paths) {
    if (real.length === 0) throw notThere(asked, host);
    const outer = paths.find((other) => !other.real.equals(real) && isWithin(real, other.real));
    if (outer !== undefined && isLeftOut(real, outer.real, exclude)) throw contradiction(asked, outer.asked);
    if (!real.equals(asked))
      notes.push(`"${displayName(asked)}" leads to "${displayName(real)}", which is what is backed up.`);
    const mount = mountOf(real, survey.mounts);
    if (mount === undefined) throw notThere(asked, host);
    add(real, mount);
    for (const nested of mountsBelow(real, survey.mounts)) {
      if (isLeftOut(nested.target, real, exclude)) continue;
      const detected = volumeOf(nested, survey);
      if (detected && holdsData(detected)) add(nested.target, nested);
      else
        notes.push(
          `"${displayName(nested.target)}" (${nested.fsType}) holds no data of its own and stays empty in the backup.`,
        );
    }
  }
  const kept = [...trees.values()].filter((tree) => !isCovered(tree, [...trees.values()]));
  kept.sort((a, b) => b.path.length - a.path.length);
  return { trees: kept, volumes: [...new Set(kept.map((tree) => tree.volume))].reverse(), notes };
}

/** Whether the place, or a folder on the way to it from the source's path, is excluded. */
function isLeftOut(place: Buffer, from: Buffer, exclude: ExcludePatterns): boolean {
  for (let end = place.indexOf(0x2f, from.length + 1); end > 0; end = place.indexOf(0x2f, end + 1)) {
    if (exclude.matches(place.subarray(0, end))) return true;
  }
  return exclude.matches(place);
}

/** A tree below another one of the same volume is read with that one already, unless it is a mount of its own. */
function isCovered(tree: SourceTree, all: readonly SourceTree[]): boolean {
  return all.some((other) => {
    if (other === tree || !isWithin(tree.path, other.path)) return false;
    const below = tree.path.subarray(other.path.length);
    const within = Buffer.concat([
      trimSlash(other.pathInVolume),
      other.path.length === 1 ? Buffer.concat([Buffer.from('/'), below]) : below,
    ]);
    return other.volume === tree.volume && within.equals(tree.pathInVolume);
  });
}

function treeAt(path: Buffer, mount: Mount, survey: Survey, host: string): SourceTree {
  const volume = volumeOf(mount, survey);
  if (volume === undefined) throw notThere(path, host);
  const { snapshot } = volume.volume;
  if (!snapshot.possible) {
    throw new StillpointError(
      'host.path-not-snapshottable',
      `"${displayName(path)}" on "${host}" cannot be snapshotted: ${snapshot.reason}.`,
      {
        advice: `Nothing was started. ${snapshot.remedy} A path that need not be saved can be named under "exclude".`,
        details: { path: displayName(path), host },
        cause: undefined,
      },
    );
  }
  const relative = mount.target.equals(Buffer.from('/')) ? path : path.subarray(mount.target.length);
  const joined = Buffer.concat([trimSlash(mount.root), relative.equals(Buffer.from('/')) ? Buffer.alloc(0) : relative]);
  return { path, volume, pathInVolume: joined.length === 0 ? Buffer.from('/') : joined };
}

const volumeOf = (mount: Mount, survey: Survey): DetectedVolume | undefined =>
  survey.volumes.find((candidate) => candidate.mounts.some((known) => known.id === mount.id));

const trimSlash = (path: Buffer): Buffer => (path.at(-1) === 0x2f ? path.subarray(0, -1) : path);

function contradiction(path: Buffer, outer: Buffer): StillpointError {
  return new StillpointError(
    'config.invalid',
    `"${displayName(path)}" is to be saved and, as a part of "${displayName(outer)}", to be left out.`,
    { advice: 'Nothing was started. Change "paths" or "exclude" of the source.', cause: undefined },
  );
}

function notThere(path: Buffer, host: string): StillpointError {
  return new StillpointError('host.path-not-found', `There is no "${displayName(path)}" on "${host}".`, {
    advice: 'Nothing was started. Correct the path in the configuration, or mount what should be there.',
    details: { path: displayName(path), host },
    cause: undefined,
  });
}
