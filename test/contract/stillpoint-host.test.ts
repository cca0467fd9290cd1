/**
 * The façade on the way to a host, over a real sshd: what a person is asked, what is asked once only, and how the
 * answers reach a job's process, which cannot ask a person.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { never } from '../../shared/base/cancel.ts';
import { hostName } from '../../shared/domain/names.ts';
import type { Prompter } from '../../shared/domain/prompter.ts';
import { openStillpoint, type Stillpoint } from '../../shared/stillpoint.ts';
import { type PrivateSshd, startPrivateSshd, whyNoPrivateSshd } from '../support/remote/private-sshd.ts';
import { type TemporaryFolder, temporaryFolder } from '../support/temporary-folder.ts';

const OPS = hostName('ops');
const PASSWORD = 'willow-anchor-52';
const SUDO = { kind: 'sweep', host: OPS } as const;

let whyNot: string | undefined;
let sshd: PrivateSshd;
let folder: TemporaryFolder;
beforeAll(async () => {
  whyNot = await whyNoPrivateSshd();
  const hasSudo = await execa('/bin/sh', ['-c', 'command -v sudo'], { reject: false });
  if (hasSudo.exitCode !== 0) whyNot ??= '"sudo" is not installed';
  if (whyNot !== undefined) return;
  sshd = await startPrivateSshd({
    accounts: [{ name: 'ops', shell: '/bin/sh', password: PASSWORD }],
    sudoers: ['ops ALL=(ALL) ALL'],
    config: ['PasswordAuthentication yes'],
  });
  await sshd.writeClientConfig(['PubkeyAuthentication no', 'PreferredAuthentications password']);
});
afterAll(() => sshd?.[Symbol.asyncDispose]());
beforeEach(async (context) => {
  if (whyNot !== undefined) context.skip(whyNot);
  folder = await temporaryFolder();
  const hosts = { ops: { ssh: 'ops', sshConfigFile: join(sshd.folder, 'config'), sudo: 'password' } };
  await writeFile(join(folder.path, 'config.jsonc'), JSON.stringify({ hosts }));
  return () => folder[Symbol.asyncDispose]();
});

function open(prompter?: Prompter): Promise<Stillpoint> {
  const places = { configFile: join(folder.path, 'config.jsonc'), stateFolder: join(folder.path, 'state') };
  return openStillpoint({ ...places, ...(prompter === undefined ? {} : { prompter }) });
}

function person(answers: Record<string, string[]>): { prompter: Prompter; asked: string[] } {
  const asked: string[] = [];
  const prompter: Prompter = {
    ask: ({ kind, subject }) => {
      asked.push(`${kind} ${subject}`);
      return Promise.resolve(answers[kind]?.shift());
    },
    confirmHostKey: ({ address }) => {
      asked.push(`host key ${address}`);
      return Promise.resolve(false);
    },
    settle: () => undefined,
  };
  return { prompter, asked };
}

async function lastEvent(stillpoint: Stillpoint) {
  const { job } = await stillpoint.startJob(SUDO, never);
  const events = await Array.fromAsync(stillpoint.followJob(job.id, 0, never));
  return events.at(-1);
}

test('what is wrong with the way to a host names it as the configuration does', async () => {
  const sshConfigFile = join(folder.path, 'ssh_config');
  await writeFile(sshConfigFile, 'Host ghost\n  HostName 127.0.0.1\n  Port 9\n');
  const hosts = { ghost: { sshConfigFile }, shop: { ssh: 'ghost', sshConfigFile } };
  await writeFile(join(folder.path, 'config.jsonc'), JSON.stringify({ hosts }));
  await using stillpoint = await open();
  const refused = 'The host "ghost" (127.0.0.1, port 9) refuses the connection.';
  await expect(stillpoint.inspectHost(hostName('ghost'), never)).rejects.toMatchObject({ message: refused });
  await expect(stillpoint.inspectHost(hostName('shop'), never)).rejects.toMatchObject({
    code: 'ssh.unreachable',
    message: `On the way to "shop": ${refused}`,
    advice: expect.stringMatching(/sshd/) as string,
  });
});

describe('a host with passwords', () => {
  test('asks a person before the job starts, once, and the job asks nobody', async () => {
    const { prompter, asked } = person({ 'ssh-password': ['mistyped', PASSWORD], 'sudo-password': [PASSWORD] });
    await using stillpoint = await open(prompter);
    for (let round = 0; round < 2; round += 1) {
      expect(await lastEvent(stillpoint)).toMatchObject({ outcome: 'succeeded', result: { kind: 'sweep' } });
    }
    expect(asked).toEqual(['ssh-password ops', 'ssh-password ops', 'sudo-password ops']);
    await stillpoint.inspectHost(OPS, never);
    expect(asked, 'what was answered is known').toHaveLength(3);
  });

  test('is refused at once when the person declines, and no job is left', async () => {
    const { prompter } = person({});
    await using stillpoint = await open(prompter);
    await expect(stillpoint.startJob(SUDO, never)).rejects.toMatchObject({ code: 'ssh.auth-failed' });
    expect(await stillpoint.listJobs()).toEqual([]);
  });

  test('forgets a sudo password that was refused', async () => {
    const refused = ['no', 'no', 'no', 'no', 'no', 'no'];
    const { prompter, asked } = person({ 'ssh-password': [PASSWORD, PASSWORD], 'sudo-password': refused });
    await using stillpoint = await open(prompter);
    await expect(stillpoint.startJob(SUDO, never)).rejects.toMatchObject({ code: 'remote.sudo-refused' });
    expect(await stillpoint.listJobs()).toEqual([]);
    refused.splice(0, refused.length, PASSWORD);
    const before = asked.length;
    expect(await lastEvent(stillpoint)).toMatchObject({ outcome: 'succeeded' });
    expect(asked.slice(before)).toContain('sudo-password ops');
  });

  test('fails the job where nobody can be asked', async () => {
    await using stillpoint = await open();
    expect(await lastEvent(stillpoint)).toMatchObject({ outcome: 'failed', error: { code: 'ssh.auth-failed' } });
  });
});
