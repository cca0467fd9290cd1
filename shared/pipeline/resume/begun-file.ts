/**
 * A large file of which a process that was killed had stored the beginning: what is left is read as a file of its own, whose
 * pieces follow those that are there.
 */
import { isLostConnection } from '../../remote/host-errors.ts';
import type { RemoteHost } from '../../remote/remote-host.ts';
import type { BlobId } from '../../repository/ids.ts';
import { bareHead, type SparseMap, type TarEntry } from '../../tar/entry.ts';
import { storedBytes } from '../../tar/sparse.ts';
import { filledUp, type Parts, partsFrom } from '../backup/content-rest.ts';
import type { ContentOrder } from '../backup/content-stream.ts';
import type { Taken } from '../backup/reading-sink.ts';
import type { BegunFile } from './file-part.ts';

export interface Tail {
  /** A file of this size and map. */
  readonly size: number;
  readonly sparse: SparseMap | undefined;
  /** Where its stored bytes are in the whole file. */
  readonly parts: Parts;
}

/** @param from where it begins: no part of the map is cut by what is before it but for its own beginning */
export function tailOf(size: number, sparse: SparseMap | undefined, from: number): Tail {
  if (sparse === undefined) return { size: size - from, sparse, parts: partsFrom({ sparse, size }, from) };
  const left: number[] = [];
  let before = 0;
  for (let at = 0; at < sparse.length; at += 2) {
    const [offset = 0, length = 0] = sparse.subarray(at, at + 2);
    const skipped = Math.min(length, Math.max(0, from - offset));
    before += skipped;
    if (skipped < length) left.push(offset + skipped - from, length - skipped);
  }
  return { size: size - from, sparse: Float64Array.from(left), parts: partsFrom({ sparse, size }, before) };
}

interface ReadOnPorts {
  readonly host: RemoteHost;
  readonly order: ContentOrder;
  readonly take: (entry: TarEntry) => Promise<Taken>;
}

/**
 * Its content from its first piece to its last. Undefined where the rest cannot be had this way, because a place in it cannot be
 * read or the connection is lost: then the whole file has to be asked for.
 */
export async function readOn(
  { name, size }: { readonly name: Buffer; readonly size: number },
  { sparse, parts }: BegunFile,
  { host, order, take }: ReadOnPorts,
  signal: AbortSignal,
): Promise<{ readonly content: readonly BlobId[]; readonly bytes: number } | undefined> {
  const tail = tailOf(size, sparse, parts.at(-1)?.endsAt ?? 0);
  if (order.takeUp === undefined) return undefined;
  try {
    await using stream = await host.stream(order.takeUp.rest(name, tail.parts.ranges), undefined, signal);
    let isCut = false;
    const content = filledUp(tail.parts, stream.output as AsyncIterable<Buffer>, () => {
      isCut = true;
    });
    const entry = { ...bareHead(name, 'file', { size: tail.size, sparse: tail.sparse }), ...NOTHING_MORE, content };
    const storedSize = tail.sparse === undefined ? tail.size : storedBytes(tail.sparse);
    const { ids = Promise.resolve([]), bytes } = await take({ ...entry, storedSize });
    await stream.finished;
    return isCut ? undefined : { content: [...parts.flatMap((part) => part.ids), ...(await ids)], bytes };
  } catch (error) {
    if (signal.aborted || !isLostConnection(error)) throw error;
    return undefined;
  }
}

const NOTHING_MORE = { sparseEnd: undefined, atime: undefined, ctime: undefined, position: 0 };
