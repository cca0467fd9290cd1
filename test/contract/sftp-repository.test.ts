/**
 * The façade with a repository on another host: a person is asked on the way there once, in the shell, and the process
 * that runs the job, and a connection that is made anew, are answered with what was said.
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { repositoryName } from '../../shared/domain/names.ts';
import type { Prompter, Question } from '../../shared/domain/prompter.ts';
import { openStillpoint } from '../../shared/stillpoint.ts';
import { createKey, whyNoPrivateSshd } from '../support/remote/private-sshd.ts';
import { type SftpHost, startSftpHost } from '../support/remote/sftp-host.ts';
import { resticFinds } from '../support/restic.ts';
import { PASSWORD } from '../support/test-repository.ts';

const whyNot = await whyNoPrivateSshd();
const PASSPHRASE = 'open sesame';
let signal: AbortSignal;

interface Person extends Prompter {
  readonly asked: Pick<Question, 'kind' | 'subject'>[];
  readonly keys: string[];
}

/** Says the passphrase and trusts the host's key. */
function aPerson(): Person {
  const asked: Person['asked'] = [];
  const keys: string[] = [];
  return {
    asked,
    keys,
    settle() {},
    async ask({ kind, subject }) {
      asked.push({ kind, subject });
      return PASSPHRASE;
    },
    async confirmHostKey({ host }) {
      keys.push(host);
      return true;
    },
  };
}

describe('a repository on another host', () => {
  let host: SftpHost;
  let home: string;
  let config: string;
  beforeAll(async () => {
    if (whyNot !== undefined) return;
    host = await startSftpHost();
    home = await mkdtemp(join(tmpdir(), 'stillpoint-sftp-user-'));
    const { folder } = host.sshd;
    await createKey(join(folder, 'locked_key'), 'ed25519', PASSPHRASE);
    await writeFile(join(folder, 'authorized_keys'), await readFile(join(folder, 'locked_key.pub')), { flag: 'a' });
    // A host that was never visited, by a key that is locked. The first value of a keyword counts.
    await writeFile(
      join(folder, 'strict-config'),
      [
        'Host nas',
        '  User ann',
        '  HostName 127.0.0.1',
        `  Port ${host.proxy.port}`,
        `  IdentityFile ${folder}/locked_key`,
        '  IdentityAgent none',
        `  UserKnownHostsFile ${folder}/fresh_known_hosts`,
        '  GlobalKnownHostsFile /dev/null',
        '',
      ].join('\n'),
    );
    config = join(home, 'config.jsonc');
    await writeFile(join(home, 'password'), PASSWORD, { mode: 0o600 });
    await writeFile(
      config,
      JSON.stringify({
        hosts: { vault: { ssh: 'nas', sshConfigFile: join(folder, 'strict-config') } },
        repositories: { far: { location: 'sftp:vault:backups/far', passwordFile: 'password' } },
      }),
    );
  });
  afterAll(async () => {
    if (whyNot !== undefined) return;
    await host[Symbol.asyncDispose]();
    await rm(home, { recursive: true, force: true });
  });
  beforeEach(({ skip }) => {
    signal = AbortSignal.timeout(55_000);
    if (whyNot !== undefined) skip(whyNot);
  });

  const far = repositoryName('far');
  const open = (prompter?: Prompter) =>
    openStillpoint({
      configFile: config,
      stateFolder: join(home, 'state'),
      ...(prompter === undefined ? {} : { prompter }),
    });

  test('is reached by what a person says once, also from the process of a job and after a cut', async () => {
    {
      await using alone = await open();
      await expect(alone.initRepository(far, signal)).rejects.toMatchObject({ code: 'ssh.host-key-unknown' });
    }
    const person = aPerson();
    await using stillpoint = await open(person);
    await stillpoint.initRepository(far, signal);
    expect(person).toMatchObject({ keys: ['vault'], asked: [{ kind: 'key-passphrase', subject: 'vault' }] });
    // Below the home folder of the account, as restic has it.
    expect(await resticFinds(join(host.home, 'backups/far'))).toEqual([]);

    // A shell that has not been there yet asks before it starts the job, whose process asks no person.
    const second = aPerson();
    await using other = await open(second);
    const { job } = await other.startJob({ kind: 'check', repository: far }, signal);
    expect(second).toMatchObject({ keys: [], asked: [{ kind: 'key-passphrase', subject: 'vault' }] });
    const events = await Array.fromAsync(other.followJob(job.id, 0, signal));
    expect(events.at(-1)).toMatchObject({ type: 'job-finished', outcome: 'succeeded' });
    expect(JSON.stringify(events)).not.toContain(PASSPHRASE);

    await stillpoint.listRestorePoints({ repository: far }, signal);

    host.proxy.cut();
    const { restorePoints, unreadable } = await stillpoint.listRestorePoints({ repository: far }, signal);
    expect([restorePoints, unreadable]).toEqual([[], []]);
    expect(person.asked).toHaveLength(1);
    expect(person.keys).toHaveLength(1);
  });

  test('says what is wrong with the way there, and forgets what was refused', async () => {
    const wrong = aPerson();
    wrong.ask = async ({ kind, subject }) => {
      wrong.asked.push({ kind, subject });
      return 'not it';
    };
    await using stillpoint = await open(wrong);
    for (const times of [1, 2]) {
      await expect(stillpoint.listKeys(far, signal)).rejects.toMatchObject({ code: 'ssh.auth-failed' });
      expect(wrong.asked.length).toBeGreaterThanOrEqual(times);
    }
    host.proxy.refuse();
    const started = performance.now();
    await expect(stillpoint.listKeys(far, signal)).rejects.toMatchObject({ code: 'ssh.unreachable' });
    // A host that was never reached is not tried again and again.
    expect(performance.now() - started).toBeLessThan(10_000);
    host.proxy.resume();
  });
});
