/** A restore that begins some folders below the top: those are not made, and what is in the last of them is. */
import { displayName } from '../../base/bytes.ts';
import { StillpointError } from '../../base/errors.ts';
import type { Node } from '../../repository/node.ts';
import { type WalkedTrees, type WalkStart, wantedNodes } from './walk.ts';

/**
 * All that is wanted has to lie in these folders: what lies beside them would have no place, and what lies in others of
 * the same depth could have the same one. Errors: `usage.invalid`.
 */
export async function stripFolders(
  repository: WalkedTrees,
  start: WalkStart,
  count: number,
  signal: AbortSignal,
): Promise<WalkStart> {
  let here = start;
  for (let left = count; left > 0; left -= 1) {
    const [only, ...others] = await wantedNodes(repository, here, signal);
    if (only === undefined || others.length > 0) throw notOne(here, count, [only, ...others].slice(0, 3));
    const { node, below } = only;
    if (below === undefined) throw noFolder(here, count, node);
    here = below;
  }
  return here;
}

function notOne({ place }: WalkStart, count: number, found: readonly ({ node: Node } | undefined)[]): StillpointError {
  const names = found.flatMap((one) => (one === undefined ? [] : [`"${displayName(one.node.name)}"`]));
  const what = names.length === 0 ? 'nothing' : `${names.join(', ')}${names.length > 2 ? ' and perhaps more' : ''}`;
  return refusal(
    `--strip ${count} wants all to lie in one folder, and in "${displayName(place ?? ROOT)}" there is ${what}.`,
    'Name the paths that are wanted so that they have so many folders in common, or strip fewer.',
  );
}

function noFolder({ place }: WalkStart, count: number, { name }: Node): StillpointError {
  const path = displayName(Buffer.concat([place ?? Buffer.alloc(0), ROOT, name]));
  return refusal(`"${path}" is no folder that can be read, so --strip ${count} leaves nothing of it.`, 'Strip fewer.');
}

const ROOT = Buffer.from('/');

function refusal(message: string, advice: string): StillpointError {
  return new StillpointError('usage.invalid', message, { advice, cause: undefined });
}
