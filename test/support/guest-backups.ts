/** Backups of the lab's guest as a job would make them, without the job, into a repository in memory. */
import { systemClock } from '../../shared/base/clock.ts';
import { silentLogger } from '../../shared/base/log.ts';
import type { BackupPlan } from '../../shared/domain/backup-plan.ts';
import type { RunEventBody } from '../../shared/domain/events.ts';
import { hostName, ownerId, repositoryName, sourceName } from '../../shared/domain/names.ts';
import type { PlanId } from '../../shared/domain/plan-id.ts';
import type { HostSpec, Source } from '../../shared/domain/source.ts';
import type { BackupReport } from '../../shared/domain/verbs/backup.ts';
import type { ExportReport, ExportTarget } from '../../shared/domain/verbs/export.ts';
import { backup } from '../../shared/pipeline/backup.ts';
import { exportSource } from '../../shared/pipeline/export.ts';
import { OpenedPoint } from '../../shared/pipeline/open-point.ts';
import { planBackup } from '../../shared/pipeline/plan-backup.ts';
import { connectHost } from '../../shared/remote/connect-host.ts';
import type { RemoteHost } from '../../shared/remote/remote-host.ts';
import type { Transport } from '../../shared/remote/transport.ts';
import { openRepository } from '../../shared/repository/open-repository.ts';
import type { Repository } from '../../shared/repository/repository.ts';
import { REGISTRY, type Registry } from '../../shared/snapshot/registry.ts';
import type { Guest } from '../lab/guest.ts';
import { openHere } from './backing-up.ts';
import { noRuns } from './pipeline/no-runs.ts';
import { createMemoryBackend } from './stores/memory.ts';
import { createTestRepository, PASSWORD } from './test-repository.ts';
import { writeOut } from './write-out.ts';

export const OWNER = ownerId('00112233aabb');

export interface GuestOrder extends Partial<Omit<Source, 'name' | 'host' | 'repository' | 'paths'>> {
  readonly paths: readonly string[];
  /** What the plan was that is carried out. */
  readonly plan?: PlanId;
}

export interface GuestBackups {
  /** A connection of its own. */
  connect(): Promise<RemoteHost>;
  plan(order: GuestOrder): Promise<BackupPlan>;
  save(order: GuestOrder, emit?: (event: RunEventBody) => void): Promise<BackupReport>;
  /** To this machine. */
  export(order: GuestOrder, to: ExportTarget, emit?: (event: RunEventBody) => void): Promise<ExportReport>;
  /** With its index loaded. */
  open(): Promise<Repository>;
  /** Lays the repository out in a folder, for other programs. */
  writeOut(folder: string): Promise<void>;
  /** The first mebibyte of a file of a restore point. */
  content(report: BackupReport, path: string): Promise<Buffer>;
}

/** What runs warn of, in words. */
export function heardWarnings(): { readonly notes: string[]; readonly emit: (event: RunEventBody) => void } {
  const notes: string[] = [];
  return {
    notes,
    emit: (event) => {
      if (event.type === 'warning') notes.push(event.message);
    },
  };
}

export async function backupsOf(
  guest: Guest,
  signal: AbortSignal,
  options: {
    readonly registry?: Registry;
    readonly wrapTransport?: (inner: Transport) => Transport;
    /** The host as the guest's SSH configuration names it. */
    readonly alias?: string;
    /** In place of a connection for each run. */
    readonly openHost?: () => Promise<RemoteHost>;
  } = {},
): Promise<GuestBackups> {
  const { registry = REGISTRY, wrapTransport, alias = 'lab' } = options;
  const backend = createMemoryBackend();
  await (await createTestRepository(backend)).close();
  const address = { name: hostName('lab'), ssh: alias, sshConfigFile: guest.sshConfigFile, sudo: 'none' } as const;
  const spec: HostSpec = { ...address, leaseSeconds: 600, maxClockSkewSeconds: 86_400 };
  const sourceOf = ({ paths, exclude = [], plan: _plan, ...facts }: GuestOrder): Source => ({
    ...{ name: sourceName('shop'), host: spec.name, repository: repositoryName('main'), exclude, ...facts },
    paths: paths.map((path) => Buffer.from(path)),
  });
  const connect = (): Promise<RemoteHost> =>
    connectHost(
      address,
      {
        ...{ prompter: undefined, logger: silentLogger, clock: systemClock, agentSocket: undefined },
        ...{ homeFolder: '/nonexistent', ...(wrapTransport && { wrapTransport }) },
      },
      signal,
    );
  const open = async (): Promise<Repository> => {
    const repository = await openRepository(backend, PASSWORD, signal);
    await repository.loadIndex(signal);
    return repository;
  };
  return {
    ...{ connect, open },
    writeOut: (folder) => writeOut(backend, folder, signal),
    async plan(order) {
      await using host = await connect();
      const ports = { host, clock: systemClock, registry };
      return await planBackup({ source: sourceOf(order), host: spec }, { owner: OWNER, dead: [] }, ports, signal);
    },
    export: (order, to, emit = () => undefined) =>
      exportSource(
        { source: sourceOf(order), host: spec, to, acceptClockSkew: false },
        {
          openHost: connect,
          openKeeper: (_, keeperSignal) => openHere({})(keeperSignal),
          ...{ registry, owner: OWNER, runs: noRuns(), clock: systemClock, logger: silentLogger, emit },
          workFolder: guest.directory,
        },
        signal,
      ),
    save: (order, emit = () => undefined) =>
      backup(
        { source: sourceOf(order), host: spec, plan: order.plan, acceptClockSkew: false },
        {
          openHost: options.openHost ?? connect,
          openRepository: (openSignal) => openRepository(backend, PASSWORD, openSignal),
          ...{ registry, owner: OWNER, runs: noRuns(), clock: systemClock, logger: silentLogger, emit },
          workFolder: guest.directory,
        },
        signal,
      ),
    async content(report, path) {
      await using repository = await open();
      const point = new OpenedPoint(repository, await repository.findRestorePoint(report.restorePoint, signal));
      return Buffer.concat(await Array.fromAsync(point.read(namesOf(path), { offset: 0, length: 1 << 20 }, signal)));
    },
  };
}

const namesOf = (path: string): readonly Buffer[] =>
  path
    .slice(1)
    .split('/')
    .map((name) => Buffer.from(name));
