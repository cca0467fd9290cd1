/** A backup of the guest's database by the pipeline itself, for tests that break it at chosen moments. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { systemClock } from '../../../shared/base/clock.ts';
import { silentLogger } from '../../../shared/base/log.ts';
import { identifyProcess } from '../../../shared/base/process-identity.ts';
import type { RunEventBody } from '../../../shared/domain/events.ts';
import { hostName, ownerId, repositoryName, sourceName } from '../../../shared/domain/names.ts';
import { planIdOf } from '../../../shared/domain/plan-id.ts';
import type { QuiesceSpec } from '../../../shared/domain/quiesce.ts';
import type { HostSpec } from '../../../shared/domain/source.ts';
import type { BackupReport } from '../../../shared/domain/verbs/backup.ts';
import type { SweepReport } from '../../../shared/domain/verbs/sweep.ts';
import { JobStore } from '../../../shared/jobs/job-store.ts';
import { RecordKeeper } from '../../../shared/jobs/record-keeper.ts';
import { runRegister } from '../../../shared/jobs/run-register.ts';
import { StoreEvents } from '../../../shared/jobs/store-events.ts';
import { backup } from '../../../shared/pipeline/backup.ts';
import type { OwnRuns } from '../../../shared/pipeline/own-runs.ts';
import { sweep } from '../../../shared/pipeline/sweep.ts';
import { connectHost } from '../../../shared/remote/connect-host.ts';
import type { RemoteHost } from '../../../shared/remote/remote-host.ts';
import type { Transport } from '../../../shared/remote/transport.ts';
import { withChanges } from '../../../shared/repository/backend/changes.ts';
import { createLocalBackend } from '../../../shared/repository/backend/local.ts';
import { createRepository, openRepository } from '../../../shared/repository/open-repository.ts';
import { REGISTRY } from '../../../shared/snapshot/registry.ts';
import { aRecord } from '../../support/jobs/a-record.ts';
import { CHEAP_KEY } from '../../support/test-repository.ts';

/** Plain JSON, so that it can be handed to a process that is going to be killed. */
export interface BackupSetting {
  readonly sshConfigFile: string;
  readonly alias: string;
  readonly folder: string;
  readonly paths: readonly string[];
  readonly leaseSeconds: number;
  readonly stop?: readonly string[];
  readonly quiesce?: readonly QuiesceSpec[];
  readonly withoutSnapshot?: 'read-live';
}

const OWNER = ownerId('0123456789ab');
export const PASSWORD = 'a password for tests';

export const repositoryFolder = (setting: BackupSetting): string => join(setting.folder, 'repository');

export async function createTestRepository(setting: BackupSetting, signal: AbortSignal): Promise<void> {
  const backend = createLocalBackend(repositoryFolder(setting));
  const repository = await createRepository(backend, PASSWORD, signal, { keyCost: CHEAP_KEY });
  await repository.close();
}

interface Registered {
  readonly runs: OwnRuns;
  /** The runner's last word: from here on what is left of its run may be swept, though this process lives. */
  readonly end: (outcome: 'succeeded' | 'failed') => Promise<void>;
}

/** As a runner has it: the run stands in the record of a job for which this process answers. */
async function registerFor(setting: BackupSetting): Promise<Registered> {
  const store = await JobStore.open(join(setting.folder, 'state'));
  const self = await identifyProcess();
  if (self === undefined) throw new Error('a process can find itself');
  const record = aRecord({ request: { kind: 'backup', source: sourceName('shop') }, starter: self });
  await store.create(record);
  await store.claim(record.id, self);
  const keeper = new RecordKeeper(store, record);
  const machine = planIdOf({ host: setting.alias });
  const terms = { machine, places: machine, job: record.id, spares: true, giveUp: () => keeper.forgetRun() };
  return {
    runs: runRegister(store, terms, (run, place) => keeper.begin(run, place)),
    async end(outcome) {
      await store.finish(record.id, { type: 'job-finished', seq: 1, at: record.createdAt, outcome });
    },
  };
}

const HOST = hostName('lab');

type NamedSpec = HostSpec & Pick<BackupSetting, 'sshConfigFile'>;

const specOf = ({ alias, sshConfigFile, leaseSeconds }: BackupSetting): NamedSpec => ({
  ...{ name: HOST, ssh: alias, sshConfigFile, sudo: 'none' as const, leaseSeconds },
  maxClockSkewSeconds: 86_400,
});

const open = (
  spec: NamedSpec,
  signal: AbortSignal,
  wrapTransport?: (inner: Transport) => Transport,
): Promise<RemoteHost> =>
  connectHost(
    spec,
    {
      ...{ prompter: undefined, logger: silentLogger, clock: systemClock, agentSocket: undefined, homeFolder: '/root' },
      ...(wrapTransport && { wrapTransport }),
    },
    signal,
  );

/** What backups of this setting left that were killed. */
export async function runSweep(setting: BackupSetting, signal: AbortSignal): Promise<SweepReport> {
  return await sweep(
    { host: HOST },
    {
      openHost: (openSignal) => open(specOf(setting), openSignal),
      ...{ registry: REGISTRY, owner: OWNER, runs: (await registerFor(setting)).runs, clock: systemClock },
      emit: () => undefined,
    },
    signal,
  );
}

/** @param wrapTransport around each connection to the host */
export async function runBackup(
  setting: BackupSetting,
  emit: (event: RunEventBody) => void,
  signal: AbortSignal,
  wrapTransport: (inner: Transport) => Transport = (inner) => inner,
): Promise<BackupReport> {
  const changes = new StoreEvents(emit).of('main');
  const workFolder = join(setting.folder, 'work');
  await mkdir(workFolder, { recursive: true });
  const source = {
    ...{ name: sourceName('shop'), host: HOST },
    paths: setting.paths.map((path) => Buffer.from(path)),
    repository: repositoryName('main'),
    exclude: [],
    ...(setting.stop && { stop: setting.stop }),
    ...(setting.quiesce && { quiesce: setting.quiesce }),
    ...(setting.withoutSnapshot && { withoutSnapshot: setting.withoutSnapshot }),
  };
  const spec = specOf(setting);
  const { runs, end } = await registerFor(setting);
  const backingUp = backup(
    { source, host: spec, acceptClockSkew: false },
    {
      openHost: (openSignal) => open(spec, openSignal, wrapTransport),
      openRepository: (openSignal) =>
        openRepository(withChanges(createLocalBackend(repositoryFolder(setting)), changes), PASSWORD, openSignal),
      ...{ registry: REGISTRY, owner: OWNER, runs, clock: systemClock, logger: silentLogger, emit, workFolder },
    },
    signal,
  );
  try {
    const report = await backingUp;
    await end('succeeded');
    return report;
  } catch (error) {
    await end('failed');
    throw error;
  }
}
