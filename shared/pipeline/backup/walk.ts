/**
 * The walk over a listing: of each entry it decides whether what the parent has still holds, asks the host for what does not,
 * and builds folders. A folder of which it is remembered that it was stored as it is listed is passed over as a whole.
 */
import { invariant } from '../../base/errors.ts';
import type { BlobId } from '../../repository/ids.ts';
import type { Node } from '../../repository/node.ts';
import { changedParts } from '../changed/changed-parts.ts';
import type { ListedFolder } from '../remembered/listed-folders.ts';
import { BadEntries, type BadNames } from './bad-entries.ts';
import type { ContentStream } from './content-stream.ts';
import { FolderStack, type OnWhole } from './folder-stack.ts';
import { hadBefore } from './had-before.ts';
import { HardLinks } from './hard-links.ts';
import type { ListedEntry } from './listing.ts';
import { buildNode, type NodeRest, restFromParent } from './node.ts';
import { type Omissions, whyLeftOut } from './omissions.ts';
import type { ParentView } from './parent-view.ts';
import { type Answer, type LivePass } from './take-answer.ts';
import type { TreePorts, TreeToRead } from './tree-to-read.ts';
import { isOld, isOldTime, isSame as isSameAsListed, isToTheLetter, isUnchanged } from './unchanged.ts';

export interface Pass extends BadNames {
  /** The parent restore point. */
  readonly parent: ParentView;
  /** What the pass before this one made of the same listing. */
  readonly earlier: ParentView | undefined;
  /**
   * Set where the tree is read live, so that files may be other ones than those listed: what is not whole and not as it
   * was listed is no error but in doubt.
   */
  readonly live?: LivePass;
}

/** What is asked about an entry of the listing. */
interface Asking extends Pick<Answer, 'path' | 'build'> {
  /** Where it is unchanged since the parent. */
  readonly known: Node | undefined;
  /** What the parent has there. */
  readonly old: Node | undefined;
  readonly before: Node | undefined;
}

interface Rest {
  readonly rest: NodeRest | Promise<NodeRest | undefined>;
  /** `has`: in the pass before. `later`: as an answer of its own. `not`: the sink is told of it by `place`. */
  readonly comes: 'has' | 'later' | 'not';
  /** The path of the file that this is one more name of. */
  readonly first?: Buffer;
}

export class Walk {
  readonly #tree: TreeToRead;
  readonly #pass: Pass;
  readonly #ports: TreePorts;
  readonly #content: ContentStream<Answer>;
  readonly #signal: AbortSignal;
  readonly #folders: FolderStack;
  readonly #links = new HardLinks();
  readonly #bad: BadEntries;
  readonly #entries: ReturnType<TreeToRead['entries']>;
  #grafted = 0;
  /** The entry of the listing that is visited. */
  #at = -1;
  /** The folder that was left out last, with a slash behind it. */
  #leftOut: string | undefined;

  constructor(tree: TreeToRead, pass: Pass, ports: TreePorts, content: ContentStream<Answer>, signal: AbortSignal) {
    this.#tree = tree;
    this.#pass = pass;
    this.#ports = ports;
    this.#content = content;
    this.#signal = signal;
    this.#folders = new FolderStack(ports.sink, signal);
    this.#bad = new BadEntries(pass);
    this.#entries = tree.entries(signal);
  }

  async run(): Promise<Node | undefined> {
    for await (const entry of this.#entries) {
      this.#signal.throwIfAborted();
      this.#at += 1;
      const out = this.#leavesOut(entry);
      if (out === 'itself') await this.#folders.blemish(entry.path);
      if (out !== undefined) continue;
      const visiting = this.#visit(entry);
      if (visiting !== undefined) await visiting;
    }
    // A nested tree whose place was not in the listing would be missing from the restore point without a word.
    invariant(this.#grafted === this.#tree.grafts.size, 'every nested tree has its place in the outer one');
    for (const node of this.#tree.own) {
      await this.#folders.blemish(node.name);
      await this.#folders.add(node.name, node);
    }
    this.#content.queue.end();
    return await this.#folders.finish();
  }

  /** What lies below a folder follows it directly in the listing, and goes with it. */
  #leavesOut(entry: ListedEntry): 'itself' | 'with its folder' | undefined {
    const text = entry.path.toString('latin1');
    if (this.#leftOut !== undefined && text.startsWith(this.#leftOut)) return 'with its folder';
    this.#leftOut = undefined;
    const reason = whyLeftOut(entry, this.#nameOf(entry));
    if (reason === undefined) return undefined;
    if (entry.type === 'dir') this.#leftOut = `${text}/`;
    this.#tell((omissions) => omissions.leaveOut(this.#absolute(entry), reason), this.#pass.earlier === undefined);
    return 'itself';
  }

  /** A pass over a live tree may not be the last one. @param isNew whether no pass before this one has told it */
  #tell(lack: (omissions: Omissions) => void, isNew = true): void {
    if (this.#pass.live !== undefined) this.#pass.live.lacks.push(lack);
    else if (isNew) lack(this.#ports.omissions);
  }

  #absolute({ path }: ListedEntry): Buffer {
    const root = this.#tree.path;
    return Buffer.concat([root, root.at(-1) === 0x2f || path.length === 0 ? EMPTY : SLASH, path]);
  }

  /** As tar is asked for it. */
  #nameOf({ path }: ListedEntry): Buffer {
    const { rootName } = this.#tree;
    return path.length === 0 ? rootName : Buffer.concat([rootName, SLASH, path]);
  }

  /** Waits only where there is something to wait for: of most trees, most is as it was. */
  #visit(entry: ListedEntry): Promise<void> | undefined {
    const known = this.#pass.parent.find(entry.path);
    if (known === undefined) return this.#visitOther(entry, known);
    const folder = entry.type === 'dir' && this.#keepsFolders ? this.#remembered(entry, known) : undefined;
    if (folder === undefined && !this.#isKnownToTheLetter(entry, known)) return this.#visitOther(entry, known);
    if (folder !== undefined) {
      this.#entries.skip?.(folder);
      this.#at += folder.entries;
      this.#ports.counts.addUnchanged(folder);
    }
    this.#count(entry, known, true);
    return this.#folders.addSame(entry.path, known);
  }

  /** A folder in which nothing would be found by looking at each entry. */
  #remembered(entry: ListedEntry, known: Node): ListedFolder | undefined {
    const { remembered, grafts, own, believedBeforeNs, context } = this.#tree;
    const { folder: at } = this.#entries;
    if (remembered === undefined || at === undefined || known.subtree === undefined) return undefined;
    const isRoot = entry.path.length === 0;
    if (isRoot && own.length + grafts.size > 0) return undefined;
    const folder = remembered.find(at, known.subtree);
    const isSame =
      folder !== undefined &&
      isToTheLetter(entry, known, context) &&
      isOld(entry, believedBeforeNs) &&
      isOldTime(folder.newestNs, believedBeforeNs);
    if (!isSame) return undefined;
    const below = `${entry.path.toString('latin1')}/`;
    // What is joined to the tree there is in no listing of it.
    return [...grafts.keys()].some((graft) => `${graft}/`.startsWith(below)) ? undefined : folder;
  }

  /** A folder is known when all that is in it is. */
  #isKnownToTheLetter(entry: ListedEntry, known: Node): boolean {
    const { grafts, believedBeforeNs, context } = this.#tree;
    return (
      this.#keepsFolders &&
      entry.type !== 'dir' &&
      isToTheLetter(entry, known, context) &&
      isOld(entry, believedBeforeNs) &&
      this.#ports.sink.holds(known, this.#absolute(entry)) &&
      !grafts.has(entry.path.toString('latin1')) &&
      this.#bad.whyUnreadable(entry, this.#nameOf(entry)) === undefined
    );
  }

  /** A later pass goes by what the one before it made. */
  get #keepsFolders(): boolean {
    return this.#ports.sink.keepsFolders && this.#pass.earlier === undefined;
  }

  async #visitOther(entry: ListedEntry, known: Node | undefined): Promise<void> {
    const { parent, earlier } = this.#pass;
    const graft = this.#tree.grafts.get(entry.path.toString('latin1'));
    if (graft !== undefined) {
      this.#grafted += 1;
      await this.#folders.blemish(entry.path);
      await this.#folders.add(entry.path, graft);
      return;
    }
    const { sink } = this.#ports;
    const path = this.#absolute(entry);
    const before = earlier?.find(entry.path);
    const reason = this.#bad.whyUnreadable(entry, this.#nameOf(entry));
    if (reason !== undefined && entry.type !== 'dir') {
      this.#tell((omissions) => omissions.cannotRead(path, reason));
      await this.#folders.blemish(entry.path);
      return;
    }
    const unchanged =
      known !== undefined && isUnchanged(entry, known, this.#tree.believedBeforeNs) && sink.holds(known, path);
    this.#count(entry, known, unchanged);
    if (reason !== undefined) this.#tell((omissions) => omissions.lackAttributesOf(path, reason));
    const name = entry.path.length === 0 ? this.#tree.nodeName : baseName(entry.path);
    const build = (came: NodeRest): Node => buildNode(name, entry, came, this.#tree.context);
    const { rest, comes, first } =
      reason !== undefined
        ? { rest: lacking(reason), comes: 'not' as const }
        : await this.#restOf(entry, { path, build, known: unchanged ? known : undefined, old: known, before });
    const isPlaced = comes === 'not';
    if (entry.type === 'dir') {
      const entered = await parent.enter(entry.path, known, this.#signal);
      await earlier?.enter(entry.path, before, this.#signal);
      if (isPlaced && !(rest instanceof Promise)) sink.place(path, build(rest), undefined);
      const isSame = unchanged && reason === undefined && isPlaced && isToTheLetter(entry, known, this.#tree.context);
      const folder = entered && this.#keepsFolders ? { ...entered, node: isSame ? known : undefined } : undefined;
      const complete = async (subtree: BlobId): Promise<Node> => build({ ...(await rest), subtree });
      await this.#folders.enter(entry.path, complete, { known: folder, onWhole: this.#rememberingLast() });
      return;
    }
    const made = (came: NodeRest): Node => {
      const node = build(came);
      if (isPlaced) sink.place(path, node, first);
      return node;
    };
    if (rest instanceof Promise) {
      // One more name of a file is placed when that has come.
      const node = rest.then((came) => (came === undefined ? came : made(came)));
      node.catch(() => undefined);
      await this.#folders.add(entry.path, node);
    } else {
      await this.#folders.add(entry.path, made(rest));
    }
  }

  /** Of the folder that was given last. */
  #rememberingLast(): OnWhole | undefined {
    const { folder: at } = this.#entries;
    const { remembered } = this.#tree;
    if (at === undefined || !this.#keepsFolders) return undefined;
    return (subtree) => remembered?.remember(at, subtree);
  }

  /** From the parent, from the pass before, or from the host. Waits for room in the queue, not for the answer. */
  async #restOf(entry: ListedEntry, { path, build, known, old, before }: Asking): Promise<Rest> {
    if (before !== undefined && !this.#bad.isDoubtful(entry, this.#nameOf(entry)) && this.#isAsBefore(entry, before)) {
      return { rest: restFromParent(before), comes: 'has' };
    }
    if (known !== undefined) return { rest: restFromParent(known), comes: 'not' };
    // tar does not pack sockets; there is nothing in them.
    if (entry.type === 'socket') return { rest: {}, comes: 'not' };
    const name = this.#nameOf(entry);
    const isFirst = this.#pass.earlier === undefined;
    const at = this.#at;
    // A second name of a file shares what comes under its first, and its doubts.
    if (entry.type === 'file') this.#pass.live?.asked?.add(name.toString('latin1'));
    const linked = this.#links.find(entry);
    if (linked !== undefined) {
      this.#countDone(entry);
      return { rest: linked.rest, comes: 'not', first: linked.path };
    }
    const arrived = isFirst
      ? await hadBefore({ entry, at, name, path, build }, this.#tree, this.#ports, this.#signal)
      : undefined;
    if (arrived !== undefined) {
      this.#links.remember(entry, { path, rest: Promise.resolve(arrived) });
      this.#countDone(entry);
      return { rest: arrived, comes: 'has' };
    }
    const changed = isFirst
      ? await changedParts({ entry, name, path, old }, this.#tree, this.#ports, this.#signal)
      : undefined;
    if (changed?.rest !== undefined) {
      this.#links.remember(entry, { path, rest: changed.rest });
      this.#tree.arrived?.came({ at, path: entry.path }, changed.rest);
      return { rest: changed.rest, comes: 'has' };
    }
    const { promise, resolve, reject } = Promise.withResolvers<NodeRest | undefined>();
    promise.catch(() => undefined);
    this.#links.remember(entry, { path, rest: promise });
    const onPart: Answer['onPart'] = (head, part) => {
      if (isFirst) this.#tree.arrived?.part({ at, path: entry.path }, head, part);
    };
    await this.#content.queue.push({
      name,
      subject: { entry, at, path, rest: promise, onPart, doneBytes: changed?.doneBytes ?? 0, build, resolve, reject },
    });
    return { rest: promise, comes: 'later' };
  }

  /** A snapshot does not change between two passes; a live tree was listed anew. */
  #isAsBefore(entry: ListedEntry, before: Node): boolean {
    return this.#pass.live === undefined || isSameAsListed(entry, before);
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
      if (unchanged) this.#countDone(entry);
    }
    this.#ports.onProgress();
  }

  #countDone({ type, size }: ListedEntry): void {
    if (type !== 'file' || this.#pass.earlier !== undefined) return;
    this.#ports.counts.filesDone += 1;
    this.#ports.counts.bytesDone += size;
  }
}

const SLASH = Buffer.from('/');
const EMPTY = Buffer.alloc(0);

/** A node with an error equals nothing, so the next backup asks again. */
const lacking = (reason: string): NodeRest => ({ error: `attributes: ${reason}` });

function baseName(path: Buffer): Buffer {
  return path.subarray(path.lastIndexOf(0x2f) + 1);
}
