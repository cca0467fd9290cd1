/**
 * Folders of a restore point that are no folders of the host: what was asked from the host, or read from something that is no
 * file there. They lie at the top, under names of ours. What the host itself has there is left out, and told.
 */
import { createHash } from 'node:crypto';
import { invariant } from '../../base/errors.ts';
import { DUMPS_FOLDER } from '../../domain/dump.ts';
import type { SourceScope } from '../../domain/source.ts';
import type { BlobId } from '../../repository/ids.ts';
import type { Node } from '../../repository/node.ts';
import { LEAST_PIECE_BYTES } from '../../repository/pieces.ts';
import type { RestorePoint } from '../../repository/restore-point.ts';
import { timestampToNs } from '../../repository/timestamp.ts';
import { bareHead, type TarEntry } from '../../tar/entry.ts';
import { FolderStack } from './folder-stack.ts';
import type { ListedEntry } from './listing.ts';
import { buildNode, type NodeContext } from './node.ts';
import { findParentNode } from './parent.ts';
import type { ReadingSink, Taken } from './reading-sink.ts';
import type { TreeCounts } from './tree-counts.ts';

/** What the disks of a whole system were like. */
export const LAYOUT_FOLDER = '.stillpoint-layout';

/** Images of devices, each at the path of its device. */
export const DEVICES_FOLDER = '.stillpoint-devices';

/** Those that a restore point of the source has. */
export function ownFoldersOf({ system, devices = [], dumps = [] }: SourceScope): readonly string[] {
  return [
    ...(system === true ? [LAYOUT_FOLDER] : []),
    ...(devices.length > 0 ? [DEVICES_FOLDER] : []),
    ...(dumps.length > 0 ? [DUMPS_FOLDER] : []),
  ];
}

export interface OwnFile {
  /** Below the folder, `/` between names. */
  readonly name: Buffer;
  /** Undefined where it is known only when all of it has come. */
  readonly size: number | undefined;
  /** Bytes that are known already, or come when they are asked for. */
  readonly content: Buffer | AsyncIterable<Buffer>;
}

export interface OwnFolderPorts {
  readonly sink: ReadingSink;
  readonly counts: TreeCounts;
  readonly onProgress: () => void;
  readonly parent: RestorePoint | undefined;
  /** The host's clock at the instant: the time of what is new. */
  readonly timeNs: bigint;
  readonly context: NodeContext;
}

/** Stores a folder with all that is in it; resolves to its node. Only root may read it when it is restored. */
export async function storeOwnFolder(
  folder: string,
  files: readonly OwnFile[],
  ports: OwnFolderPorts,
  signal: AbortSignal,
): Promise<Node> {
  ports.sink.beginPass(true);
  const stack = new FolderStack(ports.sink, signal);
  const entered = new Set<string>();
  const enter = async (below: string): Promise<void> => {
    if (entered.has(below)) return;
    entered.add(below);
    await stack.enter(Buffer.from(below, 'latin1'), (subtree) => folderNode(folder, below, subtree, ports, signal));
  };
  await enter('');
  // What lies in one folder comes in one piece.
  for (const file of files.toSorted((one, other) => Buffer.compare(one.name, other.name))) {
    const names = file.name.toString('latin1').split('/');
    for (let depth = 1; depth < names.length; depth += 1) await enter(names.slice(0, depth).join('/'));
    await stack.add(file.name, await storeFile(folder, file, ports, signal));
  }
  const node = await stack.finish();
  invariant(node !== undefined, 'a folder of ours has a root');
  return node;
}

async function storeFile(folder: string, file: OwnFile, ports: OwnFolderPorts, signal: AbortSignal): Promise<Node> {
  const { counts, context } = ports;
  const path = Buffer.concat([Buffer.from(`/${folder}/`), file.name]);
  const before = await beforeOf(path, ports, signal);
  const mayBeSame = Buffer.isBuffer(file.content) && before !== undefined && hasContent(before, file.content);
  const timeNs = mayBeSame ? timestampToNs(before.mtime) : ports.timeNs;
  const taken = await takeFile(path, file, timeNs, ports, signal);
  const content = await taken.ids;
  const isSame = mayBeSame || (file.size === undefined && isSameContent(before, content));
  const size = file.size ?? taken.bytes;
  counts.bytesTotal += size;
  counts.bytesRead += taken.bytes;
  // What was known already came by another way.
  if (!Buffer.isBuffer(file.content)) counts.bytesReceived += taken.bytes;
  counts.filesDone += 1;
  if (isSame) counts.filesUnmodified += 1;
  else if (before?.type === 'file') counts.filesChanged += 1;
  else counts.filesNew += 1;
  return buildNode(nameOf(path), listedAs('file', size, timeNs), content === undefined ? {} : { content }, context);
}

async function takeFile(
  path: Buffer,
  { size, content }: OwnFile,
  timeNs: bigint,
  { sink, counts, onProgress, context }: OwnFolderPorts,
  signal: AbortSignal,
): Promise<Taken> {
  const onBytes = (bytes: number): void => {
    counts.bytesDone += bytes;
    onProgress();
  };
  const nodeOf = (known: number): Node => buildNode(nameOf(path), listedAs('file', known, timeNs), {}, context);
  const stream = Buffer.isBuffer(content) ? once(content) : content;
  if (size === undefined) return await sink.takeStream(path, stream, nodeOf, onBytes, signal);
  const entry = fileEntry(path, size, timeNs, stream);
  return await sink.take({ entry, path, node: () => nodeOf(size) }, onBytes, signal);
}

/** As tar would have brought it. */
export function fileEntry(path: Buffer, size: number, timeNs: bigint, content: AsyncIterable<Buffer>): TarEntry {
  const mtime = { seconds: Number(timeNs / NS_IN_S), nanoseconds: Number(timeNs % NS_IN_S) };
  return {
    ...bareHead(path.subarray(1), 'file', { size, mtime }),
    ...{ sparseEnd: undefined, atime: undefined, ctime: undefined, storedSize: size, position: 0 },
    content,
  };
}

const nameOf = (path: Buffer): Buffer => path.subarray(path.lastIndexOf(0x2f) + 1);

/** @param below empty for the folder itself */
async function folderNode(
  folder: string,
  below: string,
  subtree: BlobId,
  ports: OwnFolderPorts,
  signal: AbortSignal,
): Promise<Node> {
  const { sink, counts, context } = ports;
  const path = Buffer.from(below === '' ? `/${folder}` : `/${folder}/${below}`, 'latin1');
  const before = await beforeOf(path, ports, signal);
  const timeNs = before?.subtree === subtree ? timestampToNs(before.mtime) : ports.timeNs;
  const node = buildNode(nameOf(path), listedAs('dir', 0, timeNs), { subtree }, context);
  counts.folders += 1;
  sink.place(path, node, undefined);
  return node;
}

async function beforeOf(path: Buffer, { sink, parent }: OwnFolderPorts, signal: AbortSignal) {
  const names = path.toString('latin1').slice(1).split('/');
  return (
    parent &&
    (await findParentNode(
      sink,
      parent,
      names.map((name) => Buffer.from(name, 'latin1')),
      signal,
    ))
  );
}

/** Of a file that is one piece whatever is in it; a larger one counts as changed. */
function hasContent({ type, content }: Node, now: Buffer): boolean {
  if (type !== 'file' || content === undefined || now.length > LEAST_PIECE_BYTES) return false;
  if (now.length === 0) return content.length === 0;
  return content.length === 1 && content[0] === createHash('sha256').update(now).digest('hex');
}

function isSameContent(before: Node | undefined, now: readonly BlobId[] | undefined): boolean {
  const { type, content = [] } = before ?? {};
  return type === 'file' && content.length === now?.length && content.every((id, index) => id === now[index]);
}

const NS_IN_S = 1_000_000_000n;

const listedAs = (type: 'file' | 'dir', size: number, timeNs: bigint): ListedEntry => ({
  ...{ type, size, inode: 0n, links: 1, mode: type === 'dir' ? 0o700 : 0o600, uid: 0, gid: 0 },
  ...{ mtimeNs: timeNs, ctimeNs: timeNs, path: EMPTY, linkTarget: EMPTY },
});

const EMPTY = Buffer.alloc(0);

async function* once(content: Buffer): AsyncGenerator<Buffer> {
  if (content.length > 0) yield content;
}
