/**
 * One tree from listing to stored trees: a walk decides for each entry whether the parent's content still holds, asks
 * for what does not, and builds folders; answers arrive beside it, in the order of asking. Both sides fail together.
 */

import { displayName } from '../../base/bytes.ts';
import { invariant, StillpointError } from '../../base/errors.ts';
import type { StreamCommand } from '../../remote/command.ts';
import type { RemoteHost } from '../../remote/remote-host.ts';
import type { Node } from '../../repository/format/node.ts';
import type { Repository, RepositoryWriter } from '../../repository/repository.ts';
import type { TarEntry } from '../../tar/entry.ts';
import { ContentStream } from './content-stream.ts';
import { ContentStore } from './file-content.ts';
import { FolderStack } from './folder-stack.ts';
import { HardLinks } from './hard-links.ts';
import type { ListedEntry } from './listing.ts';
import { buildNode, type NodeContext, type NodeRest, restFromParent, restFromTar } from './node.ts';
import { type Omissions, whyLeftOut } from './omissions.ts';
import type { ParentView } from './parent-view.ts';
import { isUnchanged } from './unchanged.ts';

export interface TreeToRead {
  /** Absolute, where the tree stands in the restore point. */
  readonly path: Buffer;
  readonly entries: AsyncIterable<ListedEntry>;
  /** For content: the command that packs files below the base. */
  readonly pack: StreamCommand;
  /** The tree's root as tar is to call it, seen from the base: "." or "./name". */
  readonly rootName: Buffer;
  /** The name of the root's node in its parent folder; empty at "/". */
  readonly nodeName: Buffer;
  readonly parent: ParentView;
  readonly parentInstantNs: bigint;
  /** Trees of other volumes that stand at a path of this one: the root's node by path below this root. */
  readonly grafts: ReadonlyMap<string, Node>;
  readonly context: NodeContext;
}

export interface TreeCounts {
  filesNew: number;
  filesChanged: number;
  filesUnmodified: number;
  folders: number;
  others: number;
  bytesTotal: number;
  bytesRead: number;
  bytesReceived: number;
}

export interface TreePorts {
  readonly host: RemoteHost;
  readonly repository: Repository;
  readonly writer: RepositoryWriter;
  readonly counts: TreeCounts;
  readonly omissions: Omissions;
  readonly onProgress: () => void;
}

interface Answer {
  readonly entry: ListedEntry;
  readonly resolve: (rest: NodeRest | PromiseLike<NodeRest>) => void;
  readonly reject: (error: unknown) => void;
}

/** Resolves to the root's node. Nothing of it is durable before the writer was flushed. */
export async function readTree(tree: TreeToRead, ports: TreePorts, signal: AbortSignal): Promise<Node> {
  const failed = new AbortController();
  const both = AbortSignal.any([signal, failed.signal]);
  const content = new ContentStream<Answer>();
  const walk = new Walk(tree, ports, content, both);
  const store = new ContentStore(ports.writer, both);
  const take = (entry: TarEntry, answer: Answer): Promise<void> => takeAnswer(entry, answer, store, ports);
  const abandon = (answer: Answer, error: unknown): void => answer.reject(error);
  const answers = content.run(ports.host, tree.pack, { take, abandon }, both);
  const walking = walk.run();
  try {
    const [node, totals] = await Promise.all([walking, answers]);
    ports.counts.bytesReceived += totals.receivedBytes;
    ports.omissions.complain(baseOf(tree), totals.stderr);
    return node;
  } catch (error) {
    failed.abort(error);
    content.queue.fail(error as Error);
    await Promise.allSettled([walking, answers]);
    throw error;
  }
}

/** What tar's names are seen from: the tree, or the folder of the one file that it is. */
function baseOf({ path, rootName }: TreeToRead): Buffer {
  return rootName.length === 1 ? path : path.subarray(0, Math.max(1, path.lastIndexOf(0x2f)));
}

async function takeAnswer(entry: TarEntry, answer: Answer, store: ContentStore, ports: TreePorts): Promise<void> {
  const wanted = answer.entry;
  // On a snapshot nothing changes between listing and reading. A second name of a file comes as a link without content.
  if (entry.type !== TAR_TYPES[wanted.type] || (wanted.type === 'file' && entry.size !== wanted.size)) {
    throw notAsListed(entry, wanted);
  }
  const rest = restFromTar(entry);
  if (wanted.type !== 'file') {
    answer.resolve(rest);
    return;
  }
  const { ids, bytes } = await store.store(entry);
  ports.counts.bytesRead += bytes;
  ports.onProgress();
  answer.resolve(ids.then((content) => ({ ...rest, content })));
}

const TAR_TYPES: Readonly<Partial<Record<ListedEntry['type'], TarEntry['type']>>> = {
  file: 'file',
  dir: 'dir',
  symlink: 'symlink',
  dev: 'blockdev',
  chardev: 'chardev',
  fifo: 'fifo',
};

function notAsListed(entry: TarEntry, wanted: ListedEntry): StillpointError {
  const was = `${wanted.type} of ${wanted.size} bytes`;
  return new StillpointError(
    'read.incomplete',
    `"${displayName(entry.name)}" was listed as ${was} and came as ${entry.type} of ${entry.size}.`,
    {
      advice: 'Nothing was committed. What was read is not the frozen copy that was listed; run the backup again.',
      details: { listed: wanted.type, came: entry.type },
      cause: undefined,
    },
  );
}

class Walk {
  readonly #tree: TreeToRead;
  readonly #ports: TreePorts;
  readonly #content: ContentStream<Answer>;
  readonly #signal: AbortSignal;
  readonly #folders: FolderStack;
  readonly #links = new HardLinks();
  #grafted = 0;
  /** The folder that was left out last, with a slash behind it. */
  #leftOut: string | undefined;

  constructor(tree: TreeToRead, ports: TreePorts, content: ContentStream<Answer>, signal: AbortSignal) {
    this.#tree = tree;
    this.#ports = ports;
    this.#content = content;
    this.#signal = signal;
    this.#folders = new FolderStack(ports.writer, signal);
  }

  async run(): Promise<Node> {
    for await (const entry of this.#tree.entries) {
      this.#signal.throwIfAborted();
      if (!this.#leavesOut(entry)) await this.#visit(entry);
    }
    // A nested tree whose place was not in the listing would be missing from the restore point without a word.
    invariant(this.#grafted === this.#tree.grafts.size, 'every nested tree has its place in the outer one');
    this.#content.queue.end();
    return await this.#folders.finish();
  }

  /** What lies below a folder follows it directly in the listing, and goes with it. */
  #leavesOut(entry: ListedEntry): boolean {
    const text = entry.path.toString('latin1');
    if (this.#leftOut !== undefined && text.startsWith(this.#leftOut)) return true;
    this.#leftOut = undefined;
    const reason = whyLeftOut(entry, this.#nameOf(entry));
    if (reason === undefined) return false;
    if (entry.type === 'dir') this.#leftOut = `${text}/`;
    const { path } = this.#tree;
    const slash = path.at(-1) === 0x2f || entry.path.length === 0 ? EMPTY : SLASH;
    this.#ports.omissions.leaveOut(Buffer.concat([path, slash, entry.path]), reason);
    return true;
  }

  /** As tar is asked for it. */
  #nameOf({ path }: ListedEntry): Buffer {
    const { rootName } = this.#tree;
    return path.length === 0 ? rootName : Buffer.concat([rootName, SLASH, path]);
  }

  async #visit(entry: ListedEntry): Promise<void> {
    const { parent } = this.#tree;
    const graft = this.#tree.grafts.get(entry.path.toString('latin1'));
    if (graft !== undefined) {
      this.#grafted += 1;
      await this.#folders.add(entry.path, graft);
      return;
    }
    const known = parent.find(entry.path);
    const unchanged =
      known !== undefined && isUnchanged(entry, known, this.#tree.parentInstantNs) && this.#isStored(known);
    this.#count(entry, known, unchanged);
    const { rest } = unchanged ? { rest: restFromParent(known) } : await this.#ask(entry);
    const name = entry.path.length === 0 ? this.#tree.nodeName : baseName(entry.path);
    if (entry.type === 'dir') {
      await parent.enter(entry.path, known, this.#signal);
      await this.#folders.enter(entry.path, async (subtree) =>
        buildNode(name, entry, { ...(await rest), subtree }, this.#tree.context),
      );
    } else if (rest instanceof Promise) {
      const node = rest.then((settled) => buildNode(name, entry, settled, this.#tree.context));
      node.catch(() => undefined);
      await this.#folders.add(entry.path, node);
    } else {
      await this.#folders.add(entry.path, buildNode(name, entry, rest, this.#tree.context));
    }
  }

  /** The parent's blobs must still be in the repository; if one was lost, reading the file again brings it back. */
  #isStored(known: Node): boolean {
    return (known.content ?? []).every((id) => this.#ports.repository.hasBlob('data', id));
  }

  /** Waits for room in the queue, not for the answer. */
  async #ask(entry: ListedEntry): Promise<{ readonly rest: NodeRest | Promise<NodeRest> }> {
    // tar does not pack sockets; there is nothing in them.
    if (entry.type === 'socket') return { rest: {} };
    const linked = this.#links.find(entry);
    if (linked !== undefined) return { rest: linked };
    const { promise, resolve, reject } = Promise.withResolvers<NodeRest>();
    promise.catch(() => undefined);
    this.#links.remember(entry, promise);
    await this.#content.queue.push({ name: this.#nameOf(entry), subject: { entry, resolve, reject } });
    return { rest: promise };
  }

  #count(entry: ListedEntry, known: Node | undefined, unchanged: boolean): void {
    const { counts } = this.#ports;
    if (entry.type === 'dir') counts.folders += 1;
    else if (entry.type !== 'file') counts.others += 1;
    else {
      counts.bytesTotal += entry.size;
      if (unchanged) counts.filesUnmodified += 1;
      else if (known?.type === 'file') counts.filesChanged += 1;
      else counts.filesNew += 1;
    }
    this.#ports.onProgress();
  }
}

const SLASH = Buffer.from('/');
const EMPTY = Buffer.alloc(0);

function baseName(path: Buffer): Buffer {
  return path.subarray(path.lastIndexOf(0x2f) + 1);
}
