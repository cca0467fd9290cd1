/**
 * From a path as it is shown back to the names that it means. What people see of a name is text; the name itself
 * is bytes, so it is looked up in the folder that holds it and never made from the text.
 */
import { displayName } from '../base/bytes.ts';
import { StillpointError } from '../base/errors.ts';
import type { BlobId } from '../repository/ids.ts';
import type { Node } from '../repository/node.ts';
import type { Repository } from '../repository/repository.ts';
import type { RestorePoint } from '../repository/restore-point.ts';

export interface FoundPath {
  readonly names: readonly Buffer[];
  /** Undefined for "/", which has no entry of its own. */
  readonly node: Node | undefined;
}

/** `path` is "/" and names joined by "/". Errors: `repository.path-not-found`. */
export async function findShownPath(
  repository: Pick<Repository, 'treeParts'>,
  point: Pick<RestorePoint, 'id' | 'tree'>,
  path: string,
  signal: AbortSignal,
): Promise<FoundPath> {
  const names: Buffer[] = [];
  let node: Node | undefined;
  let current: BlobId | undefined = point.tree;
  for (const part of path.split('/').filter((text) => text !== '')) {
    const fitting: readonly Node[] = current === undefined ? [] : await namedAs(repository, current, part, signal);
    [node] = fitting;
    if (node === undefined) throw notThere(point, path, part);
    if (fitting.length > 1) throw lookAlike(path, part, fitting.length);
    names.push(node.name);
    current = node.subtree;
  }
  return { names, node };
}

/** The entries whose names are shown so. */
async function namedAs(
  repository: Pick<Repository, 'treeParts'>,
  tree: BlobId,
  shown: string,
  signal: AbortSignal,
): Promise<readonly Node[]> {
  const exact = Buffer.from(shown, 'utf8');
  const fitting: Node[] = [];
  for await (const nodes of repository.treeParts(tree, signal)) {
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

function notThere({ id }: Pick<RestorePoint, 'id'>, path: string, part: string): StillpointError {
  const shown = displayName(Buffer.from(path));
  const where = displayName(Buffer.from(part));
  const message = `The restore point ${id.slice(0, 8)} does not hold "${shown}".`;
  return new StillpointError('repository.path-not-found', message, {
    advice: `"${where}" is not there. List the folder that should hold it to see what is.`,
    details: { path, missing: part },
    cause: undefined,
  });
}
