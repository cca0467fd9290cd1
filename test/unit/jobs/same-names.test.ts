/** Jobs of several configurations in one store: one is never taken for another because it has the same name. */
import { mkdir, rename, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { never } from '../../../shared/base/cancel.ts';
import { hostName, repositoryName, sourceName } from '../../../shared/domain/names.ts';
import { openStillpoint, type Stillpoint } from '../../../shared/stillpoint.ts';
import { JobLab } from '../../support/jobs/job-lab.ts';

const SLOW = 60_000;
const RUNNER = new URL('../../support/jobs/runner-main.ts', import.meta.url);
const BACKUP = { kind: 'backup', source: sourceName('a') } as const;
const VERIFY = { kind: 'check', repository: repositoryName('main') } as const;

interface Facts {
  readonly ssh?: string;
  readonly paths?: readonly string[];
  readonly exclude?: readonly string[];
  readonly location?: string;
  readonly keep?: object;
  readonly sshConfigFile?: string;
}

let lab: JobLab;
const opened: Stillpoint[] = [];
beforeEach(async () => {
  lab = await JobLab.open();
  await writeFile(join(lab.home, 'password'), 'secret\n', { mode: 0o600 });
});
afterEach(async () => {
  await lab.letGo('a');
  for (const shell of opened.splice(0)) await shell[Symbol.asyncDispose]();
  await lab[Symbol.asyncDispose]();
}, SLOW);

/** Writes `folder/config.jsonc`; every configuration has a source "a" and a repository "main". */
async function configure(folder: string, facts: Facts = {}): Promise<string> {
  const { ssh = 'db1.invalid', paths = ['/a'], location = 'repository', exclude, keep, sshConfigFile } = facts;
  await mkdir(join(lab.home, folder), { recursive: true });
  const file = join(lab.home, folder, 'config.jsonc');
  const configuration = {
    hosts: { db1: { ssh, sshConfigFile } },
    repositories: { main: { location, passwordFile: join(lab.home, 'password') } },
    sources: { a: { host: 'db1', paths, exclude, keep, repository: 'main' } },
  };
  await writeFile(file, JSON.stringify(configuration));
  return file;
}

async function shell(configFile: string): Promise<Stillpoint> {
  const stillpoint = await openStillpoint({ configFile, stateFolder: lab.store.folder, runnerEntry: RUNNER });
  opened.push(stillpoint);
  return stillpoint;
}

describe('a job is joined', { timeout: SLOW }, () => {
  test('by the same configuration, also by another name of its file', async () => {
    const file = await configure('one');
    const first = await (await shell(file)).startJob(BACKUP, never);
    await symlink(file, join(lab.home, 'one', 'other.jsonc'));
    const again = await (await shell(join(lab.home, 'one', 'other.jsonc'))).startJob(BACKUP, never);
    expect(again).toMatchObject({ alreadyRunning: true, job: { id: first.job.id, configFile: file } });
  });

  test('when only its keep rules were edited', async () => {
    const file = await configure('one');
    const stillpoint = await shell(file);
    const first = await stillpoint.startJob(BACKUP, never);
    await lab.untilMarked('begin a');
    await configure('one', { keep: { last: 3 } });
    expect(await stillpoint.startJob(BACKUP, never)).toMatchObject({ alreadyRunning: true, job: { id: first.job.id } });
  });
});

describe('a job is not joined', { timeout: SLOW }, () => {
  test.each([
    ['a backup of a source', BACKUP],
    ['a check of a repository', VERIFY],
  ])('by %s of the same name in another configuration', async (_, request) => {
    const one = await shell(await configure('one'));
    const two = await shell(await configure('two'));
    const first = await one.startJob(request, never);
    const second = await two.startJob(request, never);
    expect(second.alreadyRunning).toBe(false);
    expect(second.job.id).not.toBe(first.job.id);
    expect([first.job.configFile, second.job.configFile]).toEqual([one.configFile, two.configFile]);
  });

  test.each<[string, Facts]>([
    ['paths', { paths: ['/a', '/b'] }],
    ['what is left out', { exclude: ['*.log'] }],
    ['host', { ssh: 'db2.invalid' }],
    ['repository', { location: 'elsewhere' }],
  ])('after the %s of the source were edited', async (_, edited) => {
    await configure('one');
    const stillpoint = await shell(join(lab.home, 'one', 'config.jsonc'));
    const first = await stillpoint.startJob(BACKUP, never);
    await lab.untilMarked('begin a');
    await configure('one', edited);
    const second = await stillpoint.startJob(BACKUP, never);
    expect(second.alreadyRunning).toBe(false);
    expect(second.job.id).not.toBe(first.job.id);
  });

  test('after the SSH configuration was edited to lead to another machine', async () => {
    const sshConfigFile = join(lab.home, 'ssh_config');
    await writeFile(sshConfigFile, 'Host db1.invalid\n  HostName 192.0.2.1\n');
    const stillpoint = await shell(await configure('one', { sshConfigFile }));
    const first = await stillpoint.startJob(BACKUP, never);
    await lab.untilMarked('begin a');
    await writeFile(sshConfigFile, 'Host db1.invalid\n  HostName 192.0.2.2\n');
    const second = await stillpoint.startJob(BACKUP, never);
    expect(second.alreadyRunning).toBe(false);
    expect(second.job.id).not.toBe(first.job.id);
  });

  test.each(['HostName', 'User', 'Port'])(
    'that waited for its host while its %s in the SSH configuration was edited',
    async (key) => {
      const sshConfigFile = join(lab.home, 'ssh_config');
      await writeFile(sshConfigFile, `Host db1.invalid\n  ${key} 1\n`);
      const stillpoint = await shell(await configure('one', { sshConfigFile }));
      await stillpoint.startJob(BACKUP, never);
      await lab.untilMarked('begin a');
      const { job } = await stillpoint.startJob({ kind: 'sweep', host: hostName('db1') }, never);
      await lab.until(job.id, 'queued');
      await writeFile(sshConfigFile, `Host db1.invalid\n  ${key} 2\n`);
      await lab.letGo('a');
      expect((await lab.events(job.id)).at(-1)).toMatchObject({ outcome: 'failed', error: { code: 'config.changed' } });
      expect(await lab.marks()).toEqual(['begin a', 'end a']);
    },
  );

  test('by the same file seen from another folder, from where its relative location is another place', async () => {
    const file = await configure('one');
    await mkdir(join(lab.home, 'two'));
    const there = join(lab.home, 'two', 'config.jsonc');
    await symlink(file, there);
    const first = await (await shell(file)).startJob(VERIFY, never);
    const second = await (await shell(there)).startJob(VERIFY, never);
    expect(second.alreadyRunning).toBe(false);
    expect(second.job.id).not.toBe(first.job.id);
  });

  test('by another file that has taken its place', async () => {
    const file = await configure('one');
    const stillpoint = await shell(file);
    const first = await stillpoint.startJob(BACKUP, never);
    await rename(await configure('two', { paths: ['/other'] }), file);
    expect((await stillpoint.startJob(BACKUP, never)).job.id).not.toBe(first.job.id);
  });
});

test(
  'a list is of one configuration where that is asked for, by whatever name of its file',
  async () => {
    const file = await configure('one');
    const one = await shell(file);
    const two = await shell(await configure('two'));
    const link = join(lab.home, 'link.jsonc');
    await symlink(file, link);
    const { job } = await one.startJob(VERIFY, never);
    const other = await two.startJob(VERIFY, never);
    const ids = async (filter: object) => (await one.listJobs(filter)).map(({ id }) => id).toSorted();
    expect(await ids({})).toEqual([job.id, other.job.id].toSorted());
    expect(await ids({ configFile: link })).toEqual([job.id]);
    expect(await ids({ configFile: two.configFile })).toEqual([other.job.id]);
  },
  SLOW,
);

test(
  'two names of one machine wait for each other, and two machines of one name do not',
  async () => {
    const one = await shell(await configure('one', { ssh: 'DB1.invalid' }));
    const two = await shell(await configure('two', { ssh: 'db2.invalid' }));
    const { job: first } = await (await shell(await configure('three'))).startJob(BACKUP, never);
    await lab.until(first.id, 'running');
    const { job: same } = await one.startJob(BACKUP, never);
    const { job: other } = await two.startJob(BACKUP, never);
    await lab.until(other.id, 'running');
    expect((await lab.facts(same.id)).record.startedAt).toBeUndefined();
  },
  SLOW,
);
