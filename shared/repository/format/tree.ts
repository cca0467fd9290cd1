/**
 * Trees: a folder's entries as one JSON text, whose SHA-256 is the folder's id. Sorted by the bytes of the names, no
 * name twice, a newline at the end, as restic writes them.
 *
 * A name is checked on the way in and on the way out: a stored `..` or `a/b` would let a damaged or hostile repository
 * make a restore write outside its target.
 */
import { displayName } from '../../base/bytes.ts';
import { StillpointError } from '../../base/errors.ts';
import { damagedJson, parseJson } from './go-json.ts';
import type { Node, Tree } from './node.ts';
import { decodeNode, encodeNode } from './node-json.ts';

function sortNodes(nodes: readonly Node[]): Node[] {
  return nodes.toSorted((left, right) => Buffer.compare(left.name, right.name));
}

/** The text to store as a tree blob. */
export function encodeTree(nodes: readonly Node[]): Buffer {
  const sorted = sortNodes(nodes);
  for (const [index, node] of sorted.entries()) {
    const fault = nameFault(node.name, sorted[index - 1]?.name);
    if (fault === undefined) continue;
    throw new StillpointError('internal.invariant', `A folder with the entry "${displayName(node.name)}" ${fault}.`, {
      advice: 'This is a fault in Stillpoint. Report it with the log of the job.',
      cause: undefined,
    });
  }
  return Buffer.from(`{"nodes":[${sorted.map(encodeNode).join(',')}]}\n`, 'utf8');
}

/**
 * A tree that is out of order is put in order: restic wrote some in its early days. Two entries of one name are refused,
 * as a link and a folder of the same name would lead a restore astray.
 * @param what the tree, for errors: "tree 1a2b3c4d"
 */
export function decodeTree(data: Buffer, what: string): Tree {
  const value = parseJson(data, what) as { readonly nodes?: unknown } | null;
  const list = value?.nodes ?? [];
  if (!Array.isArray(list)) throw damagedJson(what, 'has no list of entries');
  const nodes = sortNodes(list.map((item) => decodeNode(item, what)));
  for (const [index, node] of nodes.entries()) {
    const fault = nameFault(node.name, nodes[index - 1]?.name);
    if (fault !== undefined) throw damagedJson(what, `${fault} ("${displayName(node.name)}")`);
  }
  return { nodes };
}

function nameFault(name: Buffer, previous: Buffer | undefined): string | undefined {
  if (name.length === 0) return 'has an entry without a name';
  if (name.includes(0) || name.includes(0x2f)) return 'has an entry whose name holds "/" or NUL';
  if (name.equals(DOT) || name.equals(DOT_DOT)) return 'has an entry that points out of its folder';
  return previous?.equals(name) === true ? 'has two entries of one name' : undefined;
}

const DOT = Buffer.from('.');
const DOT_DOT = Buffer.from('..');
