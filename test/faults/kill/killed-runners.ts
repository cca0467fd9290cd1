/** Backups of the host "cut" by runners of their own, which are killed while they read. */
import { readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { setTimeout } from 'node:timers/promises';
import type { RunEvent } from '../../../shared/domain/events.ts';
import type { Job } from '../../../shared/domain/job.ts';
import { type JobId, sourceName } from '../../../shared/domain/names.ts';
import type { BackupReport } from '../../../shared/domain/verbs/backup.ts';
import type { JobRequest } from '../../../shared/domain/verbs/verbs.ts';
import { JobStore } from '../../../shared/jobs/job-store.ts';
import { createLocalBackend } from '../../../shared/repository/backend/local.ts';
import { openStillpoint, type Stillpoint } from '../../../shared/stillpoint.ts';
import { describeTree } from '../../support/describe-tree.ts';
import { restoreFrom } from '../../support/restoring.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { createTestRepository, PASSWORD } from '../../support/test-repository.ts';
import type { CutLine } from './cut-line-host.ts';

const never = new AbortController().signal;
/** Of the source "files": all that is in /run/files of the host. */
export const BACKUP = { kind: 'backup', source: sourceName('files') } as const satisfies JobRequest;
/** So slow that there is time to kill it, in bytes a second. */
const SLOW = 6_000_000;

export interface Ended {
  readonly job: Job;
  readonly events: readonly RunEvent[];
  readonly report: BackupReport | undefined;
}

export interface KilledRunners extends AsyncDisposable {
  readonly stillpoint: Stillpoint;
  /** A second one, as another program has it. */
  another(): Promise<Stillpoint>;
  configure(source: object): Promise<void>;
  /** An empty repository in the place of the one that is there. */
  emptyRepository(): Promise<void>;
  /**
   * Kills the runner of a job when this much of what it reads has come.
   *
   * @param rate of the line until then, in bytes a second
   */
  killedAt(bytes: number, request?: JobRequest, rate?: number): Promise<JobId>;
  /** The same, when a pack is stored as well: on a busy machine that is long after its content has come. */
  killedWithPack(bytes: number): Promise<JobId>;
  /** What the process of a job is: it can be stopped or killed. */
  pidOf(id: JobId): Promise<number>;
  kill(id: JobId): Promise<void>;
  run(request: JobRequest): Promise<Ended>;
  /** What is on the host of any run; empty where it is as it was. */
  left(): Promise<string>;
  /** The newest restore point, restored, beside what is on the host. */
  comparison(): Promise<{ readonly saved: unknown; readonly real: unknown }>;
}

export const heard = ({ events }: Ended): readonly string[] => events.map(({ type }) => type);

export async function startKilledRunners(line: CutLine): Promise<KilledRunners> {
  await using made = new AsyncDisposableStack();
  const folder = made.use(await temporaryFolder());
  const at = (name: string): string => join(folder.path, name);
  const emptyRepository = async (): Promise<void> => {
    await rm(at('main'), { recursive: true, force: true });
    await (await createTestRepository(createLocalBackend(at('main')))).close();
  };
  const configure = (source: object): Promise<void> =>
    writeFile(
      at('config.jsonc'),
      JSON.stringify({
        hosts: { cut: { sshConfigFile: line.sshConfigFile, sudo: 'none', leaseSeconds: 120 } },
        repositories: { main: { location: 'main', passwordFile: 'password' } },
        sources: { files: { host: 'cut', paths: ['/run/files'], repository: 'main', ...source } },
      }),
    );
  const open = (): Promise<Stillpoint> => openStillpoint({ configFile: at('config.jsonc'), stateFolder: at('state') });

  await emptyRepository();
  await writeFile(at('password'), PASSWORD, { mode: 0o600 });
  await configure({});
  const stillpoint = made.use(await open());
  line.proxy.resume();
  line.proxy.limit(undefined);

  const pidOf = async (id: JobId): Promise<number> => {
    const store = await JobStore.open(at('state'));
    const pid = (await store.facts(id))?.runner?.identity.pid;
    if (pid === undefined) throw new Error('nobody runs it');
    return pid;
  };
  const kill = async (id: JobId): Promise<void> => {
    process.kill(await pidOf(id), 'SIGKILL');
    while ((await stillpoint.findJob(id)).state !== 'interrupted') await setTimeout(50);
  };
  const readUntil = async (bytes: number, request: JobRequest, rate: number): Promise<JobId> => {
    line.proxy.limit(rate);
    const { job } = await stillpoint.startJob(request, never);
    for await (const event of stillpoint.followJob(job.id, 0, never)) {
      if (event.type === 'job-finished') throw new Error(`it ended: ${event.error?.message}`);
      if (event.type === 'progress' && event.phase === 'read' && event.bytesDone >= bytes) break;
    }
    return job.id;
  };
  const hasPack = async (): Promise<boolean> => {
    const names = await readdir(join(at('main'), 'data'), { recursive: true });
    return names.some((name) => /[0-9a-f]{64}$/.test(name));
  };
  const owned = made.move();
  return {
    ...{ stillpoint, another: open, configure, emptyRepository, pidOf, kill },
    async killedAt(bytes, request = BACKUP, rate = SLOW) {
      const id = await readUntil(bytes, request, rate);
      await kill(id);
      line.proxy.limit(undefined);
      return id;
    },
    async killedWithPack(bytes) {
      const id = await readUntil(bytes, BACKUP, SLOW);
      line.proxy.limit(SLOW / 100);
      while (!(await hasPack())) await setTimeout(50);
      // It is noted in the journal then.
      await setTimeout(500);
      await kill(id);
      line.proxy.limit(undefined);
      return id;
    },
    async run(request) {
      const { job } = await stillpoint.startJob(request, never);
      const events = await Array.fromAsync(stillpoint.followJob(job.id, 0, never));
      const ended = await stillpoint.findJob(job.id);
      return { job: ended, events, report: ended.result as BackupReport | undefined };
    },
    left: async () =>
      [...(await line.world.ours()), await line.world.sh('ls /run/stillpoint 2>/dev/null || :')].join(''),
    async comparison() {
      await rm(at('restored'), { recursive: true, force: true });
      const { error } = await restoreFrom(at('main'), at('restored'));
      if (error !== undefined) throw new Error('it does not restore', { cause: error });
      const [saved, real] = await Promise.all([
        describeTree(at('restored/run/files')),
        describeTree(`${line.world.root}/run/files`),
      ]);
      return { saved, real };
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}
