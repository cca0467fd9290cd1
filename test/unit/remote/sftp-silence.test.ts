/** A server program that hangs: nothing says so, and the connection under it lives. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { beforeEach, describe, expect, test } from 'vitest';
import { never } from '../../../shared/base/cancel.ts';
import { silentLogger } from '../../../shared/base/log.ts';
import { createLocalTransport } from '../../../shared/remote/local.ts';
import { SftpClient } from '../../../shared/remote/sftp/sftp-client.ts';
import { SftpPool } from '../../../shared/remote/sftp/sftp-pool.ts';
import type { Trouble } from '../../../shared/repository/backend/attempts.ts';
import { PATIENCE } from '../../../shared/repository/backend/patience.ts';
import { withRetries } from '../../../shared/repository/backend/retry.ts';
import { createSftpBackend } from '../../../shared/repository/backend/sftp.ts';
import { HandClock } from '../../support/hand-clock.ts';
import { type OddServer, oddSftpServer } from '../../support/remote/odd-sftp-server.ts';
import { whyNoSftpServer } from '../../support/remote/sftp-server.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const MINUTE = 60_000;
const HANGS = expect.objectContaining({
  code: 'ssh.deadline',
  retry: 'maybe',
  message: expect.stringContaining('has not answered a request for 300 s') as string,
}) as unknown;

let clock: HandClock;
let lastHeard: { ms: number };
beforeEach(() => {
  clock = new HandClock();
  lastHeard = { ms: 0 };
});

async function converse(): Promise<{ client: SftpClient; server: OddServer; hang: () => void }> {
  const server = oddSftpServer(new Map([['/', undefined]]));
  const silence = { clock, silenceMs: 5 * MINUTE, lastHeard };
  const client = await SftpClient.open('nas', server.process, never, MINUTE, silence);
  return { client, server, hang: () => server.process.stdin.removeAllListeners('data') };
}

/** What became of a request by now. */
function outcomeOf(request: Promise<unknown>): () => unknown {
  let outcome: unknown = 'waits';
  request.then(
    () => {
      outcome = 'answered';
    },
    (error: unknown) => {
      outcome = error;
    },
  );
  return () => outcome;
}

describe('a request without an answer', () => {
  test('ends after five minutes, with all that wait and with the conversation', async () => {
    const { client, server, hang } = await converse();
    await client.stat('/');
    hang();
    const outcomes = [outcomeOf(client.stat('/')), outcomeOf(client.stat('/'))];
    await clock.move(5 * MINUTE - 1);
    expect([outcomes.map((get) => get()), client.isOver]).toEqual([['waits', 'waits'], false]);
    await clock.move(1);
    expect([outcomes.map((get) => get()), client.isOver]).toEqual([[HANGS, HANGS], true]);
    await expect(client.stat('/')).rejects.toEqual(HANGS);
    await expect(server.process.exited).resolves.toMatchObject({ signal: 'TERM' });
  });

  test('counts from when it was asked, however long nobody asked anything', async () => {
    const { client, hang } = await converse();
    await client.stat('/');
    await clock.move(60 * MINUTE);
    await client.stat('/');
    await clock.move(60 * MINUTE);
    hang();
    const outcome = outcomeOf(client.stat('/'));
    await clock.move(5 * MINUTE - 1);
    expect(outcome()).toBe('waits');
    await clock.move(1);
    expect(outcome()).toEqual(HANGS);
  });

  test('waits as long as others of the same conversation are answered', async () => {
    const { client, server, hang } = await converse();
    hang();
    const outcome = outcomeOf(client.stat('/'));
    for (let n = 0; n < 5; n += 1) {
      await clock.move(4 * MINUTE);
      // A packet that grows a byte at a time, as on a slow line.
      server.say(n === 0 ? Buffer.from([0, 0, 0, 100]) : Buffer.from([0]));
      await clock.move(0);
    }
    expect(outcome()).toBe('waits');
    await clock.move(5 * MINUTE);
    expect(outcome()).toEqual(HANGS);
  });

  test('waits as long as another conversation with the host gets something, and half a minute more', async () => {
    const { client, hang } = await converse();
    const { client: busy } = await converse();
    hang();
    const outcome = outcomeOf(client.stat('/'));
    for (let n = 0; n < 40; n += 1) {
      await clock.move(20_000);
      await busy.stat('/');
    }
    expect(outcome()).toBe('waits');
    await clock.move(29_999);
    expect(outcome()).toBe('waits');
    await clock.move(1);
    expect(outcome()).toEqual(HANGS);
    expect(busy.isOver).toBe(false);
  });
});

test('a real server that was stopped: the save is made again on a new one', async ({ skip }) => {
  const whyNot = whyNoSftpServer();
  skip(whyNot !== undefined, whyNot);
  await using folder = await temporaryFolder();
  await using transport = createLocalTransport();
  const pids = join(folder.path, 'pids');
  const line = {
    start: () => transport.start(`echo $$ >> ${pids}; exec /usr/lib/openssh/sftp-server`, never),
    [Symbol.asyncDispose]: async () => undefined,
  };
  const pool = new SftpPool({ host: 'nas', line, connections: 1, clock, silence: { clock } });
  const inner = createSftpBackend({ folder: join(folder.path, 'repository'), location: 'sftp:nas:/repository' }, pool);
  const codes: string[] = [];
  const onTrouble = ({ error }: Trouble): void => void codes.push(error.code);
  await using backend = withRetries(inner, { clock, logger: silentLogger, policy: PATIENCE.job, onTrouble });
  await backend.prepare(never);
  const pid = Number(await readFile(pids, 'utf8'));
  process.kill(pid, 'SIGSTOP');
  try {
    const file = { type: 'locks', name: 'ab'.repeat(32) } as const;
    const saved = outcomeOf(backend.save(file, [Buffer.from('lock')], never));
    await expect.poll(async () => (await clock.move(20_000), codes), { timeout: 10_000 }).toEqual(['ssh.deadline']);
    await clock.move(1000);
    await expect.poll(saved, { timeout: 10_000 }).toBe('answered');
    expect(existsSync(join(folder.path, 'repository/locks', file.name))).toBe(true);
    expect((await readFile(pids, 'utf8')).trim().split('\n')).toHaveLength(2);
  } finally {
    process.kill(pid, 'SIGKILL');
  }
});
