/** Small makers and takers of tar streams for tests. */
import { bareHead, type TarEntry, type TarHead } from '../../shared/tar/entry.ts';
import { type ReadTarOptions, readTar } from '../../shared/tar/reader.ts';
import { storedBytes } from '../../shared/tar/sparse.ts';
import { type TarItem, writeTar } from '../../shared/tar/write-tar.ts';

const NO_BYTES = Buffer.alloc(0);

export function aHead(facts: Partial<TarHead> = {}): TarHead {
  return bareHead('file', 'file', { mode: 0o644, ...facts });
}

export interface WholeEntry {
  readonly head: TarHead;
  readonly stored: Buffer;
}

/** Content that differs at every place, so that a piece in the wrong place is seen. */
export function patternOf(head: Pick<TarHead, 'type' | 'size' | 'sparse'>, seed = 0): Buffer {
  if (head.type !== 'file') return NO_BYTES;
  const length = head.sparse === undefined ? head.size : storedBytes(head.sparse);
  return Buffer.from(Array.from({ length }, (_, at) => (at * 7 + seed + (at >> 8)) & 0xff));
}

export async function tarOf(entries: Iterable<WholeEntry>): Promise<Buffer> {
  async function* items(): AsyncGenerator<TarItem> {
    for (const { head, stored } of entries) yield { head, content: inChunks(stored, 1000) };
  }
  return Buffer.concat(await Array.fromAsync(writeTar(items()), (piece) => Buffer.from(piece)));
}

export async function* inChunks(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

export async function entriesOf(
  archive: Buffer | AsyncIterable<Uint8Array>,
  options?: ReadTarOptions & { readonly chunkSize?: number },
): Promise<WholeEntry[]> {
  const chunks = Buffer.isBuffer(archive) ? inChunks(archive, options?.chunkSize ?? 65_536) : copied(archive);
  const found: WholeEntry[] = [];
  for await (const entry of readTar(chunks, options)) {
    const stored = Buffer.concat(await Array.fromAsync(entry.content));
    found.push({ head: headOf(entry), stored });
  }
  return found;
}

/** A writer uses its memory again, and a reader may hold what it got a little longer. */
async function* copied(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  for await (const piece of pieces) yield Buffer.from(piece);
}

function headOf(entry: TarEntry): TarHead {
  const { content: _content, position: _position, atime: _atime, ctime: _ctime, storedSize: _stored, ...rest } = entry;
  const { sparseEnd: _sparseEnd, whole: _whole, givesMemory: _gives, ...head } = rest;
  return head;
}
