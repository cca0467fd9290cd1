/** A guest with ZFS, and whole backups of it as a job would make them, for tests that need no job. */
import { join } from 'node:path';
import { systemClock } from '../../../shared/base/clock.ts';
import { silentLogger } from '../../../shared/base/log.ts';
import type { BackupPlan } from '../../../shared/domain/backup-plan.ts';
import type { RunEventBody } from '../../../shared/domain/events.ts';
import { hostName, ownerId, repositoryName, sourceName } from '../../../shared/domain/names.ts';
import type { BackupReport } from '../../../shared/domain/verbs/backup.ts';
import { backup } from '../../../shared/pipeline/backup.ts';
import { planBackup } from '../../../shared/pipeline/plan-backup.ts';
import type { Hook } from '../../../shared/quiesce/hook.ts';
import { connectHost } from '../../../shared/remote/connect-host.ts';
import type { RemoteHost } from '../../../shared/remote/remote-host.ts';
import { createLocalBackend } from '../../../shared/repository/backend/local.ts';
import { openRepository } from '../../../shared/repository/open-repository.ts';
import { createRegistry, REGISTRY } from '../../../shared/snapshot/registry.ts';
import { type Guest, startGuest } from '../../lab/guest.ts';
import { zfsGuest } from '../../lab/zfs/zfs-guest.ts';
import { noRuns } from '../pipeline/no-runs.ts';
import { restoreFrom } from '../restoring.ts';
import { createTestRepository, PASSWORD } from '../test-repository.ts';

export const owner = ownerId('00112233aabb');

/** Runs sh while the applications are held still: between the look at the host and the snapshots. */
export const inBetween = (script: string): Hook => ({
  onHost: { kind: 'in-between', script: 'sp_in_between_thaw() { :; }' },
  programs: {},
  plan: () => [
    {
      ...{ kind: 'in-between', id: 'x', label: 'a moment', guarantees: 'application', holds: 'until-snapshots' },
      turns: [],
      deadlineSeconds: 120,
      freeze: { name: 'do-something', script, args: [], fields: 0, parse: () => undefined },
      prove: { name: 'prove-nothing', script: ':', args: [], fields: 0, parse: () => ({}) },
    },
  ],
});

interface Terms {
  readonly exclude?: readonly string[];
  readonly hooks?: readonly Hook[];
  /** What is done before a phase goes on. */
  readonly atPhase?: Readonly<Record<string, string>>;
}

export interface ZfsWorld extends AsyncDisposable {
  readonly guest: Guest;
  readonly host: RemoteHost;
  must(script: string): Promise<string>;
  save(paths: readonly string[], terms?: Terms): Promise<{ report: BackupReport; events: readonly RunEventBody[] }>;
  plan(paths: readonly string[], exclude?: readonly string[]): Promise<BackupPlan>;
  /** Restores the latest restore point; the folder that stands for "/". */
  restored(): Promise<string>;
  /** How many restore points there are. */
  points(): Promise<number>;
}

export const registryWith = (hooks: readonly Hook[] = []) => createRegistry(REGISTRY.providers, hooks);

export async function startZfsWorld(setup: string, signal: AbortSignal): Promise<ZfsWorld> {
  await using started = new AsyncDisposableStack();
  const guest = started.use(await startGuest({ kind: zfsGuest }, signal));
  const connect = (): Promise<RemoteHost> =>
    connectHost(
      { name: 'lab', ssh: 'lab', sshConfigFile: guest.sshConfigFile, sudo: 'none' },
      {
        ...{ prompter: undefined, logger: silentLogger, clock: systemClock, agentSocket: undefined },
        homeFolder: '/nonexistent',
      },
      signal,
    );
  const host = started.use(await connect());
  const must = (script: string): Promise<string> => guest.must(script, { signal });
  await must(setup);
  const folder = join(guest.directory, 'repository');
  await (await createTestRepository(createLocalBackend(folder))).close();
  const request = (paths: readonly string[], exclude: readonly string[]) => ({
    source: {
      ...{ name: sourceName('s'), host: hostName('lab'), repository: repositoryName('main'), exclude },
      paths: paths.map((path) => Buffer.from(path)),
    },
    host: {
      ...{ name: hostName('lab'), ssh: 'lab', sudo: 'none' as const, sshConfigFile: guest.sshConfigFile },
      ...{ leaseSeconds: 600, maxClockSkewSeconds: 86_400 },
    },
  });
  let restores = 0;
  const owned = started.move();
  return {
    ...{ guest, host, must },
    async save(paths, { exclude = [], hooks = [], atPhase = {} } = {}) {
      const events: RunEventBody[] = [];
      // A phase waits for what is done before it: its first command on the host comes after that.
      let doing: Promise<unknown> = Promise.resolve();
      const waiting = async (): Promise<RemoteHost> => {
        const own = await connect();
        return {
          name: own.name,
          run: async (command, stop) => {
            await doing;
            return await own.run(command, stop);
          },
          stream: async (command, input, stop) => {
            await doing;
            return await own.stream(command, input, stop);
          },
          [Symbol.asyncDispose]: () => own[Symbol.asyncDispose](),
        };
      };
      let trouble: unknown;
      const work = backup(
        { ...request(paths, exclude), plan: undefined, acceptClockSkew: false },
        {
          openHost: waiting,
          openRepository: (open) => openRepository(createLocalBackend(folder), PASSWORD, open),
          ...{ registry: registryWith(hooks), owner, runs: noRuns(), clock: systemClock, logger: silentLogger },
          emit: (event) => {
            events.push(event);
            const script = event.type === 'phase-started' ? atPhase[event.phase] : undefined;
            if (script === undefined) return;
            doing = must(script).catch((error: unknown) => {
              trouble = error;
            });
          },
          workFolder: guest.directory,
        },
        signal,
      );
      await work.catch(() => undefined);
      if (trouble !== undefined) throw new Error('what a test did at a phase failed', { cause: trouble });
      return { report: await work, events };
    },
    plan: (paths, exclude = []) =>
      planBackup(
        request(paths, exclude),
        { owner, dead: [] },
        { host, clock: systemClock, registry: registryWith() },
        signal,
      ),
    async restored() {
      restores += 1;
      const target = join(guest.directory, `restored-${restores}`);
      const { error } = await restoreFrom(folder, target);
      if (error !== undefined) throw new Error('the restore failed', { cause: error });
      return target;
    },
    async points() {
      await using repository = await openRepository(createLocalBackend(folder), PASSWORD, signal);
      return (await repository.listRestorePoints(signal)).points.length;
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}
