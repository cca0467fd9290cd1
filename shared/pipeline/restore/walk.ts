/**
 * The wanted entries of a restore point in the order in which they are made: a folder before what is in it, and
 * nothing below what is not a folder, whatever the repository says. Not recursive: a deep tree must not exhaust the stack.
 *
 * Folders are read by the port and not by an opened restore point: one that cannot be read is a value here, an empty
 * folder that the report names with its path.
 *
 * No path is longer than the kernel takes: what lies deeper is walked from a folder on the way, as a walk of its own.
 */
import { isStillpointError } from '../../base/errors.ts';
import type { BlobId } from '../../repository/ids.ts';
import type { Node } from '../../repository/node.ts';
import type { PointReader } from '../../repository/point-reader.ts';
import { NodeCursor } from '../node-cursor.ts';
import { ComingTrees, nextTrees } from './coming-trees.ts';
import type { Selection } from './selection.ts';

export interface SelectedEntry {
  /** Names joined by "/", without one at the start, from where the walk began. */
  readonly path: Buffer;
  readonly node: Node;
  /** Its path in the restore point, where the walk has a choice. */
  readonly place?: Buffer;
}

/** Where a walk begins: at the top of a restore point, or in a folder that lies deep in it. */
export interface WalkStart {
  readonly tree: BlobId;
  readonly selection: Selection;
  /** The ways from each start to the next one; none for the top. Each is short enough for the kernel. */
  readonly way: readonly Buffer[];
  /** The folder itself, where it is not the top. */
  readonly node: Node | undefined;
  /** Its path in the restore point, with a "/" before each name; without it the top. */
  readonly place?: Buffer;
  /** What is left of what was selected; without it all. */
  readonly choice?: Choice;
  /** Whether the start itself was chosen, and with it what is in it. */
  readonly isIn?: boolean;
}

/**
 * `way`: a folder that is made where something in it is chosen; `within` is one that was chosen itself, and is made only
 * then. What is `out` is out with all that is in it.
 */
export type Verdict = 'in' | 'within' | 'way' | 'out';

export interface Choice {
  /**
   * Of an entry at this path of the restore point, each part of it as it is stored. May be asked more than once.
   * @param isIn the folder that it is in was chosen
   */
  judge(place: Buffer, node: Node, isIn: boolean): Verdict;
}

/** What a walk comes across, each with its path from the start. */
export interface WalkNotes {
  /** Only folders have children; restic ignores these too. */
  onChildrenOfNoFolder(path: Buffer, node: Node): void;
  /** The folder itself is an entry like any other; what was in it is not known. */
  onLostFolder(path: Buffer, reason: string): void;
  /** To be walked from there: its entries would have too long a path from here. */
  onFarFolder(start: WalkStart): void;
  /** The names that are wanted of a folder (empty path: of the start), before any of its entries is given out. */
  onFolder?(path: Buffer, tree: BlobId, names: readonly Buffer[]): void;
}

/** Other names for entries of the folders that these trees are, by the names that are stored. */
export type Renames = ReadonlyMap<BlobId, NewNames>;
/** Latin-1 text, one character a byte. */
export type NewNames = ReadonlyMap<string, Buffer>;

export interface WalkOptions {
  readonly renames?: Renames | undefined;
  /** Puts the entries of a part of a folder into another order. */
  readonly order?: (nodes: readonly Node[]) => readonly Node[];
  /** Whether what lies deep is left to another walk, because the kernel is to make it; so it is by default. */
  readonly isForKernel?: boolean;
  readonly signal: AbortSignal;
}

/** Half a kilobyte below PATH_MAX, for the longest name and more. */
const FAR_BYTES = 3500;
/** The path of the folder in which a walk begins, which is an entry of its own once more: what is in it changes it. */
export const START = Buffer.from('.');
const SLASH = Buffer.from('/');
const NO_PATH = Buffer.alloc(0);

/** The port of a walk. */
export type WalkedTrees = Pick<PointReader, 'treeParts' | 'expectTrees'>;

interface OpenFolder {
  readonly path: Buffer;
  readonly coming: ComingTrees;
  readonly nodes: NodeCursor;
  readonly names: NewNames | undefined;
  readonly selection: Selection;
  readonly place: Buffer;
  readonly isIn: boolean;
  /** The folder itself, until something of it is given out. */
  waiting: SelectedEntry | undefined;
}

type Entering = Pick<OpenFolder, 'path' | 'selection' | 'place' | 'isIn' | 'waiting'> & { readonly tree: BlobId };

/**
 * Folders on the way to a chosen path come with their own attributes but without their other entries. Names were
 * checked when the tree was decoded: none holds "/", none is "..", and none appears twice in one folder; and children
 * come below folders only. So no entry can lead out of the target or through a link. Fails with `repository.damaged`
 * only where the topmost tree cannot be read.
 */
export async function* walkSelected(
  repository: WalkedTrees,
  start: WalkStart,
  notes: WalkNotes,
  { renames, order = (nodes) => nodes, isForKernel = true, signal }: WalkOptions,
): AsyncGenerator<SelectedEntry, void, void> {
  const open: OpenFolder[] = [];
  const { choice } = start;
  const enter = async ({ tree, ...folder }: Entering): Promise<void> => {
    const { path, selection, place, isIn } = folder;
    const parts = wantedParts(repository, tree, { selection, order, choice, place, isIn, signal });
    if (notes.onFolder !== undefined) notes.onFolder(path, tree, await namesIn(parts()));
    const coming = new ComingTrees();
    const nodes = new NodeCursor(coming.noting(parts()));
    // Whether the tree can be read is known here, and not in the middle of the folder.
    await nodes.peek();
    open.push({ ...folder, nodes, coming, names: renames?.get(tree) });
    repository.expectTrees(nextTrees(open), signal);
  };
  const tryToEnter = async (folder: Entering): Promise<void> => {
    try {
      await enter(folder);
    } catch (error) {
      if (!isStillpointError(error, 'repository.damaged')) throw error;
      notes.onLostFolder(folder.path, error.message);
    }
  };
  if (start.node !== undefined) yield { path: START, node: start.node };
  const { tree: top, selection: wanted, place: above = NO_PATH, isIn: isAllIn = false } = start;
  const first = { path: NO_PATH, tree: top, selection: wanted, place: above, isIn: isAllIn, waiting: undefined };
  await (start.node === undefined ? enter : tryToEnter)(first);
  for (let here = open.at(-1); here !== undefined; here = open.at(-1)) {
    const stored = await here.nodes.take();
    if (stored === undefined) {
      open.pop();
      continue;
    }
    signal.throwIfAborted();
    const key = stored.name.toString('latin1');
    const name = here.names?.get(key);
    const node = name === undefined ? stored : { ...stored, name };
    const path = here.path.length === 0 ? node.name : Buffer.concat([here.path, SLASH, node.name]);
    const place = choice === undefined ? NO_PATH : Buffer.concat([here.place, SLASH, stored.name]);
    const verdict = choice === undefined ? 'in' : choice.judge(place, stored, here.isIn);
    const isIn = verdict === 'in' || verdict === 'within';
    if (verdict === 'in') {
      yield* waitingIn(open);
      yield { path, node, place };
    }
    if (node.type !== 'dir') {
      if (node.stray?.subtree !== undefined) notes.onChildrenOfNoFolder(path, node);
      continue;
    }
    const { subtree: tree } = node;
    here.coming.pass(node);
    const selection = selectionIn(here.selection, key);
    if (tree === undefined) notes.onLostFolder(path, 'the repository does not name it');
    else if (isForKernel && path.length > FAR_BYTES) {
      // It is the start of a walk of its own, so it has to be there.
      yield* waitingIn(open);
      if (verdict !== 'in') yield { path, node, place };
      notes.onFarFolder({ tree, selection, way: [...start.way, path], node, place, ...(choice && { choice }), isIn });
    } else
      await tryToEnter({
        path,
        tree,
        selection,
        place,
        isIn,
        waiting: verdict === 'in' ? undefined : { path, node, place },
      });
  }
}

/** Folders on the way to what is given out next. */
function* waitingIn(open: readonly OpenFolder[]): Generator<SelectedEntry, void, void> {
  for (const folder of open) {
    if (folder.waiting === undefined) continue;
    yield folder.waiting;
    folder.waiting = undefined;
  }
}

function selectionIn(selection: Selection, key: string): Selection {
  return selection === 'all' ? 'all' : (selection.get(key) ?? 'all');
}

/** What is wanted of the folder in which a walk begins, each with the walk that would begin there. */
export async function wantedNodes(
  repository: WalkedTrees,
  start: WalkStart,
  signal: AbortSignal,
): Promise<readonly { readonly node: Node; readonly below: WalkStart | undefined }[]> {
  const { tree, selection, choice, place: above = NO_PATH, isIn: isAllIn = false } = start;
  const wanted = { selection, order: (nodes: readonly Node[]) => nodes, choice, place: above, isIn: isAllIn, signal };
  const found: { node: Node; below: WalkStart | undefined }[] = [];
  for await (const nodes of wantedParts(repository, tree, wanted)()) {
    for (const node of nodes) {
      const { type, subtree, name } = node;
      const place = Buffer.concat([above, SLASH, name]);
      const isIn = choice === undefined || choice.judge(place, node, isAllIn) === 'in';
      const below = { ...start, selection: selectionIn(selection, name.toString('latin1')), place, isIn };
      found.push({ node, below: type === 'dir' && subtree !== undefined ? { ...below, tree: subtree } : undefined });
    }
  }
  return found;
}

interface Wanted extends Required<Pick<WalkOptions, 'order' | 'signal'>> {
  readonly selection: Selection;
  readonly choice: Choice | undefined;
  readonly place: Buffer;
  readonly isIn: boolean;
}

function wantedParts(
  repository: WalkedTrees,
  tree: BlobId,
  { selection, order, choice, place, isIn, signal }: Wanted,
): () => AsyncIterable<readonly Node[]> {
  const isChosen = (node: Node): boolean =>
    choice?.judge(Buffer.concat([place, SLASH, node.name]), node, isIn) !== 'out';
  return async function* () {
    for await (const nodes of repository.treeParts(tree, signal)) {
      const wanted = selection === 'all' ? nodes : nodes.filter(({ name }) => selection.has(name.toString('latin1')));
      yield order(choice === undefined ? wanted : wanted.filter(isChosen));
    }
  };
}

async function namesIn(parts: AsyncIterable<readonly Node[]>): Promise<Buffer[]> {
  const names: Buffer[] = [];
  for await (const nodes of parts) for (const { name } of nodes) names.push(name);
  return names;
}
