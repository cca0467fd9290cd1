/** Stored things that were made to do harm, each from a few lines. */

import { hash } from 'node:crypto';
import { once } from 'node:events';
import { createZstdCompress, zstdCompressSync } from 'node:zlib';
import type { FileType } from '../../shared/repository/backend/backend.ts';
import { encodeIndex, type IndexedPack } from '../../shared/repository/format/index-file.ts';
import { encodeHeaderLength, encodePackHeader, type PackedBlob } from '../../shared/repository/format/pack.ts';
import { type BlobId, type BlobType, blobIdOf, type PackId } from '../../shared/repository/ids.ts';
import type { OpenedRepository } from '../../shared/repository/opened-repository.ts';
import type { RestorePoint } from '../../shared/repository/restore-point.ts';
import { timestampFromNs } from '../../shared/repository/timestamp.ts';
import { testSignal } from './test-repository.ts';

const PIECE_BYTES = 1024 ** 2;

/** So many blanks and then the text, under zstd, with or without a word on how much that is. */
export async function blanksBefore(text: string, blanks: number, saysSize: boolean): Promise<Buffer> {
  if (saysSize) return zstdCompressSync(Buffer.concat([Buffer.alloc(blanks, ' '), Buffer.from(text)]));
  const stream = createZstdCompress();
  const pieces: Buffer[] = [];
  const done = (async () => {
    for await (const piece of stream) pieces.push(piece as Buffer);
  })();
  const piece = Buffer.alloc(PIECE_BYTES, ' ');
  for (let left = blanks; left > 0; left -= PIECE_BYTES) {
    if (!stream.write(piece.subarray(0, left))) await once(stream, 'drain');
  }
  stream.end(text);
  await done;
  return Buffer.concat(pieces);
}

/** Stores plaintext as a file of the repository, sealed and named as it should be. */
export async function storeSealed(repository: OpenedRepository, type: FileType, plaintext: Buffer): Promise<string> {
  const content = repository.parts.sealer.seal(plaintext);
  return await storeRaw(repository, type, content);
}

export async function storeRaw({ files }: OpenedRepository, type: FileType, content: Buffer): Promise<string> {
  const name = type === 'config' ? '' : hash('sha256', content, 'hex');
  await files.backend.save({ type, name }, [content], testSignal());
  return name;
}

const BLOBS_IN_PACK = 20_000;

/** Stores blobs in packs with an index, far quicker than a writer would; gives their ids. */
export async function storeBlobs(
  repository: OpenedRepository,
  type: BlobType,
  plains: readonly Buffer[],
): Promise<readonly BlobId[]> {
  const packs: IndexedPack[] = [];
  for (let at = 0; at < plains.length; at += BLOBS_IN_PACK) {
    packs.push(await storePack(repository, type, plains.slice(at, at + BLOBS_IN_PACK)));
  }
  await repository.files.save('index', encodeIndex(packs), testSignal());
  await repository.loadIndex(testSignal());
  return packs.flatMap(({ blobs }) => blobs.map(({ id }) => id));
}

/** Stores one compressed blob, of which header and index say that its content has `saidBytes`. */
export async function storeFrame(
  repository: OpenedRepository,
  type: BlobType,
  frame: Buffer,
  saidBytes: number,
): Promise<BlobId> {
  const pack = await storePack(repository, type, [frame], saidBytes);
  await repository.files.save('index', encodeIndex([pack]), testSignal());
  await repository.loadIndex(testSignal());
  return pack.blobs[0]?.id as BlobId;
}

async function storePack(
  repository: OpenedRepository,
  type: BlobType,
  stored: readonly Buffer[],
  uncompressedLength = 0,
): Promise<IndexedPack> {
  const { sealer } = repository.parts;
  const pieces: Buffer[] = [];
  const blobs: PackedBlob[] = [];
  let offset = 0;
  for (const piece of stored) {
    const sealed = sealer.seal(piece);
    pieces.push(sealed);
    blobs.push({ type, id: blobIdOf(piece), offset, length: sealed.length, uncompressedLength });
    offset += sealed.length;
  }
  const header = sealer.seal(encodePackHeader(blobs));
  const content = Buffer.concat([...pieces, header, encodeHeaderLength(header.length)]);
  return { id: (await storeRaw(repository, 'data', content)) as PackId, blobs };
}

/** An entry as text; `more` are its further fields. */
export function nodeText(name: string, type: string, more = ''): string {
  const when = '"2024-01-02T03:04:05Z"';
  return `{"name":"${name}","type":"${type}","mtime":${when},"atime":${when},"ctime":${when},"uid":0,"gid":0${more}}`;
}

export const treeText = (...nodes: readonly string[]): Buffer => Buffer.from(`{"nodes":[${nodes.join(',')}]}\n`);

const folderText = (name: string, subtree: string): string => nodeText(name, 'dir', `,"subtree":"${subtree}"`);

/** Folders that hold the next one under each of the names, and at the bottom what is given. The first is the top. */
export async function storeFolders(
  repository: OpenedRepository,
  depth: number,
  names: readonly string[],
  bottom: Buffer,
): Promise<BlobId> {
  const trees = [bottom];
  let id = blobIdOf(bottom);
  for (let level = 0; level < depth; level += 1) {
    const tree = treeText(...names.map((name) => folderText(name, id)));
    trees.push(tree);
    id = blobIdOf(tree);
  }
  await storeBlobs(repository, 'tree', trees.toReversed());
  return id;
}

export async function storePoint(repository: OpenedRepository, tree: BlobId): Promise<RestorePoint> {
  await using lock = await repository.lock('shared', testSignal());
  const time = timestampFromNs(1_700_000_000_000_000_000n);
  return await repository.saveRestorePoint({ time, tree, paths: ['/'], hostname: 'h' }, lock, testSignal());
}
