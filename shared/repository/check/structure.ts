/**
 * The look at the structure of a repository, with which `check`, `verify` and the repairs begin: the small files, the
 * index, the names and sizes of packs; and the end of each look, which traces what was found to its victims.
 */
import { formatBytes } from '../../base/bytes.ts';
import type { OpenedRepository } from '../opened-repository.ts';
import type { CheckResult } from '../repository.ts';
import type { RestorePoint } from '../restore-point.ts';
import { Damage } from './damage.ts';
import { checkKeys, checkLocks, checkPoints, ForeignFiles, readIndexes } from './files.ts';
import { PackFaults, type PackSurvey, surveyPacks } from './packs.ts';
import { Survey } from './survey.ts';

/** What the look at the structure found. */
export interface Structure {
  readonly damage: Damage;
  readonly points: readonly RestorePoint[];
  readonly packs: PackSurvey;
  readonly faults: PackFaults;
  readonly damagedIndexes: readonly string[];
}

/** Restore points are read before the index, and the index before the packs, so that a backup may run meanwhile. */
export async function inspectStructure(repository: OpenedRepository, signal: AbortSignal): Promise<Structure> {
  const damage = new Damage();
  const foreignFiles = new ForeignFiles(damage);
  const points = await checkPoints(repository, damage, signal);
  await checkKeys(repository, damage, signal);
  const { othersWork } = await checkLocks(repository, damage, signal);
  const lost = await readIndexes(repository, signal);
  for (const { name, message } of lost) damage.add(`index:${name}`, message, LOST_INDEX);
  const packs = await surveyPacks(repository, foreignFiles, signal);
  await foreignFiles.look(repository, ['keys', 'index', 'snapshots', 'locks'], signal);
  foreignFiles.tellLeftovers(othersWork);
  const [first] = lost;
  const faults = new PackFaults(repository, damage, packs, first && `index:${first.name}`);
  return { damage, points, packs, faults, damagedIndexes: lost.map(({ name }) => name) };
}

const LOST_INDEX =
  'The packs that it named are not lost. Run "stillpoint repair index": it reads their headers and writes a new index.';

/** Traces what was found to the restore points and files that it hits. */
export async function conclude(
  repository: OpenedRepository,
  { damage, points, faults }: Structure,
  signal: AbortSignal,
): Promise<Omit<CheckResult, 'bytesRead'>> {
  await new Survey({ repository, damage, causeOf: faults.causeOf, signal }).examine(points);
  faults.tellUnreferenced();
  const { index } = repository;
  const { blobs, bytes } = index.countDuplicates();
  if (blobs > 0) {
    const message = `Blobs that are stored more than once: ${blobs} (${formatBytes(bytes)}).`;
    damage.add('duplicates', message, 'They harm nothing; prune makes one of them.', 'information');
  }
  return {
    findings: damage.findings,
    packs: index.packCount,
    blobs: index.blobCount,
    restorePoints: points.map(({ id }) => id),
  };
}
