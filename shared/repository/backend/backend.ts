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
 */

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
}

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
   * The whole file or exactly the range; a file that ends before the range does is `repository.damaged`, one that is
   * not there `backend.not-found`. May be repeated.
   */
  load(file: FileRef, range: ByteRange | undefined, signal: AbortSignal): Promise<Buffer>;
  stat(file: FileRef, signal: AbortSignal): Promise<StoredFile>;
  /** Every file of the type, in no order, leftovers and foreign files included; the caller knows which names are valid. */
  list(type: FileType, signal: AbortSignal): AsyncIterable<StoredFile>;
}

export interface Backend extends ReadableBackend, AsyncDisposable {
  /** Makes the folders (or bucket) for a new repository; harmless where they exist. */
  prepare(signal: AbortSignal): Promise<void>;
  /** Stores the concatenation of `content`. Saving the same file again is allowed and changes nothing. */
  save(file: FileRef, content: readonly Uint8Array[], signal: AbortSignal): Promise<void>;
  /** A file that is not there is `backend.not-found`. */
  remove(file: FileRef, signal: AbortSignal): Promise<void>;
  /** Lets go of connections; may be called twice. */
  close(): Promise<void>;
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
