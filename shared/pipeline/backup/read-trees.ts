/** All trees of a run: list each, then read each, nested ones first, and join them at the top. */
import { displayName } from '../../base/bytes.ts';
import type { Clock } from '../../base/clock.ts';
import { invariant } from '../../base/errors.ts';
import type { LiveTreeEvidence } from '../../domain/consistency.ts';
import type { EmitEvent } from '../../domain/events.ts';
import type { Source } from '../../domain/source.ts';
import type { BlobId } from '../../repository/ids.ts';
import type { Node } from '../../repository/node.ts';
import type { RestorePoint } from '../../repository/restore-point.ts';
import type { Survey } from '../../snapshot/survey.ts';
import { tellDoubts } from '../changed/tell-doubts.ts';
import type { Preparation } from '../prepare.ts';
import { RememberedFolders } from '../remembered/remembered-folders.ts';
import { contentAt } from './content-at.ts';
import { tellEmptied } from './emptied.ts';
import { graftsOf, outerTreeOf } from './grafts.ts';
import { believedBefore } from './host-clock.ts';
import type { NodeContext } from './node.ts';
import { nodeContext } from './node-context.ts';
import { Omissions } from './omissions.ts';
import { DEVICES_FOLDER, LAYOUT_FOLDER, type OwnFolderPorts, storeOwnFolder } from './own-folders.ts';
import { findParentNode, lacksAttributes } from './parent.ts';
import { probeFiles } from './probe-files.ts';
import type { ReadContext } from './read-context.ts';
import { imageOf } from './read-device.ts';
import { readLiveTree } from './read-live.ts';
import { readTree } from './read-tree.ts';
import type { ReadingSink } from './reading-sink.ts';
import { storeRootTree } from './root-tree.ts';
import { isExcluded, joined } from './select.ts';
import { tellOrder } from './skew-words.ts';
import type { SourceTree } from './source-tree.ts';
import type { SpooledListing } from './spool.ts';
import type { SpooledTree, SpooledTrees } from './spool-trees.ts';
import { TreeCounts } from './tree-counts.ts';
import type { TreeToRead } from './tree-to-read.ts';

export interface ReadResult {
  readonly live: readonly LiveTreeEvidence[];
  readonly tree: BlobId;
  readonly parent: RestorePoint | undefined;
  readonly counts: Readonly<TreeCounts>;
  readonly omissions: Omissions;
  /** To be saved with the restore point. */
  readonly remembered: RememberedFolders | undefined;
}

const PROGRESS_PAUSE_MS = 250;

/** What a reading begins with, before anything of the host was read or held. */
export interface BegunReading {
  readonly sink: ReadingSink;
  readonly parent: RestorePoint | undefined;
  readonly counts: TreeCounts;
  readonly omissions: Omissions;
}

export async function beginReading(
  sink: ReadingSink,
  source: Source,
  emit: EmitEvent,
  signal: AbortSignal,
): Promise<BegunReading> {
  const parent = await sink.findParent(source, signal);
  return { sink, parent, counts: new TreeCounts(), omissions: new Omissions(emit) };
}

export async function readTrees(
  context: ReadContext,
  spooled: SpooledTrees,
  { sink, parent, counts, omissions }: BegunReading,
  signal: AbortSignal,
): Promise<ReadResult> {
  const { prepared, host } = context;
  const { trees } = prepared.coverage;
  tellOrder(parent, context.instant, context.emit);
  const believed = parent && believedBefore(parent, context.instant.host);
  const trusted = parent === undefined || believed === undefined || lacksAttributes(parent) ? undefined : parent;
  const remembered = await rememberedIn(context, sink, trusted);
  const onProgress = progressReporter(context, spooled, counts);
  const onDoubt = tellDoubts(context.emit);
  const own = await storeOwn(context, { sink, counts, omissions, onProgress, parent }, signal);
  const nodes = new Map<SourceTree, Node>();
  const lives: LiveTreeEvidence[] = [];
  for (const [index, tree] of trees.entries()) {
    const spooledTree = spooled.listings[index];
    invariant(spooledTree !== undefined, 'every tree has a listing');
    const { listing, live } = spooledTree;
    const before = parent && (await findParentNode(sink, parent, components(tree.path), signal));
    const toRead = {
      path: tree.path,
      ...(await commandsFor(spooledTree, index, context, signal)),
      nodeName: tree.path.subarray(tree.path.lastIndexOf(0x2f) + 1),
      parentRoot: trusted === undefined ? undefined : before,
      believedBeforeNs: believed ?? 0n,
      grafts: new Map([...graftsOf(tree, trees)].map(([at, inner]) => [at, requireNode(nodes, inner)])),
      own: tree.path.length === 1 ? own : [],
      context: nodeContext(tree, prepared),
    };
    const ports = { host, sink, counts, omissions, onProgress, onDoubt };
    let node: Node;
    if (live === undefined) {
      for (const { path, reason } of listing.unlisted) {
        if (!isExcluded(tree.path, path, prepared.exclude)) omissions.cannotList(joined(tree.path, path), reason);
      }
      const known = listing.folders && remembered?.tree(listing.folders);
      const entries = (reading: AbortSignal) => listing.read(reading);
      node = await readTree({ ...toRead, entries, remembered: known }, ports, signal);
    } else {
      const { node: came, ...span } = await readLiveTree({ ...toRead, ...live }, ports, signal);
      node = came;
      lives.push({ path: displayName(tree.path), ...span });
    }
    nodes.set(tree, node);
    tellEmptied(tree.path, { before, now: node }, { parent, host: host.name, emit: context.emit });
  }
  const tops = trees.filter((tree) => outerTreeOf(tree, trees) === undefined);
  const named = tops.map((tree) => ({ path: tree.path, node: requireNode(nodes, tree) }));
  const beside = own.map((node) => ({ path: Buffer.concat([SLASH, node.name]), node }));
  const root = { trees: [...named, ...beside], ancestors: spooled.ancestors };
  const tree = await storeRootTree(root, sink, namesOn(prepared.survey), signal);
  return { tree, parent, counts, omissions, live: lives, remembered };
}

async function rememberedIn(
  { rememberedFile, clock }: ReadContext,
  { remembering }: ReadingSink,
  parent: RestorePoint | undefined,
): Promise<RememberedFolders | undefined> {
  if (rememberedFile === undefined || remembering === undefined) return undefined;
  return await RememberedFolders.open(rememberedFile, remembering, clock, parent);
}

/** What is no tree of the host, before the tree at the top is built, in which it lies. */
async function storeOwn(
  { layout, dumps, instant, prepared, readable, host, patience }: ReadContext,
  {
    omissions,
    ...ports
  }: Pick<OwnFolderPorts, 'sink' | 'counts' | 'onProgress' | 'parent'> & { readonly omissions: Omissions },
  signal: AbortSignal,
): Promise<readonly Node[]> {
  const { survey, devices, snapshots } = prepared;
  const owning = { ...ports, context: namesOn(survey), timeNs: instant.host.timeNs };
  const nodes: Node[] = dumps === undefined ? [] : [dumps];
  if (layout !== undefined) {
    for (const { name, reason } of layout.losses)
      omissions.lacksLayout(Buffer.from(`/${LAYOUT_FOLDER}/${name}`), reason);
    const files = layout.files.map(({ name, content }) => ({ name: Buffer.from(name), content, size: content.length }));
    nodes.push(await storeOwnFolder(LAYOUT_FOLDER, files, owning, signal));
  }
  if (devices.length > 0) {
    const images = devices.map((device) => imageOf(device, { host, patience, run: snapshots.run, readable }, signal));
    nodes.push(await storeOwnFolder(DEVICES_FOLDER, images, owning, signal));
  }
  return nodes;
}

export const namesOn = ({ identity: { users, groups } }: Survey): NodeContext => ({ users, groups, deviceId: 0n });

const [DOT, SLASH] = [Buffer.from('.'), Buffer.from('/')];

function requireNode(nodes: ReadonlyMap<SourceTree, Node>, tree: SourceTree): Node {
  const node = nodes.get(tree);
  invariant(node !== undefined, 'nested trees are read before outer ones');
  return node;
}

/** Of a tree that is a folder, or one file. */
async function commandsFor(
  { place, root, listing }: SpooledTree,
  index: number,
  { journal, host, patience, prepared }: ReadContext,
  signal: AbortSignal,
): Promise<Pick<TreeToRead, 'content' | 'arrived' | 'probe' | 'rootName'>> {
  const isFolder = await startsWithFolder(listing, signal);
  const slash = root.lastIndexOf(0x2f);
  const base = isFolder ? root : root.subarray(0, Math.max(1, slash));
  const { run } = prepared.snapshots;
  const arrived = place.kind === 'live' ? undefined : await journal?.tree(index, host, run, signal);
  return {
    content: contentAt(place, base, { patience, onStream: (said) => arrived?.begin(said) }),
    arrived,
    probe: (files) => probeFiles(place, base, files),
    rootName: isFolder ? DOT : Buffer.concat([DOT, root.subarray(slash)]),
  };
}

async function startsWithFolder(listing: SpooledListing, signal: AbortSignal): Promise<boolean> {
  for await (const entry of listing.read(signal)) return entry.type === 'dir';
  return true;
}

function components(path: Buffer): readonly Buffer[] {
  return path
    .toString('latin1')
    .split('/')
    .filter((part) => part !== '')
    .map((part) => Buffer.from(part, 'latin1'));
}

function progressReporter(context: ReadContext, spooled: SpooledTrees, counts: TreeCounts): () => void {
  const { devices } = context.prepared;
  const own = [
    ...devices.map(({ sizeBytes }) => sizeBytes),
    ...(context.layout?.files ?? []).map(({ content }) => content.length),
  ];
  // Dumps are done when this begins.
  const filesTotal = spooled.listings.reduce((sum, { listing }) => sum + listing.files, own.length + counts.filesDone);
  const bytesTotal = [counts.bytesDone, ...own, ...spooled.listings.map(({ listing }) => listing.bytes)].reduce(
    (sum, bytes) => sum + bytes,
    0,
  );
  return nowAndThen(context.clock, () => {
    const { filesDone, bytesDone } = counts;
    context.emit({ type: 'progress', phase: 'read', filesDone, filesTotal, bytesDone, bytesTotal });
  });
}

/** How large dumps are is known when they are there. */
export const dumpProgress = (
  { counts }: BegunReading,
  { dumps }: Preparation,
  { clock, emit }: Pick<ReadContext, 'clock' | 'emit'>,
): (() => void) =>
  nowAndThen(clock, () => {
    const { filesDone, bytesDone } = counts;
    emit({ type: 'progress', phase: 'dump', filesDone, filesTotal: dumps.length, bytesDone, bytesTotal: undefined });
  });

function nowAndThen(clock: Clock, tell: () => void): () => void {
  let last = -PROGRESS_PAUSE_MS;
  return () => {
    const now = clock.monotonicMs();
    if (now - last < PROGRESS_PAUSE_MS) return;
    last = now;
    tell();
  };
}
