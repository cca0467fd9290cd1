/**
 * The port behind which a repository's files lie.
 *
 * A backend stores whole, immutable files under a type and a name and knows nothing of what is in them. Every backend
 * passes the one suite in `test/contract/backend.ts`; what differs between them is data (`properties`), so that nobody
 * asks which kind it is.
 *
 * Crash story: `save` is atomic and durable. After it has resolved, the file is there whole, also after a power cut;
 * when the process dies before, the file is either whole or not there under its name. Leftovers under temporary names
 * are possible, never have a name that the repository reads, and do no harm.
 *
 * What goes wrong: every call may be made again, also when its outcome is unknown; an error says by its `retry` whether
 * that may help. Without `retry`: `backend.no-space`, `backend.denied`, `backend.not-found`, `repository.damaged`. With
 * it, mostly `maybe`: `backend.failed`, and the `ssh.…` errors of a way that broke. Each call ends soon after its signal
 * has fired, with the signal's reason. A backend never changes what it carries and never proves it: names are hashes,
 * and the layer above compares.
 */

import { formatBytes } from '../../base/bytes.ts';
import { StillpointError } from '../../base/errors.ts';

/** `snapshots` is restic's name for the folder of restore points. */
export type FileType = 'config' | 'keys' | 'index' | 'snapshots' | 'locks' | 'data';

export interface FileRef {
  readonly type: FileType;
  /** Lower-case hexadecimal SHA-256 of the content; empty for `config`, of which there is one. */
  readonly name: string;
}

export interface StoredFile {
  readonly name: string;
  readonly sizeBytes: number;
}

export interface ByteRange {
  readonly offset: number;
  readonly length: number;
  readonly near?: CacheUse | undefined;
}

/**
 * What a cache may do, where there is one: `keep` for what is read again and again, so that a copy is worth
 * its room and may be the answer; `renew` where that answer failed its proof, so that only the store is asked.
 */
export type CacheUse = 'keep' | 'renew';

const MIB = 1024 ** 2;

/**
 * A whole file is loaded up to this size; of a larger one nothing is read. Honest ones are far smaller: what is larger
 * is damaged, made to do harm, or to be read in ranges.
 */
export const MOST_WHOLE_BYTES: Readonly<Record<FileType, number>> = {
  config: MIB,
  keys: MIB,
  locks: MIB,
  snapshots: 64 * MIB,
  // Of a large repository of format 1, whose index was written as one file.
  index: 2 ** 31 - 1,
  data: 64 * MIB,
};

export interface BackendProperties {
  /** For people and messages; never holds a secret. */
  readonly location: string;
  /** How many calls at once do good. */
  readonly connections: number;
  /** Whether a reader may see a half-written file while `save` runs. */
  readonly hasAtomicSave: boolean;
}

/** Reading only: what `check`, `verify` and restoring need. */
export interface ReadableBackend {
  readonly properties: BackendProperties;
  /**
   * The whole file or exactly the range, never less; a file that ends before the range does is `repository.damaged`, as
   * is a whole one above `MOST_WHOLE_BYTES`, and one that is not there `backend.not-found`. A file that
   * was saved can be loaded at once.
   */
  load(file: FileRef, range: ByteRange | undefined, signal: AbortSignal): Promise<Buffer>;
  stat(file: FileRef, signal: AbortSignal): Promise<StoredFile>;
  /**
   * Every file of the type, each once, in no order, leftovers and foreign files included; the caller knows which names
   * are valid. What is saved or removed meanwhile may or may not be among them, and a store may show a new file later
   * than `load` finds it. The caller may call the backend between two names. What a store cannot look into (a folder
   * that may not be read, a link that leads nowhere) is an error and never left out.
   */
  list(type: FileType, signal: AbortSignal): AsyncIterable<StoredFile>;
  /**
   * The folders of packs that are there, as "1a"; undefined where a store has no folders that may be missing as a whole.
   * Not optional: what wraps a backend and leaves it out makes a folder that was moved look like packs that are lost.
   */
  readonly packFolders: ((signal: AbortSignal) => Promise<ReadonlySet<string>>) | undefined;
}

export interface Backend extends ReadableBackend, AsyncDisposable {
  /** Makes the folders (or bucket) for a new repository; harmless where they exist. */
  prepare(signal: AbortSignal): Promise<void>;
  /** Stores the concatenation of `content`. Saving the same file again is allowed and changes nothing. */
  save(file: FileRef, content: readonly Uint8Array[], signal: AbortSignal): Promise<void>;
  /** A file that is not there is `backend.not-found`; a repeated call takes that for done. */
  remove(file: FileRef, signal: AbortSignal): Promise<void>;
  /** Lets go of connections; may be called twice. */
  close(): Promise<void>;
}

/** What is too large to be loaded whole. */
export function tooLarge(file: FileRef, sizeBytes: number | undefined): StillpointError {
  const most = MOST_WHOLE_BYTES[file.type];
  const size = sizeBytes === undefined ? `more than ${formatBytes(most)}` : formatBytes(sizeBytes);
  const what = file.type === 'config' ? 'The file "config"' : `The file of ${describeFile(file)}`;
  return new StillpointError(
    'repository.damaged',
    `${what} has ${size}; no such file has more than ${formatBytes(most)}.`,
    {
      advice: 'It is damaged or malicious. Run "stillpoint check" to see what is affected.',
      details: { tooLarge: true },
      cause: undefined,
    },
  );
}

/** "pack 1a2b3c4d", for messages. */
export function describeFile(file: FileRef): string {
  const short = file.name.slice(0, 8);
  switch (file.type) {
    case 'config':
      return 'the file "config"';
    case 'keys':
      return `key ${short}`;
    case 'index':
      return `index ${short}`;
    case 'snapshots':
      return `restore point ${short}`;
    case 'locks':
      return `lock ${short}`;
    case 'data':
      return `pack ${short}`;
  }
}
