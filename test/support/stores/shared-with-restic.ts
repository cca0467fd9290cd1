/** A repository in a store, used by restic and by us: each proves what the other wrote by reading all of it. */
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { never } from '../../../shared/base/cancel.ts';
import type { Backend } from '../../../shared/repository/backend/backend.ts';
import { checkRepository } from '../../../shared/repository/check/check.ts';
import { verifyRepository } from '../../../shared/repository/check/verify.ts';
import { openRepository } from '../../../shared/repository/open-repository.ts';
import { goOnWith } from '../needing.ts';
import { NO_RESTIC } from '../restic.ts';
import { temporaryFolder } from '../temporary-folder.ts';
import { backUp, createTestRepository, PASSWORD } from '../test-repository.ts';

export interface SharedPlace {
  /** Our backend at the place, a new one each time. */
  open(): Backend;
  /** The same place for `restic -r`, and what restic needs to get there. */
  readonly location: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly options?: readonly string[];
}

/** Makes a repository with one restore point, which restic reads and restores. Gives the restore point's id. */
export async function resticReadsOurs(place: SharedPlace): Promise<string> {
  await using folder = await temporaryFolder();
  const big = randomBytes(3_000_000);
  await using repository = await createTestRepository(place.open());
  const { id } = await backUp(repository, { srv: { big, small: 'we wrote this' } });
  await restic(place, 'check', '--read-data');
  await restic(place, 'restore', id, '--target', folder.path);
  if (!(await readFile(join(folder.path, 'srv', 'big'))).equals(big)) throw new Error('restic restored other bytes');
  return id;
}

/** restic adds a restore point to ours, then forgets ours and prunes. Gives what we find wrong after each step. */
export async function weReadRestics(place: SharedPlace, ours: string): Promise<readonly unknown[]> {
  await using folder = await temporaryFolder();
  await restic(place, 'restore', ours, '--target', folder.path);
  await restic(place, 'backup', '--host', 'db2', folder.path);
  const first = await readAll(place, ['db1', 'db2']);
  await restic(place, 'forget', ours, '--prune');
  return [...first, ...(await readAll(place, ['db2']))];
}

async function readAll(place: SharedPlace, hosts: readonly string[]): Promise<readonly unknown[]> {
  await using repository = await openRepository(place.open(), PASSWORD, never);
  const { points, findings } = await repository.listRestorePoints(never);
  const found = points.map(({ hostname }) => String(hostname));
  const missing = hosts.filter((host) => !found.includes(host)).map((host) => `no restore point of ${host}`);
  await repository.loadIndex(never);
  const checked = await checkRepository(repository, never);
  const verified = await verifyRepository(repository, { signal: never });
  return [...missing, ...findings, ...checked.findings, ...verified.findings];
}

async function restic({ location, env, options = [] }: SharedPlace, ...args: readonly string[]): Promise<string> {
  goOnWith(NO_RESTIC);
  const how = { env: { ...env, RESTIC_PASSWORD: PASSWORD, LC_ALL: 'C' }, timeout: 120_000 };
  return (await execa('restic', ['--no-cache', ...options, '-r', location, ...args], how)).stdout;
}
