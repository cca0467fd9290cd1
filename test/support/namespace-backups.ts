/** Backups of a host in namespaces by the product's own pipeline, into a repository in a folder. */
import { join } from 'node:path';
import { systemClock } from '../../shared/base/clock.ts';
import { silentLogger } from '../../shared/base/log.ts';
import { hostName, ownerId, repositoryName, sourceName } from '../../shared/domain/names.ts';
import type { Source } from '../../shared/domain/source.ts';
import type { BackupReport } from '../../shared/domain/verbs/backup.ts';
import { backup } from '../../shared/pipeline/backup.ts';
import { createLocalBackend } from '../../shared/repository/backend/local.ts';
import { openRepository } from '../../shared/repository/open-repository.ts';
import { REGISTRY } from '../../shared/snapshot/registry.ts';
import { noRuns } from './pipeline/no-runs.ts';
import { restoreFrom } from './restoring.ts';
import type { NamespaceHost } from './snapshot/namespace-host.ts';
import { createTestRepository, PASSWORD } from './test-repository.ts';

export interface NamespaceBackups {
  save(
    paths: readonly string[],
    more: Pick<Partial<Source>, 'quiesce' | 'stop' | 'exclude' | 'require'>,
    signal: AbortSignal,
  ): Promise<BackupReport>;
  /** Restores the latest into a folder that is not there yet; its path. */
  restore(name: string): Promise<string>;
}

/** @param folder of this test's own, in which the repository and what is restored lie */
export async function backupsInNamespaces(
  world: Pick<NamespaceHost, 'connect'>,
  folder: string,
): Promise<NamespaceBackups> {
  const repository = join(folder, 'repository');
  await (await createTestRepository(createLocalBackend(repository))).close();
  return {
    save: (paths, more, signal) =>
      backup(
        {
          source: {
            ...{ name: sourceName('s'), host: hostName('paper'), repository: repositoryName('main'), exclude: [] },
            ...{ paths: paths.map((path) => Buffer.from(path)), ...more },
          },
          host: {
            ...{ name: hostName('paper'), ssh: 'paper', sudo: 'none', sshConfigFile: undefined },
            ...{ leaseSeconds: 600, maxClockSkewSeconds: 86_400 },
          },
          ...{ plan: undefined, acceptClockSkew: false },
        },
        {
          openHost: () => Promise.resolve(world.connect()),
          openRepository: (open) => openRepository(createLocalBackend(repository), PASSWORD, open),
          ...{ registry: REGISTRY, owner: ownerId('00112233aabb'), runs: noRuns(), clock: systemClock },
          ...{ logger: silentLogger, emit: () => undefined, workFolder: folder },
        },
        signal,
      ),
    async restore(name) {
      const target = join(folder, name);
      const { error } = await restoreFrom(repository, target);
      if (error !== undefined) throw new Error('It cannot be restored.', { cause: error });
      return target;
    },
  };
}
