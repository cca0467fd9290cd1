/**
 * Restore points without what is lost. Each damaged one gets a copy in which a file whose content is not all there is
 * left out, and a folder whose tree cannot be read is empty; the plan lists both. Nothing is shortened: a file that is
 * there is there whole. The copy has the tag "repaired" and names the original.
 *
 * Crash story: trees first, then the copies, and only then, if that was asked for, the originals go, each after its
 * copy was read back and walked through, in this run. A copy that an earlier repair made and that was damaged since is
 * mended by writing its trees again; while it waits for that it counts as no loss of its own.
 */
import { StillpointError } from '../../base/errors.ts';
import type { RepairLoss, RepairStep, RepairWish } from '../../domain/repair-plan.ts';
import { Damage } from '../check/damage.ts';
import { packName } from '../check/pack-proof.ts';
import { proveChosen } from '../check/prove-chosen.ts';
import { inspectStructure, type Structure } from '../check/structure.ts';
import { Survey } from '../check/survey.ts';
import type { BlobId, BlobType } from '../format/ids.ts';
import type { OpenedRepository } from '../opened-repository.ts';
import { readPackHeader } from '../read/pack-header.ts';
import type { RestorePoint, RestorePointDraft } from '../restore-point.ts';
import type { PreparedRepair } from './index-repair.ts';
import { assertPacksThere, cannotRead, indexComesFirst, makePlan, step } from './make-plan.ts';
import { type RepairRun, removeFile } from './replace-index.ts';
import { TreeRewriter } from './tree-rewriter.ts';

const TAG = 'repaired';

interface HurtPoint {
  readonly point: RestorePoint;
  /** Of the copy; undefined where nothing of it can be read. */
  readonly tree: BlobId | undefined;
  /** That an earlier repair made; the point itself where writing its trees again makes it whole. */
  readonly copy: RestorePoint | undefined;
  /** Whether all trees of the copy are there and sound. */
  readonly isCopyWhole: boolean;
  readonly loss: RepairLoss | undefined;
}

type CauseOf = (type: BlobType, id: BlobId) => string | undefined;

export async function planPointRepair(
  repository: OpenedRepository,
  wish: RepairWish,
  signal: AbortSignal,
): Promise<PreparedRepair> {
  const structure = await inspectStructure(repository, signal);
  assertPacksThere(repository, structure);
  await assertIndexIsSound(repository, structure, signal);
  const { causeOf } = structure.faults;
  const rewriter = new TreeRewriter({ repository, causeOf, signal, store: () => Promise.resolve() });
  const hurt = await findHurt(structure.points, rewriter);
  const unreadable = structure.damage.findings.filter(
    ({ message }) => message.includes('restore point') && message.startsWith('The file of'),
  );
  const files = unreadable.length === 0 ? [] : await damagedFiles(repository, structure, signal);
  const plan = makePlan(repository, wish, {
    writes: hurt.flatMap(({ point, tree, copy, isCopyWhole }): RepairStep[] =>
      tree === undefined || isCopyWhole
        ? []
        : copy === undefined
          ? [step('snapshots', point.id, 'a copy without what is lost, with the tag "repaired"')]
          : [step('snapshots', copy.id, `its folders again, as restore point ${point.id.slice(0, 8)} has them`)],
    ),
    removes:
      wish.forget === true
        ? [
            ...hurt
              .filter(isReplaced)
              .map(({ point, tree }) =>
                step(
                  'snapshots',
                  point.id,
                  tree === undefined ? 'nothing of it can be read' : 'its repaired copy replaces it',
                ),
              ),
            ...files.map((name) => step('snapshots', name, 'its file cannot be read')),
          ]
        : [],
    lost: hurt.map(({ loss }) => loss).filter((loss) => loss !== undefined),
    notes:
      wish.forget === true ? [] : files.map((name) => step('snapshots', name, 'cannot be read; --forget removes it')),
    exact: [...hurt.flatMap(({ point, tree }) => [point.id, tree ?? '']), ...files],
  });
  return {
    plan,
    apply: (run) => applyPointRepair(repository, { hurt, files, causeOf, forget: wish.forget === true }, run),
  };
}

async function findHurt(points: readonly RestorePoint[], rewriter: TreeRewriter): Promise<readonly HurtPoint[]> {
  const hurt: HurtPoint[] = [];
  for (const point of points) {
    const { tree, lost, more } = await rewriter.rewrite(point.tree);
    if (lost.length === 0) continue;
    if (tree === point.tree) {
      hurt.push({ point, tree, copy: point, isCopyWhole: false, loss: undefined });
      continue;
    }
    const copy = tree && points.find((other) => isCopyOf(other, point, tree));
    // The id of its tree says what the copy should hold; only a walk says that it does.
    const isCopyWhole = copy !== undefined && (await rewriter.rewrite(copy.tree)).lost.length === 0;
    hurt.push({ point, tree, copy, isCopyWhole, loss: lossOf(point, tree, lost, more) });
  }
  const mended = new Set(hurt.filter(isReplaced).map(({ copy }) => copy?.id));
  return hurt.filter(({ point }) => !mended.has(point.id));
}

function isReplaced({ point, copy }: HurtPoint): boolean {
  return copy !== point;
}

function lossOf({ id }: RestorePoint, tree: BlobId | undefined, lost: readonly string[], more: number): RepairLoss {
  const short = id.slice(0, 8);
  const affects = lost.map((path) => `${short}:${path === '' ? '/' : path}`);
  return {
    object: `restore point ${short}`,
    reason:
      tree === undefined ? 'nothing of it can be read' : 'these files and folders are left out or empty in the copy',
    affects: more > 0 ? [...affects, `and ${more} more`] : affects,
  };
}

function isCopyOf(other: RestorePoint, point: RestorePoint, tree: BlobId): boolean {
  return other.tree === tree && other.original === (point.original ?? point.id) && other.tags?.includes(TAG) === true;
}

/** What is only missing from the index is not lost. */
async function assertIndexIsSound(
  repository: OpenedRepository,
  structure: Structure,
  signal: AbortSignal,
): Promise<void> {
  if (structure.damagedIndexes.length > 0) throw indexComesFirst('Index files of the repository cannot be read.');
  const { suspects } = structure.packs;
  const { faulty } = await proveChosen(repository, structure, { signal, choose: (id) => suspects.has(id) });
  for (const { pack, readFault } of faulty) {
    if (readFault !== undefined) throw cannotRead(packName(pack.id), readFault);
  }
  if (faulty.some(({ header }) => header.kind === 'differs'))
    throw indexComesFirst('The index disagrees with packs that are there.');
  const { unnamed } = structure.packs;
  if (unnamed.length === 0 || !(await needsUnnamed(repository, structure, signal))) return;
  for (const { id, size } of unnamed) {
    // One whose header cannot be read is of no use to an index.
    if (typeof (await readPackHeader(repository, id, size, signal)) === 'string') continue;
    throw indexComesFirst('Restore points need blobs that no index names, and packs that no index names are there.');
  }
}

async function needsUnnamed(
  repository: OpenedRepository,
  { faults, points }: Structure,
  signal: AbortSignal,
): Promise<boolean> {
  let isNeeded = false;
  const causeOf: CauseOf = (type, id) => {
    const cause = faults.causeOf(type, id);
    isNeeded ||= cause !== undefined;
    return cause;
  };
  await new Survey({ repository, damage: new Damage(), causeOf, signal }).examine(points);
  return isNeeded;
}

async function damagedFiles(
  repository: OpenedRepository,
  { points }: Structure,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const good = new Set<string>(points.map(({ id }) => id));
  return (await repository.files.listNames('snapshots', signal)).filter((name) => !good.has(name));
}

interface PointRepair {
  readonly hurt: readonly HurtPoint[];
  readonly files: readonly string[];
  readonly causeOf: CauseOf;
  readonly forget: boolean;
}

async function applyPointRepair(
  repository: OpenedRepository,
  { hurt, files, causeOf, forget }: PointRepair,
  { lock, signal, onProgress }: RepairRun,
): Promise<void> {
  const copies: RestorePoint[] = [];
  {
    await using writer = await repository.openWriter(lock, { workers: 1 });
    const store = async (text: Buffer): Promise<void> => void (await (await writer.put('tree', text, signal)).saved);
    const rewriter = new TreeRewriter({ repository, causeOf, signal, store });
    const wanted = hurt.filter(({ tree }) => tree !== undefined);
    for (const { point, isCopyWhole } of wanted) if (!isCopyWhole) await rewriter.rewrite(point.tree);
    await writer.flush(signal);
    for (const { point, tree, copy } of wanted) {
      copies.push(copy ?? (await repository.saveRestorePoint(copyOf(point, tree as BlobId), lock, signal)));
      onProgress(copies.length, wanted.length);
    }
  }
  for (const copy of copies) await proveCopy(repository, copy, causeOf, signal);
  if (!forget) return;
  for (const { point } of hurt.filter(isReplaced)) await removeFile(repository, 'snapshots', point.id, lock, signal);
  for (const name of files) await removeFile(repository, 'snapshots', name, lock, signal);
}

/** What the backup counted is not true of the copy, so it is not said of it. */
function copyOf(point: RestorePoint, tree: BlobId): RestorePointDraft {
  const { id, statistics: _, ...rest } = point;
  return {
    ...rest,
    tree,
    original: point.original ?? id,
    tags: [...(point.tags ?? []).filter((tag) => tag !== TAG), TAG],
  };
}

async function proveCopy(
  repository: OpenedRepository,
  { id }: RestorePoint,
  causeOf: CauseOf,
  signal: AbortSignal,
): Promise<void> {
  const damage = new Damage();
  damage.add('lost', 'lost', '');
  const stored = await repository.findRestorePoint(id, signal);
  const isLost: CauseOf = (type, blob) => (causeOf(type, blob) === undefined ? undefined : 'lost');
  await new Survey({ repository, damage, causeOf: isLost, signal }).examine([stored]);
  if (damage.findings.every(({ affects, advice }) => affects.length === 0 || advice?.includes('Compare') === true))
    return;
  throw new StillpointError(
    'repository.damaged',
    `The repaired copy ${id.slice(0, 8)} of a restore point is not whole.`,
    {
      advice: 'Nothing was removed. Run verify, and repair packs if it finds damage.',
      cause: undefined,
    },
  );
}
