/**
 * Trees from a listing that goes depth first. Only the folders that are open just now are held, each with its entries
 * so far; a folder is stored when the listing has left it and all its files are stored.
 */
import { invariant } from '../../base/errors.ts';
import { Semaphore } from '../../base/limit.ts';
import { TreeText } from '../../repository/format/tree.ts';
import type { BlobId } from '../../repository/ids.ts';
import type { Node } from '../../repository/node.ts';
import type { Folders } from './reading-sink.ts';

/** Given the id of what is in a folder, the folder's own node. */
export type CompleteFolder = (subtree: BlobId) => Promise<Node> | Node;

interface OpenFolder {
  /** Below the tree's root, as Latin-1 text; "" is the root. */
  readonly path: string;
  readonly complete: CompleteFolder;
  readonly tree: TreeText;
  /** Entries whose content is on its way. */
  readonly awaited: Promise<void>[];
}

/**
 * More folders than this wait for their files at a time only if something is wrong. It must exceed what can be stuck
 * in the buffers of tar on the host (a few hundred small files), because those are flushed by asking for more.
 */
const MOST_WAITING = 8192;

export class FolderStack {
  readonly #store: Pick<Folders, 'putTree'>;
  readonly #signal: AbortSignal;
  readonly #open: OpenFolder[] = [];
  readonly #waiting = new Semaphore(MOST_WAITING);
  #root: Promise<Node | undefined> | undefined;

  constructor(store: Pick<Folders, 'putTree'>, signal: AbortSignal) {
    this.#store = store;
    this.#signal = signal;
  }

  /** A folder of the listing; what follows below its path belongs to it. */
  async enter(path: Buffer, complete: CompleteFolder): Promise<void> {
    const text = path.toString('latin1');
    await this.#leaveUntilParentOf(text);
    this.#open.push({ path: text, complete, tree: new TreeText(), awaited: [] });
  }

  /** Anything else. */
  async add(path: Buffer, node: Node | Promise<Node | undefined>): Promise<void> {
    const text = path.toString('latin1');
    await this.#leaveUntilParentOf(text);
    const parent = this.#open.at(-1);
    if (parent) addTo(parent, node);
    else this.#setRoot(Promise.resolve(node));
  }

  /** Leaves all folders; resolves to the node of the tree's root, to undefined where that was left out. */
  async finish(): Promise<Node | undefined> {
    while (this.#open.length > 0) await this.#leave();
    return await this.#root;
  }

  async #leaveUntilParentOf(path: string): Promise<void> {
    if (path === '') return;
    const parent = path.slice(0, Math.max(0, path.lastIndexOf('/')));
    while (this.#open.at(-1)?.path !== parent) {
      invariant(this.#open.length > 1, 'a listing goes depth first');
      await this.#leave();
    }
  }

  async #leave(): Promise<void> {
    const folder = this.#open.pop();
    if (folder === undefined) return;
    const place = await this.#waiting.acquire(this.#signal);
    const node = this.#complete(folder).finally(() => place[Symbol.dispose]());
    // The failure is seen where the parent is awaited; until then it must not count as unhandled.
    node.catch(() => undefined);
    const parent = this.#open.at(-1);
    if (parent) addTo(parent, node);
    else this.#setRoot(node);
  }

  #setRoot(node: Promise<Node | undefined>): void {
    invariant(this.#root === undefined, 'a listing has one root');
    this.#root = node;
  }

  async #complete(folder: OpenFolder): Promise<Node> {
    for (const awaited of folder.awaited) await awaited;
    const { saved } = await this.#store.putTree(folder.tree.finish(), this.#signal);
    return await folder.complete((await saved).id);
  }
}

/** @param child resolves to undefined where it could not be read and is left out */
function addTo({ tree, awaited }: OpenFolder, child: Node | Promise<Node | undefined>): void {
  if (!(child instanceof Promise)) {
    tree.add(child);
    return;
  }
  const added = child.then((node) => {
    if (node !== undefined) tree.add(node);
  });
  // The folder's own end awaits it; a failure before that must not count as unhandled.
  added.catch(() => undefined);
  awaited.push(added);
}
