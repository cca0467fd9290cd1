/** The words of forget and prune, made into what the façade is asked for. */
import { expect, test } from 'vitest';
import { repositoryName, sourceName } from '../../../shared/domain/names.ts';
import type { Source } from '../../../shared/domain/source.ts';
import { sampleRun, sampleSources } from '../../support/sample-data.ts';
import { sampleForget, sampleForgetPlan } from '../../support/sample-maintenance.ts';
import { scriptedStillpoint } from '../../support/scripted-stillpoint.ts';
import { runCli } from '../../support/scripted-terminal.ts';

test.each<[string[], string]>([
  [['prune', 'main'], 'planPrune {"options":{"maxUnused":"5%"},"repository":"main"}'],
  [
    ['forget', 'main', '--keep-last', '2', '--keep-within-daily', '30d', '--keep-tag', 'a,b', '--prune'],
    'planForget {"repository":"main","selection":{"by":"rules","rules":{"last":2,"withinDaily":"30d","tags":[["a","b"]]},"groupBy":["host","paths"],"filter":{"sources":[],"hostnames":[],"tags":[],"paths":[]}},"prune":{"maxUnused":"5%"}}',
  ],
  [
    [
      'forget',
      'main',
      '--keep-yearly',
      'unlimited',
      '--group-by',
      'tags,host',
      '--host',
      'db1',
      '--path',
      '/srv',
      '--tag',
      'x,y',
    ],
    'planForget {"repository":"main","selection":{"by":"rules","rules":{"yearly":"unlimited"},"groupBy":["host","tags"],"filter":{"sources":[],"hostnames":["db1"],"tags":[["x","y"]],"paths":["/srv"]}}}',
  ],
])('stillpoint %j asks %s', async (words, call) => {
  const stillpoint = scriptedStillpoint();
  const { exitCode, stderr } = await runCli(words, stillpoint);
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  expect(stillpoint.calls).toEqual([call]);
});

test.each<[string[], object]>([
  [
    ['prune', '--apply', '0123456789abcdef', '--max-unused', '0%', '--max-repack-size', '2G'],
    {
      kind: 'prune',
      options: { maxUnused: '0%', maxRepackBytes: 2 * 1024 ** 3 },
      repository: 'main',
      plan: '0123456789abcdef',
    },
  ],
  [
    ['forget', 'main', '--point', '3a7b', '--point', 'c4', '--apply'],
    { kind: 'forget', repository: 'main', selection: { by: 'points', points: ['3a7b', 'c4'] } },
  ],
])('stillpoint %j starts the job', async (words, request) => {
  const stillpoint = scriptedStillpoint({ run: sampleRun });
  expect((await runCli(words, stillpoint)).exitCode).toBe(0);
  expect(stillpoint.calls).toContain(`startJob ${JSON.stringify(request)}`);
});

test.each<[string[], string]>([
  [['forget', '--keep-last', '-1'], '"-1" is not a number of restore points to keep.'],
  [['forget', '--keep-daily', '0'], 'The keep rules keep nothing.'],
  [['forget', '--keep-within', '2w'], '"2w" is not a length of time'],
  [['forget', '--host', 'db1'], 'There are filters and no keep rule.'],
  [['forget', '--point', '3a', '--keep-last', '1'], '--point cannot be combined with keep rules'],
  [['forget', '--point', 'latest'], 'What is to be forgotten is named by its id and not as "latest".'],
  [['forget', '--point', 'zz', '--apply'], '"zz" is not the id of a restore point.'],
  [['copy', 'zz', '--from', 'main', '--to', 'offsite'], '"zz" is not the id of a restore point.'],
  [['repair', 'packs', 'main', 'zz'], '"zz" is not the id of a pack.'],
  [['ls', 'latest', '--cursor', 'zz'], '"zz" is not where a listing ended.'],
  [['forget', '--keep-last', '1', '--group-by', 'owner'], '"owner" is not something to group by.'],
  [['prune', '--max-unused', '100%'], '"100%" is not a share of unused data.'],
  [['prune', '--max-repack-size', 'much'], '"much" is not a size.'],
  [['prune', 'main', '--apply', 'yes'], '"yes" is not the id of a plan.'],
])('stillpoint %j is a mistake', async (words, sentence) => {
  const stillpoint = scriptedStillpoint();
  const { exitCode, stderr } = await runCli(words, stillpoint);
  expect(exitCode).toBe(2);
  expect(stderr).toContain(sentence);
  expect(stillpoint.calls.filter((call) => !call.startsWith('list'))).toEqual([]);
});

test('forget without rules goes by those of the sources, and does nothing where there are none', async () => {
  const none = await runCli(['forget', 'main'], scriptedStillpoint());
  expect(none.stderr).toContain('Nothing says which restore points to keep or to forget.');
  expect(none.exitCode).toBe(2);
  const [source] = sampleSources;
  const sources = [
    { ...source!, keep: { daily: 7 } },
    { ...source!, name: sourceName('elsewhere'), repository: repositoryName('other'), keep: { daily: 1 } },
  ];
  const stillpoint = scriptedStillpoint({ overrides: { listSources: async () => sources } });
  await runCli(['forget', 'main'], stillpoint);
  expect(stillpoint.calls).toEqual([
    'planForget {"repository":"main","selection":{"by":"sources","sources":[{"source":"shop","rules":{"daily":7}}]}}',
  ]);
});

test('what no rule could look at is said by the plan and by what was done, and both leave with 8', async () => {
  const unreadable = [{ restorePoint: 'ab'.repeat(32), reason: 'The file of restore point abababab is cut off.' }];
  const notes = ['A clock is wrong.'];
  const result = { ...sampleForget, notes, unreadable };
  const stillpoint = scriptedStillpoint({
    run: [{ type: 'job-finished', outcome: 'succeeded', result }],
    overrides: { planForget: async () => ({ ...sampleForgetPlan, notes, unreadable }) },
  });
  for (const more of [[], ['--apply']]) {
    const ended = await runCli(['forget', 'main', '--keep-last', '1', ...more], stillpoint);
    expect(ended.exitCode).toBe(8);
    expect(ended.stdout).toContain(
      'note: A clock is wrong.\nabababab is damaged: The file of restore point abababab is cut off.\nNo rule looked at it, so it stays;',
    );
  }
});

test('forget of a source alone goes by the rules of that source, and of no other', async () => {
  const [shop] = sampleSources;
  if (shop === undefined) throw new Error('there is no sample');
  const named = (name: string, facts: Partial<Source> = {}): Source => ({ ...shop, name: sourceName(name), ...facts });
  const sources = [
    named('shop', { keep: { daily: 7 } }),
    named('mail', { keep: { last: 3 } }),
    named('bare'),
    named('far', { keep: { last: 1 }, repository: repositoryName('offsite') }),
  ];
  const run = async (...words: readonly string[]) => {
    const stillpoint = scriptedStillpoint({ overrides: { listSources: async () => sources } });
    const ended = await runCli(['forget', 'main', ...words], stillpoint);
    return { ...ended, plan: stillpoint.calls.find((call) => call.startsWith('planForget')) };
  };
  expect((await run('--source', 'shop')).plan).toContain(
    '"selection":{"by":"sources","sources":[{"source":"shop","rules":{"daily":7}}]}',
  );
  for (const name of ['shpo', 'bare', 'far']) {
    const refused = await run('--source', 'shop', '--source', name);
    expect([refused.exitCode, refused.plan]).toEqual([2, undefined]);
    expect(refused.stderr).toContain(`No source "${name}" of "main" has keep rules of its own.`);
    expect(refused.stderr).toContain('Those that have are "shop", "mail"');
  }
  const both = await run('--source', 'shop', '--host', 'db1');
  expect([both.exitCode, both.plan]).toEqual([2, undefined]);
  expect((await run('--source', 'shop', '--keep-last', '2')).plan).toContain('"filter":{"sources":["shop"]');
});
