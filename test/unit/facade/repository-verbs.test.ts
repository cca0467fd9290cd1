/** The façade over two real repositories: passwords, locks, copies as jobs, and questions over restore points. */
import { chmod, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { never } from '../../../shared/base/cancel.ts';
import { repositoryName } from '../../../shared/domain/names.ts';
import { EVERY_POINT } from '../../../shared/domain/point-filter.ts';
import type { Prompter, Question } from '../../../shared/domain/prompter.ts';
import { createLocalBackend } from '../../../shared/repository/backend/local.ts';
import { openRepository } from '../../../shared/repository/open-repository.ts';
import { openStillpoint, type Stillpoint } from '../../../shared/stillpoint.ts';
import { type TemporaryFolder, temporaryFolder } from '../../support/temporary-folder.ts';
import { backUp, createTestRepository, PASSWORD } from '../../support/test-repository.ts';

const SLOW = 60_000;
const MAIN = repositoryName('main');
const OTHER = repositoryName('other');
const ASKED = repositoryName('asked');

let folder: TemporaryFolder;
let stillpoint: Stillpoint;
const points: string[] = [];
/** What the person was asked, and what is answered next. */
const questions: Question['kind'][] = [];
let answers: Partial<Record<Question['kind'], string>> = {};

const person: Prompter = {
  ask: async ({ kind }) => {
    questions.push(kind);
    return answers[kind];
  },
  confirmHostKey: async () => false,
  settle: () => undefined,
};
const place = (name: string): string => join(folder.path, name);

beforeAll(async () => {
  folder = await temporaryFolder();
  for (const name of ['main', 'other', 'asked']) {
    await using repository = await createTestRepository(createLocalBackend(place(name)));
    if (name !== 'main') continue;
    points.push((await backUp(repository, { 'a.txt': 'one', same: { 'b.txt': 'b' } })).id);
    points.push((await backUp(repository, { 'a.txt': 'two', same: { 'b.txt': 'b' } })).id);
  }
  await writeFile(place('password'), `${PASSWORD}\n`, { mode: 0o600 });
  await writeFile(place('other-password'), 'another\n', { mode: 0o600 });
  await writeFile(
    place('config.jsonc'),
    `{"repositories": {
      "main": {"location": "main", "passwordFile": "password"},
      "other": {"location": "other", "passwordFile": "password"},
      "asked": {"location": "asked"},
      "printed": {"location": "main", "passwordCommand": ["echo", "another"]},
      "filed": {"location": "main", "passwordFile": "other-password"},
    }}`,
  );
  const places = { configFile: place('config.jsonc'), stateFolder: place('state') };
  stillpoint = await openStillpoint({ ...places, prompter: person });
}, SLOW);
afterAll(async () => {
  await stillpoint[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

describe('over two repositories', { timeout: SLOW }, () => {
  test('a copy is a job that has both passwords, and a second one finds all there', async () => {
    const request = { kind: 'copy', from: MAIN, to: OTHER, restorePoints: [], filter: EVERY_POINT } as const;
    const results: unknown[] = [];
    for (let turn = 0; turn < 2; turn += 1) {
      const { job } = await stillpoint.startJob(request, never);
      const events = await Array.fromAsync(stillpoint.followJob(job.id, 0, AbortSignal.timeout(SLOW)));
      const end = events.at(-1);
      results.push(end?.type === 'job-finished' ? end.result : end);
    }
    expect(results).toEqual([
      expect.objectContaining({ kind: 'copy', alreadyThere: 0, failed: [] }),
      expect.objectContaining({ copied: [], alreadyThere: 2, failed: [], bytesStored: 0 }),
    ]);
    expect((await stillpoint.listRestorePoints({ repository: OTHER }, never)).restorePoints).toHaveLength(2);
  });

  test('a password file that serves two repositories is warned of once', async () => {
    await chmod(place('password'), 0o644);
    const request = { kind: 'copy', from: MAIN, to: OTHER, restorePoints: [], filter: EVERY_POINT } as const;
    const { job } = await stillpoint.startJob(request, never);
    const events = await Array.fromAsync(stillpoint.followJob(job.id, 0, AbortSignal.timeout(SLOW)));
    await chmod(place('password'), 0o600);
    const warned = events.filter((event) => event.type === 'warning' && event.code === 'config.secret-exposed');
    expect(warned).toHaveLength(1);
  });

  test.each([
    ['printed', 'It came from the command "echo": run the "passwordCommand" of the configuration by hand'],
    ['filed', 'other-password": look whether that is the right file'],
    ['asked', 'It was typed: type it again'],
  ])(
    'a password that does not open "%s" is said to be that of this name, and where it came from',
    async (name, from) => {
      answers = { 'repository-password': 'wrong' };
      await expect(stillpoint.listKeys(repositoryName(name), never)).rejects.toMatchObject({
        code: 'repository.wrong-password',
        message: expect.stringContaining(`does not open the repository "${name}" at `) as string,
        advice: expect.stringContaining(from) as string,
      });
    },
  );

  test('a repository is not copied onto itself', async () => {
    const request = { kind: 'copy', from: MAIN, to: MAIN, restorePoints: [], filter: EVERY_POINT } as const;
    await expect(stillpoint.startJob(request, never)).rejects.toMatchObject({
      code: 'usage.invalid',
      message: 'A repository is not copied onto itself: "main" is named as both.',
    });
  });

  test('times that leave nothing between them are a mistake and no answer', async () => {
    const wanted = {
      ...{ repository: MAIN, patterns: ['*'], ids: [], ignoreCase: false, restorePoints: [], filter: EVERY_POINT },
      ...{ oldest: '2026-12-01', newest: '2026-11-01' },
    };
    await expect(stillpoint.find(wanted, () => undefined, never)).rejects.toMatchObject({ code: 'usage.invalid' });
  });

  test('differences, finds and sizes come from the repository that was named', async () => {
    const changes: string[] = [];
    const [before = '', after = ''] = points;
    const request = {
      repository: MAIN,
      before,
      after: after.slice(0, 12),
      filter: EVERY_POINT,
      path: '/',
      exact: false,
    };
    const summary = await stillpoint.diff(request, ({ change, path }) => void changes.push(`${change} ${path}`), never);
    expect([changes, summary.changedFiles]).toEqual([['content /a.txt'], 1]);

    const found: string[] = [];
    const search = {
      repository: OTHER,
      patterns: ['B.*'],
      ids: [],
      ignoreCase: true,
      oldest: undefined,
      newest: undefined,
    };
    const whole = { ...search, restorePoints: [], filter: EVERY_POINT };
    await stillpoint.find(whole, ({ path }) => void found.push(path), never);
    expect(found).toEqual(['/same/b.txt', '/same/b.txt']);

    const { stats } = await stillpoint.stats(
      { repository: MAIN, mode: 'restore-size', restorePoints: [], filter: EVERY_POINT },
      never,
    );
    expect(stats).toMatchObject({ files: 4, folders: 2, bytes: 8 });
  });

  test('a password that a person changes is asked for anew, and the old one opens nothing', async () => {
    questions.length = 0;
    answers = { 'repository-password': PASSWORD, 'new-repository-password': 'another one' };
    await stillpoint.changeKey(ASKED, { from: 'person' }, never);
    expect(questions).toEqual(['repository-password', 'new-repository-password']);
    answers = { 'repository-password': 'another one' };
    expect((await stillpoint.listKeys(ASKED, never)).keys.map(({ inUse }) => inUse)).toEqual([true]);
    expect(questions.length).toBe(3);
    await expect(openRepository(createLocalBackend(place('asked')), PASSWORD, never)).rejects.toMatchObject({
      code: 'repository.wrong-password',
    });
  });

  test('a new password that nobody gives, or an empty one, changes nothing', async () => {
    answers = { 'repository-password': 'another one' };
    await expect(stillpoint.addKey(ASKED, { from: 'person' }, never)).rejects.toMatchObject({
      code: 'config.secret-unavailable',
    });
    await writeFile(place('empty'), '\n');
    await expect(stillpoint.addKey(ASKED, { from: 'file', path: place('empty') }, never)).rejects.toMatchObject({
      code: 'config.secret-unavailable',
    });
    expect((await stillpoint.listKeys(ASKED, never)).keys.length).toBe(1);
  });

  test('a new password from a file: one that others can read is warned of, and that of the old one is refused', async () => {
    await symlink(place('password'), place('also-password'));
    for (const name of ['password', 'also-password']) {
      const same = { from: 'file', path: place(name) } as const;
      for (const act of ['addKey', 'changeKey'] as const) {
        await expect(stillpoint[act](OTHER, same, never)).rejects.toMatchObject({
          code: 'usage.invalid',
          message: expect.stringContaining('the new password would be the old one') as string,
          advice: expect.stringContaining('into another file') as string,
        });
      }
    }
    await writeFile(place('open'), 'read by all\n');
    await chmod(place('open'), 0o644);
    const added = await stillpoint.addKey(OTHER, { from: 'file', path: place('open') }, never);
    expect(added.warning).toMatchObject({ code: 'config.secret-exposed', advice: `Run: chmod 600 "${place('open')}"` });
    await chmod(place('open'), 0o600);
    const changed = await stillpoint.changeKey(OTHER, { from: 'file', path: place('open') }, never);
    expect(changed.warning).toBeUndefined();
  });

  test('a key that cannot be read is told beside the others', async () => {
    const id = 'ab'.repeat(32);
    await writeFile(place(`main/keys/${id}`), 'noise');
    const { keys, unreadable } = await stillpoint.listKeys(MAIN, never);
    expect([keys.length, unreadable]).toEqual([1, [{ id, reason: expect.stringContaining('abababab') as string }]]);
    await rm(place(`main/keys/${id}`));
  });

  test('a lock is told with whose it is, and one at work is left', async () => {
    await using repository = await openRepository(createLocalBackend(place('main')), PASSWORD, never);
    await using lock = await repository.lock('shared', never);
    const { removed, kept } = await stillpoint.unlockRepository(MAIN, 'stale', never);
    expect(removed).toEqual([]);
    expect(kept.map(({ owner, reason }) => [owner?.pid, reason])).toEqual([[process.pid, 'its process is at work']]);
    expect((await stillpoint.unlockRepository(MAIN, 'all', never)).removed.length).toBe(1);
    expect(lock.mode).toBe('shared');
  });
});
