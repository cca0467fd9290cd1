/**
 * Where what a run reads goes: a repository, an archive or a mirror. What is held still, snapshotted, listed, read and
 * proved is the same for all of them; this is the port behind which they differ.
 *
 * The tree of what was read is built of nodes and folders, as a repository has them, wherever the content goes: the next
 * pass over a tree, and the next run, compare with it.
 */
import type { Source } from '../../domain/source.ts';
import type { BlobId } from '../../repository/ids.ts';
import type { Node, NodeByName } from '../../repository/node.ts';
import type { RestorePoint } from '../../repository/restore-point.ts';
import type { TarEntry } from '../../tar/entry.ts';
import type { ChangedFiles } from '../changed/changed-file.ts';
import type { Remembering } from '../remembered/remembered-folders.ts';
import type { FilePart } from '../resume/file-part.ts';

/** What came from the host, with its content still to be taken. */
export interface Came {
  readonly entry: TarEntry;
  /** Absolute, where it is in the source. */
  readonly path: Buffer;
  /** All that is known of it but its content. */
  readonly node: () => Node;
  /** Told now and then of what is stored of a large file. */
  readonly onPart?: ((part: Promise<FilePart>) => void) | undefined;
}

export interface Taken {
  /** Bytes of content that came, without holes. */
  readonly bytes: number;
  /** Of a file, when all of it is stored. */
  readonly ids?: Promise<readonly BlobId[]>;
}

/** What came as a stream: its size is known when all of it has come. */
export interface TakenStream extends Taken {
  readonly ids: Promise<readonly BlobId[]>;
}

/** Folders, known by the hash of what is in them. */
export interface Folders {
  /** Resolves when there is room for more; `saved` when the id is known. Takes ownership of the text. */
  putTree(text: Uint8Array, signal: AbortSignal): Promise<{ readonly saved: Promise<{ readonly id: BlobId }> }>;
  /** Of an earlier run, or of this one after a flush. Errors: `repository.damaged`. */
  treeByName(tree: BlobId, signal: AbortSignal): Promise<NodeByName>;
}

/** What an earlier run left of a source: what has not changed since need not be read. */
export interface Earlier {
  findParent(source: Source, signal: AbortSignal): Promise<RestorePoint | undefined>;
  /** Whether the content of a file of the parent is still there. */
  holds(known: Node, path: Buffer): boolean;
}

export interface ReadingSink extends Folders, Earlier {
  /** Where folders are kept, what is needed to remember them. */
  readonly remembering?: Remembering;
  /** Whether a folder of the parent is there for this run as well, and nothing has to be told of what is in it. */
  readonly keepsFolders: boolean;
  /** Where files are kept in pieces, those of which little changed can be put together of old ones and new ones. */
  readonly changed?: ChangedFiles;
  /** Before each pass over a tree; what comes or is placed in a later one stands instead of what came before it. */
  beginPass(isFirst: boolean): void;
  /** Consumes the content of a file. @param onBytes called with the size of content as it comes, holes included */
  take(came: Came, onBytes: (bytes: number) => void, signal: AbortSignal): Promise<Taken>;
  /**
   * The same for a file of which nobody knows the size before its end.
   *
   * @param nodeOf all that is known of it but its content, when the size is
   */
  takeStream(
    path: Buffer,
    content: AsyncIterable<Buffer>,
    nodeOf: (size: number) => Node,
    onBytes: (bytes: number) => void,
    signal: AbortSignal,
  ): Promise<TakenStream>;
  /**
   * An entry for which nothing comes from the host: one more name of the file at `first`; what is as the parent has it; a
   * socket; a folder of which only the listing is known. Never waits for content.
   */
  place(path: Buffer, node: Node, first: Buffer | undefined): void;
  /** What was given so far can be read again when it resolves. */
  flush(signal: AbortSignal): Promise<void>;
}
