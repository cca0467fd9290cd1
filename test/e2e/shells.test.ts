/**
 * The command line and an assistant's client on one living host: the same jobs, the same restore points, and a host
 * without a trace of ours afterwards, whichever shell started the run and however it ended.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Client } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type Guest, startGuest } from '../lab/guest.ts';
import { reasonLabCannotRun } from '../lab/requirements.ts';
import { type InstalledUser, installedUser } from '../support/installed-user.ts';
import { textOf } from '../support/mcp-client.ts';

const signalOf = (): AbortSignal => AbortSignal.timeout(220_000);

const whyNot = await reasonLabCannotRun();
let guest: Guest;
let user: InstalledUser;

beforeEach(({ skip }) => skip(whyNot !== undefined, whyNot));

beforeAll(async () => {
  if (whyNot !== undefined) return;
  guest = await startGuest({}, AbortSignal.timeout(280_000));
  user = await installedUser();
  await user.configure({
    hosts: { shop1: { ssh: 'lab', sshConfigFile: guest.sshConfigFile } },
    sources: { shop: { host: 'shop1', paths: ['/var/lib/mysql', '/srv/files'], repository: 'main' } },
  });
  await user.makeRepository();
});

afterAll(async () => {
  await user?.[Symbol.asyncDispose]();
  await guest?.[Symbol.asyncDispose]();
});

async function connectAssistant(): Promise<Client> {
  const client = new Client({ name: 'stillpoint-test', version: '1.0.0' }, { versionNegotiation: { mode: 'auto' } });
  await client.connect(new StdioClientTransport(user.mcpServer));
  return client;
}

/** A call that has to succeed; its structured answer. */
async function call<T>(client: Client, name: string, args: Record<string, unknown> = {}): Promise<T> {
  const result = await client.callTool({ name, arguments: args });
  expect(result.isError, textOf(result)).not.toBe(true);
  return result.structuredContent as T;
}

interface JobAnswer {
  readonly job: {
    readonly jobId: string;
    readonly state: string;
    readonly finished: boolean;
    readonly result: { readonly restorePointId: string; readonly consistency: string } | null;
  };
  readonly events: readonly { readonly type: string; readonly phase: string | null }[];
  readonly nextEvent: number;
}

describe('an assistant', () => {
  test('looks at the host, plans, backs up, waits, and finds the file again', async () => {
    const signal = signalOf();
    const client = await connectAssistant();
    try {
      const { hosts } = await call<{ hosts: { host: string; sources: string[] }[] }>(client, 'list_hosts');
      expect(hosts.find((host) => host.host === 'shop1')?.sources).toEqual(['shop']);

      const inventory = await call<{ volumes: { mountpoints: string[]; snapshotBy: string | null }[] }>(
        client,
        'inspect_host',
        { host: 'shop1' },
      );
      const database = inventory.volumes.find((volume) => volume.mountpoints.includes('/var/lib/mysql'));
      expect(database?.snapshotBy).toBe('lvm-thick');

      const plan = await call<{ commands: string[]; snapshots: unknown[] }>(client, 'plan_backup', { source: 'shop' });
      expect(plan.snapshots).toHaveLength(2);
      expect(plan.commands.filter((command) => command.includes('lvcreate'))).toHaveLength(2);
      expect(await guest.traces({ signal })).toEqual([]);

      const started = await call<JobAnswer>(client, 'start_backup', { source: 'shop' });
      const { jobId } = started.job;
      const phases: string[] = [];
      let answer: JobAnswer;
      let since = 0;
      do {
        signal.throwIfAborted();
        answer = await call<JobAnswer>(client, 'get_job', { jobId, waitSeconds: 25, sinceEvent: since });
        since = answer.nextEvent;
        for (const event of answer.events) if (event.type === 'phase-finished') phases.push(event.phase ?? '');
      } while (!answer.job.finished);
      expect(answer.job).toMatchObject({
        state: 'succeeded',
        result: { consistency: expect.stringMatching(/^crash/) as string },
      });
      expect(phases).toEqual(expect.arrayContaining(['connect', 'snapshot', 'read', 'commit', 'release']));

      const restorePointId = answer.job.result?.restorePointId ?? '';
      const listed = await call<{ restorePoints: { restorePointId: string }[] }>(client, 'list_restore_points', {
        source: 'shop',
      });
      expect(listed.restorePoints.map((point) => point.restorePointId)).toEqual([restorePointId]);
      const files = await call<{ entries: { name: string }[] }>(client, 'browse_files', {
        restorePointId,
        path: '/var/lib/mysql',
      });
      expect(files.entries.map((entry) => entry.name)).toContain('ibdata1');
    } finally {
      await client.close();
    }
    expect(await guest.traces({ signal })).toEqual([]);
    expect(await user.restic(['check', '--read-data'], signal)).toContain('no errors were found');
  });

  test('may leave: the backup that it started goes on, and the command line follows it', async () => {
    const signal = signalOf();
    const client = await connectAssistant();
    const { job } = await call<JobAnswer>(client, 'start_backup', { source: 'shop' });
    await client.close();
    const followed = await user.run(['jobs', job.jobId, '--follow'], signal);
    expect(followed.exitCode, followed.stderr).toBe(0);
    expect(followed.stdout).toMatch(/\n {2}snapshot {2} +[\d.]+ m?s\n/);
    expect(followed.stdout).toMatch(/writers held for at most [\d.]+ m?s/);
    expect(followed.stdout).toMatch(/\nRestore point [0-9a-f]{64}\n/);
    expect(followed.stdout).not.toContain('\u001b');
    expect(await user.ask(['jobs', '--limit', '1'], signal)).toMatchObject({
      jobs: [{ id: job.jobId, state: 'succeeded' }],
    });
    expect(await guest.traces({ signal })).toEqual([]);
  });
});

describe('the command line', () => {
  test('Ctrl-C while reading leaves the host clean and the repository whole', async () => {
    const signal = signalOf();
    const before = await user.ask(['list'], signal);
    // New data, so that there is something to read and to stop
    await guest.must('head -c 30000000 /dev/urandom > /srv/files/new', { signal });
    const running = user.start(['backup', 'shop', '--json'], signal);
    let last: Record<string, unknown> = {};
    for await (const line of running) {
      last = JSON.parse(line) as Record<string, unknown>;
      if (last['type'] === 'phase-started' && last['phase'] === 'read') running.kill('SIGINT');
    }
    expect(last).toMatchObject({
      type: 'exit',
      exitCode: 130,
      outcome: 'cancelled',
      error: { code: 'run.cancelled' },
    });
    expect((await running).exitCode).toBe(130);
    expect(await guest.traces({ signal })).toEqual([]);
    expect(await user.ask(['list'], signal)).toEqual(before);
    expect(await user.restic(['check'], signal)).toContain('no errors were found');
  });

  test('prints the plan, the restore and the sweep for people', async () => {
    const signal = signalOf();
    const plan = await user.run(['plan', 'shop'], signal);
    expect(plan.stdout).toMatch(
      /Steps that change the host, in order; --scripts prints the very scripts:\n(?: {2}.+\n)+/,
    );
    const restore = await user.run(['restore', 'latest', '/srv/files', '--to', 'back'], signal);
    expect(restore.exitCode, restore.stderr).toBe(0);
    expect(restore.stdout).toContain(`to "${join(user.home, 'back')}"`);
    const swept = await user.run(['sweep', 'shop1'], signal);
    expect(swept).toMatchObject({ exitCode: 0, stderr: '' });
    expect(swept.stdout).toContain('Nothing of ours was left behind');
  });
});

interface BackedUp {
  readonly restorePoint: string;
  readonly time: string;
  readonly hostTime: string;
  readonly files: { readonly new: number; readonly changed: number; readonly unmodified: number };
}

describe('a host whose clock is set ahead and back between its backups', () => {
  const HOUR = 3_600_000;
  const backUp = async (signal: AbortSignal, ...more: readonly string[]): Promise<BackedUp> => {
    const { exitCode, stdout, stderr } = await user.run(['backup', 'clock', '--json', ...more], signal);
    expect(exitCode, stdout + stderr).toBe(0);
    return (JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '') as { result: BackedUp }).result;
  };
  const written = (text: string, ...before: readonly string[]): Promise<string> =>
    guest.must([...before, `echo ${text} > /srv/files/clock/changed`].join('\n'), { signal: signalOf() });
  /** Oldest first. */
  const listed = async (signal: AbortSignal): Promise<readonly string[]> => {
    const answer = (await user.ask(['list', '--source', 'clock'], signal)) as { restorePoints: { id: string }[] };
    return answer.restorePoints.map(({ id }) => id).toReversed();
  };
  const restored = async (point: string, signal: AbortSignal): Promise<string> => {
    const { exitCode, stderr } = await user.run(['restore', point, '--to', `clock-${point}`], signal);
    expect(exitCode, stderr).toBe(0);
    return await readFile(join(user.home, `clock-${point}`, 'srv/files/clock/changed'), 'utf8');
  };

  test('loses no restore point to keep rules, and what was changed is read, and nothing else', async () => {
    const signal = signalOf();
    await user.configure({
      hosts: { shop1: { ssh: 'lab', sshConfigFile: guest.sshConfigFile } },
      sources: { clock: { host: 'shop1', paths: ['/srv/files/clock'], repository: 'main', keep: { last: 3 } } },
    });
    try {
      const make = 'mkdir /srv/files/clock; echo old > /srv/files/clock/old';
      await written('one', "date -s '-3 days'", make, "date -s '+3 days'");
      const right = await backUp(signal);
      expect(right.files).toEqual({ new: 2, changed: 0, unmodified: 0 });

      await written('two', "date -s '+20 hours'");
      const ahead = await backUp(signal);
      expect(Date.parse(ahead.hostTime) - Date.parse(ahead.time)).toBeGreaterThan(19 * HOUR);

      await written('six', "date -s '-30 hours'");
      const behind = await backUp(signal);
      expect(Date.parse(behind.hostTime) - Date.parse(behind.time)).toBeLessThan(-9 * HOUR);

      await written('ten', "date -s '+4 days'");
      const refused = await user.run(['backup', 'clock'], signal);
      expect(refused).toMatchObject({ exitCode: 5, stderr: expect.stringContaining('[host.clock-skew]') as string });
      const accepted = await backUp(signal, '--accept-clock-skew');

      const made = [right, ahead, behind, accepted];
      const onlyTheWritten = { new: 0, changed: 1, unmodified: 1 };
      expect(made.slice(1).map(({ files }) => files)).toEqual([onlyTheWritten, onlyTheWritten, onlyTheWritten]);
      expect(await listed(signal)).toEqual(made.map(({ restorePoint }) => restorePoint));
      expect(made.map(({ time }) => time)).toEqual(made.map(({ time }) => time).toSorted());

      // The newest three by our clock; by the host's it would be another three.
      const forgotten = await user.run(['forget', 'main', '--prune', '--apply'], signal);
      expect(forgotten.exitCode, forgotten.stderr).toBe(0);
      expect(await listed(signal)).toEqual(made.slice(1).map(({ restorePoint }) => restorePoint));
      expect(await restored('latest', signal)).toBe('ten\n');
      expect(await restored(behind.restorePoint, signal)).toBe('six\n');
      expect(await restored(ahead.restorePoint, signal)).toBe('two\n');
    } finally {
      await guest.must(`date -s @${Math.floor(Date.now() / 1000)}; rm -rf /srv/files/clock`, { signal: signalOf() });
    }
    expect(await guest.traces({ signal })).toEqual([]);
  });
});

describe('an ordinary user of a host', () => {
  test('backs up what he may read, without root and without a snapshot, and is told what he may not', async () => {
    const signal = signalOf();
    await guest.must(
      `useradd -m ada; install -d -m 700 -o ada /home/ada/.ssh; install -m 600 -o ada /root/.ssh/authorized_keys /home/ada/.ssh/
echo mine > /home/ada/letter; install -m 600 /dev/null /home/ada/of-root; mkdir -m 700 /home/ada/closed`,
      { signal },
    );
    const asAda = (await readFile(guest.sshConfigFile, 'utf8')).replaceAll(/^(\s*User\s+)\S+$/gm, '$1ada');
    await writeFile(join(user.home, 'as-ada'), asAda);
    await user.configure({
      hosts: { shop1: { ssh: 'lab', sshConfigFile: join(user.home, 'as-ada') } },
      sources: { home: { host: 'shop1', paths: ['/home/ada'], repository: 'main', withoutSnapshot: 'read-live' } },
    });
    const plan = await user.run(['plan', 'home'], signal);
    expect(plan.stdout).toContain('read "/home/ada" where it lies, while it may be changing');
    const saved = await user.run(['backup', 'home'], signal);
    // Partial.
    expect(saved.exitCode, saved.stderr).toBe(9);
    expect(saved.stdout).toContain('fuzzy: Live files, read while they may have been changing;');
    expect(saved.stdout).toMatch(/"\/home\/ada\/of-root": not saved, because it cannot be read: Permission denied/);
    expect(saved.stdout).toMatch(/"\/home\/ada\/closed": not saved, or not with all that is in it/);
    const restored = await user.run(['restore', 'latest', '--source', 'home', '--to', 'of-ada'], signal);
    expect(restored.stderr).toContain('The restore point is not whole.');
    expect(await readFile(join(user.home, 'of-ada', 'home/ada/letter'), 'utf8')).toBe('mine\n');
    expect(await guest.traces({ signal })).toEqual([]);
  });
});
