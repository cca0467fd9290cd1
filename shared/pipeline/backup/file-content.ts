/**
 * The content of files into data blobs. Where it is cut is the repository's to say (`RepositoryWriter.openContent`). Holes of a
 * sparse file are given on as holes: no byte of them is sent or read.
 */

import { displayName } from '../../base/bytes.ts';
import { StillpointError } from '../../base/errors.ts';
import type { BlobId } from '../../repository/ids.ts';
import { idsOfPieces, type PendingPieces } from '../../repository/pieces.ts';
import type { RepositoryWriter } from '../../repository/repository.ts';
import type { TarEntry } from '../../tar/entry.ts';
import { expandSparse } from '../../tar/sparse.ts';
import type { FilePart } from '../resume/file-part.ts';

/** What is noted at once of a file that is on its way. */
const PART_BYTES = 4 * 1024 * 1024;

export interface StoredContent {
  /** When all of it is in packs or was known. */
  readonly ids: Promise<readonly BlobId[]>;
  /** What came, without holes. */
  readonly bytes: number;
}

/**
 * Resolves when the content is read and handed over.
 * @param onBytes called with the size of content as it comes, holes included
 * @param onPart called after each part of a file that is longer than one
 */
export async function storeFile(
  writer: RepositoryWriter,
  entry: TarEntry,
  onBytes: (bytes: number) => void,
  signal: AbortSignal,
  onPart?: (part: Promise<FilePart>) => void,
): Promise<StoredContent> {
  const isLong = onPart !== undefined && entry.size > PART_BYTES;
  const onPieces = isLong ? inParts(entry.size, onPart) : undefined;
  using content = writer.openContent(entry.size, { storedBytes: entry.storedSize, onPieces });
  if (entry.whole !== undefined && entry.sparse === undefined) {
    if (entry.whole.length !== entry.size) throw wrongSize(entry, entry.whole.length);
    await content.add(entry.whole, signal);
    onBytes(entry.size);
    return { ...(await content.end(signal)), bytes: entry.storedSize };
  }
  let total = 0;
  for await (const event of expandSparse(entry)) {
    const length = event.kind === 'data' ? event.data.length : event.length;
    if (event.kind === 'hole') await content.addZeros(length, signal);
    else if (entry.givesMemory) await content.give(event.data, signal);
    else await content.add(event.data, signal);
    total += length;
    onBytes(length);
  }
  if (total !== entry.size) throw wrongSize(entry, total);
  return { ...(await content.end(signal)), bytes: entry.storedSize };
}

/** A stream of which nobody knows the length. */
export async function storeStream(
  writer: RepositoryWriter,
  chunks: AsyncIterable<Uint8Array>,
  onBytes: (bytes: number) => void,
  signal: AbortSignal,
): Promise<StoredContent> {
  using content = writer.openContent(undefined);
  let bytes = 0;
  for await (const chunk of chunks) {
    await content.add(chunk, signal);
    bytes += chunk.length;
    onBytes(chunk.length);
  }
  return { ...(await content.end(signal)), bytes };
}

/** What ends where a piece does: from there on the rest, if there is one, is cut as it would have been. */
function inParts(size: number, onPart: (part: Promise<FilePart>) => void): (pieces: PendingPieces) => void {
  let waiting: PendingPieces[] = [];
  let endsAt = 0;
  let toldTo = 0;
  return (pieces) => {
    waiting.push(pieces);
    endsAt += pieces.bytes * pieces.count;
    if (endsAt - toldTo < PART_BYTES || endsAt === size) return;
    toldTo = endsAt;
    const part = partOf(waiting, endsAt);
    // Whoever does not wait for it must not be ended by its failure, which shows in the ids of the file.
    part.catch(() => undefined);
    waiting = [];
    onPart(part);
  };
}

async function partOf(pieces: readonly PendingPieces[], endsAt: number): Promise<FilePart> {
  return { ids: await idsOfPieces(pieces), endsAt };
}

function wrongSize(entry: TarEntry, found: number): StillpointError {
  return new StillpointError(
    'read.incomplete',
    `"${displayName(entry.name)}" has ${found} bytes in the stream instead of ${entry.size}.`,
    {
      advice: 'Run the backup again; if it recurs, check the disk of the host.',
      cause: undefined,
    },
  );
}
