/** Forgetting and pruning through the façade: a plan, a job in a process of its own, and a record that says what it was. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { never } from '../../../shared/base/cancel.ts';
import type { ForgetRequest } from '../../../shared/domain/forget-plan.ts';
import { repositoryName, sourceName } from '../../../shared/domain/names.ts';
import { EVERY_POINT } from '../../../shared/domain/point-filter.ts';
import { createLocalBackend } from '../../../shared/repository/backend/local.ts';
import { encodeIndex } from '../../../shared/repository/format/index-file.ts';
import { parseTimestamp } from '../../../shared/repository/format/read-text.ts';
import { encodeTree } from '../../../shared/repository/format/tree.ts';
import { blobIdOf } from '../../../shared/repository/ids.ts';
import { openStillpoint, type Stillpoint } from '../../../shared/stillpoint.ts';
import { damageIn, storePack } from '../../support/prune-lab.ts';
import { type TemporaryFolder, temporaryFolder } from '../../support/temporary-folder.ts';
import { createTestRepository, PASSWORD } from '../../support/test-repository.ts';

const SLOW = 60_000;
const MAIN = repositoryName('main');
const WHEN = parseTimestamp('2026-01-01T00:00:00Z');

async function opened(folder: TemporaryFolder): Promise<Stillpoint> {
  const configFile = join(folder.path, 'config.jsonc');
  await writeFile(join(folder.path, 'password'), PASSWORD, { mode: 0o600 });
  await writeFile(
    configFile,
    `{"repositories": {"main": {"location": "main", "passwordFile": "password"}},
      "sources": {"shop": {"host": "db1", "paths": ["/srv"], "repository": "main", "keep": {"daily": 3, "within": "1d"}}}}`,
  );
  return openStillpoint({ configFile, stateFolder: join(folder.path, 'state') });
}

/** One restore point a day, each with a folder that no other has. */
async function fill(folder: TemporaryFolder, days: number): Promise<void> {
  await using repository = await createTestRepository(createLocalBackend(join(folder.path, 'main')));
  await using lock = await repository.lock('shared', never);
  for (let day = 1; day <= days; day++) {
    const times = { mtime: WHEN, atime: WHEN, ctime: WHEN };
    const data = encodeTree([
      {
        ...times,
        name: Buffer.from(`link${day}`),
        type: 'symlink',
        mode: 0o777,
        uid: 0,
        gid: 0,
        linkTarget: Buffer.from('x'),
      },
    ]);
    const pack = await storePack(repository, [{ type: 'tree', data }]);
    await repository.files.save('index', encodeIndex([pack]), never);
    await repository.loadIndex(never);
    const time = parseTimestamp(`2026-03-0${day}T02:00:00Z`);
    const draft = { time, tree: blobIdOf(data), paths: ['/srv'], hostname: 'db1', tags: ['source=shop'] };
    await repository.saveRestorePoint(draft, lock, never);
  }
}

async function run(stillpoint: Stillpoint, request: Parameters<Stillpoint['startJob']>[0]) {
  const { job } = await stillpoint.startJob(request, never);
  const events = await Array.fromAsync(stillpoint.followJob(job.id, 0, AbortSignal.timeout(SLOW)));
  return { job: await stillpoint.findJob(job.id), end: events.at(-1) };
}

test(
  'what was planned is done by a job, and nothing else is',
  async () => {
    await using folder = await temporaryFolder();
    await fill(folder, 5);
    await using stillpoint = await opened(folder);
    const [source] = await stillpoint.listSources();
    expect(source?.keep).toEqual({ daily: 3, within: '1d' });
    const scope: ForgetRequest = {
      repository: MAIN,
      selection: { by: 'sources', sources: [{ source: sourceName('shop'), rules: source?.keep ?? {} }] },
      prune: { maxUnused: '0%', maxRepackBytes: 5000 },
    };
    const plan = await stillpoint.planForget(scope, never);
    expect([plan.forget.length, plan.keep, plan.prune?.figures.packs.unused]).toEqual([2, 3, 2]);

    const request = { kind: 'forget', ...scope, plan: plan.id } as const;
    const done = await run(stillpoint, request);
    expect(done.end).toMatchObject({
      outcome: 'succeeded',
      result: { forgotten: plan.forget, prune: { packsDeleted: 2 } },
    });
    expect(done.job.request).toEqual(request);
    expect((await stillpoint.listRestorePoints({}, never)).restorePoints).toHaveLength(3);

    const rules = { last: 1, yearly: 'unlimited', withinMonthly: '2m', tags: [['a', 'b']] } as const;
    const byRules = {
      kind: 'forget',
      repository: MAIN,
      selection: { by: 'rules', rules, groupBy: ['host', 'tags'], filter: EVERY_POINT },
    } as const;
    expect((await run(stillpoint, byRules)).job.request).toEqual(byRules);
    const pruning = { kind: 'prune', repository: MAIN, options: { maxUnused: '5%' } } as const;
    expect((await stillpoint.planPrune(pruning, never)).figures.packs).toMatchObject({ keep: 2, unused: 1 });
    const pruned = await run(stillpoint, pruning);
    expect([pruned.end, pruned.job.request]).toMatchObject([
      { outcome: 'succeeded', result: { packsDeleted: 1 } },
      pruning,
    ]);
    expect(await damageIn(createLocalBackend(join(folder.path, 'main')), 'check')).toEqual([]);
  },
  SLOW,
);
