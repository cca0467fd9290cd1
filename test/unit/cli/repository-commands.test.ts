/** Commands that ask a repository: what the façade is asked, and lines that come one by one. */
import { expect, test } from 'vitest';
import { sampleKeys } from '../../support/sample-access.ts';
import { sampleListing, sampleRun } from '../../support/sample-data.ts';
import { scriptedStillpoint } from '../../support/scripted-stillpoint.ts';
import { runCli } from '../../support/scripted-terminal.ts';

test.each<[words: string[], call: string, exitCode?: number]>([
  [
    ['diff', '3a7b', 'latest', '/srv/', '--exact', '--repository', 'main'],
    'diff {"repository":"main","before":"3a7b","after":"latest","filter":{"sources":[],"hostnames":[],"tags":[],"paths":[]},"path":"/srv","exact":true}',
  ],
  [
    [
      'find',
      '*.pdf',
      'b?',
      '-i',
      '--oldest',
      '2026-11-01',
      '--point',
      'latest',
      '--tag',
      'a,b',
      '--repository',
      'main',
    ],
    'find {"repository":"main","patterns":["*.pdf","b?"],"ids":[],"ignoreCase":true,"oldest":"2026-11-01","restorePoints":["latest"],"filter":{"sources":[],"hostnames":[],"tags":[["a","b"]],"paths":[]}}',
  ],
  [
    ['stats', 'main', 'latest', '--mode', 'by-point'],
    'stats {"repository":"main","mode":"by-point","restorePoints":["latest"],"filter":{"sources":[],"hostnames":[],"tags":[],"paths":[]}}',
  ],
  [['unlock', 'main'], 'unlockRepository main stale'],
  // The sample keeps one lock.
  [['unlock', 'main', '--remove-all'], 'unlockRepository main all', 8],
  [['key', 'list', 'main'], 'listKeys main'],
  [['key', 'add', 'main'], 'addKey main {"from":"person"}'],
  [['key', 'add', 'main', '--new-password-file', 'pw'], 'addKey main {"from":"file","path":"/home/ann/pw"}'],
  [['key', 'remove', '1a2b', 'main'], 'removeKey main 1a2b'],
])('stillpoint %j asks %s', async (words, call, expected = 0) => {
  const stillpoint = scriptedStillpoint();
  const { exitCode, stderr } = await runCli(words, stillpoint);
  expect({ exitCode, stderr }).toEqual({ exitCode: expected, stderr: '' });
  expect(stillpoint.calls.filter((line) => line !== 'listRepositories')).toEqual([call]);
});

test.each(['diff 9f9f latest', 'find *.ibd'])(
  'stillpoint %s prints one object a line, and a summary last',
  async (line) => {
    const { exitCode, stdout } = await runCli([...line.split(' '), '--json'], scriptedStillpoint());
    const types = stdout
      .trimEnd()
      .split('\n')
      .map((text) => (JSON.parse(text) as { readonly type: string }).type);
    expect(exitCode).toBe(0);
    expect(types.at(-1)).toBe('summary');
    expect(types.length).toBeGreaterThan(2);
  },
);

test('a difference, a search and sizes for people', async () => {
  const print = async (...words: readonly string[]): Promise<string> =>
    (await runCli(words, scriptedStillpoint())).stdout;
  const text = [
    await print('diff', '9f9f', 'latest'),
    await print('find', '*.ibd'),
    await print('find', '*.ibd', '--long'),
    await print('stats', 'main', '--mode', 'by-point'),
    await print('key', 'list', 'main'),
    await print('key', 'change', 'main'),
    await print('unlock', 'main'),
  ];
  await expect(text.join('\n----\n')).toMatchFileSnapshot('../../golden/cli/repository.txt');
});

test('what a person should know of keys is said beside them', async () => {
  const [keys, id] = [sampleKeys, 'ab'.repeat(32)];
  const unreadable = [{ id, reason: 'The file of key abababab is damaged.' }];
  const warning = { code: 'config.secret-exposed', message: 'Others can read "pw".', advice: 'Run: chmod 600 "pw"' };
  const overrides = {
    listKeys: async () => ({ keys, unreadable }),
    addKey: async () => ({ id, warning }),
    changeKey: async () => ({ id, removed: id, warning }),
  };
  const run = (...words: readonly string[]) => runCli(words, scriptedStillpoint({ overrides }));
  const listed = await run('key', 'list', 'main');
  expect([listed.exitCode, listed.stdout]).toEqual([8, expect.stringContaining('abababab opens nothing: The file')]);
  for (const act of ['add', 'change']) {
    const said = await run('key', act, 'main', '--new-password-file', 'pw');
    expect(said.stderr).toBe('Warning: Others can read "pw". Run: chmod 600 "pw"\n');
    const json = await run('key', act, 'main', '--new-password-file', 'pw', '--json');
    expect(JSON.parse(json.stdout)).toMatchObject({ warning });
  }
});

test('a search for nothing is refused', async () => {
  const { exitCode, stderr } = await runCli(['find', '--host', 'db1'], scriptedStillpoint());
  expect([exitCode, stderr]).toEqual([2, expect.stringContaining('Nothing to find')]);
});

test('a way of counting that there is not is said', async () => {
  const { exitCode, stderr } = await runCli(['stats', 'main', '--mode', 'guess'], scriptedStillpoint());
  expect([exitCode, stderr]).toEqual([2, expect.stringContaining('restore-size, raw-data')]);
});

const NOTES = [
  { severity: 'information', message: 'The latest restore point is 3a7b9c12, in the repository "main".' },
  { severity: 'warning', message: 'The repository "offsite" could not be asked: no \u001b[2Jroute.' },
] as const;

test('what has to be known of the choice of a restore point is said beside the answer, and before a job', async () => {
  const filter = '{"sources":["shop"],"hostnames":["db1"],"tags":[],"paths":[]}';
  const only = ['--source', 'shop', '--host', 'db1'];
  const restore = ['restore', 'latest', '--to', 'back', ...only];
  const run = (words: readonly string[]) => runCli(words, scriptedStillpoint({ notes: NOTES, run: sampleRun }));
  for (const words of [['ls', 'latest', ...only], restore, [...restore, '--detach']]) {
    const stillpoint = scriptedStillpoint({ notes: NOTES, run: sampleRun });
    const text = await runCli(words, stillpoint);
    expect(text.exitCode).toBe(0);
    expect(stillpoint.calls[0]).toBe(`findRestorePoint - latest ${filter}`);
    expect(text.stderr).toBe(
      'The latest restore point is 3a7b9c12, in the repository "main".\nWarning: The repository "offsite" could not be asked: no \\x1b[2Jroute.\n',
    );
    expect((await run([...words, '--quiet'])).stderr).toMatch(/^Warning: .*\n$/);
    expect((await run([...words, '--json'])).stderr).toBe('');
  }
  expect(JSON.parse((await run(['ls', 'latest', '--json'])).stdout)).toMatchObject({
    repository: 'main',
    notes: NOTES,
  });
  expect(JSON.parse((await run([...restore, '--detach', '--json'])).stdout)).toMatchObject({ notes: NOTES });
  const lines = (await run([...restore, '--json'])).stdout.split('\n').slice(0, 3);
  expect(lines.map((line): unknown => JSON.parse(line))).toMatchObject([
    ...NOTES.map((note) => ({ type: 'note', ...note })),
    { type: 'job' },
  ]);
});

test('a list without a repository that could not be asked ends as a finding, and names it', async () => {
  const { unavailable } = sampleListing;
  const text = await runCli(['list'], scriptedStillpoint({ unavailable }));
  expect(text.exitCode).toBe(8);
  expect(text.stdout).toContain('The repository "offsite" could not be asked: ');
  const json = await runCli(['list', '--json'], scriptedStillpoint({ unavailable }));
  expect([json.exitCode, JSON.parse(json.stdout)]).toEqual([8, expect.objectContaining({ unavailable })]);
});

test('init says where the repository was made', async () => {
  const { stdout } = await runCli(['init', 'main'], scriptedStillpoint());
  expect(stdout).toMatch(/^Repository "main" created at \/srv\/backup, id 5e5e/);
  const json = await runCli(['init', 'main', '--json'], scriptedStillpoint());
  expect(Object.keys(JSON.parse(json.stdout) as object)).toEqual(['repository', 'id']);
});
