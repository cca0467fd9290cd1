/** The façade over real parts: a configuration file, a repository in a folder, and jobs in processes of their own. */
import { chmod, mkdir, readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { never } from '../../../shared/base/cancel.ts';
import { hostName, jobId, newJobId, repositoryName, restorePointId, sourceName } from '../../../shared/domain/names.ts';
import { EVERY_POINT } from '../../../shared/domain/point-filter.ts';
import type { Prompter } from '../../../shared/domain/prompter.ts';
import { createLocalBackend } from '../../../shared/repository/backend/local.ts';
import { encodeTree } from '../../../shared/repository/format/tree.ts';
import type { Node } from '../../../shared/repository/node.ts';
import { timestampFromDate } from '../../../shared/repository/timestamp.ts';
import { openStillpoint, type Stillpoint } from '../../../shared/stillpoint.ts';
import { type TemporaryFolder, temporaryFolder } from '../../support/temporary-folder.ts';
import { createTestRepository, PASSWORD, putTree, type TestTree } from '../../support/test-repository.ts';

const SLOW = 60_000;
const MAIN = repositoryName('main');
const OTHER = repositoryName('other');

let folder: TemporaryFolder;
let stillpoint: Stillpoint;

async function open(prompter?: Prompter): Promise<Stillpoint> {
  const configFile = join(folder.path, 'config.jsonc');
  return openStillpoint({
    configFile,
    stateFolder: join(folder.path, 'state'),
    ...(prompter === undefined ? {} : { prompter }),
  });
}

beforeEach(async () => {
  folder = await temporaryFolder();
  await writeFile(join(folder.path, 'password'), `${PASSWORD}\n`, { mode: 0o600 });
  await writeFile(
    join(folder.path, 'config.jsonc'),
    `{
      "hosts": {"db1": {"ssh": "db1.invalid"}},
      "repositories": {
        "main": {"location": "main", "passwordFile": "password"},
        "other": {"location": "other", "passwordFile": "password"},
        "asked": {"location": "main"},
      },
      "sources": {
        "shop": {"host": "db1", "paths": ["/srv"], "repository": "main"},
        "web": {"host": "web.invalid", "paths": ["/srv"], "repository": "other"},
      },
    }`,
  );
  stillpoint = await open();
}, SLOW);
afterEach(async () => {
  await stillpoint[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

interface PointFacts {
  readonly tags?: readonly string[];
  readonly hostname?: string;
  readonly time?: string;
  readonly tree?: TestTree;
  /** More entries at the top. */
  readonly nodes?: readonly Node[];
}

/** Fills a repository that need not be there yet, one restore point for each of `points`; their ids. */
async function fill(name: string, ...points: readonly PointFacts[]): Promise<string[]> {
  const ids: string[] = [];
  await using repository = await createTestRepository(createLocalBackend(join(folder.path, name)));
  await using lock = await repository.lock('shared', never);
  await repository.loadIndex(never);
  await using writer = await repository.openWriter(lock, { workers: 1 });
  for (const point of points) {
    const { tree = { srv: { hello: 'hello' } }, nodes, ...facts } = point;
    const top = nodes
      ? (await (await writer.put('tree', encodeTree(nodes), never)).saved).id
      : await putTree(writer, tree, never);
    await writer.flush(never);
    const time = timestampFromDate(new Date(facts.time ?? '2026-01-01T00:00:00Z'));
    const saved = await repository.saveRestorePoint(
      { paths: ['/srv'], hostname: 'db1', ...facts, time, tree: top },
      lock,
      never,
    );
    ids.push(saved.id);
  }
  return ids;
}

const finished = async (id: string) => {
  const events = await Array.fromAsync(stillpoint.followJob(jobId(id), 0, AbortSignal.timeout(SLOW)));
  return events.at(-1);
};

describe('names', () => {
  test('are those of the configuration', async () => {
    expect((await stillpoint.listSources()).map(({ name }) => name)).toEqual(['shop', 'web']);
    expect((await stillpoint.listRepositories()).map(({ name }) => name)).toEqual(['main', 'other', 'asked']);
    const hosts = await stillpoint.listHosts(never);
    expect(hosts.slice(0, 2)).toMatchObject([
      { name: 'db1', origin: 'configuration', sources: ['shop'], forAssistants: true },
      { name: 'web.invalid', origin: 'configuration', sources: ['web'], forAssistants: true },
    ]);
    const offered = hosts.slice(2);
    expect(offered.filter(({ forAssistants }) => forAssistants)).toEqual([]);
    await writeFile(stillpoint.configFile, '{"assistants": {"sshHosts": true}}');
    expect((await stillpoint.listHosts(never)).every(({ forAssistants }) => forAssistants)).toBe(true);
    await writeFile(stillpoint.configFile, '{}');
    expect(await stillpoint.listSources(), 'an edit counts at once').toEqual([]);
  });

  test('that are not there are said before anything begins', async () => {
    const nowhere = hostName('nowhere.invalid');
    await expect(stillpoint.inspectHost(nowhere, never)).rejects.toMatchObject({
      code: 'config.unknown-host',
      // In "hosts" alone it would have no address either.
      advice: expect.stringMatching(/ "nowhere\.invalid" to your SSH configuration, with its HostName\.$/) as string,
    });
    await expect(stillpoint.planBackup(sourceName('web'), never)).rejects.toMatchObject({
      code: 'config.unknown-host',
    });
    for (const [request, code] of [
      [{ kind: 'backup', source: sourceName('shpo') }, 'config.unknown-source'],
      [{ kind: 'backup', source: sourceName('web') }, 'config.unknown-host'],
      [{ kind: 'sweep', host: nowhere }, 'config.unknown-host'],
      [{ kind: 'check', repository: repositoryName('nothing') }, 'config.unknown-repository'],
    ] as const) {
      await expect(stillpoint.startJob(request, never)).rejects.toMatchObject({ code });
    }
    await expect(stillpoint.startJob({ kind: 'sweep', host: hostName('web') }, never)).rejects.toMatchObject({
      code: 'config.unknown-host',
      advice: expect.stringMatching(/^"web" is a source, and its host is "/) as string,
    });
    expect(await stillpoint.listJobs()).toEqual([]);
    await expect(stillpoint.findJob(newJobId())).rejects.toMatchObject({ code: 'job.not-found' });
    await expect(stillpoint.cancelJob(newJobId())).rejects.toMatchObject({ code: 'job.not-found' });
    await expect(Array.fromAsync(stillpoint.followJob(newJobId(), 0, never))).rejects.toMatchObject({
      code: 'job.not-found',
    });
  });
});

test('an empty configuration does not look like an empty repository', async () => {
  await writeFile(stillpoint.configFile, '{}');
  await expect(stillpoint.listRestorePoints({}, never)).rejects.toMatchObject({
    code: 'config.unknown-repository',
    message: `"${stillpoint.configFile}" names no repository.`,
  });
});

describe('a repository', { timeout: SLOW }, () => {
  test('is made once, and not where the password is missing', async () => {
    const { id } = await stillpoint.initRepository(MAIN, never);
    expect(id).toMatch(/^[0-9a-f]{64}$/);
    await expect(stillpoint.initRepository(MAIN, never)).rejects.toMatchObject({ code: 'repository.exists' });
    await expect(stillpoint.initRepository(repositoryName('asked'), never)).rejects.toMatchObject({
      code: 'config.secret-unavailable',
    });
    expect(await stillpoint.listRestorePoints({ repository: MAIN }, never)).toEqual({
      restorePoints: [],
      unreadable: [],
      unavailable: [],
    });
    await expect(stillpoint.listRestorePoints({ repository: OTHER }, never)).rejects.toMatchObject({
      code: 'repository.not-found',
    });
    const { unavailable } = await stillpoint.listRestorePoints({}, never);
    expect(unavailable, 'a shorter list would look complete').toMatchObject([
      { repository: 'other', code: 'repository.not-found' },
      { repository: 'asked', code: 'config.secret-unavailable' },
    ]);
  });

  test('is asked for its password again while it is wrong, and then no more', async () => {
    await fill('main', {});
    const answers = ['wrong', 'wrong too', PASSWORD];
    const asked: string[] = [];
    const settled: string[] = [];
    const prompter: Prompter = {
      ask: ({ subject, text }) => {
        asked.push(`${subject}${/ \(.*\)/.exec(text)?.[0] ?? ''}`);
        return Promise.resolve(answers.shift());
      },
      confirmHostKey: () => Promise.resolve(false),
      settle: ({ kind }, outcome) => settled.push(`${kind} ${outcome}`),
    };
    await using person = await open(prompter);
    const repository = repositoryName('asked');
    expect((await person.listRestorePoints({ repository }, never)).restorePoints).toHaveLength(1);
    const { job } = await person.startJob({ kind: 'check', repository }, never);
    expect(await finished(job.id)).toMatchObject({ outcome: 'succeeded' });
    const again = 'asked (the last one was wrong)';
    expect(asked).toEqual(['asked', again, again]);
    const refused = 'repository-password refused';
    expect(settled.slice(0, 3)).toEqual([refused, refused, 'repository-password proved']);
    expect(settled.slice(3)).not.toContain(refused);

    answers.push('wrong', 'wrong', 'wrong', PASSWORD);
    await using other = await open(prompter);
    await expect(other.startJob({ kind: 'check', repository }, never)).rejects.toMatchObject({
      code: 'repository.wrong-password',
    });
  });

  test('lists restore points newest first, with what their tags say, also those that come later', async () => {
    const [first = ''] = await fill('main', {
      time: '2026-01-01T00:00:00Z',
      tags: ['stillpoint', 'source=shop', 'consistency=crash'],
    });
    await fill('other', { time: '2026-03-01T00:00:00Z', hostname: 'web', tags: ['by hand'] });
    const { restorePoints: all } = await stillpoint.listRestorePoints({ repository: MAIN }, never);
    expect(all).toEqual([
      {
        id: first,
        repository: 'main',
        time: '2026-01-01T00:00:00.000Z',
        hostname: 'db1',
        paths: ['/srv'],
        tags: ['stillpoint', 'source=shop', 'consistency=crash'],
        source: 'shop',
        consistency: 'crash',
        wholeness: { state: 'unknown', missing: [], missingCount: undefined },
        bytesTotal: undefined,
        filesTotal: undefined,
        program: all[0]?.program,
      },
    ]);
    await writeFile(stillpoint.configFile, (await readFile(stillpoint.configFile, 'utf8')).replace(/"asked".*/, ''));
    const { restorePoints: both, unreadable } = await stillpoint.listRestorePoints({}, never);
    expect(unreadable).toEqual([]);
    expect(both.map(({ hostname, source, consistency }) => [hostname, source, consistency])).toEqual([
      ['web', undefined, undefined],
      ['db1', 'shop', 'crash'],
    ]);
    const ofShop = await stillpoint.listRestorePoints({ filter: { ...EVERY_POINT, sources: ['shop'] } }, never);
    expect(ofShop.restorePoints.map(({ source }) => source)).toEqual(['shop']);
    const ofWeb = await stillpoint.listRestorePoints({ filter: { ...EVERY_POINT, hostnames: ['web'] } }, never);
    expect(ofWeb.restorePoints.map(({ hostname }) => hostname)).toEqual(['web']);
    expect((await stillpoint.findRestorePoint({}, 'latest', never)).point.repository).toBe('other');
    expect((await stillpoint.findRestorePoint({ repository: MAIN }, 'latest', never)).point.id).toBe(first);
    expect((await stillpoint.findRestorePoint({}, first.slice(0, 10), never)).point.repository).toBe('main');
    await expect(stillpoint.findRestorePoint({}, 'ffffffffffffffff', never)).rejects.toMatchObject({
      code: 'repository.unknown-point',
      message: 'None of the repositories "main", "other" holds a restore point "ffffffffffffffff".',
    });
    await expect(stillpoint.findRestorePoint({ repository: MAIN }, 'ffff', never)).rejects.toMatchObject({
      message: 'The repository "main" holds no restore point "ffff".',
    });
  });

  test('that cannot be read is named, whatever was asked for, and nothing else passes for the latest', async () => {
    const [older = '', newest = ''] = await fill(
      'main',
      { time: '2026-01-01T00:00:00Z' },
      { time: '2026-02-01T00:00:00Z' },
    );
    await fill('other', { time: '2026-03-01T00:00:00Z' });
    await writeFile(stillpoint.configFile, (await readFile(stillpoint.configFile, 'utf8')).replace(/"asked".*/, ''));
    const damaged = join(folder.path, 'main', 'snapshots', newest);
    await chmod(damaged, 0o600);
    await truncate(damaged, 40);
    const all = await stillpoint.listRestorePoints({ repository: MAIN }, never);
    expect(all.restorePoints.map(({ id }) => id)).toEqual([older]);
    expect(all.unreadable).toMatchObject([{ repository: 'main', restorePoint: newest }]);
    expect(all.unreadable[0]?.reason).toContain(newest.slice(0, 8));
    const filtered = await stillpoint.listRestorePoints({ filter: { ...EVERY_POINT, hostnames: ['web'] } }, never);
    expect(filtered).toEqual({ restorePoints: [], unreadable: all.unreadable, unavailable: [] });
    expect((await stillpoint.listRestorePoints({ repository: OTHER }, never)).unreadable).toEqual([]);

    for (const scope of [{ repository: MAIN }, {}]) {
      const refused = await stillpoint.findRestorePoint(scope, 'latest', never).catch((error: unknown) => error);
      expect(refused).toMatchObject({ code: 'repository.damaged', details: { unreadable: [newest] } });
      expect(String(refused)).toContain(newest.slice(0, 8));
    }
    expect((await stillpoint.findRestorePoint({ repository: MAIN }, older.slice(0, 12), never)).point.id).toBe(older);
    expect((await stillpoint.findRestorePoint({ repository: OTHER }, 'latest', never)).point.repository).toBe('other');
    await expect(stillpoint.findRestorePoint({ repository: MAIN }, newest.slice(0, 12), never)).rejects.toMatchObject({
      code: 'repository.damaged',
    });
  });

  test('is browsed in pages, whatever the names are', async () => {
    const names = ['a\nb', 'ü', 'a\u001b[31m', 'plain', 'twin\n', 'twin\\n'].map((name) => Buffer.from(name));
    names.push(Buffer.from([0x66, 0xff, 0x66]));
    const when = timestampFromDate(new Date('2026-01-02T03:04:05Z'));
    const meta = { mtime: when, atime: when, ctime: when, uid: 1, gid: 2, mode: 0o640 };
    const nodes: Node[] = names.map((name) => ({ ...meta, name, type: 'symlink', linkTarget: Buffer.from('x\ty') }));
    const [id = ''] = await fill('main', { nodes });
    const point = restorePointId(id);
    const page = await stillpoint.browse({ repository: MAIN, restorePoint: point, path: '/', limit: 2 }, never);
    expect(page.entries.map(({ name }) => name)).toEqual(['a\\nb', 'a\\x1b[31m']);
    const rest = await stillpoint.browse(
      {
        repository: MAIN,
        restorePoint: point,
        path: '/',
        ...(page.nextCursor === undefined ? {} : { cursor: page.nextCursor }),
      },
      never,
    );
    expect(rest.entries.map(({ name, rawName }) => [name, rawName])).toEqual([
      ['f\\xfff', '66ff66'],
      ['plain', undefined],
      ['twin\\n', '7477696e0a'],
      ['twin\\n', undefined],
      ['ü', undefined],
    ]);
    expect(rest.nextCursor).toBeUndefined();
    const one = await stillpoint.browse({ repository: MAIN, restorePoint: point, path: '/f\\xfff' }, never);
    expect(one.entries).toEqual([
      {
        name: 'f\\xfff',
        rawName: '66ff66',
        kind: 'symlink',
        sizeBytes: 0,
        mode: 0o640,
        uid: 1,
        gid: 2,
        mtime: '2026-01-02T03:04:05.000Z',
        linkTarget: 'x\\ty',
      },
    ]);
    for (const [path, code] of [
      ['/none', 'repository.path-not-found'],
      ['/plain/below', 'repository.path-not-found'],
      ['/twin\\n', 'repository.path-not-found'],
      ['plain', 'usage.invalid'],
    ] as const) {
      await expect(stillpoint.browse({ repository: MAIN, restorePoint: point, path }, never)).rejects.toMatchObject({
        code,
      });
    }
    // Whoever asked for "latest" has not seen which one that is.
    await expect(stillpoint.browse({ repository: MAIN, restorePoint: point, path: '/none' }, never)).rejects.toThrow(
      `The restore point ${point.slice(0, 8)} does not hold "/none".`,
    );
    await expect(
      stillpoint.browse({ repository: MAIN, restorePoint: point, path: '/', cursor: 'x' }, never),
    ).rejects.toMatchObject({ code: 'usage.invalid' });
  });
});

describe('jobs', { timeout: SLOW }, () => {
  test('check, verify and restore in processes of their own, seen by every façade', async () => {
    await fill('main', { tree: { srv: { 'a\nb': { deep: 'deep' }, other: 'other' } } });
    let changes = 0;
    await using elsewhere = await open();
    using _ = elsewhere.watchJobs(() => {
      changes += 1;
    });
    const check = await stillpoint.startJob({ kind: 'check', repository: MAIN }, never);
    expect(await finished(check.job.id)).toMatchObject({
      outcome: 'succeeded',
      result: { kind: 'check', restorePoints: 1, findings: [] },
    });
    const verify = await stillpoint.startJob({ kind: 'verify', repository: MAIN }, never);
    expect(await finished(verify.job.id)).toMatchObject({
      outcome: 'succeeded',
      result: { kind: 'verify', findings: [] },
    });
    const target = join(folder.path, 'restored');
    await mkdir(target);
    const restore = await stillpoint.startJob(
      { kind: 'restore', repository: MAIN, restorePoint: 'latest', paths: ['/srv/a\\nb'], target },
      never,
    );
    expect(await finished(restore.job.id)).toMatchObject({
      outcome: 'succeeded',
      result: { kind: 'restore', files: 1 },
    });
    expect(await readFile(join(target, 'srv', 'a\nb', 'deep'), 'utf8')).toBe('deep');
    const jobs = await elsewhere.listJobs();
    expect(jobs.map(({ request, state }) => `${request.kind} ${state}`)).toEqual([
      'restore succeeded',
      'verify succeeded',
      'check succeeded',
    ]);
    expect(await elsewhere.listJobs({ limit: 1 })).toEqual(jobs.slice(0, 1));
    expect(await elsewhere.listJobs({ states: ['running'] })).toEqual([]);
    expect(await elsewhere.cancelJob(restore.job.id), 'what is finished stays').toEqual(jobs[0]);
    expect(changes).toBeGreaterThan(0);
  });

  test('say why they failed', async () => {
    const { job } = await stillpoint.startJob({ kind: 'check', repository: MAIN }, never);
    expect(await finished(job.id)).toMatchObject({ outcome: 'failed', error: { code: 'repository.not-found' } });
    expect(await stillpoint.findJob(job.id)).toMatchObject({
      state: 'failed',
      error: { code: 'repository.not-found' },
    });
  });
});
