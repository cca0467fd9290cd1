/** What `restore` asks for, by its options, and what it prints of a plan. */
import { expect, test } from 'vitest';
import { renderRestore } from '../../../cli/render/restore.ts';
import { plain } from '../../../cli/render/text.ts';
import { shownVerb } from '../../../cli/verbs.ts';
import type { RestorePlan } from '../../../shared/domain/restore-plan.ts';
import type { RestoreReport } from '../../../shared/domain/verbs/restore.ts';
import { sampleRestore } from '../../support/sample-data.ts';
import { scriptedStillpoint } from '../../support/scripted-stillpoint.ts';
import { runCli } from '../../support/scripted-terminal.ts';

const plan: RestorePlan = {
  added: { files: 2, folders: 1, others: 0 },
  overwritten: { count: 1, named: ['srv/a'] },
  leftAlone: { count: 1, named: [{ path: 'srv/b', reason: 'what is there is not older' }] },
  inTheWay: { count: 0, named: [] },
  ...{ bytes: 2048, room: 1024 ** 2 },
};
const planned = (more: Partial<RestorePlan> = {}): RestoreReport => ({
  ...sampleRestore,
  ...{ files: 0, folders: 0, others: 0, bytes: 0, plan: { ...plan, ...more }, isPlan: true },
});

test('a job is asked for with what the options say', async () => {
  const stillpoint = scriptedStillpoint();
  const words = ['--include', '*.pdf', '--exclude', 'old', '--exclude', 'x', '--strip', '2', '--overwrite', 'older'];
  await runCli(['restore', 'latest', '/srv', '--to', '/to', ...words, '--dry-run', '--detach'], stillpoint);
  const asked = stillpoint.calls.find((call) => call.startsWith('startJob')) ?? '';
  expect(JSON.parse(asked.slice('startJob '.length))).toMatchObject({
    ...{ kind: 'restore', paths: ['/srv'], target: '/to', include: ['*.pdf'], exclude: ['old', 'x'], strip: 2 },
    ...{ overwrite: 'older', dryRun: true },
  });
});

test.each([
  [['--strip', '0'], '--strip is "0".'],
  [['--overwrite', 'some'], 'Allowed choices are never, older, always.'],
])('%j is refused', async (words, message) => {
  const { exitCode, stderr } = await runCli(['restore', 'latest', '--to', '/to', ...words], scriptedStillpoint());
  expect(exitCode).toBe(2);
  expect(stderr).toContain(message);
});

test.each([['--detach'], ['--rename'], ['--dry-run'], ['--overwrite', 'never']])(
  '%s does not go with a stream, of which nothing is written then',
  async (...words) => {
    const stillpoint = scriptedStillpoint();
    const { exitCode, stderr } = await runCli(['restore', 'latest', '--to', '-', ...words], stillpoint);
    expect([exitCode, stderr]).toEqual([2, expect.stringContaining(`${words[0]} does not go with "--to -".`)]);
    expect(stillpoint.calls.filter((call) => call.startsWith('streamPoint'))).toEqual([]);
  },
);

test('a stream is the only thing on standard output', async () => {
  const parts: string[] = [];
  const output = {
    isTerminal: false,
    write: async (part: Uint8Array) => void parts.push(Buffer.from(part).toString()),
  };
  const words = ['restore', 'latest', '/srv', '--to', '-', '--no-lock'];
  const { exitCode, stdout, stderr } = await runCli(words, scriptedStillpoint(), { output });
  expect([exitCode, stdout, parts]).toEqual([0, '', ['the stream']]);
  expect(stderr).toMatch(/^Streamed 3 files, 1 folder and 0 others, 88 MiB\n/);
  expect((await runCli(['-q', ...words], scriptedStillpoint(), { output })).stderr).toBe('');
});

test('a plan says what would be, and is looked at where it would be refused', () => {
  const { hasFindings } = shownVerb({ kind: 'restore' });
  expect(renderRestore(planned(), plain)).toBe(
    [
      'Would restore to "/home/ann/restored"',
      `  from         ${sampleRestore.restorePoint}`,
      '  new          2 files, 1 folder and 0 others',
      '  overwritten  1 entry',
      '  to write     2.0 KiB',
      '  free         1.0 MiB',
      'overwritten: 1 entry',
      '  "srv/a"',
      'left alone: 1 entry',
      '  "srv/b": what is there is not older',
      '',
    ].join('\n'),
  );
  expect(hasFindings?.(planned())).toBe(false);
  expect(hasFindings?.(planned({ room: 1024 }))).toBe(true);
  const inTheWay = { count: 1, named: [{ path: 'srv', reason: 'it is a folder, and something else is there' }] };
  expect(hasFindings?.(planned({ inTheWay }))).toBe(true);
  expect(renderRestore(planned({ inTheWay }), plain)).toContain(
    'in the way of 1 entry, so it would be refused\n  "srv": it',
  );
});
