/** Stored things that were made to do harm, each from a few lines. */

import { hash } from 'node:crypto';
import { createZstdCompress, zstdCompressSync } from 'node:zlib';
import type { FileType } from '../../shared/repository/backend/backend.ts';
import type { OpenedRepository } from '../../shared/repository/opened-repository.ts';
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
  for (let left = blanks; left > 0; left -= PIECE_BYTES) stream.write(Buffer.alloc(Math.min(left, PIECE_BYTES), ' '));
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
