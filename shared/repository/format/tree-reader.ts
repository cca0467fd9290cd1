/**
 * Trees of any length. A folder of a few million files has a text that no program can hold as one string, and parsed it
 * takes several times the room; so long texts are parsed in pieces, and only a piece is ever there at once.
 *
 * A tree is whole or nothing: all of it is proved before its first entry is given out, as whoever reads it would
 * otherwise have acted on one half when the other turns out to be damaged.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { BlobId } from '../ids.ts';
import type { NodeByName } from '../node.ts';
import { damagedJson, parseJson } from './go-json.ts';
import { type JsonRange, membersOf, piecesOf } from './long-json.ts';
import { decodeNode } from './node-json.ts';
import type { StoredNode } from './stored-node.ts';
import { decodeTree, expectGoodName, inOrder } from './tree.ts';

/** A text that is longer than this is read in pieces: some 30,000 entries. */
export const LONG_TREE_BYTES = 8 * 1024 ** 2;
/** One entry that is longer than this has its content read in pieces: a file of some 250 GiB. */
const LONG_NODE_BYTES = 16 * 1024 ** 2;

interface Found {
  readonly node: StoredNode;
  readonly range: JsonRange;
}

/**
 * The entries in the order of their names, in parts.
 * @param what the tree, for errors: "tree 1a2b3c4d"
 */
export async function* readTree(
  data: Buffer,
  what: string,
  signal: AbortSignal,
): AsyncGenerator<readonly StoredNode[]> {
  if (data.length <= LONG_TREE_BYTES) {
    yield decodeTree(data, what).nodes;
    return;
  }
  let previous: StoredNode | undefined;
  let isSorted = true;
  for (const part of partsOf(data, what)) {
    for (const { node } of part) {
      expectGoodName(node.name, previous?.name, what);
      isSorted &&= previous === undefined || Buffer.compare(previous.name, node.name) < 0;
      previous = node;
    }
    await nextTurn(undefined, { signal });
  }
  if (!isSorted) {
    yield inOrder(
      [...partsOf(data, what)].flat().map(({ node }) => node),
      what,
    );
    return;
  }
  for (const part of partsOf(data, what)) {
    yield part.map(({ node }) => node);
    await nextTurn(undefined, { signal });
  }
}

/** For many questions in any order. Of a long tree the text is kept, and an entry is parsed when it is asked for. */
export async function treeByName(data: Buffer, what: string, signal: AbortSignal): Promise<NodeByName> {
  if (data.length <= LONG_TREE_BYTES) return byName(decodeTree(data, what).nodes);
  const places = new Map<string, JsonRange>();
  for (const part of partsOf(data, what)) {
    for (const { node, range } of part) {
      expectGoodName(node.name, undefined, what);
      const key = node.name.toString('latin1');
      if (places.has(key)) expectGoodName(node.name, node.name, what);
      places.set(key, range);
    }
    await nextTurn(undefined, { signal });
  }
  const find = (name: Buffer): StoredNode | undefined => {
    const range = places.get(name.toString('latin1'));
    return range === undefined ? undefined : decodeAt(data, range, what);
  };
  return Object.assign(find, { count: places.size });
}

export function byName(nodes: readonly StoredNode[]): NodeByName {
  const map = new Map(nodes.map((node) => [node.name.toString('latin1'), node]));
  return Object.assign((name: Buffer) => map.get(name.toString('latin1')), { count: map.size });
}

function* partsOf(data: Buffer, what: string): Generator<readonly Found[]> {
  const list = membersOf(data, what).get('nodes');
  if (list === undefined) return;
  for (const { values, ranges } of piecesOf(data, list, what, LONG_NODE_BYTES)) {
    yield ranges.map((range, index) => {
      const value = values[index];
      return { node: value === undefined ? decodeLongNode(data, range, what) : decodeNode(value, what), range };
    });
  }
}

function decodeAt(data: Buffer, range: JsonRange, what: string): StoredNode {
  if (range.end - range.start > LONG_NODE_BYTES) return decodeLongNode(data, range, what);
  return decodeNode(parseJson(data.subarray(range.start, range.end), what), what);
}

/** What makes an entry long is the list of its content, so that is taken apart, and the rest is read as always. */
function decodeLongNode(data: Buffer, range: JsonRange, what: string): StoredNode {
  const list = membersOf(data, what, range).get('content');
  if (list === undefined) return decodeNode(parseJson(data.subarray(range.start, range.end), what), what);
  const rest = Buffer.concat([
    data.subarray(range.start, list.start),
    Buffer.from('null'),
    data.subarray(list.end, range.end),
  ]);
  const fields = parseJson(rest, what);
  if (typeof fields !== 'object' || fields === null) throw damagedJson(what, 'holds an entry that is not an object');
  const content: BlobId[] = [];
  for (const { values } of piecesOf(data, list, what)) for (const id of values) content.push(id as BlobId);
  return decodeNode({ ...fields, content }, what);
}
