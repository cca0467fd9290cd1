/**
 * Makes trees anew without what is lost. Pure but for `store`: the same trees and the same losses give the same ids, so
 * that a plan can name the trees that applying it will write. A tree without a fault keeps its id.
 *
 * A tree is done when all below it are, each once. Not recursive: a deep tree must not exhaust the stack.
 */
import { isStillpointError } from '../../base/errors.ts';
import type { StoredNode } from '../format/stored-node.ts';
import { encodeTree, TreeText } from '../format/tree.ts';
import { type BlobId, type BlobType, blobIdOf } from '../ids.ts';
import type { OpenedRepository } from '../opened-repository.ts';
import { ALL, LossCollector, type Losses, NOTHING, namesOf } from './losses.ts';

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

interface Rewritten {
  readonly tree: BlobId | undefined;
  readonly losses: Losses;
}

/** A tree whose folders are being done. */
interface OpenTree {
  readonly id: BlobId;
  readonly folders: readonly BlobId[];
  next: number;
  /** Whether it cannot be read. */
  readonly isLost: boolean;
  /** Whether it has to be made again, whatever becomes of its folders. */
  readonly isDamaged: boolean;
}

const LOST: Rewritten = { tree: undefined, losses: ALL };

export class TreeRewriter {
  readonly #ports: TreeRewriterPorts;
  /** One bit for each blob: trees that stay as they are. */
  readonly #sound: Uint8Array;
  readonly #changed = new Map<BlobId, Rewritten>();

  constructor(ports: TreeRewriterPorts) {
    this.#ports = ports;
    this.#sound = new Uint8Array((ports.repository.index.blobCount >> 3) + 1);
  }

  async rewrite(top: BlobId): Promise<RewrittenTree> {
    const open: OpenTree[] = [];
    const enter = async (id: BlobId): Promise<void> => {
      if (this.#known(id) === undefined) open.push(await this.#open(id));
    };
    await enter(top);
    for (let here = open.at(-1); here !== undefined; here = open.at(-1)) {
      this.#ports.signal.throwIfAborted();
      const folder = here.folders[here.next];
      here.next += 1;
      if (folder !== undefined) await enter(folder);
      else {
        open.pop();
        const result = await this.#finish(here);
        if (result === undefined || result.losses.count === 0) this.#markSound(here.id);
        else this.#changed.set(here.id, result);
      }
    }
    const { tree, losses } = this.#known(top) ?? LOST;
    return { tree, ...namesOf(losses) };
  }

  #known(id: BlobId): Rewritten | undefined {
    const changed = this.#changed.get(id);
    if (changed !== undefined) return changed;
    return this.#isSound(id) ? { tree: id, losses: NOTHING } : undefined;
  }

  #numberOf(id: BlobId): number {
    return this.#ports.repository.index.numberOf('tree', id) ?? -1;
  }

  #isSound(id: BlobId): boolean {
    const number = this.#numberOf(id);
    return number >= 0 && ((this.#sound[number >> 3] ?? 0) & (1 << (number & 7))) !== 0;
  }

  #markSound(id: BlobId): void {
    const number = this.#numberOf(id);
    if (number >= 0) this.#sound[number >> 3] = (this.#sound[number >> 3] ?? 0) | (1 << (number & 7));
    else this.#changed.set(id, { tree: id, losses: NOTHING });
  }

  async #open(id: BlobId): Promise<OpenTree> {
    const seen = await this.#read(id, () => {
      const found = { folders: new Set<BlobId>(), isDamaged: false };
      const take = (node: StoredNode): void => {
        if (node.subtree !== undefined) found.folders.add(node.subtree);
        found.isDamaged ||= this.#isDamaged(node);
      };
      return { found, take };
    });
    return {
      id,
      folders: [...(seen?.folders ?? [])],
      next: 0,
      isLost: seen === undefined,
      isDamaged: seen?.isDamaged === true,
    };
  }

  /** Undefined for a tree that stays as it is. */
  async #finish({ id, folders, isLost, isDamaged }: OpenTree): Promise<Rewritten | undefined> {
    if (isLost) return LOST;
    return isDamaged || folders.some((folder) => this.#changed.has(folder)) ? await this.#rewriteTree(id) : undefined;
  }

  /** Whether the node itself cannot stay as it is, whatever is below it. */
  #isDamaged(node: StoredNode): boolean {
    if (node.stray !== undefined) return true;
    if (node.type === 'dir') return node.subtree === undefined;
    return node.type === 'file' && !this.#isWhole(node);
  }

  #isWhole({ content }: StoredNode): boolean {
    return content?.every((blob) => this.#ports.causeOf('data', blob) === undefined) === true;
  }

  async #rewriteTree(id: BlobId): Promise<Rewritten> {
    const rewriting = await this.#read(id, () => {
      const found = new Rewriting();
      return { found, take: (node: StoredNode) => this.#rewriteNode(node, found) };
    });
    if (rewriting === undefined) return LOST;
    const { losses } = rewriting.lost;
    if (losses.count === 0) return { tree: id, losses };
    if (rewriting.needsEmpty) await this.#store(new TreeText());
    return { tree: await this.#store(rewriting.kept), losses };
  }

  #rewriteNode(node: StoredNode, rewriting: Rewriting): void {
    const { kept, lost } = rewriting;
    const { stray, ...honest } = node;
    if (stray?.subtree !== undefined) lost.add(node.name, ' (what is listed below it)');
    if (stray?.content !== undefined) lost.add(node.name, ' (what is listed as its content)');
    if (node.type === 'dir') {
      const known = node.subtree === undefined ? undefined : this.#known(node.subtree);
      if (known?.tree === undefined) rewriting.needsEmpty = true;
      kept.add({ ...honest, subtree: known?.tree ?? EMPTY });
      lost.addFolder(node.name, known?.losses ?? ALL);
    } else if (node.type !== 'file' || this.#isWhole(node)) kept.add(honest);
    else lost.add(node.name);
  }

  async #store(tree: TreeText): Promise<BlobId> {
    const text = tree.finish();
    const id = blobIdOf(text);
    await this.#ports.store(text);
    return id;
  }

  /**
   * One bad answer does not mean a loss: it counts only if the next is bad as well. Undefined where the tree cannot
   * be read.
   */
  async #read<T>(id: BlobId, begin: () => Reading<T>): Promise<T | undefined> {
    if (this.#ports.causeOf('tree', id) !== undefined) return undefined;
    return (await this.#ask(id, begin())) ?? (await this.#ask(id, begin()));
  }

  async #ask<T>(id: BlobId, { found, take }: Reading<T>): Promise<T | undefined> {
    const { repository, signal } = this.#ports;
    try {
      for await (const nodes of repository.treeParts(id, signal)) nodes.forEach(take);
      return found;
    } catch (error) {
      if (!isStillpointError(error, 'repository.damaged')) throw error;
      return undefined;
    }
  }
}

interface Reading<T> {
  readonly found: T;
  readonly take: (node: StoredNode) => void;
}

class Rewriting {
  readonly kept = new TreeText();
  readonly lost = new LossCollector();
  /** Whether a folder is empty now that was not. */
  needsEmpty = false;
}

/** The tree of an empty folder. */
const EMPTY = blobIdOf(encodeTree([]));
