/** A backup of this machine as a job would make it, without the job and without SSH: what it reported and said. */
import { tmpdir } from 'node:os';
import { never } from '../../shared/base/cancel.ts';
import { systemClock } from '../../shared/base/clock.ts';
import { silentLogger } from '../../shared/base/log.ts';
import type { BackupPlan } from '../../shared/domain/backup-plan.ts';
import type { RunEventBody } from '../../shared/domain/events.ts';
import type { HostInventory } from '../../shared/domain/host.ts';
import { hostName, ownerId, repositoryName, sourceName } from '../../shared/domain/names.ts';
import type { HostSpec, Source } from '../../shared/domain/source.ts';
import type { BackupReport } from '../../shared/domain/verbs/backup.ts';
import { backup } from '../../shared/pipeline/backup.ts';
import { inspect } from '../../shared/pipeline/inspect.ts';
import { planBackup } from '../../shared/pipeline/plan-backup.ts';
import { connectHost } from '../../shared/remote/connect-host.ts';
import type { RemoteHost } from '../../shared/remote/remote-host.ts';
import { createLocalBackend } from '../../shared/repository/backend/local.ts';
import { openRepository } from '../../shared/repository/open-repository.ts';
import { REGISTRY, type Registry } from '../../shared/snapshot/registry.ts';
import { noRuns } from './pipeline/no-runs.ts';
import { asNobody } from './remote/as-nobody.ts';
import { createTestRepository, PASSWORD } from './test-repository.ts';

export interface BackupOrder extends Partial<Pick<Source, 'withoutSnapshot' | 'leaveOut' | 'stop' | 'dumps'>> {
  /** A folder; the repository in it is made where there is none. */
  readonly repository: string;
  readonly workFolder: string;
  readonly paths: readonly string[];
  readonly exclude?: readonly string[];
  /** By the hands of user 65534. */
  readonly asNobody?: boolean;
  readonly registry?: Registry;
  /** In place of this machine. */
  readonly openHost?: (signal: AbortSignal) => Promise<RemoteHost>;
  readonly signal?: AbortSignal;
}

export interface BackedUp {
  readonly report: BackupReport | undefined;
  readonly error: unknown;
  readonly events: readonly RunEventBody[];
}

export async function makeRepository(folder: string): Promise<void> {
  await (await createTestRepository(createLocalBackend(folder))).close();
}

export async function backUpHere(order: BackupOrder, signal: AbortSignal = never): Promise<BackedUp> {
  const events: RunEventBody[] = [];
  const ports = {
    ...{ openHost: openHere(order), openRepository: openIn(order.repository) },
    registry: order.registry ?? REGISTRY,
    ...{ owner: OWNER, runs: noRuns(), clock: systemClock, logger: silentLogger },
    emit: (event: RunEventBody) => void events.push(event),
    workFolder: order.workFolder,
  };
  const request = { source: sourceOf(order), host: HOST, acceptClockSkew: false };
  try {
    return { report: await backup(request, ports, order.signal ?? signal), error: undefined, events };
  } catch (error) {
    return { report: undefined, error, events };
  }
}

export async function planHere(order: BackupOrder): Promise<BackupPlan> {
  await using host = await openHere(order)(never);
  const ports = { host, clock: systemClock, registry: order.registry ?? REGISTRY };
  return await planBackup({ source: sourceOf(order), host: HOST }, { owner: OWNER, dead: [] }, ports, never);
}

export async function inspectHere(order: Pick<BackupOrder, 'asNobody'>): Promise<HostInventory> {
  await using host = await openHere(order)(never);
  return await inspect(HOST.name, host, { clock: systemClock, registry: REGISTRY }, never);
}

export const OWNER = ownerId('00112233aabb');
export const HOST: HostSpec = {
  ...{ name: hostName('here'), ssh: 'here', sshConfigFile: undefined, sudo: 'none' },
  ...{ leaseSeconds: 600, maxClockSkewSeconds: 86_400 },
};

export function sourceOf({
  paths,
  exclude = [],
  withoutSnapshot = 'read-live',
  leaveOut,
  stop,
  dumps,
}: Omit<BackupOrder, 'repository' | 'workFolder'>): Source {
  return {
    ...{ name: sourceName('files'), host: HOST.name, repository: repositoryName('main'), withoutSnapshot, exclude },
    paths: paths.map((path) => Buffer.from(path)),
    ...(leaveOut === undefined ? {} : { leaveOut }),
    ...(stop === undefined ? {} : { stop }),
    ...(dumps === undefined ? {} : { dumps }),
  };
}

export const openHere =
  (order: Pick<BackupOrder, 'asNobody' | 'openHost'>) =>
  async (signal: AbortSignal): Promise<RemoteHost> =>
    (await order.openHost?.(signal)) ??
    (await connectHost(
      { name: 'here', ssh: undefined, sudo: 'none' },
      {
        ...{ prompter: undefined, logger: silentLogger, clock: systemClock, agentSocket: undefined },
        homeFolder: tmpdir(),
        ...(order.asNobody === true ? { wrapTransport: asNobody } : {}),
      },
      signal,
    ));

const openIn = (folder: string) => (signal: AbortSignal) =>
  openRepository(createLocalBackend(folder), PASSWORD, signal);
