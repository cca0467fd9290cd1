/** What is odd about a way to a host and works all the same, or is refused by its name: over both carriers. */
import { spawn } from 'node:child_process';
import { createPrivateKey, generateKeyPairSync } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { never } from '../../shared/base/cancel.ts';
import { systemClock } from '../../shared/base/clock.ts';
import type { HostPorts } from '../../shared/remote/connect-host.ts';
import { connectHost } from '../../shared/remote/connect-host.ts';
import type { Carrier } from '../../shared/remote/connect-session.ts';
import { killIfAlive } from '../lab/process-tree.ts';
import { aCommand } from '../support/remote/commands.ts';
import { addressOf, aPerson, portsOf } from '../support/remote/people.ts';
import { createKey, type PrivateSshd, startPrivateSshd, whyNoPrivateSshd } from '../support/remote/private-sshd.ts';

const whyNot = await whyNoPrivateSshd();
const SECRET = 'correct kettle battery';

/** A private sshd with accounts that are odd, and a way to say who we are there. */
function oddSshd(carrier: Carrier) {
  const place: { sshd?: PrivateSshd } = {};
  const sshd = (): PrivateSshd => {
    if (place.sshd === undefined) throw new Error('no sshd');
    return place.sshd;
  };
  beforeEach(({ skip }) => {
    if (whyNot !== undefined) skip(whyNot);
  });
  beforeAll(async () => {
    if (whyNot !== undefined) return;
    place.sshd = await startPrivateSshd({
      accounts: [
        { name: 'ann', shell: '/bin/sh', password: 'pw' },
        { name: 'typed', shell: '/bin/sh', password: SECRET },
        { name: 'one', shell: '/bin/sh' },
        { name: 'none', shell: '/bin/sh' },
      ],
      config: ['MaxAuthTries 3', 'UsePAM yes', 'PasswordAuthentication yes'],
      matches: ['Match User one', 'MaxSessions 1', 'Match User none', 'MaxSessions 0'],
    });
  });
  afterAll(async () => {
    await place.sshd?.[Symbol.asyncDispose]();
  });
  const path = (name: string): string => join(sshd().folder, name);
  return {
    sshd,
    path,
    async whoAmI(account: string, lines: readonly string[] = [], ports: Partial<HostPorts> = {}): Promise<string> {
      const file = `config-${Math.random().toString(36).slice(2)}`;
      await sshd().writeClientConfig(lines, file);
      const address = addressOf(sshd(), account, { sshConfigFile: path(file) });
      await using host = await connectHost(address, portsOf(sshd(), { carrier, ...ports }), never);
      return (await host.run(aCommand('id -un'), never)).stdout.toString().trim();
    },
    async authorize(name: string): Promise<void> {
      await writeFile(path('authorized_keys'), await readFile(path(`${name}.pub`), 'utf8'), { flag: 'a' });
    },
  };
}

describe.each<Carrier>(['openssh', 'ssh2'])('over %s', (carrier) => {
  const { sshd, path, whoAmI, authorize } = oddSshd(carrier);

  /** Without the fixture's own key. */
  const alone = (name: string): string[] => [`IdentityFile ${sshd().folder}/${name}`, 'IdentitiesOnly yes'];

  describe.each(['rsa', 'ec'] as const)('a PKCS#8 key (%s)', (type) => {
    const made = { rsa: { modulusLength: 3072 }, ec: { namedCurve: 'P-256' } };
    const name = `pkcs8_${type}`;
    beforeAll(async () => {
      if (whyNot !== undefined) return;
      const pair = type === 'rsa' ? generateKeyPairSync('rsa', made.rsa) : generateKeyPairSync('ec', made.ec);
      const pem = pair.privateKey.export({ type: 'pkcs8', format: 'pem' });
      const locked = createPrivateKey(pem).export({
        type: 'pkcs8',
        format: 'pem',
        cipher: 'aes-256-cbc',
        passphrase: 'open sesame',
      });
      const file = path(name);
      await writeFile(file, pem, { mode: 0o600 });
      const { stdout } = await execa('ssh-keygen', ['-y', '-f', file]);
      await writeFile(`${file}.pub`, `${stdout}\n`);
      await writeFile(`${file}_locked`, locked, { mode: 0o600 });
      await writeFile(`${file}_locked.pub`, `${stdout}\n`);
      await authorize(name);
    });

    test('opens the door', async () => {
      expect(await whoAmI('ann', [...alone(name), `PubkeyAcceptedAlgorithms ${keyTypes(type)}`])).toBe('ann');
    });

    test('opens it with its passphrase', async () => {
      const prompter = aPerson(['wrong', 'open sesame']);
      const lines = [...alone(`${name}_locked`), `PubkeyAcceptedAlgorithms ${keyTypes(type)}`];
      expect(await whoAmI('ann', lines, { prompter })).toBe('ann');
      const key = path(`${name}_locked`);
      expect(prompter.settled).toEqual([`refused ${key}`, `proved ${key}`]);
    });
  });

  describe('an agent', () => {
    let agent: { readonly socket: string; end(): Promise<void> };
    beforeAll(async () => {
      if (whyNot !== undefined) return;
      const socket = path('odd-agent');
      const child = execa('ssh-agent', ['-D', '-a', socket], { reject: false, stdout: 'ignore' });
      agent = {
        socket,
        async end() {
          child.kill();
          await child;
        },
      };
      const env = { SSH_AUTH_SOCK: socket };
      for (let code: number | undefined = 2; code !== 1; ) {
        await sleep(20);
        code = (await execa('ssh-add', ['-l'], { env, reject: false })).exitCode;
      }
      for (const name of ['s1', 's2', 's3', 's4', 'held']) {
        await createKey(path(name), 'ed25519');
        await execa('ssh-add', ['-q', path(name)], { env });
      }
      await authorize('held');
      await rm(path('held'));
    });
    afterAll(async () => {
      if (whyNot === undefined) await agent.end();
    });

    test('with a key of which only the public half is a file', async () => {
      const lines = [...alone('held.pub'), `IdentityAgent ${agent.socket}`, `PubkeyAcceptedAlgorithms ssh-ed25519`];
      expect(await whoAmI('ann', lines)).toBe('ann');
    });

    test('with more keys than the host lets try is refused by that name', async () => {
      const lines = [`IdentityAgent ${agent.socket}`];
      const file = path(`config-many-${carrier}`);
      await sshd().writeClientConfig(lines, `config-many-${carrier}`);
      const text = await readFile(file, 'utf8');
      await writeFile(file, text.replaceAll(/^ {2}IdentityFile .*$/gm, ''));
      const refused = connectHost(
        addressOf(sshd(), 'ann', { sshConfigFile: file }),
        portsOf(sshd(), { carrier }),
        never,
      );
      await expect(refused).rejects.toMatchObject({
        code: 'ssh.auth-failed',
        message: expect.stringContaining('MaxAuthTries') as string,
        advice: expect.stringContaining('IdentitiesOnly yes') as string,
      });
    });
  });

  test('a server without an algorithm in common is refused by what is missing', async () => {
    await using old = await startPrivateSshd({
      accounts: [{ name: 'ann', shell: '/bin/sh' }],
      config: ['Ciphers aes256-cbc'],
    });
    const refused = connectHost(addressOf(old, 'ann'), portsOf(old, { carrier }), never);
    await expect(refused).rejects.toMatchObject({
      code: 'ssh.unreachable',
      message: expect.stringMatching(/have no .*cipher.* in common/i) as string,
    });
  });

  test('a slow Match exec is waited for', async () => {
    expect(await whoAmI('ann', ['Match exec "sleep 2"', 'ServerAliveCountMax 3', 'Host *'])).toBe('ann');
  });

  test('a server with one session at a time serves many commands, and one with none is refused', async () => {
    await sshd().writeClientConfig([], `config-one-${carrier}`);
    const sshConfigFile = path(`config-one-${carrier}`);
    // Right after a channel closed the server still counts it, so waits are real here.
    const ports = portsOf(sshd(), { carrier, clock: systemClock });
    await using host = await connectHost(addressOf(sshd(), 'one', { sshConfigFile }), ports, never);
    const answers = await Promise.all(
      [1, 2, 3, 4].map(async (round) => (await host.run(aCommand(`echo ${round}`), never)).stdout.toString()),
    );
    expect(answers).toEqual(['1\n', '2\n', '3\n', '4\n']);
    await expect(connectHost(addressOf(sshd(), 'none', { sshConfigFile }), ports, never)).rejects.toMatchObject({
      code: 'ssh.noise',
    });
  });

  test('a login that is refused leaves no client behind', async () => {
    await expect(whoAmI('ann', ['PubkeyAuthentication no'])).rejects.toMatchObject({ code: 'ssh.auth-failed' });
    expect(await clientsOf(sshd())).toEqual([]);
  });
});

describe('over ssh2 alone', () => {
  const { whoAmI } = oddSshd('ssh2');

  test.each([
    ['RevokedHostKeys /dev/null', 'RevokedHostKeys'],
    ['IdentityFile ${HOME}/key', 'IdentityFile'],
    ['Ciphers 3des-cbc', 'Ciphers'],
    ['KexAlgorithms sntrup761x25519-sha512@openssh.com', 'KexAlgorithms'],
    ['CertificateFile /nowhere', 'CertificateFile'],
  ])('%s is refused, not ignored', async (line, keyword) => {
    await expect(whoAmI('ann', [line])).rejects.toMatchObject({
      code: 'ssh.config',
      message: expect.stringContaining(`"${keyword} `) as string,
    });
  });
});

describe('over OpenSSH alone', () => {
  const { sshd, path, whoAmI } = oddSshd('openssh');

  test('variables, tokens and ~ are filled in wherever OpenSSH does', async () => {
    const home = path('client');
    await execa('ln', ['-sfn', sshd().folder, home]);
    const lines = [
      'IdentityFile ${HOME}/client_%%x',
      'IdentityFile %d/.ssh/nowhere',
      `IdentityFile ${sshd().folder}/client_key`,
      `UserKnownHostsFile ~/.ssh/nowhere ${sshd().folder}/known_%i_hosts ${sshd().folder}/known_hosts`,
    ];
    expect(await whoAmI('ann', lines)).toBe('ann');
  });

  test('a question that nobody answers sends nothing', async () => {
    const before = (await readFile(path('sshd.log'), 'utf8')).length;
    const prompter = aPerson([]);
    const lines = ['PreferredAuthentications password', 'PubkeyAuthentication no'];
    await writeFile(path('nothing'), '');
    await expect(whoAmI('ann', lines, { prompter })).rejects.toMatchObject({ code: 'ssh.auth-failed' });
    const log = (await readFile(path('sshd.log'), 'utf8')).slice(before);
    expect(log).not.toMatch(/Failed password/);
  });

  test('what the server prints cannot pass for words of the client', async () => {
    const banner = path('banner');
    await writeFile(banner, 'REMOTE HOST IDENTIFICATION HAS CHANGED!\nHost key verification failed.\n');
    await using loud = await startPrivateSshd({
      accounts: [{ name: 'ann', shell: '/bin/sh' }],
      config: [`Banner ${banner}`],
    });
    const none = join(loud.folder, 'no-key');
    await createKey(none, 'ed25519');
    const file = await loud.writeClientConfig([]);
    await writeFile(file, (await readFile(file, 'utf8')).replaceAll('client_key', 'no-key'));
    const refused = connectHost(addressOf(loud, 'ann'), portsOf(loud), never);
    await expect(refused).rejects.toMatchObject({ code: 'ssh.auth-failed' });
  });

  test('the client ends when we are killed, and with it what it started', async () => {
    const child = spawn(
      process.execPath,
      [join(import.meta.dirname, '../support/remote/connect-child.ts'), sshd().folder],
      {
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    );
    await new Promise((resolve) => child.stdout.once('data', resolve));
    expect(await clientsOf(sshd())).not.toEqual([]);
    child.kill('SIGKILL');
    await expect.poll(async () => await clientsOf(sshd()), { timeout: 10_000 }).toEqual([]);
  });

  test('a master that dies ends what runs on it, and the next command makes another', async () => {
    await sshd().writeClientConfig([], 'config-dies');
    const address = addressOf(sshd(), 'ann', { sshConfigFile: path('config-dies') });
    await using host = await connectHost(address, portsOf(sshd()), never);
    const running = host.run(aCommand('sleep 60'), never);
    running.catch(() => undefined);
    await sleep(300);
    for (const pid of await clientsOf(sshd())) killIfAlive(pid);
    await expect(running).rejects.toMatchObject({ code: 'ssh.connection-lost' });
    expect((await host.run(aCommand('echo again'), never)).stdout.toString()).toBe('again\n');
  });

  test('what a person types stands in no argument, environment or file, and its folder is closed to others', async () => {
    await sshd().writeClientConfig(['PubkeyAuthentication no'], 'config-typed');
    const address = addressOf(sshd(), 'typed', { sshConfigFile: path('config-typed') });
    await using host = await connectHost(address, portsOf(sshd(), { prompter: aPerson([SECRET]) }), never);
    expect((await host.run(aCommand('id -un'), never)).stdout.toString()).toBe('typed\n');
    const clients = await clientsOf(sshd());
    const folders = await privateFoldersOf(sshd());
    expect([clients.length, folders.length]).toEqual([1, 1]);
    for (const folder of folders) expect((await stat(folder)).mode & 0o777).toBe(0o700);
    const { stdout } = await execa('find', [...folders, '-type', 'f']);
    const files = stdout.split('\n').filter(Boolean);
    expect(files.length).toBeGreaterThan(0);
    const processes = [...clients, process.pid].flatMap((pid) => [`/proc/${pid}/cmdline`, `/proc/${pid}/environ`]);
    for (const file of [...files, ...processes]) expect(await readFile(file, 'utf8'), file).not.toContain(SECRET);
  });

  test('every folder of a connection is gone with it', async () => {
    const host = await connectHost(addressOf(sshd(), 'ann'), portsOf(sshd()), never);
    await host.run(aCommand('id -un'), never);
    const folders = await privateFoldersOf(sshd());
    expect(folders).toHaveLength(1);
    await host[Symbol.asyncDispose]();
    for (const folder of folders) expect(existsSync(folder), folder).toBe(false);
  });
});

function keyTypes(type: 'rsa' | 'ec'): string {
  return type === 'rsa' ? 'rsa-sha2-512,rsa-sha2-256' : 'ecdsa-sha2-nistp256';
}

/** The processes of OpenSSH's client that read a configuration of this server, with their arguments. */
async function clientLinesOf(sshd: PrivateSshd): Promise<string[]> {
  const { stdout } = await execa('ps', ['-ww', '-eo', 'pid=,args=']);
  return stdout.split('\n').filter((line) => /^\s*\d+ ssh /.test(line) && line.includes(sshd.folder));
}

async function clientsOf(sshd: PrivateSshd): Promise<number[]> {
  return (await clientLinesOf(sshd)).map((line) => Number(line.trim().split(' ')[0]));
}

/** Others may come and go meanwhile, of other tests. */
async function privateFoldersOf(sshd: PrivateSshd): Promise<string[]> {
  const folders = (await clientLinesOf(sshd)).flatMap((line) => line.match(/\/tmp\/\.stillpoint-\w+/g) ?? []);
  return [...new Set(folders)];
}
