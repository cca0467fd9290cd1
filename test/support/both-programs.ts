/**
 * Stillpoint and restic behind one port, so that a test can say "each of both" and mean it. Our side is the code that
 * a job runs, without its process around it: the writer, the checks, and the verbs `restore` and `forget`.
 */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { never } from '../../shared/base/cancel.ts';
import { systemClock } from '../../shared/base/clock.ts';
import { silentLogger } from '../../shared/base/log.ts';
import { forget } from '../../shared/pipeline/forget.ts';
import { restore } from '../../shared/pipeline/restore.ts';
import { connectHost } from '../../shared/remote/connect-host.ts';
import { createLocalBackend } from '../../shared/repository/backend/local.ts';
import { checkRepository } from '../../shared/repository/check/check.ts';
import { verifyRepository } from '../../shared/repository/check/verify.ts';
import { openRepository } from '../../shared/repository/open-repository.ts';
import type { OpenedRepository } from '../../shared/repository/opened-repository.ts';
import type { Compression } from '../../shared/repository/repository.ts';
import { NOTHING_CONFIGURED } from './configured-names.ts';
import { archiveFolder } from './local-archive.ts';
import { resticFinds, resticOk } from './restic.ts';
import { PASSWORD } from './test-repository.ts';

export interface StoredPoint {
  readonly id: string;
  /** Where a restore puts the content of the folder, seen from its target. */
  readonly prefix: string;
}

export interface Program {
  readonly name: 'stillpoint' | 'restic';
  /** Without a word about compression, of which restic wants none for format 1, each does as it does. */
  write(repository: string, folder: string, compression?: Compression): Promise<StoredPoint>;
  list(repository: string): Promise<string[]>;
  /** Gives the folder that holds what was in the stored folder. */
  restore(repository: string, point: StoredPoint, target: string): Promise<string>;
  /** Structure only; empty when all is well. */
  check(repository: string): Promise<string[]>;
  /** The same by reading everything. */
  readAll(repository: string): Promise<string[]>;
  /** Forgets the points and removes what only they needed. */
  remove(repository: string, ids: readonly string[]): Promise<void>;
}

export const restic: Program = {
  name: 'restic',
  async write(repository, folder, compression) {
    const how = compression === undefined ? [] : ['--compression', compression];
    const lines = (await resticOk(repository, 'backup', '--json', '--force', ...how, folder)).trim().split('\n');
    const { snapshot_id: start } = JSON.parse(lines.at(-1) ?? '') as { readonly snapshot_id: string };
    const ids = (await readdir(join(repository, 'snapshots'))).filter((id) => id.startsWith(start));
    return { id: ids[0] ?? start, prefix: folder };
  },
  async list(repository) {
    const points = JSON.parse(await resticOk(repository, 'snapshots', '--json')) as { readonly id: string }[];
    return points.map(({ id }) => id).toSorted();
  },
  async restore(repository, point, target) {
    await resticOk(repository, 'restore', point.id, '--target', target);
    return join(target, point.prefix);
  },
  check: (repository) => resticFinds(repository),
  readAll: (repository) => resticFinds(repository, '--read-data'),
  async remove(repository, ids) {
    await resticOk(repository, 'forget', '--prune', '--max-unused', '0', ...ids);
  },
};

export const stillpoint: Program = {
  name: 'stillpoint',
  async write(folder, source, compression) {
    await using repository = await opened(folder);
    const how = compression === undefined ? {} : { compression };
    const { id } = await archiveFolder(repository, source, { ...how, signal: never, workers: 1 });
    return { id, prefix: '.' };
  },
  async list(folder) {
    await using repository = await opened(folder);
    const { points, findings } = await repository.listRestorePoints(never);
    return [...points.map(({ id }) => id as string).toSorted(), ...findings.map(({ message }) => message)];
  },
  async restore(folder, point, target) {
    const request = { restorePoint: point.id, paths: [], target };
    const ports = {
      openRepository: () => opened(folder),
      openHost: (signal: AbortSignal) =>
        connectHost(
          { name: 'here', ssh: undefined, sudo: 'none' },
          { prompter: undefined, logger: silentLogger, clock: systemClock, agentSocket: undefined, homeFolder: '/' },
          signal,
        ),
      clock: systemClock,
      logger: silentLogger,
      emit: () => undefined,
    };
    await restore(request, ports, never);
    return join(target, point.prefix);
  },
  async check(folder) {
    await using repository = await opened(folder);
    return (await checkRepository(repository, never)).findings.map(({ message }) => message);
  },
  async readAll(folder) {
    await using repository = await opened(folder);
    return (await verifyRepository(repository, { signal: never })).findings.map(({ message }) => message);
  },
  async remove(folder, ids) {
    const scope = { selection: { by: 'points', points: ids }, prune: { maxUnused: '0%' } } as const;
    const ports = {
      ...{ openRepository: () => opened(folder), clock: systemClock, emit: () => undefined },
      configured: NOTHING_CONFIGURED,
    };
    await forget(scope, ports, never);
  },
};

/** Locks wait for slow stores to show a new file; a local disk is not slow. */
const HASTY = { clock: { ...systemClock, sleep: () => Promise.resolve() } };

function opened(folder: string): Promise<OpenedRepository> {
  return openRepository(createLocalBackend(folder), PASSWORD, never, HASTY);
}
