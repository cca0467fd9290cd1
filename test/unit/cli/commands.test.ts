/** Whole commands against the scripted façade: what they ask, what they print, and with which code they leave. */
import { describe, expect, test, vi } from 'vitest';
import { EXIT } from '../../../cli/exit-codes.ts';
import { Interrupts } from '../../../cli/interrupts.ts';
import { buildProgram } from '../../../cli/program.ts';
import type { Surroundings } from '../../../cli/surroundings.ts';
import { StillpointError } from '../../../shared/base/errors.ts';
import type { RunEventBody } from '../../../shared/domain/events.ts';
import { jobId, repositoryName } from '../../../shared/domain/names.ts';
import type { JobResult } from '../../../shared/domain/verbs/verbs.ts';
import {
  entry,
  sampleBackup,
  sampleCheck,
  sampleFacts,
  sampleListing,
  sampleRepositories,
  sampleRun,
  sampleSkipped,
  sampleTrouble,
  sampleVerify,
} from '../../support/sample-data.ts';
import { sampleRepair } from '../../support/sample-repair.ts';
import { scriptedStillpoint } from '../../support/scripted-stillpoint.ts';
import { runCli, scriptedSurroundings } from '../../support/scripted-terminal.ts';

const ID = jobId('3f2a9c51d04e7b68');

const failure = (code: 'ssh.unreachable' | 'repository.wrong-password', message: string) =>
  new StillpointError(code, message, { advice: 'Look at it.', cause: undefined });

/** Lines of NDJSON. */
const linesOf = (text: string): Record<string, unknown>[] =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);

test('every command explains itself with an example', async () => {
  const { program } = buildProgram(scriptedSurroundings(scriptedStillpoint()));
  const names = program.commands.map((command) => command.name());
  const nested = program.commands.flatMap((command) => command.commands.map((inner) => [command.name(), inner.name()]));
  expect(names).toEqual([
    'setup',
    'prepare',
    'init',
    'hosts',
    'inspect',
    'advise',
    'plan',
    'backup',
    'export',
    'list',
    'ls',
    'find',
    'diff',
    'stats',
    'restore',
    'check',
    'verify',
    'copy',
    'forget',
    'prune',
    'repair',
    'unlock',
    'key',
    'sweep',
    'snapshot',
    'jobs',
    'cancel',
  ]);
  const groups = new Set(nested.map(([group]) => group));
  for (const words of [...names.filter((name) => !groups.has(name)).map((name) => [name]), ...nested]) {
    const { exitCode, stdout } = await runCli([...words, '--help'], scriptedStillpoint());
    expect(exitCode).toBe(0);
    expect(stdout).toContain(`\nExample:\n  stillpoint ${words.join(' ')}`);
    expect(stdout).toContain('--json');
    expect(stdout).not.toContain('default: []');
    // What "jobs" takes is nothing that "jobs resume" takes.
    expect(stdout.split('Global Options:')[1], words.join(' ')).not.toContain('--own');
  }
});

test.each<[string[], string]>([
  [['init', 'main'], 'initRepository main'],
  [['hosts'], 'listHosts'],
  [['inspect', 'db1'], 'inspectHost db1'],
  [['advise', 'db1'], 'adviseHost db1'],
  [['plan', 'shop'], 'planBackup shop'],
  [['plan', 'shop', '--tar', '/b/a.tar.zst'], 'planExport shop {"kind":"archive","file":"/b/a.tar.zst"}'],
  [
    ['plan', 'shop', '--mirror', 'nas:/b/shop', '--keep', '3'],
    'planExport shop {"kind":"mirror","folder":"/b/shop","host":"nas","keep":3}',
  ],
  [
    ['list', '--repository', 'main', '--source', 'shop', '--host', 'db1'],
    'listRestorePoints main {"sources":["shop"],"hostnames":["db1"],"tags":[],"paths":[]}',
  ],
  [['jobs', '--state', 'failed', '--limit', '3'], 'listJobs {"limit":3,"states":["failed"]}'],
])('stillpoint %j asks %s', async (words, call) => {
  const stillpoint = scriptedStillpoint();
  const { exitCode, stderr } = await runCli(words, stillpoint);
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  expect(stillpoint.calls).toEqual([call]);
  expect(stillpoint.disposed).toBe(true);
});

test('a list that lacks damaged restore points ends as a finding', async () => {
  const stillpoint = scriptedStillpoint({ unreadable: sampleListing.unreadable });
  const text = await runCli(['list'], stillpoint);
  expect(text.exitCode).toBe(EXIT.findings);
  expect(text.stdout).toContain('c4c4c4c4 is damaged');
  const json = await runCli(['list', '--json'], stillpoint);
  expect(json.exitCode).toBe(EXIT.findings);
  expect(JSON.parse(json.stdout)).toMatchObject({ unreadable: sampleListing.unreadable });
});

test.each<[string[], object]>([
  [['backup', 'shop'], { kind: 'backup', source: 'shop' }],
  [['check'], { kind: 'check', repository: 'main' }],
  [['check', '--headers'], { kind: 'check', repository: 'main', headers: true }],
  [['verify', 'other'], { kind: 'verify', repository: 'other' }],
  [
    ['copy', '--from', 'main', '--to', 'offsite', '3a7b', '--host', 'db1', '--tag', 'a, b', '--tag', 'c'],
    {
      kind: 'copy',
      from: 'main',
      to: 'offsite',
      restorePoints: ['3a7b'],
      filter: { sources: [], hostnames: ['db1'], tags: [['a', 'b'], ['c']], paths: [] },
    },
  ],
  [['verify', '--share', '3/7'], { kind: 'verify', repository: 'main', subset: { kind: 'share', share: 3, of: 7 } }],
  [['verify', '--daily', '7'], { kind: 'verify', repository: 'main', subset: { kind: 'daily', days: 7 } }],
  [
    ['repair', 'index', '--read-all'],
    { kind: 'repair', repository: 'main', scope: { part: 'index', readAll: true }, apply: false },
  ],
  [
    ['repair', 'packs', 'main', '1a2b3c', '--apply'],
    { kind: 'repair', repository: 'main', scope: { part: 'packs', packs: ['1a2b3c'] }, apply: true },
  ],
  [
    ['repair', 'points', '--forget', '--apply', '0123456789abcdef'],
    {
      kind: 'repair',
      repository: 'main',
      scope: { part: 'points', forget: true },
      apply: true,
      plan: '0123456789abcdef',
    },
  ],
  [['verify', '--percent', '5'], { kind: 'verify', repository: 'main', subset: { kind: 'percent', percent: 5 } }],
  [['sweep', 'db1'], { kind: 'sweep', host: 'db1' }],
])('stillpoint %j starts the job', async (words, request) => {
  const stillpoint = scriptedStillpoint({ run: sampleRun });
  expect((await runCli(words, stillpoint)).exitCode).toBe(0);
  expect(stillpoint.calls).toContain(`startJob ${JSON.stringify(request)}`);
});

test('restore finds the point first, and means paths in it and folders here', async () => {
  const stillpoint = scriptedStillpoint({ run: sampleRun });
  await runCli(['restore', '3a7b', 'srv/a/', '/caf\\xe9', '--to', './back'], stillpoint);
  expect(stillpoint.calls.slice(0, 2)).toEqual([
    'findRestorePoint - 3a7b',
    `startJob ${JSON.stringify({
      kind: 'restore',
      repository: 'main',
      restorePoint: '3a7b9c12'.padEnd(64, '0'),
      paths: ['/srv/a', '/caf\\xe9'],
      target: '/home/ann/back',
    })}`,
  ]);
});

test('ls goes on where a listing ended', async () => {
  const stillpoint = scriptedStillpoint({ entries: ['a', 'b', 'c'].map((name) => entry(name)) });
  const first = await runCli(['ls', 'latest', '/srv/', '--limit', '2'], stillpoint);
  expect(first.stdout).toContain('There is more: add --cursor 2\n');
  const second = await runCli(['ls', 'latest', '/srv', '--limit', '2', '--cursor', '2'], stillpoint);
  expect(second.stdout).toMatch(/ c\n$/);
  expect(stillpoint.calls.at(-1)).toContain('"path":"/srv","limit":2,"cursor":"2"');
});

test('the configuration file is meant from the working folder', async () => {
  const open = vi.fn<Surroundings['open']>(async () => scriptedStillpoint());
  await runCli(['hosts', '--config', 'my.jsonc'], scriptedStillpoint(), { open });
  await runCli(['--config', '/etc/x.jsonc', 'hosts'], scriptedStillpoint(), { open });
  await runCli(['hosts'], scriptedStillpoint(), { open });
  await runCli(['init'], scriptedStillpoint(), { open });
  await runCli(['hosts', '--config=~/mine.jsonc'], scriptedStillpoint(), { open });
  expect(open.mock.calls).toEqual([
    [{ configFile: '/home/ann/my.jsonc', choosesPassword: false }],
    [{ configFile: '/etc/x.jsonc', choosesPassword: false }],
    [{ choosesPassword: false }],
    [{ choosesPassword: true }],
    // The core knows the home folder.
    [{ configFile: '~/mine.jsonc', choosesPassword: false }],
  ]);
});

describe('which repository', () => {
  test('several need a name', async () => {
    const two = [sampleRepositories[0]!, { ...sampleRepositories[0]!, name: repositoryName('offsite') }];
    const stillpoint = scriptedStillpoint({ overrides: { listRepositories: async () => two } });
    const { exitCode, stderr } = await runCli(['check'], stillpoint);
    expect({ exitCode, stderr }).toEqual({
      exitCode: 2,
      stderr: 'There are several repositories: "main", "offsite".\nSay which one you mean.\n[usage.invalid]\n',
    });
  });

  test('none is said', async () => {
    const stillpoint = scriptedStillpoint({ overrides: { listRepositories: async () => [] } });
    const { exitCode, stderr } = await runCli(['init'], stillpoint);
    expect(exitCode).toBe(3);
    expect(stderr).toContain('names no repository');
  });
});

describe('mistakes on the command line leave with 2 and do nothing', () => {
  test.each<[string[], string]>([
    [['frobnicate'], 'Unknown command "frobnicate".'],
    [['backup'], 'Missing required argument "source".'],
    [['backup', 'shop', '--frob'], 'Unknown option "--frob".'],
    [['backup', 'shop', 'files'], 'Too many arguments for "backup". Expected 1 argument but got 2: shop, files.'],
    [['restore', 'latest'], 'Required option "--to <folder>" not specified.'],
    [['restore', 'latest', '--to', ''], 'The name of the folder is empty'],
    [['jobs', '--follow'], '--follow needs the id of a job.'],
    [['jobs', '--limit', 'many'], '--limit is "many".'],
    [['jobs', '--state', 'odd'], '"odd" is not the state of a job.'],
    [['jobs', 'xyz'], '"xyz" is not the id of a job.'],
    [['inspect', '../etc'], '"../etc" cannot be the name of a host.'],
    [['sweep', 'db1;reboot'], '"db1;reboot" cannot be the name of a host.'],
    [['ls', 'latest', '--limit', '0'], '--limit is "0".'],
  ])('stillpoint %j', async (words, sentence) => {
    const stillpoint = scriptedStillpoint();
    const { exitCode, stdout, stderr } = await runCli(words, stillpoint);
    expect(exitCode).toBe(2);
    expect(stderr).toContain(sentence);
    expect(stderr).toMatch(/\[usage\.invalid\]\n$/);
    expect(stdout).toBe('');
    expect(stillpoint.calls).toEqual([]);
  });

  test('no command prints the help', async () => {
    const { exitCode, stdout, stderr } = await runCli([], scriptedStillpoint());
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect(stderr).toContain('Usage: stillpoint');
  });
});

describe('errors', () => {
  test('go to standard error: message, advice, code', async () => {
    const stillpoint = scriptedStillpoint();
    stillpoint.fail('inspectHost', failure('ssh.unreachable', 'The host "db1" does not answer.'));
    expect(await runCli(['inspect', 'db1'], stillpoint)).toEqual({
      exitCode: 4,
      stdout: '',
      stderr: 'The host "db1" does not answer.\nLook at it.\n[ssh.unreachable]\n',
    });
    expect(stillpoint.disposed).toBe(true);
  });

  test('with --json are the one document on standard output', async () => {
    const stillpoint = scriptedStillpoint();
    stillpoint.fail('startJob', failure('repository.wrong-password', 'Wrong password.'));
    const { exitCode, stdout, stderr } = await runCli(['backup', 'shop', '--json'], stillpoint);
    expect({ exitCode, stderr }).toEqual({ exitCode: 6, stderr: '' });
    expect(linesOf(stdout)).toEqual([
      {
        type: 'exit',
        exitCode: 6,
        error: { code: 'repository.wrong-password', message: 'Wrong password.', advice: 'Look at it.', details: {} },
      },
    ]);
  });

  test('when the configuration cannot be opened', async () => {
    const open = async () => {
      throw new StillpointError('config.not-found', 'There is no configuration.', {
        advice: 'Write one.',
        cause: undefined,
      });
    };
    expect((await runCli(['hosts'], scriptedStillpoint(), { open })).exitCode).toBe(3);
  });

  test('a foreign error is called internal and has no stack', async () => {
    const stillpoint = scriptedStillpoint();
    stillpoint.fail('listHosts', new TypeError('x is not a function'));
    const { exitCode, stderr } = await runCli(['hosts'], stillpoint);
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/x is not a function\n.*Report it.*\n\[internal\.unexpected\]\n$/);
  });
});

test('each mistake of the configuration has a line; no other message has more than one', async () => {
  const message = 'The configuration has 2 mistakes:\n  c.jsonc:3:3: Unknown key.\n  c.jsonc:4:1: Missing.';
  const stderrOf = async (code: 'config.invalid' | 'ssh.unreachable'): Promise<string> => {
    const stillpoint = scriptedStillpoint();
    stillpoint.fail('listHosts', new StillpointError(code, message, { advice: 'Correct it.', cause: undefined }));
    return (await runCli(['hosts'], stillpoint)).stderr;
  };
  expect(await stderrOf('config.invalid')).toBe(`${message}\nCorrect it.\n[config.invalid]\n`);
  expect((await stderrOf('ssh.unreachable')).split('\n')).toHaveLength(4);
});

describe('following a job', () => {
  const failed: readonly RunEventBody[] = [
    ...sampleRun.slice(0, 4),
    ...sampleTrouble,
    {
      type: 'job-finished',
      outcome: 'failed',
      error: { code: 'snapshot.no-room', message: 'No room in "vg0".', advice: 'Give it 2 GiB.', details: {} },
    },
  ];

  test('prints phases as they end and the figures last', async () => {
    const { exitCode, stdout, stderr } = await runCli(['backup', 'shop'], scriptedStillpoint({ run: sampleRun }));
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    await expect(stdout).toMatchFileSnapshot('../../golden/cli/backup.txt');
  });

  test('prints trouble and the error on standard error', async () => {
    const { exitCode, stderr } = await runCli(['backup', 'shop'], scriptedStillpoint({ run: failed }));
    expect(exitCode).toBe(5);
    await expect(stderr).toMatchFileSnapshot('../../golden/cli/backup-failed.txt');
  });

  test('skipped files are a success with 8', async () => {
    const run: readonly RunEventBody[] = [{ type: 'job-finished', outcome: 'succeeded', result: sampleSkipped }];
    expect((await runCli(['backup', 'shop'], scriptedStillpoint({ run }))).exitCode).toBe(8);
  });

  test('quietly prints nothing but trouble', async () => {
    expect(await runCli(['backup', 'shop', '--quiet'], scriptedStillpoint({ run: sampleRun }))).toEqual({
      exitCode: 0,
      stdout: '',
      stderr: '',
    });
    const { stdout, stderr } = await runCli(['-q', 'backup', 'shop'], scriptedStillpoint({ run: failed }));
    expect(stdout).toBe('');
    await expect(stderr).toMatchFileSnapshot('../../golden/cli/backup-failed.txt');
  });

  test('quietly says what was found, and shows a plan that was asked for', async () => {
    const ends = (result: JobResult) =>
      scriptedStillpoint({ run: [{ type: 'job-finished', outcome: 'succeeded', result }] });
    const check = await runCli(['-q', 'check', 'main'], ends(sampleCheck));
    expect(check).toMatchObject({ exitCode: 8, stdout: '' });
    expect(check.stderr).toMatch(/^check of main\n/);
    expect(check.stderr).toContain('The file of pack 09af1b2c is not there.');
    expect(await runCli(['-q', 'verify', 'main'], ends(sampleVerify))).toEqual({ exitCode: 0, stdout: '', stderr: '' });
    const nothingLost = { ...sampleRepair, plan: { ...sampleRepair.plan, lost: [] } };
    const plan = await runCli(['-q', 'repair', 'packs', 'main'], ends(nothingLost));
    expect(plan.stdout).toContain('Plan 0123456789abcdef');
  });

  test('as JSON: the job, every event, the exit', async () => {
    const { exitCode, stdout, stderr } = await runCli(
      ['backup', 'shop', '--json'],
      scriptedStillpoint({ run: sampleRun }),
    );
    const lines = linesOf(stdout);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(lines.map((line) => line['type'])).toEqual(['job', ...sampleRun.map((event) => event.type), 'exit']);
    expect(lines.at(-1)).toEqual({
      type: 'exit',
      exitCode: 0,
      jobId: ID,
      outcome: 'succeeded',
      result: JSON.parse(JSON.stringify(sampleBackup)) as unknown,
      facts: sampleFacts,
    });
  });

  test('what runs already is followed, not started twice', async () => {
    const stillpoint = scriptedStillpoint();
    await runCli(['backup', 'shop', '--detach'], stillpoint);
    const running = runCli(['backup', 'shop'], stillpoint);
    await vi.waitFor(() => expect(stillpoint.followers(ID)).toBe(1));
    stillpoint.emit(ID, ...sampleRun);
    const { exitCode, stdout } = await running;
    expect(exitCode).toBe(0);
    expect(stdout).toContain('is running already; following it');
  });

  test('--detach prints the id alone', async () => {
    const stillpoint = scriptedStillpoint();
    expect(await runCli(['backup', 'shop', '--detach'], stillpoint)).toEqual({
      exitCode: 0,
      stdout: `${ID}\n`,
      stderr: '',
    });
    expect(stillpoint.calls.some((call) => call.startsWith('followJob'))).toBe(false);
  });

  test('when it cannot be read any more, that is the error, and the job is left alone', async () => {
    const lost = new StillpointError('job.store-unusable', 'The jobs cannot be read.', {
      advice: 'Look.',
      cause: undefined,
    });
    const stillpoint = scriptedStillpoint({ run: sampleRun.slice(0, 4) });
    stillpoint.fail('followJob', lost);
    const { exitCode, stdout } = await runCli(['backup', 'shop', '--json'], stillpoint);
    expect(exitCode).toBe(1);
    expect(linesOf(stdout).at(-1)).toMatchObject({ type: 'exit', exitCode: 1, error: { code: 'job.store-unusable' } });
    expect(stillpoint.calls.some((call) => call.startsWith('cancelJob'))).toBe(false);
  });

  test('a log that ends early gives way to the record', async () => {
    const stillpoint = scriptedStillpoint({
      run: [{ type: 'job-finished', outcome: 'interrupted' }],
      overrides: { followJob: async function* () {} },
    });
    const { exitCode, stderr } = await runCli(['backup', 'shop'], stillpoint);
    expect(exitCode).toBe(1);
    expect(stderr).toContain('interrupted');
  });
});

describe('Ctrl-C', () => {
  test('asks the job to stop and waits for its clean-up', async () => {
    const stillpoint = scriptedStillpoint({ run: sampleRun.slice(0, 4) });
    const interrupts = new Interrupts();
    const running = runCli(['backup', 'shop'], stillpoint, { interrupts });
    await vi.waitFor(() => expect(stillpoint.followers(ID)).toBe(1));
    interrupts.interrupt();
    const { exitCode, stderr } = await running;
    expect(exitCode).toBe(130);
    expect(stillpoint.calls.filter((call) => call.startsWith('cancelJob'))).toEqual([`cancelJob ${ID}`]);
    expect(stderr).toBe(
      'Cancelling, and waiting for the clean-up. Ctrl-C again leaves that to the process of the job.\n' +
        'The backup of "shop" was cancelled.\nNo restore point was saved. Nothing of the run is left on "db1". Start it again when you want it.\n[run.cancelled]\n',
    );
  });

  test('a second time leaves the clean-up to the job and says so', async () => {
    const stillpoint = scriptedStillpoint({ run: sampleRun.slice(0, 4), onCancel: [] });
    const interrupts = new Interrupts();
    const running = runCli(['backup', 'shop', '--json'], stillpoint, { interrupts });
    await vi.waitFor(() => expect(stillpoint.followers(ID)).toBe(1));
    interrupts.interrupt();
    interrupts.interrupt();
    const { exitCode, stdout } = await running;
    expect(exitCode).toBe(130);
    expect(linesOf(stdout).slice(-2)).toEqual([
      { type: 'cancelling' },
      { type: 'exit', exitCode: 130, jobId: ID, outcome: 'left' },
    ]);
    expect((await stillpoint.findJob(ID)).state).toBe('cancelling');
    expect(stillpoint.calls.filter((call) => call.startsWith('cancelJob'))).toHaveLength(1);
  });

  test('only stops watching in "jobs --follow"', async () => {
    const stillpoint = scriptedStillpoint({ run: sampleRun.slice(0, 4) });
    await runCli(['backup', 'shop', '--detach'], stillpoint);
    const interrupts = new Interrupts();
    const running = runCli(['jobs', ID, '--follow'], stillpoint, { interrupts });
    await vi.waitFor(() => expect(stillpoint.followers(ID)).toBe(1));
    interrupts.interrupt();
    const { exitCode, stderr } = await running;
    expect(exitCode).toBe(130);
    expect(stderr).toBe(`Job ${ID} continues in its own process. Follow it with: stillpoint jobs ${ID} --follow\n`);
    expect(stillpoint.calls.some((call) => call.startsWith('cancelJob'))).toBe(false);
  });

  test('aborts a question that takes long', async () => {
    const asked = Promise.withResolvers<void>();
    const stillpoint = scriptedStillpoint({
      overrides: {
        inspectHost: (_host, signal) =>
          new Promise((_, reject) => {
            signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
            asked.resolve();
          }),
      },
    });
    const interrupts = new Interrupts();
    const running = runCli(['inspect', 'db1'], stillpoint, { interrupts });
    await asked.promise;
    interrupts.interrupt();
    const { exitCode, stderr } = await running;
    expect(exitCode).toBe(130);
    expect(stderr).toContain('[run.cancelled]');
    expect(interrupts.interrupt()).toBe(false);
  });
});

test('cancel says whether there was anything to cancel', async () => {
  const stillpoint = scriptedStillpoint({ onCancel: [] });
  await runCli(['backup', 'shop', '--detach'], stillpoint);
  expect((await runCli(['cancel', ID], stillpoint)).stdout).toContain('was asked to stop and is cleaning up');
  stillpoint.emit(ID, ...sampleRun);
  expect((await runCli(['cancel', ID], stillpoint)).stdout).toContain('had ended already: succeeded');
});
