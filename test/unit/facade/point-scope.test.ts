/** One restore point out of several repositories, one of which may be out of reach, and what is said of the choice. */
import { chmod, cp, readdir, rm, truncate, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { never } from '../../../shared/base/cancel.ts';
import { type RestorePointId, repositoryName, restorePointId } from '../../../shared/domain/names.ts';
import { EVERY_POINT } from '../../../shared/domain/point-filter.ts';
import type { Prompter } from '../../../shared/domain/prompter.ts';
import type { PointScope } from '../../../shared/domain/restore-point.ts';
import { createLocalBackend } from '../../../shared/repository/backend/local.ts';
import { openRepository } from '../../../shared/repository/open-repository.ts';
import type { RestorePoint } from '../../../shared/repository/restore-point.ts';
import { timestampFromDate } from '../../../shared/repository/timestamp.ts';
import { openStillpoint, type Stillpoint } from '../../../shared/stillpoint.ts';
import { type TemporaryFolder, temporaryFolder } from '../../support/temporary-folder.ts';
import { createTestRepository, PASSWORD, putTree } from '../../support/test-repository.ts';

const SLOW = 60_000;
const JANUARY = '2026-01-01T00:00:00Z';
const FEBRUARY = '2026-02-01T00:00:00Z';
const MARCH = '2026-03-01T00:00:00Z';

let folder: TemporaryFolder;
let stillpoint: Stillpoint;

const place = (name: string): string => join(folder.path, name);
const shop: PointScope = { filter: { ...EVERY_POINT, sources: ['shop'] } };
const web: PointScope = { filter: { ...EVERY_POINT, sources: ['web'] } };

/** "gone" is never made, so it cannot be opened. The offsite one stands before the one that it is a copy of. */
async function configure(repositories: readonly string[], more?: string): Promise<void> {
  const entry = (name: string): string => `"${name}": {"location": "${name}", "passwordFile": "password"}`;
  await writeFile(
    place('config.jsonc'),
    `{
      "hosts": {"db1": {"ssh": "db1.invalid"}},
      "repositories": {${[...repositories.map(entry), ...(more === undefined ? [] : [more])].join(', ')}},
      "sources": {
        "shop": {"host": "db1", "paths": ["/srv"], "repository": "main"},
        ${repositories.includes('gone') ? '"web": {"host": "web1", "paths": ["/web"], "repository": "gone"},' : ''}
      },
    }`,
  );
}

beforeEach(async () => {
  folder = await temporaryFolder();
  await writeFile(place('password'), `${PASSWORD}\n`, { mode: 0o600 });
  for (const name of ['main', 'offsite']) await (await createTestRepository(createLocalBackend(place(name)))).close();
  await configure(['offsite', 'main']);
  stillpoint = await openStillpoint({ configFile: place('config.jsonc'), stateFolder: place('state') });
}, SLOW);
afterEach(async () => {
  await stillpoint[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

interface Facts {
  readonly time: string;
  readonly source?: string;
  readonly parent?: RestorePointId;
  /** What it is a copy of. */
  readonly of?: RestorePoint;
}

async function save(name: string, { time, source = 'shop', parent, of }: Facts): Promise<RestorePoint> {
  await using repository = await openRepository(createLocalBackend(place(name)), PASSWORD, never);
  await using lock = await repository.lock('shared', never);
  await repository.loadIndex(never);
  await using writer = await repository.openWriter(lock, { workers: 1 });
  const tree = await putTree(writer, { srv: { hello: 'hello' } }, never);
  await writer.flush(never);
  const facts = { paths: ['/srv'], hostname: 'db1', tags: ['stillpoint', `source=${source}`] };
  const draft = { ...facts, tree, time: timestampFromDate(new Date(time)) };
  const kin = { ...(parent === undefined ? {} : { parent }), ...(of === undefined ? {} : { original: of.id }) };
  return await repository.saveRestorePoint({ ...draft, ...kin }, lock, never);
}

const found = async (scope: PointScope, wanted: string) => {
  const { point, notes } = await stillpoint.findRestorePoint(scope, wanted, never);
  return [point.repository, point.id, notes.map(({ severity, message }) => `${severity}: ${message}`)];
};

describe('the latest', { timeout: SLOW }, () => {
  test('is the one in the repository of its source, and not its copy; which, is said', async () => {
    const first = await save('main', { time: JANUARY });
    const second = await save('main', { time: FEBRUARY });
    await save('offsite', { time: JANUARY, of: first });
    const copy = await save('offsite', { time: FEBRUARY, of: second });
    const said = `information: The latest restore point is ${second.id.slice(0, 8)} of 2026-02-01T00:00:00.000Z, in the repository "main". "offsite" has it too.`;
    expect(await found({}, 'latest')).toEqual(['main', second.id, [said]]);
    expect(await found(shop, 'latest')).toEqual(['main', second.id, [said]]);
    // A user who names a repository gets its own, without a note.
    expect(await found({ repository: repositoryName('offsite') }, 'latest')).toEqual(['offsite', copy.id, []]);
  });

  test('is the copy where its source has no other any more, and what is newer is never passed over', async () => {
    const old = await save('main', { time: JANUARY });
    const lost = { ...old, id: restorePointId('f'.repeat(64)) };
    const copy = await save('offsite', { time: FEBRUARY, of: lost });
    expect(await found({}, 'latest')).toMatchObject(['offsite', copy.id, [expect.stringContaining('"offsite"')]]);
    const newer = await save('offsite', { time: MARCH, source: 'by-hand' });
    expect(await found({}, 'latest')).toMatchObject(['offsite', newer.id, [expect.anything()]]);
    expect(await found(shop, 'latest')).toMatchObject(['offsite', copy.id, [expect.anything()]]);
  });

  test('goes by what proves the order, as the list does, and not by the times alone', async () => {
    // Its machine's clock was a month ahead; the next one names it as its parent.
    const ahead = await save('main', { time: MARCH });
    const next = await save('main', { time: FEBRUARY, parent: ahead.id });
    const other = await save('offsite', { time: JANUARY, source: 'by-hand' });
    const { restorePoints } = await stillpoint.listRestorePoints({}, never);
    expect(restorePoints.map(({ id }) => id)).toEqual([next.id, ahead.id, other.id]);
    expect((await found({}, 'latest'))[1]).toBe(next.id);
  });

  test('needs the repositories to which a source that fits is backed up, and no others', async () => {
    const point = await save('main', { time: JANUARY });
    await configure(['gone', 'offsite', 'main']);
    const warning = expect.stringMatching(/^warning: The repository "gone" could not be asked: /) as string;
    expect(await found(shop, 'latest')).toEqual(['main', point.id, [expect.stringMatching(/^information/), warning]]);
    const byHost: PointScope = { filter: { ...EVERY_POINT, hostnames: ['db1'] } };
    expect(await found(byHost, 'latest')).toMatchObject(['main', point.id, [expect.anything(), warning]]);
    const both: PointScope = { filter: { ...EVERY_POINT, sources: ['shop', 'web'] } };
    for (const [scope, none, without] of [
      [{}, / "offsite" could be read and holds none\.$/, 'To do without, name the repository "main"'],
      [both, / "offsite" could be read and holds none of the source/, 'To do without, name the repository "main"'],
      [web, / "offsite" and "main" could be read and hold none of the source "web"\.$/, 'use "stillpoint init"'],
    ] as const) {
      await expect(stillpoint.findRestorePoint(scope, 'latest', never)).rejects.toMatchObject({
        code: 'repository.not-found',
        message: expect.stringMatching(
          new RegExp(`^Which restore point is the latest cannot be determined: the repository "gone".*${none.source}`),
        ) as string,
        advice: expect.stringContaining(without) as string,
        details: { unavailable: ['gone'] },
      });
    }
  });

  test('does not wait long for a store that is silent and has copies at the most', async () => {
    const point = await save('main', { time: JANUARY });
    const silent = createServer(() => undefined);
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const { port } = silent.address() as AddressInfo;
    try {
      await configure(['main'], `"far": {"location": "rest:http://127.0.0.1:${port}/", "passwordFile": "password"}`);
      const warning = 'warning: The repository "far" could not be asked: It gave no answer within 5 seconds.';
      expect(await found(shop, 'latest')).toEqual(['main', point.id, [expect.stringMatching(/^information/), warning]]);
      // The configuration says that there is none, before anybody is asked
      const typo = { filter: { ...EVERY_POINT, sources: ['shpo'] } };
      const refused = { code: 'usage.unknown-name', advice: expect.stringMatching(/^Did you mean "shop"\?/) as string };
      const begun = Date.now();
      await expect(stillpoint.listRestorePoints(typo, never)).rejects.toMatchObject(refused);
      await expect(stillpoint.findRestorePoint(typo, 'latest', never)).rejects.toMatchObject(refused);
      await expect(stillpoint.findRestorePoint(typo, point.id, never)).rejects.toMatchObject(refused);
      expect(Date.now() - begun).toBeLessThan(3000);
    } finally {
      silent.closeAllConnections();
      silent.close();
    }
  });

  test('asks nobody for the password of one that has copies at the most, unless nothing is found without it', async () => {
    const point = await save('main', { time: JANUARY });
    const copy = await save('offsite', { time: JANUARY, of: point });
    const other = await save('offsite', { time: MARCH, source: 'by-hand' });
    await configure(['main'], `"offsite": {"location": "offsite"}`);
    const asked: string[] = [];
    const prompter: Prompter = {
      ask: async ({ subject }) => {
        asked.push(subject);
        return PASSWORD;
      },
      confirmHostKey: async () => false,
      settle: () => undefined,
    };
    await using attended = await openStillpoint({
      ...{ configFile: place('config.jsonc'), stateFolder: place('state'), prompter },
    });
    const latest = async (scope: PointScope, wanted = 'latest') => {
      const { point: chosen, notes } = await attended.findRestorePoint(scope, wanted, never);
      return [chosen.id, notes.map(({ message }) => message).join('\n')];
    };
    const unasked = expect.stringMatching(/\nThe repository "offsite" was not asked: its password/) as string;
    expect(await latest(shop)).toEqual([point.id, unasked]);
    expect(await latest({}, point.id)).toEqual([point.id, '']);
    expect(asked).toEqual([]);
    await rm(place(`main/snapshots/${point.id}`));
    expect(await latest(shop)).toEqual([copy.id, expect.not.stringContaining('was not asked')]);
    expect(await latest({})).toEqual([other.id, expect.any(String)]);
    expect(asked.length).toBeGreaterThan(0);
  });

  test('does not need those that cannot be read in a repository of copies', async () => {
    const point = await save('main', { time: JANUARY });
    await save('offsite', { time: JANUARY, of: point });
    const [broken = ''] = await readdir(place('offsite/snapshots'));
    await chmod(place(`offsite/snapshots/${broken}`), 0o600);
    await truncate(place(`offsite/snapshots/${broken}`), 40);
    expect(await found(shop, 'latest')).toEqual([
      'main',
      point.id,
      [expect.stringMatching(/^information/), expect.stringContaining(broken.slice(0, 8))],
    ]);
  });
});

describe('one by its id', { timeout: SLOW }, () => {
  test('is found although another repository is out of reach, which is said with its reason', async () => {
    const point = await save('main', { time: JANUARY });
    await configure(['gone', 'offsite', 'main']);
    const refused: unknown = await stillpoint
      .listRestorePoints({ repository: repositoryName('gone') }, never)
      .catch((error: unknown) => error);
    const reason = (refused as Error).message;
    expect(await found({}, point.id)).toEqual([
      'main',
      point.id,
      [`warning: The repository "gone" could not be asked: ${reason}`],
    ]);
    const start = point.id.slice(0, 10);
    expect(await found({}, start)).toEqual([
      'main',
      point.id,
      [
        `warning: The repository "gone" could not be asked, so it may have another restore point that begins with "${start}": ${reason}`,
      ],
    ]);
    // A full id names one restore point at most: the repositories after it are not asked.
    await configure(['offsite', 'main', 'gone']);
    expect(await found({}, point.id)).toEqual(['main', point.id, []]);
  });

  test('that is nowhere may be where nobody could ask', async () => {
    await configure(['gone', 'offsite', 'main']);
    await expect(stillpoint.findRestorePoint({}, 'ffffffffff', never)).rejects.toMatchObject({
      code: 'repository.not-found',
      message: expect.stringMatching(
        /^Restore point "ffffffffff" is not in "offsite" or "main", and the repository "gone" could not be asked: /,
      ) as string,
      // None of the others would help
      advice: expect.not.stringContaining('To do without') as string,
    });
  });

  test('that does not fit the filter beside it is an error that says so', async () => {
    const point = await save('main', { time: JANUARY });
    const other = await save('main', { time: FEBRUARY, source: 'web' });
    const short = other.id.slice(0, 8);
    for (const scope of [shop, { ...shop, repository: repositoryName('main') }]) {
      expect((await found(scope, point.id))[1]).toBe(point.id);
      await expect(stillpoint.findRestorePoint(scope, short, never)).rejects.toMatchObject({
        code: 'usage.invalid',
        message: `Restore point ${short} is of the source "web", not of the source "shop".`,
      });
    }
  });

  test('that stands in two copies of one repository is no riddle', async () => {
    const point = await save('main', { time: JANUARY });
    await cp(place('main'), place('mirror'), { recursive: true });
    await configure(['mirror', 'main']);
    expect((await found({}, point.id.slice(0, 12))).slice(0, 2)).toEqual(['main', point.id]);
    expect((await found({}, 'latest')).slice(0, 2)).toEqual(['main', point.id]);
  });
});

test('a repository that could not be asked is not advised in the place of another one', { timeout: SLOW }, async () => {
  await save('main', { time: JANUARY });
  await configure(['gone', 'lost', 'main']);
  const latest = stillpoint.findRestorePoint({}, 'latest', never);
  await expect(latest).rejects.toMatchObject({
    message: expect.stringContaining('the repository "gone" could not be asked') as string,
    advice: expect.stringContaining('name the repository "main", or a restore point by its id') as string,
  });
});

describe('a list', { timeout: SLOW }, () => {
  test('names the repository that could not be asked, and is an error where that is all of them', async () => {
    const point = await save('main', { time: JANUARY });
    await configure(['gone', 'offsite', 'main']);
    const { restorePoints, unavailable } = await stillpoint.listRestorePoints({}, never);
    expect(restorePoints.map(({ id }) => id)).toEqual([point.id]);
    expect(unavailable).toMatchObject([{ repository: 'gone', code: 'repository.not-found' }]);
    // It may bear the name.
    const unknown = { filter: { ...EVERY_POINT, hostnames: ['db9'] } };
    expect(await stillpoint.listRestorePoints(unknown, never)).toMatchObject({ restorePoints: [], unavailable });
    await rm(place('main'), { recursive: true });
    await rm(place('offsite'), { recursive: true });
    await stillpoint[Symbol.asyncDispose]();
    stillpoint = await openStillpoint({ configFile: place('config.jsonc'), stateFolder: place('state') });
    await expect(stillpoint.listRestorePoints({}, never)).rejects.toMatchObject({ code: 'repository.not-found' });
  });
});

describe('a name that nothing bears', { timeout: SLOW }, () => {
  test('is refused, in a list and beside "latest"; a source that was not backed up yet is none', async () => {
    await save('main', { time: JANUARY });
    const typo = { filter: { ...EVERY_POINT, sources: ['shpo'] } };
    const refused = { code: 'usage.unknown-name', advice: expect.stringMatching(/^Did you mean "shop"\?/) as string };
    for (const scope of [typo, { ...typo, repository: repositoryName('main') }]) {
      await expect(stillpoint.listRestorePoints(scope, never)).rejects.toMatchObject(refused);
      await expect(stillpoint.findRestorePoint(scope, 'latest', never)).rejects.toMatchObject(refused);
    }
    const elsewhere = { ...shop, repository: repositoryName('offsite') };
    expect(await stillpoint.listRestorePoints(elsewhere, never)).toEqual({
      restorePoints: [],
      unreadable: [],
      unavailable: [],
    });
    await expect(stillpoint.findRestorePoint(elsewhere, 'latest', never)).rejects.toMatchObject({
      code: 'repository.unknown-point',
      message: 'The repository "offsite" holds no restore point of the source "shop".',
    });
  });
});
