/**
 * From a path as it is shown back to the names that it means. What people see of a name is text; the name itself
 * is bytes, so it is looked up in the folder that holds it and never made from the text.
 */
import { displayName } from '../base/bytes.ts';
import { StillpointError } from '../base/errors.ts';
import type { BlobId } from '../repository/ids.ts';
import type { Node } from '../repository/node.ts';
import { type OpenedPoint, type PointPlace, shownPath } from './open-point.ts';

export interface FoundPath extends PointPlace {
  readonly names: readonly Buffer[];
}

/** `path` is "/" and names joined by "/". Errors: `repository.path-not-found`. */
export async function findShownPath(opened: OpenedPoint, path: string, signal: AbortSignal): Promise<FoundPath> {
  const names: Buffer[] = [];
  let place: PointPlace = { node: undefined, tree: opened.point.tree };
  for (const part of path.split('/').filter((text) => text !== '')) {
    const fitting = place.tree === undefined ? [] : await namedAs(opened, place.tree, names, part, signal);
    const [node] = fitting;
    if (node === undefined) throw opened.notThere(path, part, place.node);
    if (fitting.length > 1) throw lookAlike(path, part, fitting.length);
    names.push(node.name);
    place = { node, tree: node.subtree };
  }
  return { names, ...place };
}

/** The bytes of shown paths, each with a "/" before every name. Errors: `repository.path-not-found`. */
export async function bytesOfPaths(
  opened: OpenedPoint,
  paths: readonly string[],
  signal: AbortSignal,
): Promise<readonly Buffer[]> {
  const found: Buffer[] = [];
  for (const path of paths) {
    const { names } = await findShownPath(opened, path, signal);
    found.push(Buffer.concat(names.flatMap((name) => [Buffer.from('/'), name])));
  }
  return found;
}

/** The entries whose names are shown so. */
async function namedAs(
  opened: OpenedPoint,
  tree: BlobId,
  folder: readonly Buffer[],
  shown: string,
  signal: AbortSignal,
): Promise<readonly Node[]> {
  const exact = Buffer.from(shown, 'utf8');
  const fitting: Node[] = [];
  for await (const nodes of opened.entries(tree, () => shownPath(folder), signal)) {
    fitting.push(...nodes.filter(({ name }) => name.equals(exact) || displayName(name) === shown));
  }
  return fitting;
}

/** Taking one of them would be taking the wrong one half of the time. */
function lookAlike(path: string, part: string, count: number): StillpointError {
  const shown = displayName(Buffer.from(path));
  const message = `"${shown}" may be ${count} entries of the restore point: their names are shown alike.`;
  return new StillpointError('repository.path-not-found', message, {
    advice: 'Name the folder that holds them instead; with "--json", "ls" tells their bytes apart.',
    details: { path, ambiguous: part },
    cause: undefined,
  });
}
