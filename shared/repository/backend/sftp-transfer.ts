/**
 * Whole files over SFTP. Many requests are on their way at once, so that the time to the host and back is paid once
 * for a file and not for every piece of it; how many is bounded by bytes, for memory's sake.
 */
import { mapWithLimit } from '../../base/limit.ts';
import type { FolderEntry, Handle, SftpClient } from '../../remote/sftp/sftp-client.ts';
import type { Throttle } from './limit.ts';

/** Twice what OpenSSH lets be on its way on one channel: the next piece is there when the last is answered. */
const WINDOW_BYTES = 4 * 1024 * 1024;
const MOST_REQUESTS = 64;

export interface Move {
  readonly client: SftpClient;
  readonly handle: Handle;
  readonly throttle: Throttle | undefined;
  readonly signal: AbortSignal;
}

/** Writes the concatenation of the pieces from the start of the file on; resolves when the server took all of it. */
export async function writeContent(content: readonly Uint8Array[], move: Move): Promise<void> {
  const { client, handle, throttle, signal } = move;
  const portions = inPortions(content, client.writePortion);
  await mapWithLimit(portions, windowOf(client.writePortion), async ({ offset, length, pieces }) => {
    await throttle?.up?.pass(length, signal);
    signal.throwIfAborted();
    await client.write(handle, offset, pieces);
  });
}

/** Exactly the range, or as much of it as the file has: the number says how much. */
export async function readContent(offset: number, length: number, move: Move): Promise<[Buffer, number]> {
  const { client, handle, throttle, signal } = move;
  const bytes = Buffer.allocUnsafeSlow(length);
  const starts = Array.from({ length: Math.ceil(length / client.readPortion) }, (_, n) => n * client.readPortion);
  const reached = await mapWithLimit(starts, windowOf(client.readPortion), async (start) => {
    const end = Math.min(start + client.readPortion, length);
    await throttle?.down?.pass(end - start, signal);
    for (let at = start; at < end; ) {
      signal.throwIfAborted();
      const came = await client.read(handle, offset + at, end - at);
      if (came === undefined || came.length === 0) return { at, isShort: true };
      at += came.copy(bytes, at, 0, end - at);
    }
    return { at: end, isShort: false };
  });
  const short = reached.find(({ isShort }) => isShort);
  return [bytes, short?.at ?? length];
}

/** All entries of a folder but the folder itself and the one above it. */
export async function readFolder(client: SftpClient, path: string, signal: AbortSignal): Promise<FolderEntry[]> {
  const handle = await client.openFolder(path);
  try {
    const entries: FolderEntry[] = [];
    for (;;) {
      signal.throwIfAborted();
      const more = await client.readFolder(handle);
      if (more === undefined) return entries;
      for (const entry of more) if (entry.name !== '.' && entry.name !== '..') entries.push(entry);
    }
  } finally {
    letGo(client, handle);
  }
}

/** Closes what was only read; nothing depends on the answer. */
export function letGo(client: SftpClient, handle: Handle): void {
  client.close(handle).catch(() => undefined);
}

function windowOf(portion: number): number {
  return Math.max(2, Math.min(MOST_REQUESTS, Math.floor(WINDOW_BYTES / portion)));
}

interface Portion {
  readonly offset: number;
  readonly length: number;
  readonly pieces: readonly Uint8Array[];
}

/** Views into the content, each as long as one request may be. */
function inPortions(content: readonly Uint8Array[], size: number): Portion[] {
  const portions: Portion[] = [];
  let pieces: Uint8Array[] = [];
  let offset = 0;
  let length = 0;
  const flush = (): void => {
    if (length === 0) return;
    portions.push({ offset, length, pieces });
    offset += length;
    pieces = [];
    length = 0;
  };
  for (const piece of content) {
    for (let at = 0; at < piece.length; ) {
      const part = piece.subarray(at, at + size - length);
      pieces.push(part);
      length += part.length;
      at += part.length;
      if (length === size) flush();
    }
  }
  flush();
  return portions;
}
