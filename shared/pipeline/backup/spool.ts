/**
 * The listing of a tree, kept in a file of the job's own folder until the tree was read. It is fetched whole before
 * any content is, so that totals are known, a cut listing is noticed before anything is stored, and find on the host
 * is done in one go; on disk, because a million files do not belong in memory.
 *
 * Crash story: the file holds names and sizes only, lies in a private folder and goes away with it.
 */
import { createReadStream } from 'node:fs';
import { type FileHandle, open, rm } from 'node:fs/promises';
import type { StreamCommand, StreamResult } from '../../remote/command.ts';
import { commandFailed } from '../../remote/host-errors.ts';
import type { RemoteHost } from '../../remote/remote-host.ts';
import { complaintsOfFind, tooMuchUnreadable } from './complaints.ts';
import { type ListedEntry, parseListing } from './listing.ts';

/** Which of the listed entries count. Asked in the order of the listing; stateful, so one for each pass. */
export type Selection = (entry: ListedEntry) => boolean;

export interface ListingOrder {
  readonly command: StreamCommand;
  /** As find is given it. */
  readonly root: Buffer;
  readonly select: () => Selection;
}

/** What find could not look at or into. */
interface UnlistedEntry {
  /** Below the tree's root. */
  readonly path: Buffer;
  /** The kernel's. */
  readonly reason: string;
}

export interface SpooledListing extends AsyncDisposable {
  readonly entries: number;
  readonly files: number;
  /** Sizes of all files, holes included. */
  readonly bytes: number;
  readonly unlisted: readonly UnlistedEntry[];
  /** Counts anew, where less is selected by now. */
  recount(signal: AbortSignal): Promise<void>;
  /** A new pass over the selected entries. */
  read(signal: AbortSignal): AsyncIterable<ListedEntry>;
}

const NOTHING = { entries: 0, files: 0, bytes: 0 };

export async function spoolListing(
  host: RemoteHost,
  { command, root, select }: ListingOrder,
  file: string,
  signal: AbortSignal,
): Promise<SpooledListing> {
  let totals = NOTHING;
  const count = ({ type, size }: ListedEntry): void => {
    const isFile = type === 'file';
    totals = {
      entries: totals.entries + 1,
      files: totals.files + (isFile ? 1 : 0),
      bytes: totals.bytes + (isFile ? size : 0),
    };
  };
  let unlisted: readonly UnlistedEntry[];
  const remove = (): Promise<void> => rm(file, { force: true });
  try {
    await using stream = await host.stream(command, undefined, signal);
    await using handle = await open(file, 'wx', 0o600);
    const selected = select();
    for await (const entry of parseListing(copyTo(stream.output, handle))) {
      if (selected(entry)) count(entry);
    }
    unlisted = unlistedOf(host.name, command, root, await stream.finished);
  } catch (error) {
    await remove();
    throw error;
  }
  return {
    get entries() {
      return totals.entries;
    },
    get files() {
      return totals.files;
    },
    get bytes() {
      return totals.bytes;
    },
    unlisted,
    async recount(recounting) {
      totals = NOTHING;
      for await (const entry of readSelected(file, select(), recounting)) count(entry);
    },
    read: (readSignal) => readSelected(file, select(), readSignal),
    [Symbol.asyncDispose]: remove,
  };
}

async function* copyTo(chunks: AsyncIterable<Uint8Array>, handle: FileHandle): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) {
    await handle.writeFile(chunk);
    yield chunk;
  }
}

async function* readSelected(file: string, selected: Selection, signal: AbortSignal): AsyncGenerator<ListedEntry> {
  for await (const entry of parseListing(createReadStream(file, { signal, highWaterMark: 256 * 1024 }))) {
    if (selected(entry)) yield entry;
  }
}

/** What find said when it ended with 1. Anything that does not name an entry of this tree makes it a failure. */
function unlistedOf(
  host: string,
  command: StreamCommand,
  root: Buffer,
  result: StreamResult,
): readonly UnlistedEntry[] {
  if (result.exitCode === 0) return [];
  const { complaints, others } = complaintsOfFind(result.stderr);
  const prefix = Buffer.concat([root, Buffer.from('/')]);
  const isBelow = (name: Buffer): boolean =>
    name.length > prefix.length && name.subarray(0, prefix.length).equals(prefix);
  if (!result.stderrIsWhole) throw tooMuchUnreadable(host, command, result);
  if (complaints.length === 0 || others.length > 0 || !complaints.every(({ name }) => isBelow(name))) {
    throw commandFailed(host, command, result.exitCode, result.stderr);
  }
  return complaints.map(({ name, reason }) => ({ path: name.subarray(prefix.length), reason }));
}
