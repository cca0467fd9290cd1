/** All trees of a run: list each, then read each, nested ones first, and join them at the top. */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { Clock } from '../../base/clock.ts';
import { invariant } from '../../base/errors.ts';
import type { EmitEvent } from '../../domain/events.ts';
import type { RemoteHost } from '../../remote/remote-host.ts';
import type { BlobId } from '../../repository/ids.ts';
import type { Node } from '../../repository/node.ts';
import type { Repository, RepositoryWriter } from '../../repository/repository.ts';
import type { RestorePoint } from '../../repository/restore-point.ts';
import type { ReadableSnapshot } from '../../snapshot/provider.ts';
import type { Preparation } from '../prepare.ts';
import { packFiles } from './content-stream.ts';
import { tellEmptied } from './emptied.ts';
import { findExpression } from './find-expression.ts';
import { graftsOf, oursIn, outerTreeOf, placesIn } from './grafts.ts';
import { type BackupInstant, believedBefore } from './host-clock.ts';
import { type ListedEntry, listAncestors, listTree, parseListing } from './listing.ts';
import { Omissions } from './omissions.ts';
import { findParent, findParentNode, lacksAttributes } from './parent.ts';
import { probeFiles } from './probe-files.ts';
import { readTree } from './read-tree.ts';
import type { BackupRequest } from './request.ts';
import { ancestorsOf, storeRootTree } from './root-tree.ts';
import { isExcluded, joined, selection } from './select.ts';
import { tellOrder } from './skew-words.ts';
import type { SourceTree } from './source-tree.ts';
import { type SpooledListing, spoolListing } from './spool.ts';
import { TreeCounts } from './tree-counts.ts';

export interface ReadContext {
  readonly request: BackupRequest;
  readonly host: RemoteHost;
  readonly repository: Repository;
  readonly prepared: Preparation;
  readonly readable: readonly ReadableSnapshot[];
  readonly workFolder: string;
  readonly emit: EmitEvent;
  readonly clock: Clock;
  readonly instant: BackupInstant;
}

export interface SpooledTrees extends AsyncDisposable {
  /** In the order of the coverage's trees. */
  readonly listings: readonly SpooledListing[];
  readonly ancestors: readonly ListedEntry[];
}

export interface ReadResult {
  readonly tree: BlobId;
  readonly parent: RestorePoint | undefined;
  readonly counts: Readonly<TreeCounts>;
  readonly omissions: Omissions;
}

const PROGRESS_PAUSE_MS = 250;

export async function spoolTrees(context: ReadContext, signal: AbortSignal): Promise<SpooledTrees> {
  const { prepared, host } = context;
  const { trees, emptyPlaces } = prepared.coverage;
  await using spooled = new AsyncDisposableStack();
  const listings: SpooledListing[] = [];
  for (const [index, tree] of trees.entries()) {
    const mounted = new Set([...graftsOf(tree, trees).keys(), ...placesIn(tree, trees, emptyPlaces)]);
    const select = selection({ root: tree.path, exclude: prepared.exclude, mounted, ours: oursIn(tree) });
    const root = snapshotPath(tree, context.readable);
    const expression = findExpression({ path: tree.path, root, exclude: prepared.exclude, mounted });
    const command = listTree(prepared.snapshots.run, root, expression);
    const file = join(context.workFolder, `listing-${prepared.snapshots.run}-${index}`);
    listings.push(spooled.use(await spoolListing(host, { command, root, select }, file, signal)));
  }
  const ancestors = await listAbove(trees, host, signal);
  const kept = spooled.move();
  return { listings, ancestors, [Symbol.asyncDispose]: () => kept.disposeAsync() };
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

export async function readTrees(
  context: ReadContext,
  spooled: SpooledTrees,
  writer: RepositoryWriter,
  signal: AbortSignal,
): Promise<ReadResult> {
  const { prepared, repository, host, request } = context;
  const { trees } = prepared.coverage;
  const parent = await findParent(repository, request.source, signal);
  tellOrder(parent, context.instant, context.emit);
  const believed = parent && believedBefore(parent, context.instant.host);
  const trusted = parent === undefined || believed === undefined || lacksAttributes(parent) ? undefined : parent;
  const counts = new TreeCounts();
  const omissions = new Omissions(context.emit);
  const onProgress = progressReporter(context, spooled, counts);
  const nodes = new Map<SourceTree, Node>();
  for (const [index, tree] of trees.entries()) {
    const listing = spooled.listings[index];
    invariant(listing !== undefined, 'every tree has a listing');
    const before = parent && (await findParentNode(repository, parent, components(tree.path), signal));
    const parentRoot = trusted === undefined ? undefined : before;
    for (const { path, reason } of listing.unlisted) {
      if (!isExcluded(tree.path, path, prepared.exclude)) omissions.cannotList(joined(tree.path, path), reason);
    }
    const path = snapshotPath(tree, context.readable);
    const isFolder = await startsWithFolder(listing, signal);
    const slash = path.lastIndexOf(0x2f);
    const base = isFolder ? path : path.subarray(0, slash);
    const node = await readTree(
      {
        path: tree.path,
        entries: (reading) => listing.read(reading),
        pack: packFiles(prepared.snapshots.run, base),
        probe: (files) => probeFiles(prepared.snapshots.run, base, files),
        rootName: isFolder ? DOT : Buffer.concat([DOT, path.subarray(slash)]),
        nodeName: tree.path.subarray(tree.path.lastIndexOf(0x2f) + 1),
        parentRoot,
        believedBeforeNs: believed ?? 0n,
        grafts: new Map([...graftsOf(tree, trees)].map(([place, inner]) => [place, requireNode(nodes, inner)])),
        context: nodeContext(tree, prepared),
      },
      { host, repository, writer, counts, omissions, onProgress },
      signal,
    );
    nodes.set(tree, node);
    tellEmptied(tree.path, { before, now: node }, { parent, host: host.name, emit: context.emit });
  }
  const tops = trees.filter((tree) => outerTreeOf(tree, trees) === undefined);
  const named = tops.map((tree) => ({ path: tree.path, node: requireNode(nodes, tree) }));
  const firstTree = trees[0];
  invariant(firstTree !== undefined, 'a source has a tree');
  const tree = await storeRootTree(named, spooled.ancestors, writer, nodeContext(firstTree, prepared), signal);
  return { tree, parent, counts, omissions };
}

const DOT = Buffer.from('.');

function requireNode(nodes: ReadonlyMap<SourceTree, Node>, tree: SourceTree): Node {
  const node = nodes.get(tree);
  invariant(node !== undefined, 'nested trees are read before outer ones');
  return node;
}

async function startsWithFolder(listing: SpooledListing, signal: AbortSignal): Promise<boolean> {
  for await (const entry of listing.read(signal)) return entry.type === 'dir';
  return true;
}

/** Where the tree's root is in the namespace in which the snapshots are mounted. */
function snapshotPath(tree: SourceTree, readable: readonly ReadableSnapshot[]): Buffer {
  const snapshot = readable.find((candidate) => candidate.volume === tree.volume);
  invariant(snapshot !== undefined, 'every tree has a snapshot');
  const base = Buffer.from(snapshot.path);
  return tree.pathInVolume.length === 1 ? base : Buffer.concat([base, tree.pathInVolume]);
}

function nodeContext(
  tree: SourceTree,
  prepared: Preparation,
): { users: ReadonlyMap<number, string>; groups: ReadonlyMap<number, string>; deviceId: bigint } {
  const { users, groups } = prepared.survey.identity;
  const digest = createHash('sha256').update(tree.volume.volume.id).digest();
  return { users, groups, deviceId: BigInt(digest.readUIntBE(0, 6)) };
}

function components(path: Buffer): readonly Buffer[] {
  return path
    .toString('latin1')
    .split('/')
    .filter((part) => part !== '')
    .map((part) => Buffer.from(part, 'latin1'));
}

function progressReporter(context: ReadContext, spooled: SpooledTrees, counts: TreeCounts): () => void {
  const filesTotal = spooled.listings.reduce((sum, listing) => sum + listing.files, 0);
  const bytesTotal = spooled.listings.reduce((sum, listing) => sum + listing.bytes, 0);
  let last = -PROGRESS_PAUSE_MS;
  return () => {
    const now = context.clock.monotonicMs();
    if (now - last < PROGRESS_PAUSE_MS) return;
    last = now;
    const { filesDone, bytesDone } = counts;
    context.emit({ type: 'progress', phase: 'read', filesDone, filesTotal, bytesDone, bytesTotal });
  };
}
