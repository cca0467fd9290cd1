/** Which part of a restore point is wanted: paths as bytes, turned into a tree of names that a walk can follow. */
import type { OpenedPoint } from '../open-point.ts';

/** All below a place, or chosen names in it (Latin-1 text, one character a byte). */
export type Selection = 'all' | ReadonlyMap<string, Selection>;

const SLASH = 0x2f;

/**
 * No paths, or "/" among them, mean everything. A path that is not in the restore point is
 * `repository.path-not-found`, before anything is written.
 */
export async function selectPaths(
  opened: OpenedPoint,
  paths: readonly Buffer[],
  signal: AbortSignal,
): Promise<Selection> {
  if (paths.length === 0) return 'all';
  let selection: Selection = new Map();
  for (const path of paths) {
    const names = splitPath(path);
    await opened.stat(names, signal);
    selection = withPath(selection, names);
  }
  return selection;
}

function withPath(selection: Selection, names: readonly Buffer[]): Selection {
  const [first, ...rest] = names;
  if (selection === 'all' || first === undefined) return 'all';
  const key = first.toString('latin1');
  return new Map(selection).set(key, withPath(selection.get(key) ?? new Map(), rest));
}

/** "/" and double slashes fall away; "." and ".." are names that no tree holds, so they are not found. */
function splitPath(path: Buffer): Buffer[] {
  const names: Buffer[] = [];
  let start = 0;
  for (let at = 0; at <= path.length; at += 1) {
    if (at < path.length && path[at] !== SLASH) continue;
    if (at > start) names.push(path.subarray(start, at));
    start = at + 1;
  }
  return names;
}
