/**
 * Trees from a listing that goes depth first. Only the folders that are open just now are held, each with its entries
 * so far; a folder is stored when the listing has left it and all its files are stored. One of which every entry is as the parent
 * restore point has it is not made again: it keeps its id.
 */
import { invariant } from '../../base/errors.ts';
import { Semaphore } from '../../base/limit.ts';
import { TreeText } from '../../repository/format/tree.ts';
import type { BlobId } from '../../repository/ids.ts';
import type { Node } from '../../repository/node.ts';
import type { Folders } from './reading-sink.ts';

/** Given the id of what is in a folder, the folder's own node. */
export type CompleteFolder = (subtree: BlobId) => Promise<Node> | Node;

/** What the parent restore point has of a folder. */
interface KnownFolder {
  readonly subtree: BlobId;
  /** Of its entries. */
  readonly count: number;
  /** Its own entry, where that would be the same to the letter with the same subtree. */
  readonly node: Node | undefined;
}

/** Told of a folder in which all is stored as it was listed. */
export type OnWhole = (tree: BlobId) => void;

interface OpenFolder {
  /** Below the tree's root, as Latin-1 text; "" is the root. */
  readonly path: string;
  readonly complete: CompleteFolder;
  readonly tree: TreeText;
  readonly known: KnownFolder | undefined;
  /** The entries, as long as all of them are the parent's to the letter. */
  same: Node[] | undefined;
  /** Entries whose content is on its way. */
  readonly awaited: Promise<void>[];
  /** Whether all that is in it, at any depth, is stored as it was listed; known when it is stored. */
  isWhole: boolean;
  readonly onWhole: OnWhole | undefined;
}

interface Entering {
  readonly known?: KnownFolder | undefined;
  readonly onWhole?: OnWhole | undefined;
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
  async enter(path: Buffer, complete: CompleteFolder, { known, onWhole }: Entering = {}): Promise<void> {
    const text = path.toString('latin1');
    await this.#leaveUntilParentOf(text);
    const same = known === undefined ? undefined : [];
    const made = { tree: new TreeText(), awaited: [], isWhole: true };
    this.#open.push({ path: text, complete, known, same, onWhole, ...made });
  }

  /** Anything else. Waits only where folders are left that have to wait. */
  add(path: Buffer, node: Node | Promise<Node | undefined>): Promise<void> | undefined {
    return this.#addTo(path, (parent) => {
      if (parent) addTo(parent, node);
      else this.#setRoot(Promise.resolve(node));
    });
  }

  /** Anything but a folder that is as the parent restore point has it, to the letter. */
  addSame(path: Buffer, node: Node): Promise<void> | undefined {
    return this.#addTo(path, (parent) => {
      if (parent) addSameTo(parent, node);
      else this.#setRoot(Promise.resolve(node));
    });
  }

  /** Something is to be said of the entry in each run, or it has no place in the listing. Waits as `add` does. */
  blemish(path: Buffer): Promise<void> | undefined {
    return this.#addTo(path, (parent) => {
      if (parent) parent.isWhole = false;
    });
  }

  /** Leaves all folders; resolves to the node of the tree's root, to undefined where that was left out. */
  async finish(): Promise<Node | undefined> {
    while (this.#open.length > 0) await this.#leave();
    return await this.#root;
  }

  #addTo(path: Buffer, add: (parent: OpenFolder | undefined) => void): Promise<void> | undefined {
    const leaving = this.#leaveUntilParentOf(path.toString('latin1'));
    if (leaving !== undefined) return leaving.then(() => add(this.#open.at(-1)));
    add(this.#open.at(-1));
    return undefined;
  }

  #leaveUntilParentOf(path: string): Promise<void> | undefined {
    if (path === '') return undefined;
    const parent = path.slice(0, Math.max(0, path.lastIndexOf('/')));
    while (this.#open.at(-1)?.path !== parent) {
      invariant(this.#open.length > 1, 'a listing goes depth first');
      const leaving = this.#leave();
      if (leaving !== undefined) return leaving.then(() => this.#leaveUntilParentOf(path));
    }
    return undefined;
  }

  #leave(): Promise<void> | undefined {
    const folder = this.#open.pop();
    if (folder === undefined) return undefined;
    const { known, same } = folder;
    if (known === undefined || same?.length !== known.count) return this.#leaveMade(folder);
    const parent = this.#open.at(-1);
    tellWhole(folder, known.subtree, parent);
    if (known.node !== undefined) {
      if (parent) addSameTo(parent, known.node);
      else this.#setRoot(Promise.resolve(known.node));
      return undefined;
    }
    this.#addMade(parent, Promise.resolve(folder.complete(known.subtree)));
    return undefined;
  }

  async #leaveMade(folder: OpenFolder): Promise<void> {
    makeOwn(folder);
    const place = await this.#waiting.acquire(this.#signal);
    const parent = this.#open.at(-1);
    const node = this.#complete(folder, parent).finally(() => place[Symbol.dispose]());
    this.#addMade(parent, node);
  }

  #addMade(parent: OpenFolder | undefined, node: Promise<Node>): void {
    // The failure is seen where the parent is awaited; until then it must not count as unhandled.
    node.catch(() => undefined);
    if (parent) addTo(parent, node);
    else this.#setRoot(node);
  }

  #setRoot(node: Promise<Node | undefined>): void {
    invariant(this.#root === undefined, 'a listing has one root');
    this.#root = node;
  }

  async #complete(folder: OpenFolder, parent: OpenFolder | undefined): Promise<Node> {
    for (const awaited of folder.awaited) await awaited;
    const { saved } = await this.#store.putTree(folder.tree.finish(), this.#signal);
    const { id } = await saved;
    tellWhole(folder, id, parent);
    return await folder.complete(id);
  }
}

/** The folder above waits for it, and is told before. */
function tellWhole({ isWhole, onWhole }: OpenFolder, tree: BlobId, above: OpenFolder | undefined): void {
  if (isWhole) onWhole?.(tree);
  else if (above) above.isWhole = false;
}

/** From now on it is no longer the parent's folder. */
function makeOwn(folder: OpenFolder): void {
  for (const node of folder.same ?? []) folder.tree.add(node);
  folder.same = undefined;
}

function addSameTo(folder: OpenFolder, node: Node): void {
  if (folder.same === undefined) folder.tree.add(node);
  else folder.same.push(node);
}

/** @param child resolves to undefined where it could not be read and is left out */
function addTo(folder: OpenFolder, child: Node | Promise<Node | undefined>): void {
  makeOwn(folder);
  const { tree, awaited } = folder;
  if (!(child instanceof Promise)) {
    if (child.error !== undefined) folder.isWhole = false;
    tree.add(child);
    return;
  }
  const added = child.then((node) => {
    if (node?.error !== undefined || node === undefined) folder.isWhole = false;
    if (node !== undefined) tree.add(node);
  });
  // The folder's own end awaits it; a failure before that must not count as unhandled.
  added.catch(() => undefined);
  awaited.push(added);
}
