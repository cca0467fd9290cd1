/** Trees within trees: a nested mount is read as a tree of its own and stands at its place in the outer one. */
import { isWithin } from '../../snapshot/mountinfo.ts';
import type { SourceTree } from './paths.ts';

/** The closest tree that holds this one's path; undefined for a tree at the top. */
export function outerTreeOf(tree: SourceTree, trees: readonly SourceTree[]): SourceTree | undefined {
  const around = trees.filter((other) => other !== tree && isWithin(tree.path, other.path));
  return around.toSorted((a, b) => b.path.length - a.path.length)[0];
}

/** The trees that stand directly in this one, by their path below its root as Latin-1 text. */
export function graftsOf(tree: SourceTree, trees: readonly SourceTree[]): ReadonlyMap<string, SourceTree> {
  const inner = trees.filter((other) => outerTreeOf(other, trees) === tree);
  const start = tree.path.length === 1 ? 1 : tree.path.length + 1;
  return new Map(inner.map((other) => [other.path.toString('latin1', start), other]));
}
