/**
 * The listing of a tree, kept in a file of the job's own folder until the tree was read. It is fetched whole before
 * any content is, so that totals are known, a cut listing is noticed before anything is stored, and find on the host
 * is done in one go; on disk, because a million files do not belong in memory.
 *
 * Crash story: the file holds names and sizes only, lies in a private folder and goes away with it.
 */
import { open, rm } from 'node:fs/promises';
import type { StreamCommand, StreamResult } from '../../remote/command.ts';
import { commandFailed } from '../../remote/host-errors.ts';
import type { RemoteHost } from '../../remote/remote-host.ts';
import { type ListedFolder, ListedFolders } from '../remembered/listed-folders.ts';
import { complaintsOfFind, tooMuchUnreadable } from './complaints.ts';
import { type ListedEntry, ListingCursor } from './listing.ts';

/** Which of the listed entries count. Asked in the order of the listing; stateful, so one for each pass. */
export type Selection = (entry: ListedEntry) => boolean;

export interface ListingOrder {
  readonly command: StreamCommand;
  /** As find is given it. */
  readonly root: Buffer;
  readonly select: () => Selection;
  /** Where folders are to be known by what is listed of them: what else decides how they are stored. */
  readonly folderContext?: Buffer | undefined;
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
  /** As they are counted by now. */
  readonly folders: ListedFolders | undefined;
  /** A new pass over the selected entries. */
  read(signal: AbortSignal): ListingReading;
}

export interface ListingReading extends AsyncIterable<ListedEntry> {
  /** Of the folder that was given last, its number in `folders`. */
  readonly folder: number;
  /** Called when a folder was given: goes on behind what is in it. */
  skip(folder: ListedFolder): void;
}

export async function spoolListing(
  host: RemoteHost,
  { command, root, select, folderContext }: ListingOrder,
  file: string,
  signal: AbortSignal,
): Promise<SpooledListing> {
  let counted = new Counted(folderContext);
  let unlisted: readonly UnlistedEntry[];
  const remove = (): Promise<void> => rm(file, { force: true });
  try {
    await using stream = await host.stream(command, undefined, signal);
    await using handle = await open(file, 'wx', 0o600);
    const selected = select();
    const cursor = new ListingCursor();
    for await (const chunk of stream.output as AsyncIterable<Uint8Array>) {
      await handle.writeFile(chunk);
      cursor.feed(chunk);
      for (let entry = cursor.next(); entry !== undefined; entry = cursor.next()) {
        if (selected(entry)) counted.add(entry, cursor);
      }
    }
    cursor.end();
    counted.finish(cursor);
    unlisted = unlistedOf(host.name, command, root, await stream.finished);
  } catch (error) {
    await remove();
    throw error;
  }
  return {
    get entries() {
      return counted.entries;
    },
    get files() {
      return counted.files;
    },
    get bytes() {
      return counted.bytes;
    },
    get folders() {
      return counted.folders;
    },
    unlisted,
    async recount(recounting) {
      counted = new Counted(folderContext);
      const reading = new SpoolReading(file, select(), recounting);
      for await (const entry of reading) counted.add(entry, reading.cursor);
      counted.finish(reading.cursor);
    },
    read: (readSignal) => new SpoolReading(file, select(), readSignal),
    [Symbol.asyncDispose]: remove,
  };
}

/** What is selected of a listing. */
class Counted {
  readonly folders: ListedFolders | undefined;
  entries = 0;
  files = 0;
  bytes = 0;

  constructor(folderContext: Buffer | undefined) {
    this.folders = folderContext && new ListedFolders(folderContext);
  }

  add(entry: ListedEntry, { from, line }: ListingCursor): void {
    this.entries += 1;
    if (entry.type === 'file') {
      this.files += 1;
      this.bytes += entry.size;
    }
    this.folders?.add(entry, from, line);
  }

  finish({ position }: ListingCursor): void {
    this.folders?.finish(position);
  }
}

const BLOCK_BYTES = 256 * 1024;

class SpoolReading implements ListingReading {
  readonly cursor = new ListingCursor();
  folder = -1;
  readonly #file: string;
  readonly #selected: Selection;
  readonly #signal: AbortSignal;

  constructor(file: string, selected: Selection, signal: AbortSignal) {
    this.#file = file;
    this.#selected = selected;
    this.#signal = signal;
  }

  skip({ end, folders }: ListedFolder): void {
    this.cursor.skipTo(end);
    this.folder += folders;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<ListedEntry> {
    await using handle = await open(this.#file);
    for (;;) {
      this.#signal.throwIfAborted();
      // The end of the one before may not have been joined to it yet.
      const block = Buffer.allocUnsafe(BLOCK_BYTES);
      const { bytesRead } = await handle.read(block, 0, BLOCK_BYTES, this.cursor.fed);
      if (bytesRead === 0) break;
      this.cursor.feed(block.subarray(0, bytesRead));
      for (let entry = this.cursor.next(); entry !== undefined; entry = this.cursor.next()) {
        if (!this.#selected(entry)) continue;
        if (entry.type === 'dir') this.folder += 1;
        yield entry;
      }
    }
    this.cursor.end();
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
