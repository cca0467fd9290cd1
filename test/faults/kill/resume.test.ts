/**
 * A runner that is killed while it reads a snapshot, and the next one that goes on with its run: on the same snapshot, without
 * what had arrived being sent again; and what becomes of a run that cannot be gone on with.
 */
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { setTimeout } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { RunEvent } from '../../../shared/domain/events.ts';
import type { Job } from '../../../shared/domain/job.ts';
import { type JobId, sourceName } from '../../../shared/domain/names.ts';
import { resumingRequest } from '../../../shared/domain/resume.ts';
import type { BackupReport } from '../../../shared/domain/verbs/backup.ts';
import type { JobRequest } from '../../../shared/domain/verbs/verbs.ts';
import { JobStore } from '../../../shared/jobs/job-store.ts';
import { createLocalBackend } from '../../../shared/repository/backend/local.ts';
import { openStillpoint, type Stillpoint } from '../../../shared/stillpoint.ts';
import { describeTree } from '../../support/describe-tree.ts';
import { needing } from '../../support/needing.ts';
import { restoreFrom } from '../../support/restoring.ts';
import { whyNoBtrfsHost } from '../../support/snapshot/btrfs-host.ts';
import { type TemporaryFolder, temporaryFolder } from '../../support/temporary-folder.ts';
import { createTestRepository, PASSWORD } from '../../support/test-repository.ts';
import { type CutLine, startCutLine } from './cut-line-host.ts';

const never = new AbortController().signal;
const BACKUP: JobRequest = { kind: 'backup', source: sourceName('files') };

describe('a runner that is killed while it reads', needing(await whyNoBtrfsHost()), () => {
  let line: CutLine;
  let folder: TemporaryFolder;
  let stillpoint: Stillpoint;
  const at = (name: string): string => join(folder.path, name);

  beforeAll(async () => {
    line = await startCutLine();
  }, 300_000);
  afterAll(() => line?.[Symbol.asyncDispose]());
  beforeEach(async () => {
    folder = await temporaryFolder();
    await (await createTestRepository(createLocalBackend(at('main')))).close();
    await writeFile(at('password'), PASSWORD, { mode: 0o600 });
    await configure({});
    stillpoint = await openStillpoint({ configFile: at('config.jsonc'), stateFolder: at('state') });
    line.proxy.resume();
    line.proxy.limit(undefined);
  });
  afterEach(async () => {
    await stillpoint[Symbol.asyncDispose]();
    await folder[Symbol.asyncDispose]();
    const still = await left();
    if (still !== '') throw new Error(`The host is not as it was: ${still}`);
  });

  const configure = (source: object): Promise<void> =>
    writeFile(
      at('config.jsonc'),
      JSON.stringify({
        hosts: { cut: { sshConfigFile: line.sshConfigFile, sudo: 'none', leaseSeconds: 120 } },
        repositories: { main: { location: 'main', passwordFile: 'password' } },
        sources: { files: { host: 'cut', paths: ['/run/files'], repository: 'main', ...source } },
      }),
    );
  const left = async (): Promise<string> =>
    [...(await line.world.ours()), await line.world.sh('ls /run/stillpoint 2>/dev/null || :')].join('');

  /** Kills the runner of a job that reads slowly, when this much of what it reads has come. */
  async function killedAt(bytes: number, request = BACKUP): Promise<JobId> {
    line.proxy.limit(6_000_000);
    const { job } = await stillpoint.startJob(request, never);
    for await (const event of stillpoint.followJob(job.id, 0, never)) {
      if (event.type === 'job-finished') throw new Error(`it ended: ${event.error?.message}`);
      if (event.type === 'progress' && event.phase === 'read' && event.bytesDone >= bytes) break;
    }
    await kill(job.id);
    line.proxy.limit(undefined);
    return job.id;
  }

  async function kill(id: JobId): Promise<void> {
    const store = await JobStore.open(at('state'));
    const pid = (await store.facts(id))?.runner?.identity.pid;
    if (pid === undefined) throw new Error('nobody runs it');
    process.kill(pid, 'SIGKILL');
    while ((await stillpoint.findJob(id)).state !== 'interrupted') await setTimeout(50);
  }

  interface Ended {
    readonly job: Job;
    readonly events: readonly RunEvent[];
    readonly report: BackupReport | undefined;
  }
  async function run(request: JobRequest): Promise<Ended> {
    const { job } = await stillpoint.startJob(request, never);
    const events = await Array.fromAsync(stillpoint.followJob(job.id, 0, never));
    const ended = await stillpoint.findJob(job.id);
    return { job: ended, events, report: ended.result as BackupReport | undefined };
  }
  const heard = ({ events }: Ended): readonly string[] => events.map(({ type }) => type);

  async function expectAllIsThere(): Promise<void> {
    await rm(at('restored'), { recursive: true, force: true });
    expect((await restoreFrom(at('main'), at('restored'))).error).toBeUndefined();
    const [saved, real] = await Promise.all([
      describeTree(at('restored/run/files')),
      describeTree(`${line.world.root}/run/files`),
    ]);
    expect(saved).toEqual(real);
  }

  /** What is lost with a process: the pack that it had open, and what is on its way. */
  const OPEN_BYTES = 18_000_000;

  test('is gone on with by the next backup of the source, and what had been stored is not sent twice', async () => {
    const before = line.proxy.bytesPassed();
    await killedAt(24_000_000);
    const sent = line.proxy.bytesPassed() - before;
    expect(await left()).not.toBe('');
    const next = await run(BACKUP);
    expect(next.job).toMatchObject({ state: 'succeeded' });
    expect(heard(next)).toContain('run-taken-up');
    const taken = next.events.find((event) => event.type === 'run-taken-up');
    expect(taken?.of).toBe(next.report?.time);
    // No snapshot was made by it, and nothing was swept.
    for (const event of next.events) if (event.type === 'host-swept') expect(event.removed).toEqual([]);
    await expectAllIsThere();
    const { bytesReceived = 0 } = next.report ?? {};
    await rm(at('main'), { recursive: true });
    await (await createTestRepository(createLocalBackend(at('main')))).close();
    const whole = (await run(BACKUP)).report?.bytesReceived ?? 0;
    console.log(`${whole} bytes at once; ${sent} before the kill and ${bytesReceived} after it`);
    expect(sent + bytesReceived - whole).toBeLessThan(OPEN_BYTES);
  }, 300_000);

  test('is gone on with again and again, by its id', async () => {
    const first = await killedAt(8_000_000);
    const second = await killedAt(20_000_000, resumingRequest(await stillpoint.findJob(first)));
    const third = await run(resumingRequest(await stillpoint.findJob(second)));
    expect(third.job).toMatchObject({ state: 'succeeded', error: undefined });
    expect(heard(third)).toContain('run-taken-up');
    await expectAllIsThere();
    const again = await run({ ...BACKUP, resume: first });
    expect(again.job).toMatchObject({ state: 'failed', error: { code: 'job.cannot-resume' } });
    expect(again.job.error?.message).toContain(second);
  }, 300_000);

  test('is over where the host has let go of its snapshots: said in a sentence, or begun anew', async () => {
    const letGo = () => line.world.sh('for each in /run/stillpoint/*/expires; do echo 1 > "$each"; done');
    const asked = await killedAt(8_000_000);
    await letGo();
    const resumed = await run(resumingRequest(await stillpoint.findJob(asked)));
    expect(resumed.job).toMatchObject({ state: 'failed', error: { code: 'job.cannot-resume' } });
    expect(resumed.job.error?.message).toMatch(/^The run \w+ on "cut" is over: The lease on "cut" ended/);
    expect(await left()).toBe('');

    await killedAt(8_000_000);
    await letGo();
    const anew = await run(BACKUP);
    expect(anew.job).toMatchObject({ state: 'succeeded' });
    expect(heard(anew)).not.toContain('run-taken-up');
    await expectAllIsThere();
  }, 300_000);

  test('is over where its snapshots are not what they were', async () => {
    const killed = await killedAt(8_000_000);
    await line.world.atTop('for each in .stillpoint/*/sp_*; do btrfs property set -f "$each" ro false; done');
    const resumed = await run(resumingRequest(await stillpoint.findJob(killed)));
    expect(resumed.job).toMatchObject({ state: 'failed', error: { code: 'job.cannot-resume' } });
    expect(heard(resumed)).not.toContain('run-taken-up');
    // It is not ours any more, so it stays.
    await line.world.atTop('btrfs -q subvolume delete .stillpoint/*/sp_*; rmdir .stillpoint/* .stillpoint');
  }, 300_000);

  test('is not gone on with once what was read is about to count', async () => {
    const { job } = await stillpoint.startJob(BACKUP, never);
    for await (const event of stillpoint.followJob(job.id, 0, never))
      if (event.type === 'phase-started' && event.phase === 'commit') break;
    await kill(job.id);
    const next = await run(BACKUP);
    expect(next.job).toMatchObject({ state: 'succeeded', error: undefined });
    expect(heard(next)).not.toContain('run-taken-up');
    await expectAllIsThere();
  }, 300_000);

  test('is left alone by other sources, and by a source that says something else now; a sweep takes it along', async () => {
    const killed = await killedAt(8_000_000);
    const held = await left();
    await configure({ exclude: ['nothing'] });
    await using other = await openStillpoint({ configFile: at('config.jsonc'), stateFolder: at('state') });
    const { job } = await other.startJob(BACKUP, never);
    for await (const event of other.followJob(job.id, 0, never)) expect(event.type).not.toBe('run-taken-up');
    expect(await left()).toBe(held);
    const resumed = await run({ ...BACKUP, resume: killed });
    expect(resumed.job.error).toMatchObject({ code: 'job.cannot-resume' });
    expect(await left()).toBe('');
  }, 300_000);

  test('is gone on with when the host could not be reached at first', async () => {
    await killedAt(8_000_000);
    line.proxy.refuse();
    expect((await run(BACKUP)).job).toMatchObject({ state: 'failed' });
    line.proxy.resume();
    const next = await run(BACKUP);
    expect(next.job).toMatchObject({ state: 'succeeded', error: undefined });
    expect(heard(next)).toContain('run-taken-up');
    await expectAllIsThere();
  }, 300_000);
});
