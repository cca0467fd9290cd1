/** A tree that is to be read, and what a reading of it works with. */
import type { RemoteCommand } from '../../remote/command.ts';
import type { RemoteHost } from '../../remote/remote-host.ts';
import type { Node } from '../../repository/node.ts';
import type { RememberedTree } from '../remembered/remembered-folders.ts';
import type { ArrivedTree } from '../resume/arrived.ts';
import type { ContentOrder } from './content-stream.ts';
import type { ListedEntry } from './listing.ts';
import type { NodeContext } from './node.ts';
import type { Omissions } from './omissions.ts';
import type { ShortFile } from './probe-files.ts';
import type { ReadingSink } from './reading-sink.ts';
import type { ListingReading } from './spool.ts';
import type { TreeCounts } from './tree-counts.ts';

export interface TreeToRead {
  /** Absolute, where the tree is in the restore point. */
  readonly path: Buffer;
  /** A new look at the listing. */
  entries(signal: AbortSignal): AsyncIterable<ListedEntry> & Partial<ListingReading>;
  /** Where folders need not be compared with the parent entry by entry: what is known of them. */
  readonly remembered?: RememberedTree | undefined;
  /** Content of files below the base. */
  readonly content: ContentOrder;
  /** What has come of it before this process, and a place to note what comes. */
  readonly arrived?: ArrivedTree | undefined;
  /** Asks the host why files came short. */
  probe(files: readonly ShortFile[]): RemoteCommand<readonly string[]>;
  /** The tree's root as tar is to call it, seen from the base: "." or "./name". */
  readonly rootName: Buffer;
  /** The name of the root's node in its parent folder; empty at "/". */
  readonly nodeName: Buffer;
  /** The root's node in the parent restore point. */
  readonly parentRoot: Node | undefined;
  readonly believedBeforeNs: bigint;
  /** Trees of other volumes that are joined at a path of this one: the root's node by path below this root. */
  readonly grafts: ReadonlyMap<string, Node>;
  /** What lies directly in the root and is in no listing. */
  readonly own: readonly Node[];
  readonly context: NodeContext;
}

export interface TreePorts {
  readonly host: RemoteHost;
  readonly sink: ReadingSink;
  readonly counts: TreeCounts;
  readonly omissions: Omissions;
  readonly onProgress: () => void;
  /** A large file of which all is read, and why not only what changed. @param path absolute */
  readonly onDoubt: (path: Buffer, reason: string) => void;
}
