/** `stillpoint setup`: what is asked, in which order, and that nothing is written without a yes. */
import { describe, expect, test } from 'vitest';
import { hostName, repositoryName } from '../../../shared/domain/names.ts';
import type { SetupRequest } from '../../../shared/domain/setup-plan.ts';
import type { RepositorySpec } from '../../../shared/domain/source.ts';
import { sampleRepositories, sampleRun } from '../../support/sample-data.ts';
import { sampleReadiness, sampleSetupPlan } from '../../support/sample-readiness.ts';
import { type ScriptedStillpoint, scriptedStillpoint } from '../../support/scripted-stillpoint.ts';
import { runCli } from '../../support/scripted-terminal.ts';

/** A person who gives these answers, and is asked no more. */
function person(...answers: readonly (string | undefined)[]) {
  const asked: string[] = [];
  const left = [...answers];
  return {
    asked,
    ask: async (question: string) => {
      asked.push(question);
      if (left.length === 0) throw new Error(`asked once more: ${question}`);
      return left.shift();
    },
  };
}

function watched(repositories?: readonly RepositorySpec[]): {
  stillpoint: ScriptedStillpoint;
  requests: SetupRequest[];
} {
  const requests: SetupRequest[] = [];
  const stillpoint = scriptedStillpoint({
    run: sampleRun,
    overrides: {
      ...(repositories === undefined ? {} : { listRepositories: async () => repositories }),
      planSetup: async (request) => {
        requests.push(request);
        return sampleSetupPlan;
      },
    },
  });
  return { stillpoint, requests };
}

const applied = ({ calls }: ScriptedStillpoint): readonly string[] =>
  calls.filter((call) => /^(applySetup|startJob)/.test(call));

test('three things are asked, then it is written and backed up', async () => {
  const { stillpoint, requests } = watched([]);
  const { asked, ask } = person('db1', 'sftp:nas:/b', 'yes');
  const { exitCode, stdout } = await runCli(['setup', 'db1'], stillpoint, { ask });
  expect({ exitCode, asked: asked.map((question) => question.split(/[:?]/, 1)[0]) }).toEqual({
    exitCode: 0,
    asked: ['Which of these sources', 'Where shall the repository lie', 'Do this, and make the first backup'],
  });
  expect(requests).toMatchObject([{ repository: { location: 'sftp:nas:/b' }, sources: [{ name: 'db1' }] }]);
  expect(stdout.indexOf('This would come to the configuration')).toBeLessThan(stdout.indexOf('Written to'));
  expect(applied(stillpoint)).toEqual([
    `applySetup db1 ${sampleSetupPlan.id}`,
    'startJob {"kind":"backup","source":"db1"}',
  ]);
});

test('what is clear is not asked: a folder is meant from here, Enter is all sources and the place that is offered', async () => {
  const one = watched();
  await runCli(['setup', 'db1', '--source', 'db1', '--no-backup'], one.stillpoint, { ask: person('yes').ask });
  expect(one.requests[0]).toMatchObject({ repository: { name: 'main' } });
  expect(applied(one.stillpoint)).toEqual([`applySetup db1 ${sampleSetupPlan.id}`]);
  const two = watched([]);
  await runCli(['setup', 'db1'], two.stillpoint, { ask: person('', '', 'yes').ask });
  expect(two.requests[0]?.repository).toEqual({ location: '~/backups/main' });
  expect(two.requests[0]?.sources.map(({ name }) => name)).toEqual(['db1', 'db1-live']);
  const three = watched([]);
  await runCli(['setup', 'db1'], three.stillpoint, { ask: person('', 'backups', 'yes').ask });
  expect(three.requests[0]?.repository).toEqual({ location: '/home/ann/backups' });
});

test.each<[what: string, answers: (string | undefined)[]]>([
  ['Ctrl-C at the first question', [undefined]],
  ['Ctrl-C at the second', ['', undefined]],
  ['Ctrl-C at the last', ['', '', undefined]],
  ['another answer than yes', ['', '', 'y']],
])('%s writes nothing', async (_, answers) => {
  const { stillpoint } = watched([]);
  const { exitCode } = await runCli(['setup', 'db1'], stillpoint, { ask: person(...answers).ask });
  expect([exitCode, applied(stillpoint)]).toEqual([130, []]);
});

describe('where nobody can be asked', () => {
  test('it shows what it would write and refuses, unless --yes says so', async () => {
    const { stillpoint } = watched();
    const refused = await runCli(['setup', 'db1'], stillpoint);
    expect(refused.exitCode).toBe(2);
    expect(refused.stdout).toContain('This would come to the configuration');
    expect(refused.stderr).toContain('with --yes');
    expect(applied(stillpoint)).toEqual([]);
    const { exitCode } = await runCli(['setup', 'db1', '--yes'], stillpoint);
    expect([exitCode, applied(stillpoint)]).toEqual([
      0,
      [`applySetup db1 ${sampleSetupPlan.id}`, 'startJob {"kind":"backup","source":"db1"}'],
    ]);
  });

  test('with --json it answers in one document and makes no backup, also with a person there', async () => {
    const { stillpoint } = watched();
    const { stdout } = await runCli(['setup', 'db1', '--json', '--yes'], stillpoint, { ask: person().ask });
    expect(JSON.parse(stdout)).toMatchObject({ setup: { id: sampleSetupPlan.id }, readiness: { host: 'db1' } });
    expect(applied(stillpoint)).toHaveLength(1);
    const refused = await runCli(['setup', 'db1', '--json'], stillpoint, { ask: person().ask });
    expect(JSON.parse(refused.stdout)).toMatchObject({
      exitCode: 2,
      error: { details: { plan: { addition: expect.any(String) as string } } },
    });
  });

  test('it has to be told where the restore points go', async () => {
    const { stillpoint } = watched([]);
    const { exitCode, stderr } = await runCli(['setup', 'db1', '--yes'], stillpoint);
    expect(exitCode).toBe(2);
    expect(stderr).toContain('--location');
    const several = sampleRepositories.flatMap((spec) => [spec, { ...spec, name: repositoryName('offsite') }]);
    const unsaid = await runCli(['setup', 'db1', '--yes'], watched(several).stillpoint);
    expect(unsaid.stderr).toContain('Name one with --repository: "main", "offsite".');
  });
});

test.each<[words: string[], sentence: string]>([
  [['--repository', 'main', '--location', '/b'], '--repository and --location are both given.'],
  [['--repository', 'elsewhere'], 'There is no repository "elsewhere" in the configuration.'],
  [['--location', '~ann/b'], 'The location begins with a "~" that is not followed by "/".'],
])('setup db1 %j is a mistake, and the host is not asked', async (words, sentence) => {
  const { stillpoint } = watched();
  const { exitCode, stderr } = await runCli(['setup', 'db1', ...words, '--yes'], stillpoint);
  expect([exitCode === 0, applied(stillpoint)]).toEqual([false, []]);
  expect(stderr).toContain(sentence);
  expect(stillpoint.calls.filter((call) => call.startsWith('adviseHost'))).toEqual([]);
});

test('a source that was not proposed is a mistake', async () => {
  const { stillpoint } = watched();
  const { exitCode, stderr } = await runCli(['setup', 'db1', '--source', 'shop', '--yes'], stillpoint);
  expect([exitCode, applied(stillpoint)]).toEqual([2, []]);
  expect(stderr).toContain('"shop" is not one of the proposed sources.');
});

test('a host without a volume for a backup is told so', async () => {
  const bare = { ...sampleReadiness, host: hostName('db1'), proposedSources: [] };
  const stillpoint = scriptedStillpoint({ overrides: { adviseHost: async () => bare } });
  const { exitCode, stderr } = await runCli(['setup', 'db1', '--yes'], stillpoint);
  expect(exitCode).toBe(2);
  expect(stderr).toContain('There is no volume on "db1" that could be backed up.');
});
