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
import { decodeNode, nodePieces } from './node-json.ts';
import type { StoredNode, Tree } from './stored-node.ts';

/** The text of a large folder is gathered in blocks of this, outside of the heap; most folders are small, and many wait. */
const BLOCK_BYTES = 1024 ** 2;
const SMALL_BYTES = BLOCK_BYTES / 4;

/** The text of a tree that grows entry by entry, in any order: of an entry no more than its text and name is kept. */
export class TreeText {
  readonly #entries: { readonly name: Buffer; readonly text: readonly Buffer[] }[] = [];
  #block = Buffer.alloc(0);
  #bytes = 0;

  add(node: StoredNode): void {
    const text: Buffer[] = [];
    for (const piece of nodePieces(node)) text.push(this.#store(piece));
    this.#entries.push({ name: node.name, text });
  }

  /** The text to store as a tree blob. */
  finish(): Buffer {
    this.#entries.sort((left, right) => Buffer.compare(left.name, right.name));
    const parts: Buffer[] = [Buffer.from('{"nodes":[')];
    for (const [index, { name, text }] of this.#entries.entries()) {
      const fault = nameFault(name, this.#entries[index - 1]?.name);
      if (fault !== undefined) throw ownFault(name, fault);
      if (index > 0) parts.push(SEPARATOR);
      parts.push(...text);
    }
    parts.push(Buffer.from(']}\n'));
    return Buffer.concat(parts);
  }

  #store(piece: string): Buffer {
    const length = Buffer.byteLength(piece);
    this.#bytes += length;
    if (this.#bytes < SMALL_BYTES || length > SMALL_BYTES) return Buffer.from(piece);
    if (length > this.#block.length) this.#block = Buffer.allocUnsafeSlow(BLOCK_BYTES);
    this.#block.write(piece);
    const stored = this.#block.subarray(0, length);
    this.#block = this.#block.subarray(length);
    return stored;
  }
}

const SEPARATOR = Buffer.from(',');

function ownFault(name: Buffer, fault: string): StillpointError {
  return new StillpointError('internal.invariant', `A folder with the entry "${displayName(name)}" ${fault}.`, {
    advice: 'This is a fault in Stillpoint. Report it with the log of the job.',
    cause: undefined,
  });
}

/** The text to store as a tree blob. */
export function encodeTree(nodes: Iterable<StoredNode>): Buffer {
  const text = new TreeText();
  for (const node of nodes) text.add(node);
  return text.finish();
}

/**
 * A tree that is out of order is put in order: restic wrote some in its early days. Two entries of one name are refused,
 * as a link and a folder of the same name would lead a restore astray. For texts of any length see `tree-reader.ts`.
 * @param what the tree, for errors: "tree 1a2b3c4d"
 */
export function decodeTree(data: Buffer, what: string): Tree {
  const value = parseJson(data, what) as { readonly nodes?: unknown } | null;
  const list = value?.nodes ?? [];
  if (!Array.isArray(list)) throw damagedJson(what, 'has no list of entries');
  return {
    nodes: inOrder(
      list.map((item) => decodeNode(item, what)),
      what,
    ),
  };
}

export function inOrder(nodes: readonly StoredNode[], what: string): StoredNode[] {
  const sorted = nodes.toSorted((left, right) => Buffer.compare(left.name, right.name));
  for (const [index, { name }] of sorted.entries()) expectGoodName(name, sorted[index - 1]?.name, what);
  return sorted;
}

export function expectGoodName(name: Buffer, previous: Buffer | undefined, what: string): void {
  const fault = nameFault(name, previous);
  if (fault !== undefined) throw damagedJson(what, `${fault} ("${displayName(name)}")`);
}

function nameFault(name: Buffer, previous: Buffer | undefined): string | undefined {
  if (name.length === 0) return 'has an entry without a name';
  if (name.includes(0) || name.includes(0x2f)) return 'has an entry whose name holds "/" or NUL';
  if (name.equals(DOT) || name.equals(DOT_DOT)) return 'has an entry that points out of its folder';
  return previous?.equals(name) === true ? 'has two entries of one name' : undefined;
}

const DOT = Buffer.from('.');
const DOT_DOT = Buffer.from('..');
