/**
 * What a run reads, as a tar stream in the order in which it comes, for an archive and for the tar that fills a mirror.
 *
 * What comes is written at once, before it is known whether it can be believed: tar on the host tells only at its end
 * what it could not read, and files that are read live are read again. So each entry bears the pass that it came in, and
 * when all is read the tree that was built says which of them stand: `stands` has the answer. Entries for which nothing
 * comes from the host (further names of a file, what is as it was) wait for no content, so they are noted, and written
 * at the end.
 */
import { invariant } from '../../base/errors.ts';
import type { Source } from '../../domain/source.ts';
import type { BlobId } from '../../repository/ids.ts';
import type { Node, NodeByName } from '../../repository/node.ts';
import type { RestorePoint } from '../../repository/restore-point.ts';
import { timestampToNs } from '../../repository/timestamp.ts';
import type { TarHead } from '../../tar/entry.ts';
import { encodeTarHead, storedSizeOf, tarPadding } from '../../tar/writer.ts';
import { fileEntry } from '../backup/own-folders.ts';
import type { Came, Earlier, ReadingSink, Taken, TakenStream } from '../backup/reading-sink.ts';
import { headOfNode } from '../restore/node-head.ts';
import type { BuiltTree } from './built-tree.ts';
import { type ContentHash, hashContent } from './content-hash.ts';
import type { LineSpool } from './line-spool.ts';
import { manifestLine, memberName, pathOfLine, pathOfMember } from './manifest-line.ts';
import { spoolContent } from './spooled-content.ts';
import type { TreeSpool } from './tree-spool.ts';

function parseLate(line: string): Late {
  const [pass, path, first] = JSON.parse(line) as [number, string, string | null | undefined];
  return {
    pass,
    path: Buffer.from(path, 'latin1'),
    first: typeof first === 'string' ? Buffer.from(first, 'latin1') : undefined,
  };
}

export interface EntryOut {
  /** The chunk is its maker's again when it resolves. */
  write(chunk: Uint8Array): Promise<void>;
}

export interface EntrySinkPorts extends Earlier {
  readonly folders: TreeSpool;
  /** Of the state before, where there is one. */
  readonly foldersBefore?: TreeSpool | undefined;
  /** A file of this machine for a stream whose size a tar has to say before it comes. */
  readonly streamFile: string;
  /** Of what was written, in order; see `parseLine`. */
  readonly lines: LineSpool;
  readonly late: LineSpool;
  /** What the end can hold of it; undefined where it can hold no such entry. Says what is lost. */
  fit(node: Node, path: Buffer): Node | undefined;
  /** The folder in which tar makes all of it; none where names begin at the top. */
  readonly under?: Buffer;
  /** The folder of the state before, beside it: what is unchanged is the same file there. */
  readonly before?: Buffer;
  /** Whether folders get their times when they are left, so that those in which something came late are named again. */
  readonly namesFoldersAgain: boolean;
}

/** A line of what was written, taken apart. */
export function parseLine(line: string): NotedEntry {
  const blank = line.indexOf(' ');
  const isShared = line.startsWith(SHARED);
  return { isShared, pass: Number(line.slice(isShared ? 1 : 0, blank)), text: line.slice(blank + 1) };
}

interface NotedEntry {
  /** It is the file of the state before: none of its content came in this run. */
  readonly isShared: boolean;
  readonly pass: number;
  /** The line of the manifest. */
  readonly text: string;
}

interface Late {
  readonly pass: number;
  readonly path: Buffer;
  readonly first: Buffer | undefined;
}

export class EntrySink implements ReadingSink {
  readonly keepsFolders = false;
  readonly #ports: EntrySinkPorts;
  #out: EntryOut;
  #lines: LineSpool;
  #pass = 0;
  #isFirst = true;
  #hasAgain = false;
  /** What came or was placed in another pass than the first of its tree, with the last such pass; as Latin-1 text. */
  readonly #again = new Map<string, number>();
  /** What the end can hold nothing of; as Latin-1 text. */
  readonly obstructed = new Set<string>();
  /** Folders in which something is written after they were left. */
  readonly #touched = new Set<string>();
  #hasTop = false;

  constructor(out: EntryOut, ports: EntrySinkPorts) {
    this.#out = out;
    this.#lines = ports.lines;
    this.#ports = ports;
  }

  findParent(source: Source, signal: AbortSignal): Promise<RestorePoint | undefined> {
    return this.#ports.findParent(source, signal);
  }

  holds(known: Node, path: Buffer): boolean {
    return this.#ports.holds(known, path);
  }

  async putTree(text: Uint8Array): Promise<{ readonly saved: Promise<{ readonly id: BlobId }> }> {
    const id = await this.#ports.folders.put(text);
    return { saved: Promise.resolve({ id }) };
  }

  treeByName(tree: BlobId, signal: AbortSignal): Promise<NodeByName> {
    const { folders, foldersBefore } = this.#ports;
    return (folders.has(tree) ? folders : (foldersBefore ?? folders)).byName(tree, signal);
  }

  async flush(): Promise<void> {}

  beginPass(isFirst: boolean): void {
    this.#pass += 1;
    this.#isFirst = isFirst;
    this.#hasAgain ||= !isFirst;
  }

  async take({ entry, path, node }: Came, onBytes: (bytes: number) => void): Promise<Taken> {
    this.#note(path);
    const fitted = this.#fit(node(), path);
    if (fitted === undefined) return { bytes: 0 };
    const { size, sparse } = entry;
    const isFile = entry.type === 'file';
    const head = headOf(fitted, path, isFile ? { size, sparse } : {});
    await this.#out.write(this.#encode(head));
    const hash = isFile ? await hashContent(entry, (data) => this.#out.write(data), onBytes) : undefined;
    await this.#end(head, hash);
    if (!this.#isFirst && entry.type !== 'dir') this.#touch(path);
    return hash === undefined ? { bytes: 0 } : { bytes: entry.storedSize, ids: Promise.resolve(idsOf(hash)) };
  }

  async takeStream(
    path: Buffer,
    content: AsyncIterable<Buffer>,
    nodeOf: (size: number) => Node,
    onBytes: (bytes: number) => void,
  ): Promise<TakenStream> {
    await using spooled = await spoolContent(this.#ports.streamFile, content);
    const node = nodeOf(spooled.size);
    const entry = fileEntry(path, spooled.size, timestampToNs(node.mtime), spooled.read());
    const { bytes, ids = Promise.resolve([]) } = await this.take({ entry, path, node: () => node }, onBytes);
    return { bytes, ids };
  }

  place(path: Buffer, _node: Node, first: Buffer | undefined): void {
    this.#note(path);
    this.#ports.late.add(JSON.stringify([this.#pass, path.toString('latin1'), first?.toString('latin1')]));
  }

  /** Whether some of what came may not stand: a tree was read in more than one pass. */
  get mayHaveFallen(): boolean {
    return this.#hasAgain;
  }

  /** Whether "/" itself is an entry, which has no node in the tree: the source is all of a host. */
  get hasTop(): boolean {
    return this.#hasTop;
  }

  /** Of a line of what was written. `replaced` by a later entry of that name; `dropped`: nothing of that name stands. */
  async stands(line: string, tree: BuiltTree, signal: AbortSignal): Promise<'stands' | 'replaced' | 'dropped'> {
    const { pass, text } = parseLine(line);
    const path = pathOfMember(pathOfLine(text));
    if (path.length > 1 && (await tree.find(path, signal)) === undefined) return 'dropped';
    return (this.#again.get(path.toString('latin1')) ?? 0) > pass ? 'replaced' : 'stands';
  }

  /** From here on all is written there instead; what stands of what was written until now is there. */
  continueIn(out: EntryOut, lines: LineSpool): void {
    this.#out = out;
    this.#lines = lines;
  }

  /** Writes what was placed. @param onSocket told of each, since no tar holds one */
  async finish(tree: BuiltTree, onSocket: (path: Buffer) => void, signal: AbortSignal): Promise<void> {
    for await (const line of this.#ports.late.read()) {
      signal.throwIfAborted();
      const { pass, path, first } = parseLate(line);
      if ((this.#again.get(path.toString('latin1')) ?? 0) > pass) continue;
      const node = await tree.find(path, signal);
      if (node === undefined) continue;
      if (node.type === 'socket') onSocket(path);
      else await this.#writeLate(path, node, first, tree, signal);
    }
    if (!this.#ports.namesFoldersAgain) return;
    for (const text of this.#touched) {
      const path = Buffer.from(text, 'latin1');
      const node = await tree.find(path, signal);
      if (node !== undefined) await this.#writeLate(path, node, undefined, tree, signal);
    }
  }

  async #writeLate(
    path: Buffer,
    node: Node,
    first: Buffer | undefined,
    tree: BuiltTree,
    signal: AbortSignal,
  ): Promise<void> {
    const fitted = this.#fit(node, path);
    if (fitted === undefined) return;
    if (first !== undefined)
      invariant((await tree.find(first, signal)) !== undefined, 'the first name of a file stands where another does');
    if (first === undefined && node.type === 'file') return await this.#share(fitted, path);
    const head = headOf(fitted, path, { linkTo: first && memberName(first) });
    await this.#out.write(this.#encode(head));
    await this.#end(head, undefined);
    if (node.type !== 'dir') this.#touch(path);
  }

  /** The line says what the file is, the stream that it is the one of the state before. */
  async #share(node: Node, path: Buffer): Promise<void> {
    const { before } = this.#ports;
    invariant(before !== undefined, 'what is unchanged is in the state before');
    const { size = 0, content = [] } = node;
    const link = headOf(node, path, { linkTo: Buffer.concat([before, SLASH, memberName(path)]) });
    await this.#out.write(encodeTarHead({ ...link, name: this.#nameOf(link.name) }));
    this.#lines.add(`${SHARED}${this.#pass} ${manifestLine(headOf(node, path, { size }), hashOf(content))}`);
  }

  #fit(node: Node, path: Buffer): Node | undefined {
    const fitted = this.#ports.fit(node, path);
    if (fitted === undefined) this.obstructed.add(path.toString('latin1'));
    return fitted;
  }

  #encode(head: TarHead): Buffer {
    if (this.#ports.under === undefined) return encodeTarHead(head);
    const linkName = head.type === 'hardlink' ? this.#nameOf(head.linkName) : head.linkName;
    return encodeTarHead({ ...head, name: this.#nameOf(head.name), linkName });
  }

  #nameOf(member: Buffer): Buffer {
    const { under } = this.#ports;
    if (under === undefined) return member;
    return member.equals(DOT) ? under : Buffer.concat([under, SLASH, member]);
  }

  async #end(head: TarHead, hash: ContentHash | undefined): Promise<void> {
    const padding = tarPadding(storedSizeOf(head));
    if (padding.length > 0) await this.#out.write(padding);
    this.#lines.add(`${this.#pass} ${manifestLine(head, hash)}`);
  }

  #note(path: Buffer): void {
    this.#hasTop ||= path.length === 1;
    if (!this.#isFirst) this.#again.set(path.toString('latin1'), this.#pass);
  }

  #touch(path: Buffer): void {
    if (!this.#ports.namesFoldersAgain) return;
    const text = path.toString('latin1');
    this.#touched.add(text.slice(0, Math.max(1, text.lastIndexOf('/'))));
  }
}

const SHARED = '=';
const SLASH = Buffer.from('/');
const DOT = Buffer.from('.');

/** One id, or twice the same where it is a hash of parts: so the tree keeps which of them it is. */
function idsOf({ hex, of }: ContentHash): readonly BlobId[] {
  return (of === 'content' ? [hex] : [hex, hex]) as BlobId[];
}

function hashOf([first, second]: readonly BlobId[]): ContentHash | undefined {
  return first && { hex: first, of: second === undefined ? 'content' : 'parts' };
}

function headOf(
  node: Node,
  path: Buffer,
  {
    size = 0,
    sparse,
    linkTo,
  }: { readonly size?: number; readonly sparse?: TarHead['sparse']; readonly linkTo?: Buffer | undefined },
): TarHead {
  return headOfNode(node, { path: memberName(path), size, sparse, linkTo });
}
