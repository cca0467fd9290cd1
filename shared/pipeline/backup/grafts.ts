/** Trees within trees: a nested mount is read as a tree of its own and joined at its place in the outer one. */
import { isWithin } from '../../snapshot/mountinfo.ts';
import type { SourceTree } from './source-tree.ts';

/** The closest tree that holds this one's path; undefined for a tree at the top. */
export function outerTreeOf(tree: SourceTree, trees: readonly SourceTree[]): SourceTree | undefined {
  return closest(
    tree.path,
    trees.filter((other) => other !== tree),
  );
}

function closest(path: Buffer, trees: readonly SourceTree[]): SourceTree | undefined {
  const around = trees.filter((tree) => isWithin(path, tree.path));
  return around.toSorted((a, b) => b.path.length - a.path.length)[0];
}

/** Of the places those that lie directly in this tree, by their path below its root as Latin-1 text. */
export function placesIn(tree: SourceTree, trees: readonly SourceTree[], places: readonly Buffer[]): readonly string[] {
  const start = startBelow(tree);
  return places.filter((place) => closest(place, trees) === tree).map((place) => place.toString('latin1', start));
}

/**
 * The paths below the tree's root, as Latin-1 text, of what is held still: also of what lies in another tree, because that one is
 * joined to the folders above it; empty where the whole tree is.
 */
export function heldIn(tree: SourceTree, places: readonly Buffer[]): readonly string[] {
  const start = startBelow(tree);
  return places.flatMap((place) => {
    if (isWithin(tree.path, place)) return [''];
    return isWithin(place, tree.path) ? [place.toString('latin1', start)] : [];
  });
}

/**
 * The paths below the tree's root, as Latin-1 text, of what is ours and no part of the data: what a storage keeps in the volume,
 * and what has the name of a folder that the restore point has of its own.
 */
export function oursIn(
  { path, volume: { ours }, pathInVolume }: SourceTree,
  ownFolders: readonly string[],
): readonly string[] {
  const kept = ours === undefined ? undefined : belowTree(ours, pathInVolume);
  return [...(kept === undefined ? [] : [kept]), ...(path.length === 1 ? ownFolders : [])];
}

/** A path in a volume, as seen from a tree that begins at another one. */
export function belowTree(path: Buffer, start: Buffer): string | undefined {
  if (path.equals(start) || !isWithin(path, start)) return undefined;
  return path.toString('latin1', start.length === 1 ? 1 : start.length + 1);
}

/** Where a path below the tree's root begins in the absolute one. */
function startBelow(tree: SourceTree): number {
  return tree.path.length === 1 ? 1 : tree.path.length + 1;
}

/** The trees that lie directly in this one, by their path below its root as Latin-1 text. */
export function graftsOf(tree: SourceTree, trees: readonly SourceTree[]): ReadonlyMap<string, SourceTree> {
  const inner = trees.filter((other) => outerTreeOf(other, trees) === tree);
  const start = startBelow(tree);
  return new Map(inner.map((other) => [other.path.toString('latin1', start), other]));
}
