/**
 * Makes trees anew without what is lost. Pure but for `store`: the same trees and the same losses give the same ids, so
 * that a plan can name the trees that applying it will write. A tree without a fault keeps its id.
 */
import { displayName } from '../../base/bytes.ts';
import { isStillpointError } from '../../base/errors.ts';
import { type BlobId, type BlobType, blobIdOf } from '../format/ids.ts';
import type { Node } from '../format/node.ts';
import { encodeTree } from '../format/tree.ts';
import type { OpenedRepository } from '../opened-repository.ts';
import { MAX_DEPTH } from '../read/walk.ts';

/** A plan names what it gives up; more of one restore point than these are counted. */
const MAX_NAMED = 10_000;

export interface TreeRewriterPorts {
  readonly repository: OpenedRepository;
  readonly causeOf: (type: BlobType, id: BlobId) => string | undefined;
  /** Given the text of each tree that is new. */
  readonly store: (text: Buffer) => Promise<void>;
  readonly signal: AbortSignal;
}

export interface RewrittenTree {
  /**
   * The same id where nothing is lost, and also where only an empty folder's tree was: it is stored again. Undefined
   * where the tree cannot be read.
   */
  readonly tree: BlobId | undefined;
  /** Paths from this tree on, and how many more there are. */
  readonly lost: readonly string[];
  readonly more: number;
}

export class TreeRewriter {
  readonly #ports: TreeRewriterPorts;
  /** One bit for each blob: trees that stay as they are. */
  readonly #sound: Uint8Array;
  readonly #changed = new Map<BlobId, RewrittenTree>();

  constructor(ports: TreeRewriterPorts) {
    this.#ports = ports;
    this.#sound = new Uint8Array((ports.repository.index.blobCount >> 3) + 1);
  }

  rewrite(id: BlobId): Promise<RewrittenTree> {
    return this.#tree(id, 0);
  }

  async #tree(id: BlobId, depth: number): Promise<RewrittenTree> {
    this.#ports.signal.throwIfAborted();
    const number = this.#ports.repository.index.numberOf('tree', id) ?? -1;
    const known = this.#changed.get(id);
    if (known !== undefined) return known;
    const asItIs: RewrittenTree = { tree: id, lost: [], more: 0 };
    if (number >= 0 && ((this.#sound[number >> 3] ?? 0) & (1 << (number & 7))) !== 0) return asItIs;
    const result = await this.#rewriteTree(id, depth);
    if (result.lost.length > 0) this.#changed.set(id, result);
    else if (number >= 0) this.#sound[number >> 3] = (this.#sound[number >> 3] ?? 0) | (1 << (number & 7));
    return result;
  }

  async #rewriteTree(id: BlobId, depth: number): Promise<RewrittenTree> {
    const nodes = await this.#load(id);
    if (nodes === undefined) return { tree: undefined, lost: [''], more: 0 };
    const lost: string[] = [];
    let more = 0;
    const kept: Node[] = [];
    for (const node of nodes) {
      const result = await this.#node(node, depth);
      if (result.node !== undefined) kept.push(result.node);
      more += result.more;
      for (const path of result.lost) {
        if (lost.length < MAX_NAMED) lost.push(`/${displayName(node.name)}${path}`);
        else more += 1;
      }
    }
    if (lost.length === 0) return { tree: id, lost, more };
    return { tree: await this.#store(kept), lost, more };
  }

  async #node(node: Node, depth: number): Promise<Omit<RewrittenTree, 'tree'> & { readonly node: Node | undefined }> {
    // An empty folder at that depth would be as wrong as a full one.
    if (node.type === 'dir' && depth >= MAX_DEPTH) return { node: undefined, lost: [''], more: 0 };
    if (node.type === 'dir') {
      const { tree, lost, more } =
        node.subtree === undefined
          ? { tree: undefined, lost: [''], more: 0 }
          : await this.#tree(node.subtree, depth + 1);
      return { node: { ...node, subtree: tree ?? (await this.#store([])) }, lost, more };
    }
    if (node.type !== 'file') return { node, lost: [], more: 0 };
    const isWhole = node.content?.every((blob) => this.#ports.causeOf('data', blob) === undefined) === true;
    return isWhole ? { node, lost: [], more: 0 } : { node: undefined, lost: [''], more: 0 };
  }

  async #store(nodes: readonly Node[]): Promise<BlobId> {
    const text = encodeTree(nodes);
    const id = blobIdOf(text);
    await this.#ports.store(text);
    return id;
  }

  /** One bad answer is no loss: it counts only if the next is bad as well. */
  async #load(id: BlobId): Promise<readonly Node[] | undefined> {
    if (this.#ports.causeOf('tree', id) !== undefined) return undefined;
    return (await this.#ask(id)) ?? (await this.#ask(id));
  }

  async #ask(id: BlobId): Promise<readonly Node[] | undefined> {
    const { repository, signal } = this.#ports;
    try {
      return (await repository.loadTree(id, signal)).nodes;
    } catch (error) {
      if (!isStillpointError(error, 'repository.damaged')) throw error;
      return undefined;
    }
  }
}
