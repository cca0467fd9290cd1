/** What became of each entry during a restore, and what is said of it at the end. */
import { displayName } from '../../base/bytes.ts';
import { StillpointError } from '../../base/errors.ts';
import type { EmitEvent } from '../../domain/events.ts';
import type { SkippedItem } from '../../domain/verbs/backup.ts';
import type { AttributeLoss, Renamed, SkippedEntries } from '../../domain/verbs/restore.ts';
import type { Node, NodeType } from '../../repository/node.ts';
import type { TarMessage } from './tar-messages.ts';
import type { WalkNotes, WalkStart } from './walk.ts';

/** More than this many are counted and no longer named, so that a report stays readable. */
const NAMED = 200;
const EXAMPLES = 20;
/** A path that is longer is shown by its two ends. */
const SHOWN = 400;

export class Outcome implements WalkNotes {
  /** What was handed to tar whole. `bytes` are sizes with holes; a file with several names counts once. */
  readonly sent = { files: 0, folders: 0, others: 0, bytes: 0 };
  /** How many of those that were handed to tar it could not make. */
  refused = 0;
  /** Files of this walk whose content broke off after their head was written: they must go again. */
  broken: Buffer[] = [];
  /** What is to be walked next. */
  readonly starts: WalkStart[];
  #prefix = '';
  #refused = '';
  readonly #named: SkippedItem[] = [];
  #leftOut = 0;
  #renamed = 0;
  readonly #renames: { readonly path: string; readonly name: string }[] = [];
  readonly #notKept = new Map<string, { entries: number; readonly examples: string[] }>();
  readonly #lost = new Set<string>();
  readonly #missing = new Set<string>();
  #way: readonly Buffer[] = [];
  readonly #emit: EmitEvent;

  constructor(start: WalkStart, emit: EmitEvent) {
    this.starts = [start];
    this.#emit = emit;
  }

  get leftOut(): SkippedEntries {
    return { count: this.#leftOut, named: this.#named };
  }

  get notKept(): readonly AttributeLoss[] {
    return [...this.#notKept].map(([what, { entries, examples }]) => ({ what, entries, examples }));
  }

  get renamed(): Renamed {
    return { count: this.#renamed, named: this.#renames };
  }

  /** Paths are from the start of this walk from now on. */
  beginWalk({ way }: WalkStart): void {
    this.#prefix = way.map((step) => `${displayName(step)}/`).join('');
    this.#way = way;
    this.#lost.clear();
    this.broken = [];
  }

  add(type: NodeType, bytes: number): void {
    if (type === 'dir') this.sent.folders += 1;
    else if (type === 'file') this.sent.files += 1;
    else this.sent.others += 1;
    this.sent.bytes += bytes;
  }

  skip(path: Buffer, reason: string): void {
    this.#emit({ type: 'item-skipped', path: this.#shown(path), reason });
  }

  /** An entry that is not in the target, or not with its content; further names of it are then lost as well. */
  lose(path: Buffer, reason: string): void {
    this.#lost.add(path.toString('latin1'));
    this.#miss(path);
    this.#fail(path, reason);
  }

  /** What is made and does not get to its place, which holds something that stays. */
  leave(path: Buffer, reason: string): void {
    this.#prefix = '';
    this.#fail(path, reason);
  }

  /** Of any walk, by its path in the target: whether there is nothing of it to be moved. */
  isMissing(path: Buffer): boolean {
    return this.#missing.has(path.toString('latin1'));
  }

  isLost(path: Buffer): boolean {
    return this.#lost.has(path.toString('latin1'));
  }

  onChildrenOfNoFolder(path: Buffer, { type }: Node): void {
    const what = type === 'symlink' ? 'a symbolic link' : type === 'file' ? 'a file' : `of the type "${type}"`;
    this.#fail(path, `it is ${what}, and what the repository lists below it can be nowhere`);
  }

  onLostFolder(path: Buffer, reason: string): void {
    this.#fail(path, `the folder is empty, because what was in it cannot be restored (${reason})`);
  }

  onFarFolder(start: WalkStart): void {
    this.starts.push(start);
  }

  /** What tar says of an entry that was handed to it whole. */
  hear(message: Exclude<TarMessage, { kind: 'full' | 'fatal' | 'noise' }>): void {
    if (message.kind === 'attribute') return this.notKeep(message.what, message.path);
    if (message.kind === 'broken') this.broken.push(message.path);
    // tar may say two things of one entry, one after the other.
    const path = message.path.toString('latin1');
    if (path === this.#refused) return;
    this.#refused = path;
    this.refused += 1;
    this.#miss(message.path);
    this.#fail(message.path, message.reason);
  }

  /** An entry that is there, without something that belongs to it. */
  notKeep(what: string, path: Buffer): void {
    const known = this.#notKept.get(what) ?? { entries: 0, examples: [] };
    known.entries += 1;
    if (known.examples.length < EXAMPLES) known.examples.push(this.#shown(path));
    this.#notKept.set(what, known);
  }

  /** An entry that gets another name, because the target cannot hold its own. */
  rename(path: Buffer, other: Buffer): void {
    this.#renamed += 1;
    if (this.#renames.length < NAMED) this.#renames.push({ path: this.#shown(path), name: displayName(other) });
  }

  /** Something about the restore as a whole. */
  remark(message: string, advice: string): void {
    this.#emit({ type: 'warning', code: 'restore.failed', message, advice });
  }

  /** One warning for each kind of loss, at the end, when their numbers are known. */
  tellNotKept(): void {
    for (const { what, entries, examples } of this.notKept) {
      const named = examples.slice(0, 3).map((path) => `"${path}"`);
      const more = entries > named.length ? ` and ${entries - named.length} more` : '';
      this.remark(
        `Not kept: ${what}, of ${named.join(', ')}${more}.`,
        'The content is whole. Restore as root, and onto a file system that can hold this, to get it all.',
      );
    }
  }

  /** The error of a restore of which nothing came; undefined when something did, or nothing was wanted. */
  failure(target: string): StillpointError | undefined {
    const [first] = this.#named;
    const { files, folders, others } = this.sent;
    if (first === undefined || files + folders + others > 0) return undefined;
    return new StillpointError(
      'restore.failed',
      `None of the ${this.#leftOut} entries could be restored into "${target}"; the first is "${first.path}": ${first.reason}.`,
      {
        advice: 'The events of the run name what is missing; run verify if content is damaged.',
        details: { target, leftOut: this.#leftOut, named: this.#named.slice(0, 50) },
        cause: undefined,
      },
    );
  }

  #miss(path: Buffer): void {
    this.#missing.add([...this.#way, path].map((part) => part.toString('latin1')).join('/'));
  }

  #fail(path: Buffer, reason: string): void {
    this.#leftOut += 1;
    if (this.#named.length >= NAMED) return;
    const shown = this.#shown(path);
    this.#named.push({ path: shown, reason });
    this.#emit({
      type: 'warning',
      code: 'restore.failed',
      message: `"${shown}" could not be restored: ${reason}.`,
      advice:
        'It is missing in the folder, is there without its content, or is as it was before. Everything else continues.',
    });
  }

  #shown(path: Buffer): string {
    const whole = this.#prefix + displayName(path);
    return whole.length <= SHOWN ? whole : `${whole.slice(0, SHOWN / 2)}…${whole.slice(-SHOWN / 2)}`;
  }
}
