/** Jobs with real processes: who may die when, and what everybody else then sees. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile, readlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { never } from '../../../shared/base/cancel.ts';
import { systemClock } from '../../../shared/base/clock.ts';
import { silentLogger } from '../../../shared/base/log.ts';
import { jobId, repositoryName } from '../../../shared/domain/names.ts';
import { watchStore } from '../../../shared/jobs/watch-jobs.ts';
import { backupOf, JobLab, NO_SECRETS } from '../../support/jobs/job-lab.ts';

const SLOW = 120_000;
const STARTER = fileURLToPath(new URL('../../support/jobs/starter-main.ts', import.meta.url));
const REPOSITORY = repositoryName('main');

let lab: JobLab;
beforeEach(async () => {
  lab = await JobLab.open();
});
afterEach(() => lab[Symbol.asyncDispose](), SLOW);

async function firstLine(child: ChildProcess): Promise<{ id: string; alreadyRunning: boolean }> {
  if (child.stdout === null) throw new Error('no output');
  for await (const line of createInterface({ input: child.stdout })) return JSON.parse(line) as never;
  throw new Error('the starter said nothing');
}

const starter = (source: string): ChildProcess =>
  spawn(process.execPath, [STARTER, lab.store.folder, lab.configFile, source], { stdio: ['pipe', 'pipe', 'inherit'] });

describe('a job', { timeout: SLOW }, () => {
  test('runs in a process of its own and tells its story once, to everybody', async () => {
    const { id, alreadyRunning } = await lab.start(backupOf('a'));
    expect(alreadyRunning).toBe(false);
    const early = lab.events(id);
    const { runner } = await lab.until(id, 'running');
    expect(runner?.identity.pid).not.toBe(process.pid);
    await lab.letGo('a');
    const events = await early;
    expect(events.map(({ seq, type }) => `${seq} ${type}`)).toEqual([
      '1 job-started',
      '2 phase-started',
      '3 phase-finished',
      '4 lease-released',
      '5 job-finished',
    ]);
    expect(await lab.events(id)).toEqual(events);
    expect(await lab.events(id, 3)).toEqual(events.slice(3));
    expect(await lab.events(id, 5)).toEqual([]);
    expect(await lab.store.view(await lab.facts(id))).toMatchObject({
      state: 'succeeded',
      lastSeq: 5,
      phase: 'read',
      result: { kind: 'sweep' },
    });
  });

  test('goes on when the one who started it is killed, with all that hang on its terminal', async () => {
    const shell = starter('a');
    const { id } = await firstLine(shell);
    const { runner } = await lab.until(jobId(id), 'running');
    const pid = runner?.identity.pid ?? 0;
    // A session of its own, so a hang-up or Ctrl-C for the starter's group does not reach it; and files, not pipes.
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    expect(
      stat
        .slice(stat.lastIndexOf(')') + 2)
        .split(' ')
        .slice(2, 4),
    ).toEqual([String(pid), String(pid)]);
    shell.kill('SIGKILL');
    await once(shell, 'exit');
    expect(await readlink(`/proc/${pid}/fd/2`)).toBe(lab.store.path(jobId(id), 'runner.log'));
    const pipes = await Promise.all(
      (await readdir(`/proc/${pid}/fd`)).map((fd) => readlink(`/proc/${pid}/fd/${fd}`).catch(() => '')),
    );
    expect(pipes.filter((target) => target.startsWith('/dev/pts'))).toEqual([]);
    await lab.letGo('a');
    expect((await lab.events(jobId(id))).at(-1)).toMatchObject({ type: 'job-finished', outcome: 'succeeded' });
  });

  test('whose process is killed is seen as interrupted by all, once, and the next job on the host sweeps first', async () => {
    const { id } = await lab.start(backupOf('a'));
    await lab.untilMarked('begin a');
    const following = lab.events(id);
    const pid = (await lab.facts(id)).runner?.identity.pid ?? 0;
    process.kill(pid, 'SIGKILL');
    const readers = await Promise.all(Array.from({ length: 8 }, () => lab.until(id, 'interrupted')));
    expect(new Set(readers.map(({ finished }) => JSON.stringify(finished))).size).toBe(1);
    const events = await following;
    expect(events.map(({ type }) => type)).toEqual(['job-started', 'phase-started', 'job-finished']);
    expect(events.at(-1)).toMatchObject({ seq: 3, outcome: 'interrupted', error: { code: 'job.interrupted' } });

    await lab.letGo('b');
    await lab.events((await lab.start(backupOf('b'))).id);
    expect(await lab.marks()).toEqual(['begin a', 'sweep db1 of 1 dead', 'begin b', 'end b']);
    await lab.letGo('a');
    await lab.events((await lab.start(backupOf('a'))).id);
    expect((await lab.marks()).slice(4), 'no second sweep').toEqual(['begin a', 'end a']);
  });

  test('that is killed again and again is named as often to the next one, and not again', async () => {
    for (let kill = 1; kill <= 2; kill += 1) {
      const { id } = await lab.start(backupOf('c'));
      await lab.until(id, 'running');
      const began = async () => (await lab.marks()).filter((mark) => mark === 'begin c').length;
      while ((await began()) < kill) await systemClock.sleep(10, never);
      process.kill((await lab.facts(id)).runner?.identity.pid ?? 0, 'SIGKILL');
      await lab.until(id, 'interrupted');
    }
    await lab.letGo('a');
    // On another host first: what it does not know of is not taken for removed.
    await lab.events((await lab.start(backupOf('a'))).id);
    await lab.letGo('c');
    await lab.events((await lab.start(backupOf('c'))).id);
    await lab.events((await lab.start(backupOf('a'))).id);
    expect(await lab.marks()).toEqual([
      ...['begin c', 'sweep db2 of 1 dead', 'begin c'],
      ...['sweep db1 of 1 dead', 'begin a', 'end a', 'sweep db2 of 1 dead', 'begin c', 'end c', 'begin a', 'end a'],
    ]);
  });

  test('whose process is killed is noticed by those who only watch', async () => {
    const { id } = await lab.start(backupOf('a'));
    await lab.until(id, 'running');
    const noticed = Promise.withResolvers<void>();
    const ports = { clock: systemClock, logger: silentLogger };
    using _ = watchStore(
      lab.store,
      () => {
        lab.store.facts(id).then((facts) => {
          if (facts?.finished?.outcome === 'interrupted') noticed.resolve();
        }, noticed.reject);
      },
      ports,
    );
    process.kill((await lab.store.facts(id))?.runner?.identity.pid ?? 0, 'SIGKILL');
    await expect(noticed.promise).resolves.toBeUndefined();
  });

  test('that could not clean up makes the next one sweep', async () => {
    await lab.letGo('b-unclean');
    await lab.letGo('a');
    await lab.events((await lab.start(backupOf('b-unclean'))).id);
    await lab.events((await lab.start(backupOf('a'))).id);
    expect(await lab.marks()).toEqual(['begin b-unclean', 'end b-unclean', 'sweep db1 of 1 dead', 'begin a', 'end a']);
  });

  test('is one for all who ask for the same thing at the same time', async () => {
    const shells = Array.from({ length: 3 }, () => starter('a'));
    const [own, ...others] = await Promise.all([
      Promise.all(Array.from({ length: 4 }, () => lab.start(backupOf('a')))),
      ...shells.map(firstLine),
    ]);
    for (const shell of shells) {
      shell.kill('SIGKILL');
      await once(shell, 'exit');
    }
    const all = [...own, ...others];
    expect(new Set(all.map(({ id }) => id)).size).toBe(1);
    expect(all.filter(({ alreadyRunning }) => !alreadyRunning)).toHaveLength(1);
    expect(await lab.store.ids()).toHaveLength(1);
  });

  test('waits for its host, visibly, and not for another one', async () => {
    const { id: first } = await lab.start(backupOf('a'));
    await lab.untilMarked('begin a');
    const { id: second } = await lab.start(backupOf('b'));
    const { id: elsewhere } = await lab.start(backupOf('c'));
    await lab.untilMarked('begin c');
    await lab.until(second, 'queued');
    expect(await lab.marks()).not.toContain('begin b');
    await expect
      .poll(() => readFile(lab.store.path(second, 'events.ndjson'), 'utf8').catch(() => ''), { timeout: 20_000 })
      .toContain(`"type":"job-waiting","behind":"${first}"`);
    for (const source of ['a', 'b', 'c']) await lab.letGo(source);
    for (const id of [first, second, elsewhere]) await lab.until(id, 'succeeded');
    const onHost = (await lab.marks()).filter((mark) => !mark.endsWith('c'));
    expect(onHost).toEqual(['begin a', 'end a', 'begin b', 'end b']);
  });

  test('can be cancelled, cleans up, and leaves the host to the next one', async () => {
    const { id: running } = await lab.start(backupOf('a'));
    await lab.untilMarked('begin a');
    const { id: waiting } = await lab.start(backupOf('b'));
    await lab.store.requestCancel(waiting);
    await lab.until(waiting, 'cancelled');
    const told = (await lab.events(waiting)).map(({ type }) => type).filter((type) => type !== 'job-waiting');
    expect(told).toEqual(['job-finished']);
    await lab.store.requestCancel(running);
    await lab.until(running, 'cancelling');
    const { id: next } = await lab.start(backupOf('a'));
    expect(next, 'one that is stopping is not the one that is wanted').not.toBe(running);
    await lab.letGo('a');
    expect((await lab.until(running, 'cancelled')).finished?.error).toMatchObject({ code: 'run.cancelled' });
    await lab.until(next, 'succeeded');
    expect(await lab.marks()).toEqual(['begin a', 'cleaned a', 'begin a', 'end a']);
  });

  test('that is cancelled when its work is done has succeeded, and says that the cancel came too late', async () => {
    const { id } = await lab.start(backupOf('b-late'));
    await lab.untilMarked('begin b-late');
    await lab.store.requestCancel(id);
    await lab.until(id, 'cancelling');
    await systemClock.sleep(700, never);
    await lab.letGo('b-late');
    const events = await lab.events(id);
    expect(events.at(-1)).toMatchObject({
      outcome: 'succeeded',
      facts: { stores: { main: { pointsSaved: ['ab'.repeat(32)] } } },
    });
    expect(events.filter(({ type }) => type === 'warning')).toMatchObject([{ code: 'run.cancelled' }]);
  });

  test('that is cut after its commit says that the restore point is saved', async () => {
    const { id } = await lab.start(backupOf('b-saved'));
    await lab.untilMarked('begin b-saved');
    await lab.store.requestCancel(id);
    const { finished } = await lab.until(id, 'cancelled');
    expect(finished?.error?.advice).toBe(
      'The restore point abababab is saved. Nothing of the run is left on "db1". Start it again when you want it.',
    );
  });

  test('whose process is killed after its commit says that the restore point is saved', async () => {
    const { id } = await lab.start(backupOf('b-saved'));
    await lab.untilMarked('begin b-saved');
    process.kill((await lab.facts(id)).runner?.identity.pid ?? 0, 'SIGKILL');
    const { finished } = await lab.until(id, 'interrupted');
    expect(finished?.error?.advice).toBe('The restore point abababab is saved. Nothing needs to be done.');
    expect(finished?.facts?.stores['main']?.pointsSaved).toEqual(['ab'.repeat(32)]);
  });

  test('whose process is killed in its commit says that nobody knows', async () => {
    const { id } = await lab.start(backupOf('b-saving'));
    await lab.untilMarked('begin b-saving');
    process.kill((await lab.facts(id)).runner?.identity.pid ?? 0, 'SIGKILL');
    const { finished } = await lab.until(id, 'interrupted');
    expect(finished?.error?.advice).toBe(
      'It is unknown whether restore point abababab was saved; list the restore points to see. Start it again.',
    );
  });

  test('that never began says so', async () => {
    const { id: first } = await lab.start(backupOf('a'));
    await lab.untilMarked('begin a');
    const { id } = await lab.start(backupOf('b'));
    await lab.until(id, 'queued');
    await lab.store.requestCancel(id);
    const { finished } = await lab.until(id, 'cancelled');
    expect(finished?.error?.advice).toBe('The job had not begun. Start it again when you want it.');
    await lab.letGo('a');
    await lab.events(first);
  });

  test.each(['SIGTERM', 'SIGINT'] as const)('cleans up on %s', async (signal) => {
    const { id } = await lab.start(backupOf('a'));
    await lab.untilMarked('begin a');
    process.kill((await lab.facts(id)).runner?.identity.pid ?? 0, signal);
    const { finished } = await lab.until(id, 'cancelled');
    expect(finished?.error?.message).toBe(`The job was cancelled: its process was sent ${signal}.`);
    expect(await lab.marks()).toEqual(['begin a', 'cleaned a']);
  });

  test('fails with the error of its verb', async () => {
    const { id } = await lab.start({ kind: 'verify', repository: REPOSITORY });
    expect((await lab.events(id)).at(-1)).toMatchObject({
      outcome: 'failed',
      error: { code: 'repository.wrong-password' },
    });
  });

  test.each([
    ['gone from the configuration', '"a": {', '"z": {', 'config.unknown-source'],
    ['another one by now', '"/a"', '"/z"', 'config.changed'],
    ['going to another repository by now', '"/r"', '"/z"', 'config.changed'],
  ])('whose source is %s does nothing', async (_, before, after, code) => {
    const text = await readFile(lab.configFile, 'utf8');
    const meanwhile = () => writeFile(lab.configFile, text.replace(before, after));
    const { id } = await lab.start(backupOf('a'), { meanwhile });
    expect((await lab.events(id)).at(-1)).toMatchObject({ outcome: 'failed', error: { code } });
    expect(await lab.marks()).toEqual([]);
  });

  test('tells progress at a pace that an eye can follow, and the last count before the end of the phase', async () => {
    const began = performance.now();
    const { id } = await lab.start({ kind: 'check', repository: REPOSITORY });
    const events = await lab.events(id);
    const seconds = (performance.now() - began) / 1000;
    const progress = events.filter(({ type }) => type === 'progress');
    expect(progress.length).toBeGreaterThan(2);
    expect(progress.length).toBeLessThanOrEqual(Math.ceil(seconds * 4) + 1);
    expect(events.slice(-3)).toMatchObject([{ filesDone: 1000 }, { type: 'phase-finished' }, { type: 'job-finished' }]);
  });
});

describe('secrets', { timeout: SLOW }, () => {
  const handover = {
    answers: [{ kind: 'sudo-password', subject: 'db1', key: 'bak', value: 'sudo-ochre-lamp' }],
    repositorySecrets: { main: { password: 'repository-violet-door', store: 'store-violet-door' } },
    warnings: [],
  };

  /** The runner may still be putting the last of them in its place: then all are looked at anew. */
  async function allFiles(): Promise<string> {
    for (;;) {
      const names = await readdir(lab.home, { recursive: true, withFileTypes: true });
      const files = names.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
      const contents = await Promise.all(files.map((file) => readFile(file, 'utf8').catch(absent)));
      if (!contents.includes(undefined)) return contents.join('\n');
    }
  }
  const absent = (error: NodeJS.ErrnoException): undefined => {
    if (error.code !== 'ENOENT') throw error;
  };

  test('reach the runner, and neither its arguments, its environment nor any file', async () => {
    const { id } = await lab.start(
      { kind: 'restore', repository: REPOSITORY, restorePoint: 'latest', paths: [], target: '/x' },
      { handover },
    );
    expect((await lab.events(id)).at(-1)).toMatchObject({ outcome: 'succeeded' });
    expect(await lab.marks()).toEqual([
      `knows ${'repository-violet-door'.length} ${'store-violet-door'.length} ${'sudo-ochre-lamp'.length}, shows false false false`,
    ]);
    expect(await allFiles()).not.toMatch(/ochre|violet/);
  });

  test('are taken out of what a foreign library says', async () => {
    const { id } = await lab.start(
      { kind: 'restore', repository: REPOSITORY, restorePoint: 'latest', paths: [], target: '/throw' },
      { handover },
    );
    const end = (await lab.events(id)).at(-1);
    expect(end).toMatchObject({ outcome: 'failed', error: { code: 'internal.unexpected' } });
    expect(JSON.stringify(end)).toContain('bad key [redacted]');
    expect(await allFiles()).not.toMatch(/ochre|violet/);
  });
});

describe('a runner', { timeout: SLOW }, () => {
  test('that cannot be started is an error now, and the job says so later', async () => {
    const entry = new URL('./not-there.ts', import.meta.url);
    await expect(lab.start(backupOf('a'), { runnerEntry: entry })).rejects.toMatchObject({
      code: 'job.runner-failed',
      advice: expect.stringContaining('Cannot find module') as unknown,
    });
    const [id] = await lab.store.ids();
    expect((await lab.facts(id ?? jobId('0'.repeat(16)))).finished).toMatchObject({
      outcome: 'failed',
      error: { code: 'job.runner-failed' },
    });
    expect((await lab.start(backupOf('a'))).alreadyRunning, 'does not stand in the way').toBe(false);
  });

  test('that nobody tells what to do, because its starter died, does nothing', async () => {
    const { id } = await lab.start(backupOf('a'));
    await lab.until(id, 'running');
    const runner = fileURLToPath(new URL('../../support/jobs/runner-main.ts', import.meta.url));
    const child = spawn(process.execPath, [runner, lab.store.folder, id], {
      stdio: ['pipe', 'ignore', 'ignore', 'pipe'],
    });
    child.stdin?.end();
    expect(await once(child, 'exit')).toEqual([70, null]);
    // And one that comes when the job has a runner keeps away from it.
    const second = spawn(process.execPath, [runner, lab.store.folder, id], {
      stdio: ['pipe', 'ignore', 'ignore', 'ignore'],
    });
    second.stdin?.end(`${JSON.stringify(NO_SECRETS)}\n`);
    expect(await once(second, 'exit')).toEqual([70, null]);
    await lab.until(id, 'running');
  });

  test('that has a fault in itself ends its job', async () => {
    const handover = { ...NO_SECRETS, repositorySecrets: { main: { password: 'x' } } };
    const { id } = await lab.start(
      { kind: 'restore', repository: REPOSITORY, restorePoint: 'latest', paths: [], target: '/fault' },
      { handover },
    );
    const end = (await lab.events(id)).at(-1);
    expect(end).toMatchObject({ outcome: 'failed', error: { code: 'internal.unexpected' } });
    expect(JSON.stringify(end)).toContain('nobody catches this');
  });
});
