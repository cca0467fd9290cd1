/** The listings of all trees of a run, each where the tree is read, and what of them is taken. */
import { join } from 'node:path';
import { displayName } from '../../base/bytes.ts';
import { invariant } from '../../base/errors.ts';
import type { RemoteHost } from '../../remote/remote-host.ts';
import { contextDigest } from '../remembered/remembered-folders.ts';
import { findExpression } from './find-expression.ts';
import { graftsOf, heldIn, oursIn, outerTreeOf, placesIn } from './grafts.ts';
import { type ListedEntry, listAncestors, listTree, parseListing } from './listing.ts';
import { type LiveLook, lookAt } from './live-look.ts';
import { markedFolders } from './marked-folders.ts';
import { nodeContext } from './node-context.ts';
import { ownFoldersOf } from './own-folders.ts';
import { type OwnStores, ownStoresIn } from './own-store.ts';
import type { ReadContext } from './read-context.ts';
import type { LiveTree } from './read-live.ts';
import { LIVE, type ReadingPlace } from './reading-place.ts';
import { ancestorsOf } from './root-tree.ts';
import { joined, type MarkedFolders, selection } from './select.ts';
import type { SourceTree } from './source-tree.ts';
import { type SpooledListing, spoolListing } from './spool.ts';
import { unsafeFilesIn } from './unsafe-live.ts';

export interface SpooledTrees extends AsyncDisposable {
  /** In the order of the coverage's trees. */
  readonly listings: readonly SpooledTree[];
  readonly ancestors: readonly ListedEntry[];
}

export interface SpooledTree {
  readonly place: ReadingPlace;
  /** The tree's root, as it is found at that place. */
  readonly root: Buffer;
  readonly listing: SpooledListing;
  /** Where it is read live, the look that the listing is of, and how another one is taken. */
  readonly live?: Pick<LiveTree, 'first' | 'look'>;
}

export async function spoolTrees(context: ReadContext, signal: AbortSignal): Promise<SpooledTrees> {
  const { prepared, host } = context;
  const { trees } = prepared.coverage;
  await using spooled = new AsyncDisposableStack();
  // What failed for both is said of the trees.
  const above = again(context, () => listAbove(trees, host, signal), signal);
  above.catch(() => undefined);
  const listings: SpooledTree[] = [];
  for (const tree of trees) listings.push(await spoolTree(tree, context, spooled, signal));
  const ancestors = await above;
  const kept = spooled.move();
  return { listings, ancestors, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

async function spoolTree(
  tree: SourceTree,
  context: ReadContext,
  spooled: AsyncDisposableStack,
  signal: AbortSignal,
): Promise<SpooledTree> {
  const { prepared, host, workFolder } = context;
  const { trees, emptyPlaces } = prepared.coverage;
  const index = trees.indexOf(tree);
  const mounted = new Set([...graftsOf(tree, trees).keys(), ...placesIn(tree, trees, emptyPlaces)]);
  const place = placeOfTree(tree, context);
  const root = rootAt(place, tree);
  const { leaveOut } = context.request.source;
  const look = (): Promise<MarkedFolders> => markedFolders(host, { place, root, path: tree.path }, leaveOut, signal);
  const marked = await again(context, look, signal);
  const largerThanBytes = leaveOut?.largerThanBytes;
  const ours = [...oursIn(tree, ownFoldersOf(context.request.source))];
  const select = selection({
    root: tree.path,
    exclude: prepared.exclude,
    mounted,
    marked,
    largerThanBytes,
    ours,
    held: heldIn(tree, prepared.heldPlaces),
  });
  const expression = findExpression({ path: tree.path, root, exclude: prepared.exclude, mounted });
  const order = { command: listTree(place, root, expression), root, select };
  const file = join(workFolder, `listing-${prepared.snapshots.run}-${index}`);
  if (place.kind === 'snapshot') {
    const stores = ownStoresIn(root, context.configMark, select);
    const folderContext = context.rememberedFile === undefined ? undefined : contextDigest(nodeContext(tree, prepared));
    const wanted = { ...order, select: stores.select, folderContext };
    const list = (): Promise<SpooledListing> => spoolListing(host, wanted, file, signal);
    const listing = spooled.use(await again(context, list, signal));
    await leaveOutStores({ tree, place, stores, ours, listing }, context, signal);
    return { place, root, listing };
  }
  const areStopped = prepared.snapshots.holds.some(({ guarantees }) => guarantees === 'cold');
  const stores = ownStoresIn(root, context.configMark, select);
  const unsafe = unsafeFilesIn(tree.path, stores.select);
  const first = spooled.use(await lookAt(host, { ...order, select: unsafe.select }, file, signal));
  await unsafe.require(host, { areStopped }, signal);
  await leaveOutStores({ tree, place, stores, ours, listing: first.listing }, context, signal);
  let looks = 0;
  const lookAgain = (looking: AbortSignal): Promise<LiveLook> => {
    looks += 1;
    return lookAt(host, order, `${file}-${looks}`, looking);
  };
  return { place, root, listing: first.listing, live: { first, look: lookAgain } };
}

/** Looks change nothing, so one that is lost with its connection is taken again. */
const again = <T>({ patience }: ReadContext, work: () => Promise<T>, signal: AbortSignal): Promise<T> =>
  patience?.outlast(work, signal) ?? work();

interface StoresIn extends Pick<SpooledTree, 'place' | 'listing'> {
  readonly tree: SourceTree;
  readonly stores: OwnStores;
  /** What the selection of the tree leaves out. */
  readonly ours: string[];
}

async function leaveOutStores(
  { tree, place, stores, ours, listing }: StoresIn,
  { host, emit }: ReadContext,
  signal: AbortSignal,
): Promise<void> {
  const found = await stores.find(host, place, signal);
  for (const folder of found) {
    ours.push(folder);
    emit({
      type: 'warning',
      code: 'source.note',
      message: `"${displayName(joined(tree.path, Buffer.from(folder, 'latin1')))}" is the repository into which this backup goes, so it is left out.`,
      advice: 'Name it under "exclude", and nothing is said of it.',
    });
  }
  if (found.length > 0) await listing.recount(signal);
}

async function listAbove(
  trees: readonly SourceTree[],
  host: RemoteHost,
  signal: AbortSignal,
): Promise<readonly ListedEntry[]> {
  const paths = ancestorsOf(trees.filter((tree) => outerTreeOf(tree, trees) === undefined).map((tree) => tree.path));
  if (paths.length === 0) return [];
  await using stream = await host.stream(listAncestors(paths), undefined, signal);
  const entries = await Array.fromAsync(parseListing(stream.output));
  await stream.finished;
  return entries;
}

function placeOfTree(tree: SourceTree, { prepared, readable }: ReadContext): ReadingPlace {
  if (tree.isLive) return LIVE;
  const snapshot = readable.find((candidate) => candidate.volume === tree.volume);
  invariant(snapshot !== undefined, 'every tree that is not read live has a snapshot');
  return { kind: 'snapshot', run: prepared.snapshots.run, top: snapshot.path };
}

/** A snapshot shows its volume at its mount point; a live tree is where it is. */
function rootAt(place: ReadingPlace, { path, pathInVolume }: SourceTree): Buffer {
  if (place.kind === 'live') return path;
  const top = Buffer.from(place.top);
  return pathInVolume.length === 1 ? top : Buffer.concat([top, pathInVolume]);
}
