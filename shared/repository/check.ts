/**
 * Check: is everything there that should be, judged by names, sizes and the small files. It reads keys, index, locks,
 * restore points and all trees, and no file content; `verify` reads that too.
 *
 * Findings are values; only what makes looking impossible (the place is gone) is an error. Data that nothing names is
 * a warning: an interrupted backup leaves it, and it harms nothing.
 */
import { hash } from 'node:crypto';
import { formatBytes } from '../base/bytes.ts';
import { isStillpointError } from '../base/errors.ts';
import { describeFile, type FileType } from './backend/backend.ts';
import { type CauseOf, Damage, Survey } from './damage.ts';
import { type BlobId, type BlobType, isId, type PackId } from './format/ids.ts';
import { packSizeOf } from './format/pack.ts';
import { listLocks } from './locks.ts';
import type { OpenedRepository } from './opened-repository.ts';
import type { CheckResult } from './repository.ts';
import type { RestorePoint } from './restore-point.ts';

/** What the look at the structure found; `verify` goes on from here. */
export interface Structure {
  readonly damage: Damage;
  readonly points: readonly RestorePoint[];
  /** Size of every pack that is there. */
  readonly packSizes: ReadonlyMap<PackId, number>;
  readonly causeOf: CauseOf;
}

export async function checkRepository(repository: OpenedRepository, signal: AbortSignal): Promise<CheckResult> {
  const { damage, points, causeOf } = await inspectStructure(repository, signal);
  await new Survey({ repository, damage, causeOf, signal }).examine(points);
  return {
    findings: damage.findings,
    packs: repository.index.packCount,
    blobs: repository.index.blobCount,
    restorePoints: points.map(({ id }) => id),
    bytesRead: 0,
  };
}

/** Restore points are read before the index, and the index before the packs, so that a backup may run meanwhile. */
export async function inspectStructure(repository: OpenedRepository, signal: AbortSignal): Promise<Structure> {
  const damage = new Damage();
  const { points, findings } = await repository.listRestorePoints(signal);
  for (const finding of findings) damage.addFinding(finding);
  await checkKeys(repository, damage, signal);
  await checkLocks(repository, damage, signal);
  await repository.reloadIndex(signal, (name, error) => damage.add(`index:${name}`, error.message));
  const packSizes = await listPacks(repository, damage, signal);
  const badPacks = comparePacks(repository, packSizes, damage);
  for (const type of ['keys', 'index', 'snapshots', 'locks'] as const)
    await noteForeign(repository, type, damage, signal);

  const causeOf = (type: BlobType, id: BlobId): string | undefined => {
    if (badPacks.size === 0 && repository.hasBlob(type, id)) return undefined;
    const places = repository.index.findAll(type, id);
    const good = places.find(({ pack }) => !badPacks.has(pack));
    if (good !== undefined) return undefined;
    const [bad] = places;
    if (bad !== undefined) return `pack:${bad.pack}`;
    damage.add(`blob:${type}:${id}`, `The ${type} blob ${id.slice(0, 8)} is in no index.`);
    return `blob:${type}:${id}`;
  };
  return { damage, points, packSizes, causeOf };
}

async function checkKeys({ files }: OpenedRepository, damage: Damage, signal: AbortSignal): Promise<void> {
  for (const name of await files.listNames('keys', signal)) {
    const content = await files.backend.load({ type: 'keys', name }, undefined, signal);
    if (hash('sha256', content, 'hex') === name) continue;
    damage.add(
      `key:${name}`,
      `The file of key ${name.slice(0, 8)} does not match its name; its password may not open the repository.`,
    );
  }
}

async function checkLocks(repository: OpenedRepository, damage: Damage, signal: AbortSignal): Promise<void> {
  const { clock, logger } = repository.parts;
  try {
    await listLocks({ files: repository.files, clock, logger }, signal);
  } catch (error) {
    if (!isStillpointError(error, 'repository.damaged')) throw error;
    damage.add('locks', `${error.message} It keeps others out until it is removed with unlock.`);
  }
}

async function listPacks(
  { files }: OpenedRepository,
  damage: Damage,
  signal: AbortSignal,
): Promise<ReadonlyMap<PackId, number>> {
  const sizes = new Map<PackId, number>();
  for await (const { name, sizeBytes } of files.backend.list('data', signal)) {
    if (isId(name)) sizes.set(name as PackId, sizeBytes);
    else if (!isLeftover(name)) damage.add(`foreign:data/${name}`, foreign('data', name), 'warning');
  }
  return sizes;
}

function comparePacks(
  { index }: OpenedRepository,
  sizes: ReadonlyMap<PackId, number>,
  damage: Damage,
): ReadonlySet<PackId> {
  const bad = new Set<PackId>();
  for (const { id, blobs } of index.packs()) {
    const size = sizes.get(id);
    const expected = packSizeOf(blobs);
    if (size === expected) continue;
    bad.add(id);
    const name = describeFile({ type: 'data', name: id });
    const fault = size === undefined ? 'is not there' : `has ${size} bytes; the index says ${expected}`;
    damage.add(`pack:${id}`, `The file of ${name} ${fault}.`);
  }
  let count = 0;
  let bytes = 0;
  for (const [id, size] of sizes) {
    if (index.hasPack(id)) continue;
    count += 1;
    bytes += size;
  }
  if (count > 0) {
    damage.add(
      'unreferenced',
      `${count} packs (${formatBytes(bytes)}) are in no index. They harm nothing; prune removes them.`,
      'warning',
    );
  }
  return bad;
}

async function noteForeign(
  { files }: OpenedRepository,
  type: FileType,
  damage: Damage,
  signal: AbortSignal,
): Promise<void> {
  for await (const { name } of files.backend.list(type, signal)) {
    if (!isId(name) && !isLeftover(name)) damage.add(`foreign:${type}/${name}`, foreign(type, name), 'warning');
  }
}

/** What an interrupted `save` leaves, of ours and of restic's. */
function isLeftover(name: string): boolean {
  return name.includes('-tmp-');
}

function foreign(type: FileType, name: string): string {
  return `The folder "${type}" holds ${JSON.stringify(name)}, which is no file of a repository. It is not used.`;
}
