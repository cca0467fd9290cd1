/**
 * Planning a prune: read what is needed, measure every pack, choose. It changes nothing, and it refuses wherever it
 * cannot be sure: a restore point, an index file or a tree that cannot be read, a needed pack that is damaged, or packs
 * without any restore point.
 *
 * Restore points are read before the index and the index before the list of packs, so that a backup may run while a
 * plan is only looked at; applying one happens under an exclusive lock.
 */
import { isStillpointError, StillpointError } from '../../base/errors.ts';
import { mapWithLimit } from '../../base/limit.ts';
import { planIdOf } from '../../domain/plan-id.ts';
import { type PruneFigures, type PruneOptions, type PrunePlan, prunePlan } from '../../domain/prune-plan.ts';
import { isId, type PackId } from '../ids.ts';
import type { OpenedRepository } from '../opened-repository.ts';
import type { RestorePointList } from '../point-reader.ts';
import { folderIsGone, listPacks } from '../read/pack-listing.ts';
import type { RestorePoint } from '../restore-point.ts';
import { choosePacks, type PackChoice, sum } from './choose-packs.ts';
import { measureUsage, type Usage } from './pack-usage.ts';
import { type BlobSet, findUsedBlobs } from './used-blobs.ts';

/** A plan with what applying it needs; only good for the index in memory that it was made from. */
export interface PreparedPrune {
  readonly plan: PrunePlan;
  readonly used: BlobSet;
  readonly keptIn: Usage['keptIn'];
}

export interface PlanPruneOptions extends PruneOptions {
  /** Restore points that count as gone already. */
  readonly without?: ReadonlySet<string>;
}

export async function planPrune(
  repository: OpenedRepository,
  { without, ...options }: PlanPruneOptions,
  signal: AbortSignal,
): Promise<PreparedPrune> {
  refuseOptions(repository, options);
  const list = await repository.listRestorePoints(signal);
  const points = pointsThatStay(list, without);
  await repository.reloadIndex(signal);
  const listing = await listPacks(repository, signal);
  const { sizes } = listing;
  const holdsData = repository.index.packCount > 0 || sizes.size > 0;
  if (list.points.length + list.findings.length === 0 && holdsData) throw noPointSeen(repository, sizes.size);
  if (listing.goneFolders.size > 0)
    throw folderIsGone(repository, listing, 'run "stillpoint repair index --give-up-folders", then prune');
  await assertPointsListed(repository, list, signal);
  const used = await findUsedBlobs(repository, points, signal);
  const { packs, keptIn, duplicates } = measureUsage(repository.index, used, sizes);
  const choice = choosePacks(packs, repository.version, options);
  const unreferenced = [...sizes.keys()].filter((id) => !repository.index.hasPack(id)).toSorted();
  const content = {
    options,
    figures: figuresOf({ choice, used, duplicates, sizes, unreferenced }),
    repack: choice.repack.map(({ id }) => id),
    unused: choice.unused.map(({ id }) => id),
    unreferenced,
    missing: choice.missing.map(({ id }) => id),
  };
  const id = planIdOf({ repository: repository.id, kind: 'prune', ...content });
  return { plan: prunePlan(id, content), used, keptIn };
}

function refuseOptions({ version, title }: OpenedRepository, { repackUncompressed }: PruneOptions): void {
  if (version === 2 || repackUncompressed !== true) return;
  throw new StillpointError('usage.invalid', `The ${title} has format 1, which has no compression.`, {
    advice: 'Leave out the option to compress.',
    cause: undefined,
  });
}

/**
 * A folder that is not there or not mounted is to many stores an empty one. Who forgets the last restore points in the
 * same act is not hit: they are still seen then.
 */
function noPointSeen({ title, index }: OpenedRepository, stored: number): StillpointError {
  const packs = Math.max(index.packCount, stored);
  return new StillpointError(
    'repository.damaged',
    `Nothing can be pruned: no restore point is seen in the ${title}, which holds ${packs} ${packs === 1 ? 'pack' : 'packs'}.`,
    {
      advice:
        'All of them would look unused and be deleted. Check that the whole repository is there and mounted, above all the folder "snapshots". If all restore points were forgotten on purpose, remove the repository, or back up again first.',
      details: { indexedPacks: index.packCount, storedPacks: stored },
      cause: undefined,
    },
  );
}

/**
 * A restore point that a listing leaves out would lose its data. Those that others name, as their parent or as what they
 * are a copy of, are asked for by name; most of them were forgotten and are not there.
 */
async function assertPointsListed(
  { files: { backend }, title }: OpenedRepository,
  { points, findings }: RestorePointList,
  signal: AbortSignal,
): Promise<void> {
  const listed = new Set<string>([...points.map(({ id }) => id), ...findings.flatMap(({ affects }) => affects)]);
  const named = new Set(points.flatMap(({ parent, original }) => [parent ?? '', original ?? '']));
  const unlisted = [...named].filter((id) => isId(id) && !listed.has(id));
  const there = await mapWithLimit(unlisted, backend.properties.connections, (name) =>
    backend.stat({ type: 'snapshots', name }, signal).then(
      () => [name.slice(0, 8)],
      (error: unknown) => {
        if (isStillpointError(error, 'backend.not-found')) return [];
        throw error;
      },
    ),
  );
  const [first] = there.flat();
  if (first === undefined) return;
  throw new StillpointError(
    'repository.damaged',
    `Nothing can be pruned: the listing of restore points of the ${title} leaves out ${there.flat().slice(0, 5).join(', ')}, which is there.`,
    {
      advice:
        'What only such restore points need would look unused and be deleted. Look at what lists the files, such as a server that does not follow links, and prune when the listing is whole.',
      details: { restorePoints: there.flat().slice(0, 50) },
      cause: undefined,
    },
  );
}

function pointsThatStay(
  { points, findings }: RestorePointList,
  without: ReadonlySet<string> | undefined,
): readonly RestorePoint[] {
  const names = findings.flatMap(({ affects }) => affects).filter((id) => without?.has(id) !== true);
  if (names.length === 0) return points.filter(({ id }) => without?.has(id) !== true);
  throw new StillpointError(
    'repository.damaged',
    `Nothing can be pruned: ${names.length === 1 ? 'a restore point' : `${names.length} restore points`} cannot be read: ${names.map((id) => id.slice(0, 8)).join(', ')}.`,
    {
      advice:
        'What only they need would look unused and be deleted. Bring these back from a copy of the files of the repository, or forget them by their ids.',
      details: { restorePoints: names },
      cause: undefined,
    },
  );
}

interface Measured {
  readonly choice: PackChoice;
  readonly used: BlobSet;
  readonly duplicates: number;
  readonly sizes: ReadonlyMap<PackId, number>;
  readonly unreferenced: readonly PackId[];
}

function figuresOf({ choice, used, duplicates, sizes, unreferenced }: Measured): PruneFigures {
  const { keep, repack, unused, missing } = choice;
  const all = [...keep, ...repack, ...unused];
  const total = (ids: Iterable<PackId>): number => [...ids].reduce((bytes, id) => bytes + (sizes.get(id) ?? 0), 0);
  return {
    packs: {
      keep: keep.length,
      repack: repack.length,
      unused: unused.length,
      unreferenced: unreferenced.length,
      missing: missing.length,
    },
    blobs: {
      used: used.size,
      unused: sum(all, 'unusedBlobs') - duplicates,
      duplicates,
    },
    bytes: {
      stored: total(sizes.keys()),
      used: sum(all, 'usedBytes'),
      unused: sum(all, 'unusedBytes'),
      freed: total(unreferenced) + sum(unused, 'sizeBytes') + sum(repack, 'unusedBytes'),
      rewritten: sum(repack, 'usedBytes'),
      unusedAfter: sum(keep, 'unusedBytes'),
    },
  };
}
