/**
 * Restore points without what is lost. Each damaged one gets a copy in which a file whose content is not all there is
 * left out, and a folder whose tree cannot be read is empty; the plan lists both. Nothing is shortened: a file that is
 * there is there whole. The copy has the tag "repaired" and names the original.
 *
 * What is damaged is looked at again before anything is done, and has to show the same damage: one bad answer of a disk
 * or a connection is no reason to give up a restore point.
 *
 * Crash story: trees first, then the copies, and only then, if that was asked for, the originals go, each after its
 * copy was read back and walked through, in this run. A copy that an earlier repair made and that was damaged since is
 * mended by writing its trees again; while it waits for that it counts as no loss of its own.
 */
import { StillpointError } from '../../base/errors.ts';
import type { RepairLoss, RepairScope, RepairStep } from '../../domain/repair-plan.ts';
import { REPAIRED_TAG, withLost } from '../../domain/wholeness.ts';
import { describeFile } from '../backend/backend.ts';
import { Damage } from '../check/damage.ts';
import { packName } from '../check/pack-proof.ts';
import { proveChosen } from '../check/prove-chosen.ts';
import { inspectStructure, type Structure } from '../check/structure.ts';
import { Survey } from '../check/survey.ts';
import type { BlobId, BlobType } from '../ids.ts';
import type { OpenedRepository } from '../opened-repository.ts';
import { readPackHeader } from '../read/pack-header.ts';
import type { RestorePoint, RestorePointDraft } from '../restore-point.ts';
import { type DamagedFile, findDamagedPoints } from './damaged-points.ts';
import type { PreparedRepair } from './index-repair.ts';
import { assertPacksThere, cannotRead, indexComesFirst, makePlan, readsDiffer, step } from './make-plan.ts';
import { type RepairRun, removeFile } from './replace-index.ts';
import { TreeRewriter } from './tree-rewriter.ts';

interface DamagedPoint {
  readonly point: RestorePoint;
  /** Of the copy; undefined where nothing of it can be read. */
  readonly tree: BlobId | undefined;
  /** That an earlier repair made; the point itself where writing its trees again makes it whole. */
  readonly copy: RestorePoint | undefined;
  /** Whether all trees of the copy are there and sound. */
  readonly isCopyWhole: boolean;
  readonly loss: RepairLoss | undefined;
  /** The first of the paths that the copy lacks, or has without what was in them; and how many there are. */
  readonly lost: readonly string[];
  readonly lostCount: number;
}

/** Restore points that one copy stands for. */
type DamagedGroup = readonly [DamagedPoint, ...DamagedPoint[]];

type CauseOf = (type: BlobType, id: BlobId) => string | undefined;

/** What was read, and what it says is damaged. */
interface Seen {
  readonly damaged: readonly DamagedPoint[];
  readonly files: readonly DamagedFile[];
  readonly causeOf: CauseOf;
}

export async function planPointRepair(
  repository: OpenedRepository,
  scope: RepairScope,
  signal: AbortSignal,
): Promise<PreparedRepair> {
  const seen = await lookAt(repository, signal);
  const { damaged, files } = seen;
  const plan = makePlan(repository, scope, {
    writes: writesOf(damaged),
    removes: scope.forget === true ? removesOf(seen) : [],
    lost: damaged.map(({ loss }) => loss).filter((loss) => loss !== undefined),
    notes: scope.forget === true ? [] : notesOf(seen),
    exact: [...damaged.flatMap(({ point, tree }) => [point.id, tree ?? '']), ...files.map(({ name }) => name)],
  });
  return { plan, apply: (run) => applyPointRepair(repository, seen, scope.forget === true, run) };
}

/** @param only ids of the restore points to look at; none means all */
async function lookAt(repository: OpenedRepository, signal: AbortSignal, only?: ReadonlySet<string>): Promise<Seen> {
  const names = await repository.files.listNames('snapshots', signal);
  const structure = await inspectStructure(repository, signal);
  assertPacksThere(repository, structure, { part: 'points' });
  const points = structure.points.filter(({ id }) => only?.has(id) ?? true);
  await assertIndexIsSound(repository, { ...structure, points }, signal);
  const { causeOf } = structure.faults;
  const rewriter = new TreeRewriter({ repository, causeOf, signal, store: () => Promise.resolve() });
  const damaged = await findDamaged(points, rewriter);
  return { damaged, files: await findDamagedPoints(repository, structure, names, signal), causeOf };
}

function writesOf(damaged: readonly DamagedPoint[]): readonly RepairStep[] {
  return byCopy(damaged).flatMap(([{ point, tree, copy, isCopyWhole }]): RepairStep[] =>
    tree === undefined || isCopyWhole
      ? []
      : copy === undefined
        ? [step('snapshots', point.id, 'a copy without what is lost, with the tag "repaired"')]
        : [step('snapshots', copy.id, `its folders again, as restore point ${point.id.slice(0, 8)} has them`)],
  );
}

/** What stays damaged, so that nothing is left to wonder at when a later check finds it again. */
function notesOf({ damaged, files }: Seen): readonly RepairStep[] {
  return [
    ...damaged
      .filter(isReplaced)
      .map(({ point, tree }) =>
        step(
          'snapshots',
          point.id,
          tree === undefined
            ? 'nothing of it can be read; --forget removes it'
            : 'is damaged and stays beside its repaired copy; --forget removes it',
        ),
      ),
    ...files.map(({ name }) => step('snapshots', name, 'cannot be read; --forget removes it')),
  ];
}

function removesOf({ damaged, files }: Seen): readonly RepairStep[] {
  return [
    ...damaged
      .filter(isReplaced)
      .map(({ point, tree }) =>
        step('snapshots', point.id, tree === undefined ? 'nothing of it can be read' : 'its repaired copy replaces it'),
      ),
    ...files.map(({ name }) => step('snapshots', name, 'its file cannot be read')),
  ];
}

async function findDamaged(points: readonly RestorePoint[], rewriter: TreeRewriter): Promise<readonly DamagedPoint[]> {
  const damaged: DamagedPoint[] = [];
  for (const point of points) {
    const { tree, lost, more } = await rewriter.rewrite(point.tree);
    if (lost.length === 0) continue;
    const gaps = { lost, lostCount: lost.length + more };
    if (tree === point.tree) {
      damaged.push({ point, tree, copy: point, isCopyWhole: false, loss: undefined, ...gaps });
      continue;
    }
    const copy = tree && points.find((other) => isCopyOf(other, point, tree));
    // The id of its tree says what the copy should hold; only a walk says that it does.
    const isCopyWhole = copy !== undefined && (await rewriter.rewrite(copy.tree)).lost.length === 0;
    damaged.push({ point, tree, copy, isCopyWhole, loss: lossOf(point, tree, lost, more), ...gaps });
  }
  const mended = new Set(damaged.filter(isReplaced).map(({ copy }) => copy?.id));
  return damaged.filter(({ point }) => !mended.has(point.id));
}

/**
 * A restore point and its copy of an earlier repair may lose the same again, and both come to the same new copy: were
 * each given one, every repair would double them.
 */
function byCopy(damaged: readonly DamagedPoint[]): readonly DamagedGroup[] {
  const keyOf = ({ point, tree, copy }: DamagedPoint): string =>
    copy?.id ?? `${point.original ?? point.id}:${tree ?? point.id}`;
  return [...Map.groupBy(damaged, keyOf).values()].map((group) => group as [DamagedPoint, ...DamagedPoint[]]);
}

function isReplaced({ point, copy }: DamagedPoint): boolean {
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
  return (
    other.tree === tree &&
    other.original === (point.original ?? point.id) &&
    other.tags?.includes(REPAIRED_TAG) === true
  );
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

async function applyPointRepair(
  repository: OpenedRepository,
  seen: Seen,
  forget: boolean,
  { lock, signal, onProgress }: RepairRun,
): Promise<void> {
  const { damaged, files } = seen;
  const causeOf = await lookAgain(repository, seen, signal);
  const copies: RestorePoint[] = [];
  {
    await using writer = await repository.openWriter(lock, { workers: 1 });
    const store = async (text: Buffer): Promise<void> => void (await (await writer.put('tree', text, signal)).saved);
    const rewriter = new TreeRewriter({ repository, causeOf, signal, store });
    const wanted = damaged.filter(({ tree }) => tree !== undefined);
    for (const { point, tree, isCopyWhole } of wanted) {
      if (!isCopyWhole && (await rewriter.rewrite(point.tree)).tree !== tree) throw readsDiffer(nameOf(point));
    }
    await writer.flush(signal);
    const groups = byCopy(wanted);
    for (const group of groups) {
      copies.push(group[0].copy ?? (await repository.saveRestorePoint(copyOf(group), lock, signal)));
      onProgress(copies.length, groups.length);
    }
  }
  for (const copy of copies) await proveCopy(repository, copy, causeOf, signal);
  if (!forget) return;
  for (const { point } of damaged.filter(isReplaced)) await removeFile(repository, 'snapshots', point.id, lock, signal);
  for (const { name } of files) await removeFile(repository, 'snapshots', name, lock, signal);
}

/**
 * Everything that is to be given up has to show the same damage a second time. What was read and is sound may come from
 * memory; what was not is asked of the store.
 */
async function lookAgain(repository: OpenedRepository, seen: Seen, signal: AbortSignal): Promise<CauseOf> {
  const only = new Set(
    seen.damaged.flatMap(({ point, copy }) => (copy === undefined ? [point.id] : [point.id, copy.id])),
  );
  const again = await lookAt(repository, signal, only);
  const damageOf = ({ damaged, files }: Seen): string =>
    JSON.stringify([
      damaged.map(({ point, tree, copy, isCopyWhole, loss }) => [point.id, tree, copy?.id, isCopyWhole, loss]),
      files,
    ]);
  if (damageOf(again) !== damageOf(seen)) throw readsDiffer('the damaged restore points');
  return again.causeOf;
}

function nameOf({ id }: RestorePoint): string {
  return describeFile({ type: 'snapshots', name: id });
}

/**
 * What the backup counted is not true of the copy, so it is not said of it; what is lost is. It has the tags of all that
 * it stands for: keep rules may go by them.
 */
function copyOf(group: DamagedGroup): RestorePointDraft {
  const [{ point, tree, lost, lostCount }] = group;
  const { id, statistics: _, ...rest } = point;
  const tags = new Set(group.flatMap((one) => one.point.tags ?? []));
  tags.delete(REPAIRED_TAG);
  return {
    ...rest,
    tree: tree as BlobId,
    original: point.original ?? id,
    tags: [...tags, REPAIRED_TAG],
    extra: withLost(
      point,
      lost.map((path) => ({ path: path === '' ? '/' : path, reason: '' })),
      lostCount,
    ),
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
      advice: 'Run verify, and repair packs if it finds damage.',
      cause: undefined,
    },
  );
}
