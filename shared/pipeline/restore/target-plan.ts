/**
 * What a restore does with a folder that holds other things, entry by entry, before anything is written.
 *
 * Invariants. Only what the plan names is written. Folders that are there stay as they are, and links are never gone
 * through: what would lie behind one is in the way. No folder is ever removed
 * for something else, and nothing for a folder; a link to a file is a file here.
 */
import { displayName } from '../../base/bytes.ts';
import type { Overwrite, RestorePlan } from '../../domain/restore-plan.ts';
import type { SkippedItem } from '../../domain/verbs/backup.ts';
import type { RemoteHost } from '../../remote/remote-host.ts';
import type { Node } from '../../repository/node.ts';
import type { PointReader } from '../../repository/point-reader.ts';
import { timestampToNs } from '../../repository/timestamp.ts';
import { type Existing, type KnownFolder, lookAtPaths } from './existing.ts';
import { planFile, ZeroBlobs } from './file-plan.ts';
import { HardLinks } from './hard-links.ts';
import { isRestorable } from './node-head.ts';
import type { Move } from './place.ts';
import { MOUNTED_THERE } from './target-errors.ts';
import {
  type Choice,
  type Renames,
  type SelectedEntry,
  type Verdict,
  type WalkedTrees,
  type WalkNotes,
  type WalkStart,
  walkSelected,
} from './walk.ts';

/** Longer lists are counted and no longer named. */
const NAMED = 200;
/** Of a path that the kernel can be asked about, with room for a name. */
const LONGEST = 3500;
const BATCH = 500;

class Paths {
  count = 0;
  readonly named: SkippedItem[] = [];

  add(path: Buffer, reason: string): void {
    this.count += 1;
    if (this.named.length < NAMED) this.named.push({ path: displayName(path), reason });
  }

  remove(path: Buffer): void {
    this.count -= 1;
    const at = this.named.findIndex((one) => one.path === displayName(path));
    if (at >= 0) this.named.splice(at, 1);
  }
}

/** What is known of a folder on the way: it is there, it will be new, or something is in its way. */
interface Above {
  readonly path: Buffer;
  readonly state: 'there' | 'new' | 'blocked';
}

type PlannedPoint = WalkedTrees & Pick<PointReader, 'blobSize'>;

export interface PlanPorts {
  readonly host: RemoteHost;
  /** Undefined where it will be made: then all is new. */
  readonly target: KnownFolder | undefined;
  readonly overwrite: Overwrite;
  readonly room: number | undefined;
  /** Whether several names of a file are one file there. */
  readonly hardLinks: boolean;
  readonly renames?: Renames | undefined;
}

const NO_NOTES: WalkNotes = {
  onChildrenOfNoFolder: () => undefined,
  onLostFolder: () => undefined,
  onFarFolder: () => undefined,
};
const EVERYTHING: Choice = { judge: () => 'in' };

/** Errors: `restore.target` where the target is not what it was, `repository.…`. */
export async function planTarget(
  repository: PlannedPoint,
  start: WalkStart,
  ports: PlanPorts,
  signal: AbortSignal,
): Promise<TargetPlan> {
  const plan = new TargetPlan(start.choice ?? EVERYTHING, repository, ports);
  const options = { renames: ports.renames, isForKernel: false, signal };
  const choice = start.choice ?? EVERYTHING;
  let batch: SelectedEntry[] = [];
  for await (const entry of walkSelected(repository, { ...start, choice }, NO_NOTES, options)) {
    batch.push(entry);
    if (batch.length < BATCH) continue;
    await plan.take(batch, signal);
    batch = [];
  }
  await plan.take(batch, signal);
  return plan;
}

export class TargetPlan implements Choice {
  /** Of what is there: folders to go into, and what is replaced or stays. What is not named is new. */
  readonly #known = new Map<string, Verdict>();
  readonly #asked: Choice;
  readonly #repository: Pick<PointReader, 'blobSize'>;
  readonly #zeros = new ZeroBlobs();
  readonly #links = new HardLinks();
  readonly #device: string | undefined;
  readonly #ports: PlanPorts;
  readonly #added = { files: 0, folders: 0, others: 0 };
  readonly #overwritten = new Paths();
  readonly #leftAlone = new Paths();
  readonly #inTheWay = new Paths();
  /** What goes to its place by itself: what is replaced, and what is new in a folder that is there. */
  readonly moves: Move[] = [];
  #bytes = 0;
  #above: Above[] = [];

  constructor(asked: Choice, repository: Pick<PointReader, 'blobSize'>, ports: PlanPorts) {
    this.#repository = repository;
    this.#device = ports.target?.id.split(':')[0];
    this.#asked = asked;
    this.#ports = ports;
  }

  get report(): RestorePlan {
    const { count, named } = this.#overwritten;
    return {
      added: this.#added,
      overwritten: { count, named: named.map(({ path }) => path) },
      leftAlone: { count: this.#leftAlone.count, named: this.#leftAlone.named },
      inTheWay: { count: this.#inTheWay.count, named: this.#inTheWay.named },
      bytes: this.#bytes,
      room: this.#ports.room,
    };
  }

  /** Of a move that was not made: what was to go is still there. */
  stays({ path, expected }: Move): void {
    if (expected !== undefined) this.#overwritten.remove(path);
  }

  judge(place: Buffer, node: Node, isIn: boolean): Verdict {
    const asked = this.#asked.judge(place, node, isIn);
    const known = this.#known.get(place.toString('latin1'));
    if (asked === 'out' || known === undefined) return asked;
    return known === 'within' && asked === 'way' ? 'way' : known;
  }

  /** The next entries of the walk. */
  async take(entries: readonly SelectedEntry[], signal: AbortSignal): Promise<void> {
    const { target, host } = this.#ports;
    const asked = target === undefined ? [] : entries.filter(({ path }) => this.#isOpen(path));
    const found =
      target === undefined || asked.length === 0
        ? []
        : await host.run(
            lookAtPaths(
              target,
              asked.map(({ path }) => path),
            ),
            signal,
          );
    const existing = new Map(asked.map((entry, index) => [entry, found[index]]));
    for (const entry of entries) this.#decide(entry, existing.get(entry));
  }

  /** Whether something may be there, as far as is known before the batch is looked at. */
  #isOpen(path: Buffer): boolean {
    return path.length <= LONGEST && this.#folderOf(path)?.state !== 'new';
  }

  #folderOf(path: Buffer): Above | undefined {
    return this.#above.findLast((above) => isBelow(path, above.path));
  }

  #decide(entry: SelectedEntry, existing: Existing | undefined): void {
    const { path, node } = entry;
    if (!isRestorable(node.type)) return;
    this.#above = this.#above.filter((above) => isBelow(path, above.path));
    const state = this.#above.at(-1)?.state ?? (this.#ports.target === undefined ? 'new' : 'there');
    const enter = (next: Above['state']): void => {
      if (node.type === 'dir') this.#above.push({ path, state: next });
    };
    if (state !== 'there') {
      if (state === 'new') this.#add(entry, false);
      return enter(state);
    }
    const obstacle = existing === undefined ? tooLong(path) : this.#obstacle(node, existing);
    if (obstacle !== undefined) {
      this.#inTheWay.add(path, obstacle);
      return enter('blocked');
    }
    if (existing === undefined) {
      this.#add(entry, true);
      return enter('new');
    }
    if (node.type === 'dir') {
      this.#know(entry, 'within');
      return enter('there');
    }
    const reason = this.#reasonToLeave(node, existing);
    this.#know(entry, reason === undefined ? 'in' : 'out');
    if (reason !== undefined) return this.#leftAlone.add(path, reason);
    this.#overwritten.add(path, '');
    this.moves.push({ path, expected: existing.unchanged, bytes: this.#count(entry) });
  }

  #add(entry: SelectedEntry, isTop: boolean): void {
    const { path, node } = entry;
    const bytes = this.#count(entry);
    if (node.type === 'dir') this.#added.folders += 1;
    else if (node.type === 'file') this.#added.files += 1;
    else this.#added.others += 1;
    const last = this.moves.at(-1);
    if (isTop) this.moves.push({ path, expected: undefined, bytes });
    else if (last !== undefined) last.bytes += bytes;
  }

  /** Its size; what is to be written of it is counted. A file with several names counts with the first of them. */
  #count({ path, node }: SelectedEntry): number {
    if (this.#ports.hardLinks && this.#links.claim(node, path) !== undefined) return 0;
    const { type, content = [] } = node;
    const file = type === 'file' ? planFile(content, this.#repository, this.#zeros) : undefined;
    if (file === undefined || 'missing' in file) return 0;
    this.#bytes += file.storedBytes;
    return file.size;
  }

  #know({ place }: SelectedEntry, verdict: Verdict): void {
    if (place !== undefined) this.#known.set(place.toString('latin1'), verdict);
  }

  #obstacle({ type }: Node, existing: Existing): string | undefined {
    if (type === 'dir') {
      if (existing.isSymlink) return 'it is a folder, and a symbolic link is there';
      if (!existing.isFolder) return 'it is a folder, and something else is there';
      if (existing.isRepository) return 'a repository is there';
      return existing.device === this.#device ? undefined : MOUNTED_THERE;
    }
    return existing.isFolder ? 'a folder is there' : undefined;
  }

  #reasonToLeave({ mtime }: Node, { modifiedNs }: Existing): string | undefined {
    const { overwrite } = this.#ports;
    if (overwrite === 'always') return undefined;
    if (overwrite === 'never') return 'it is there';
    return modifiedNs < timestampToNs(mtime) ? undefined : 'what is there is not older';
  }
}

function isBelow(path: Buffer, folder: Buffer): boolean {
  return path.length > folder.length && path[folder.length] === 0x2f && path.subarray(0, folder.length).equals(folder);
}

function tooLong(path: Buffer): string | undefined {
  return path.length > LONGEST ? 'its path is too long to see what is there' : undefined;
}
