/** `stillpoint snapshot …`: what is asked for, what is shown, and that nothing goes without a yes. */
import { describe, expect, test } from 'vitest';
import { sampleRun } from '../../support/sample-data.ts';
import { sampleDropPlan } from '../../support/sample-kept.ts';
import { scriptedStillpoint } from '../../support/scripted-stillpoint.ts';
import { runCli } from '../../support/scripted-terminal.ts';

const jobs = ({ calls }: { readonly calls: readonly string[] }): readonly unknown[] =>
  calls.flatMap((call) => (call.startsWith('startJob ') ? [JSON.parse(call.slice(9)) as unknown] : []));
const run = async (words: readonly string[], options: Parameters<typeof runCli>[2] = {}) => {
  const stillpoint = scriptedStillpoint({ run: sampleRun });
  return { ...(await runCli(['snapshot', ...words], stillpoint, options)), jobs: jobs(stillpoint) };
};

describe('snapshot create', () => {
  test.each<[string[], object]>([
    [['/srv', '/home'], { paths: ['/srv', '/home'], reason: '', lifetimeSeconds: 604_800 }],
    [['/srv', '--reason', 'x y', '--expires', '12h'], { paths: ['/srv'], reason: 'x y', lifetimeSeconds: 43_200 }],
    [['--source', 'shop', '--keep-forever'], { paths: [], reason: '', source: 'shop' }],
  ])('%j', async (words, request) => {
    expect((await run(['create', 'db1', ...words])).jobs).toEqual([
      { kind: 'keep-snapshots', host: 'db1', ...request },
    ]);
  });

  test.each<[string[], string]>([
    [[], 'It is not said what is to be kept.'],
    [['/srv', '--source', 'shop'], 'Paths and --source are both given.'],
    [['/srv', '--keep-forever', '--expires', '1d'], '--expires and --keep-forever are both given.'],
    [['/srv', '--expires', '7m'], '"7m" is not a length of time.'],
    [['/srv', '--dry-run', '--plan', '0123456789abcdef'], '--dry-run and --plan are both given.'],
    [['/srv', 'home'], '"home" is not an absolute path on the host.'],
    [['/srv', '--reason', 'x'.repeat(2000)], 'The reason has 2000 bytes'],
  ])('%j is a mistake', async (words, message) => {
    const { exitCode, stderr, jobs: started } = await run(['create', 'db1', ...words]);
    expect({ exitCode, started }).toEqual({ exitCode: 2, started: [] });
    expect(stderr).toContain(message);
  });

  test('a source of another host is refused before a job begins', async () => {
    const { exitCode, stderr, jobs: started } = await run(['create', 'web', '--source', 'shop']);
    expect([exitCode, started]).toEqual([2, []]);
    expect(stderr).toContain('The source "shop" is on "db1", and not on "web".');
  });

  test('a plan is only shown', async () => {
    const { stdout, jobs: started } = await run(['create', 'db1', '/srv', '--dry-run']);
    expect(started).toEqual([]);
    expect(stdout).toContain('Nothing was changed.');
  });
});

test('snapshot list says what is not whole, and ends with 8 then', async () => {
  const { exitCode, stdout } = await run(['list', 'db1']);
  expect(exitCode).toBe(8);
  expect(stdout).toBe(`7f3c01ab  is not whole: its making was cut, or somebody removed a part
  taken     2026-11-29 18:16:31 UTC
  expires   2026-12-02 18:16:31 UTC, which is over
  by        ann@laptop
  reason    before the upgrade
  snapshot  vg0/mysql: vg0/spk_7f3c01ab_0a1b2c3d, 256 MiB, 100 % full, FULL: worth nothing any more
  missing   1 snapshot

Nothing removes those whose time is over by itself: "stillpoint snapshot remove db1 --expired" does.
`);
});

describe('snapshot remove', () => {
  const request = { kind: 'drop-snapshots', host: 'db1', plan: sampleDropPlan.id };
  const ids = { by: 'ids', ids: ['7f3c01ab'] };

  test('shows what would go, and does exactly that after a yes', async () => {
    const { stdout, jobs: started } = await run(['remove', 'db1', '7f3c01ab'], { ask: async () => 'yes' });
    expect(stdout).toContain('lvremove -y vg0/spk_7f3c01ab_0a1b2c3d');
    expect(started).toEqual([{ ...request, choice: ids }]);
  });

  test.each<[string, string[], Parameters<typeof runCli>[2]]>([
    ['the answer is no', ['7f3c01ab'], { ask: async () => 'no' }],
    ['there is no answer', ['7f3c01ab'], { ask: async () => undefined }],
    ['nobody can be asked', ['7f3c01ab'], {}],
    ['it is only to be shown', ['7f3c01ab', '--dry-run'], {}],
    ['it is asked in JSON', ['7f3c01ab', '--json'], { ask: async () => 'yes' }],
    ['it is to be shown, and yes is said', ['7f3c01ab', '--dry-run', '--yes'], {}],
    ['nothing is named', [], { ask: async () => 'yes' }],
    ['ids are named, and --expired', ['7f3c01ab', '--expired'], { ask: async () => 'yes' }],
  ])('removes nothing where %s', async (_, words, options) => {
    expect((await run(['remove', 'db1', ...words], options)).jobs).toEqual([]);
  });

  test.each([[['--yes']], [['--yes', '--json']]])('asks nobody with %j', async (words) => {
    const { jobs: started } = await run(['remove', 'db1', '--expired', ...words]);
    expect(started).toEqual([{ ...request, choice: { by: 'expiry' } }]);
  });
});

describe('snapshot around', () => {
  const around = async (words: readonly string[], ends: number, fails?: 'before') => {
    const ran: (readonly string[])[] = [];
    const order: string[] = [];
    const stillpoint = scriptedStillpoint({ run: sampleRun });
    if (fails !== undefined) stillpoint.fail('startJob', new Error('no room'));
    const result = await runCli(['snapshot', 'around', 'db1', ...words], stillpoint, {
      runProgram: async (line) => {
        ran.push(line);
        order.push(`after ${jobs(stillpoint).length} jobs`);
        return ends;
      },
    });
    return {
      ...result,
      ran,
      order,
      jobs: jobs(stillpoint) as { pair: { id: string; side: string }; paths: string[] }[],
    };
  };

  test('is a pair, with the command between them as ssh gets it, and standard output is the command’s', async () => {
    const { ran, order, stdout, exitCode, jobs: started } = await around(['/srv', '--', 'echo', '--x', 'a b', '--'], 0);
    expect(ran).toEqual([['ssh', '-F', '/home/ann/ssh_config', '--', 'db1', 'echo', '--x', 'a b', '--']]);
    expect({ order, stdout, exitCode }).toEqual({ order: ['after 1 jobs'], stdout: '', exitCode: 0 });
    expect(started.map(({ pair, paths }) => ({ side: pair.side, paths }))).toEqual([
      { side: 'before', paths: ['/srv'] },
      { side: 'after', paths: ['/srv'] },
    ]);
    expect(started[0]?.pair.id).toBe(started[1]?.pair.id);
  });

  test('ends as the command did, and keeps what it left', async () => {
    const { exitCode, jobs: started } = await around(['/srv', '--', 'false'], 42);
    expect({ exitCode, started: started.length }).toEqual({ exitCode: 42, started: 2 });
  });

  test('does not run it where there would be no way back', async () => {
    expect(await around(['/srv', '--', 'x'], 0, 'before')).toMatchObject({ exitCode: 1, ran: [] });
  });

  test.each([[['/srv']], [['/srv', '--']], [['/srv', '--json', '--', 'x']]])('%j is a mistake', async (words) => {
    expect(await around(words, 0)).toMatchObject({ exitCode: 2, ran: [], jobs: [] });
  });
});

test('snapshot compare tells each change, and says of what it knows nothing', async () => {
  const { exitCode, stdout } = await run(['compare', 'db1', '7f3c01ab']);
  expect(exitCode).toBe(8);
  expect(stdout).toBe(`-  /srv/old/
M  /srv/a\\n
?  /srv/b

7f3c01ab → now
  volumes  vg0/files
  added    0
  removed  1
  changed  2
Not compared
  vg0/mysql
`);
});
