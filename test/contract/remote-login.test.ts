/** Logging in to a real sshd: host keys, keys, agents, passwords, and the ways around the corner. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { never } from '../../shared/base/cancel.ts';
import { redact } from '../../shared/base/log.ts';
import type { HostPorts } from '../../shared/remote/connect-host.ts';
import { connectHost } from '../../shared/remote/connect-host.ts';
import type { Carrier } from '../../shared/remote/connect-session.ts';
import { aCommand } from '../support/remote/commands.ts';
import { addressOf, aPerson, portsOf } from '../support/remote/people.ts';
import type { PrivateSshd } from '../support/remote/private-sshd.ts';
import { createKey, startPrivateSshd, whyNoPrivateSshd } from '../support/remote/private-sshd.ts';

const whyNot = await whyNoPrivateSshd();
const PASSWORD = 'correct horse battery';

describe.each<Carrier>(['openssh', 'ssh2'])('logging in, carried by %s', (carrier) => {
  let sshd: PrivateSshd;
  beforeEach(({ skip }) => {
    if (whyNot !== undefined) skip(whyNot);
  });
  beforeAll(async () => {
    if (whyNot !== undefined) return;
    sshd = await startPrivateSshd({
      accounts: [
        { name: 'ann', shell: '/bin/sh', password: PASSWORD },
        { name: 'both', shell: '/bin/sh', password: PASSWORD },
        { name: 'typed', shell: '/bin/sh', password: PASSWORD },
      ],
      hostKeyTypes: ['ed25519', 'ecdsa'],
      config: ['PasswordAuthentication yes', 'UsePAM yes', 'KbdInteractiveAuthentication yes'],
      matches: [
        'Match User both',
        'AuthenticationMethods publickey,password',
        'Match User typed',
        'AuthenticationMethods keyboard-interactive',
      ],
    });
  });
  afterAll(async () => {
    if (whyNot === undefined) await sshd[Symbol.asyncDispose]();
  });

  /** Logs in as an account with more lines of client configuration, and says who we are there. */
  async function whoAmI(
    account: string,
    lines: readonly string[] = [],
    ports: Partial<HostPorts> = {},
  ): Promise<string> {
    await sshd.writeClientConfig(lines);
    await using host = await connectHost(addressOf(sshd, account), portsOf(sshd, { carrier, ...ports }), never);
    return (await host.run(aCommand('id -un'), never)).stdout.toString().trim();
  }

  /** How many logins the server has accepted, by its own log. */
  async function logins(): Promise<number> {
    const log = await readFile(join(sshd.folder, 'sshd.log'), 'utf8');
    return log.split('\n').filter((line) => line.startsWith('Accepted ')).length;
  }

  describe('looks at the host key', () => {
    test('and goes on when it is known, hashed or not', async () => {
      expect(await whoAmI('ann')).toBe('ann');
      const hashed = join(sshd.folder, 'hashed');
      await writeFile(hashed, await readFile(join(sshd.folder, 'known_hosts')));
      await execa('ssh-keygen', ['-H', '-f', hashed]);
      expect(await whoAmI('ann', [`UserKnownHostsFile /dev/null ${hashed}`])).toBe('ann');
    });

    test('and asks the host for the key that is known, when it has several', async () => {
      const only = join(sshd.folder, 'only-ecdsa');
      await writeFile(only, `[127.0.0.1]:${sshd.port} ${sshd.hostKeys[1]}\n`);
      expect(await whoAmI('ann', [`UserKnownHostsFile ${only}`])).toBe('ann');
    });

    test('and refuses an unknown one where nobody can be asked, even where OpenSSH would not', async () => {
      const refusal = whoAmI('ann', ['UserKnownHostsFile /dev/null', 'StrictHostKeyChecking no']);
      await expect(refusal).rejects.toMatchObject({
        code: 'ssh.host-key-unknown',
        message: expect.stringContaining('SHA256:') as string,
        advice: expect.not.stringContaining('keyscan') as string,
      });
    });

    test('and shows an unknown one to a person, and remembers a yes', async () => {
      // OpenSSH makes no folder but ~/.ssh, and says nothing when it cannot write there.
      const file = join(sshd.folder, carrier === 'openssh' ? 'new_known_hosts' : 'new/known_hosts');
      const lines = [`UserKnownHostsFile ${file}`, 'HashKnownHosts yes'];
      const person = aPerson([], true);
      expect(await whoAmI('ann', lines, { prompter: person })).toBe('ann');
      const shown = await execa('ssh-keygen', ['-l', '-f', join(sshd.folder, 'host_ed25519.pub')]);
      expect(person.hostKeys).toMatchObject([
        { address: `[127.0.0.1]:${sshd.port}`, keyType: 'ssh-ed25519', fingerprint: shown.stdout.split(' ')[1] },
      ]);
      expect(await readFile(file, 'utf8')).toMatch(/^\|1\|/);
      expect(await whoAmI('ann', lines)).toBe('ann');
    });

    test('and stops at a no, remembering nothing', async () => {
      const file = join(sshd.folder, 'refused');
      // OpenSSH does not look whether the last line has an end.
      const before = carrier === 'openssh' ? '# nobody\n' : '# no line end';
      await writeFile(file, before);
      const refusal = whoAmI('ann', [`UserKnownHostsFile ${file}`], { prompter: aPerson([], false) });
      await expect(refusal).rejects.toMatchObject({ code: 'ssh.host-key-unknown' });
      expect(await readFile(file, 'utf8')).toBe(before);
      await whoAmI('ann', [`UserKnownHostsFile ${file}`], { prompter: aPerson([], true) });
      expect((await readFile(file, 'utf8')).split('\n')).toHaveLength(3);
    });

    test('and stops hard at a changed one, whoever is there, with both fingerprints', async () => {
      await createKey(join(sshd.folder, 'other'), 'ed25519');
      const other = (await readFile(join(sshd.folder, 'other.pub'), 'utf8')).split(' ').slice(0, 2).join(' ');
      const file = join(sshd.folder, 'changed');
      await writeFile(file, `[127.0.0.1]:${sshd.port} ${other}\n`);
      const person = aPerson([], true);
      const refusal = whoAmI('ann', [`UserKnownHostsFile ${file}`, 'StrictHostKeyChecking no'], { prompter: person });
      await expect(refusal).rejects.toMatchObject({
        code: 'ssh.host-key-changed',
        message: expect.stringMatching(/SHA256:\S+ instead of SHA256:\S+ \(.*changed, line 1\)/) as string,
      });
      expect(person.hostKeys).toEqual([]);
    });

    test('and stops hard at a revoked one', async () => {
      const file = join(sshd.folder, 'revoked');
      await writeFile(file, `@revoked * ${sshd.hostKeys[0]}\n`);
      const lines = [`UserKnownHostsFile ${file}`, 'HostKeyAlgorithms ssh-ed25519'];
      await expect(whoAmI('ann', lines, { prompter: aPerson([], true) })).rejects.toMatchObject({
        code: 'ssh.host-key-revoked',
      });
    });

    test('and finds it under its alias', async () => {
      const file = join(sshd.folder, 'aliased');
      await writeFile(file, `the-database ${sshd.hostKeys[0]}\n`);
      expect(await whoAmI('ann', [`UserKnownHostsFile ${file}`, 'HostKeyAlias the-database'])).toBe('ann');
    });
  });

  describe('with keys', () => {
    const noDefault = ['IdentityFile none', 'PreferredAuthentications publickey'];

    test('asks for the passphrase of a key that the host wants, and again when it was wrong', async () => {
      const key = join(sshd.folder, 'locked_key');
      await createKey(key, 'ed25519', 'open sesame');
      const authorized = join(sshd.folder, 'authorized_keys');
      await writeFile(authorized, (await readFile(authorized, 'utf8')) + (await readFile(`${key}.pub`, 'utf8')));
      const person = aPerson(['wrong', 'open sesame']);
      await execa('rm', [`${key}.pub`]);
      expect(await whoAmI('ann', [`IdentityFile ${key}`, 'IdentitiesOnly yes'], { prompter: person })).toBe('ann');
      expect(person.questions.map((question) => question.kind)).toEqual(['key-passphrase', 'key-passphrase']);
      expect(person.settled).toEqual([`refused ${key}`, `proved ${key}`]);
      expect(redact('the answer was open sesame')).toBe('the answer was [redacted]');
      const alone = whoAmI('ann', [
        `IdentityFile ${key}`,
        'HostbasedAuthentication no',
        'PreferredAuthentications publickey',
      ]);
      // The client key of the fixture comes after it and works.
      expect(await alone).toBe('ann');
    });

    test('does not ask for the passphrase of a key that the host does not want', async () => {
      const key = join(sshd.folder, 'unwanted_key');
      await createKey(key, 'ed25519', 'secret');
      const person = aPerson(['secret']);
      expect(await whoAmI('ann', [`IdentityFile ${key}`], { prompter: person })).toBe('ann');
      expect(person.questions).toEqual([]);
    });

    test.each(['rsa', 'ecdsa'])('of type %s', async (type) => {
      const key = join(sshd.folder, `key_${type}`);
      await createKey(key, type);
      const authorized = join(sshd.folder, 'authorized_keys');
      await writeFile(authorized, (await readFile(authorized, 'utf8')) + (await readFile(`${key}.pub`, 'utf8')));
      const config = await isolatedConfig(sshd, [`IdentityFile ${key}`, ...noDefault.slice(1)]);
      await using host = await connectHost(
        addressOf(sshd, 'ann', { sshConfigFile: config }),
        portsOf(sshd, { carrier }),
        never,
      );
      expect((await host.run(aCommand('id -un'), never)).stdout.toString()).toBe('ann\n');
    });

    test('in an agent, and only in that agent', async () => {
      await using agent = await startAgent(sshd.folder);
      await execa('ssh-add', ['-q', join(sshd.folder, 'client_key')], { env: { SSH_AUTH_SOCK: agent.socket } });
      const viaEnvironment = await isolatedConfig(sshd, ['IdentityFile none']);
      const address = addressOf(sshd, 'ann', { sshConfigFile: viaEnvironment });
      await using host = await connectHost(address, portsOf(sshd, { carrier, agentSocket: agent.socket }), never);
      expect((await host.run(aCommand('id -un'), never)).stdout.toString()).toBe('ann\n');

      const named = await isolatedConfig(sshd, ['IdentityFile none', `IdentityAgent ${agent.socket}`]);
      await using second = await connectHost(
        addressOf(sshd, 'ann', { sshConfigFile: named }),
        portsOf(sshd, { carrier }),
        never,
      );
      expect((await second.run(aCommand('id -un'), never)).stdout.toString()).toBe('ann\n');

      const none = await isolatedConfig(sshd, ['IdentityFile none', 'IdentityAgent none']);
      const refused = connectHost(
        addressOf(sshd, 'ann', { sshConfigFile: none }),
        portsOf(sshd, { carrier, agentSocket: agent.socket }),
        never,
      );
      await expect(refused).rejects.toMatchObject({ code: 'ssh.auth-failed' });
    });

    test('that are all refused are all named', async () => {
      const key = join(sshd.folder, 'stranger_key');
      await createKey(key, 'ed25519');
      const locked = join(sshd.folder, 'stranger_locked');
      await createKey(locked, 'ed25519', 'secret');
      const config = await isolatedConfig(sshd, [
        `IdentityFile ${key}`,
        `IdentityFile ${locked}`,
        'IdentityFile /nowhere/key',
      ]);
      const refused = connectHost(addressOf(sshd, 'ann', { sshConfigFile: config }), portsOf(sshd, { carrier }), never);
      await expect(refused).rejects.toMatchObject({
        code: 'ssh.auth-failed',
        details: {
          tried: expect.arrayContaining([
            expect.stringMatching(/^key file ".*stranger_key" \(SHA256:.*\): refused$/) as string,
          ]) as string[],
          skipped: expect.arrayContaining([
            'key file "/nowhere/key": is not there',
            'password: there was no one to ask',
          ]) as string[],
          takes: expect.arrayContaining(['publickey']) as string[],
        },
      });
    });
  });

  describe('with a password', () => {
    const lines = ['PreferredAuthentications password'];

    test('of a person, who may be wrong once', async () => {
      const person = aPerson(['wrong', PASSWORD]);
      expect(await whoAmI('ann', lines, { prompter: person })).toBe('ann');
      expect(person.questions.map((question) => question.text)).toEqual([
        'Password of "ann" on "ann"',
        'Password of "ann" on "ann" (the last one was wrong)',
      ]);
      const key = `ann@127.0.0.1:${sshd.port}`;
      expect(person.questions.map((question) => question.key)).toEqual([key, key]);
      expect(person.settled).toEqual([`refused ${key}`, `proved ${key}`]);
    });

    test('but not for ever, and not when the person declines', async () => {
      const wrong = aPerson(['a', 'b', 'c', 'd']);
      await expect(whoAmI('ann', lines, { prompter: wrong })).rejects.toMatchObject({ code: 'ssh.auth-failed' });
      expect(wrong.questions).toHaveLength(3);
      const declines = aPerson([]);
      await expect(whoAmI('ann', lines, { prompter: declines })).rejects.toMatchObject({ code: 'ssh.auth-failed' });
      expect(declines.questions).toHaveLength(1);
    });

    test('typed into questions of the host', async () => {
      const person = aPerson([PASSWORD]);
      expect(await whoAmI('typed', [], { prompter: person })).toBe('typed');
      expect(person.questions).toMatchObject([{ kind: 'keyboard-interactive', echo: false }]);
    });

    test('after a key, where the host wants both', async () => {
      const person = aPerson([PASSWORD]);
      expect(await whoAmI('both', [], { prompter: person })).toBe('both');
    });

    test('is never asked for where the configuration says BatchMode', async () => {
      const person = aPerson([PASSWORD]);
      const refused = whoAmI('ann', [...lines, 'BatchMode yes'], { prompter: person });
      await expect(refused).rejects.toMatchObject({ code: 'ssh.auth-failed' });
      expect(person.questions).toEqual([]);
    });
  });

  describe('around the corner', () => {
    test('through a ProxyCommand, which ends with the connection', async () => {
      await sshd.writeClientConfig([`ProxyCommand sh -c 'echo $$ > ${sshd.folder}/proxy.pid; exec nc %h %p'`]);
      const host = await connectHost(addressOf(sshd, 'ann'), portsOf(sshd, { carrier }), never);
      expect((await host.run(aCommand('id -un'), never)).stdout.toString()).toBe('ann\n');
      const pid = Number(await readFile(join(sshd.folder, 'proxy.pid'), 'utf8'));
      expect(await isAlive(pid)).toBe(true);
      await host[Symbol.asyncDispose]();
      await expect.poll(() => isAlive(pid), { timeout: 10_000 }).toBe(false);
    });

    test('with the words of a ProxyCommand that fails', async () => {
      const refused = whoAmI('ann', ['ProxyCommand sh -c "echo no route today >&2; exit 1"']);
      await expect(refused).rejects.toMatchObject({
        code: 'ssh.unreachable',
        message: expect.stringContaining('no route today') as string,
      });
    });

    test('through two other hosts', async () => {
      const config = join(sshd.folder, 'jump');
      await sshd.writeClientConfig([], 'jump');
      const text = await readFile(config, 'utf8');
      await writeFile(config, `Host far\n  User ann\n  ProxyJump one-gate,two-gate\nHost *-gate\n  User ann\n${text}`);
      const address = addressOf(sshd, 'far', { sshConfigFile: config });
      const loginsBefore = await logins();
      await using host = await connectHost(address, portsOf(sshd, { carrier }), never);
      expect((await host.run(aCommand('id -un'), never)).stdout.toString()).toBe('ann\n');
      expect((await logins()) - loginsBefore).toBe(3);
      await using stream = await host.stream(
        { name: 'much', script: 'head -c 20000000 /dev/zero', args: [], needs: 'user' },
        undefined,
        never,
      );
      stream.output.resume();
      expect((await stream.finished).bytes).toBe(20_000_000);
    });

    test('and never in a circle', async () => {
      const config = join(sshd.folder, 'circle');
      await writeFile(config, 'Host a\n  ProxyJump b\nHost b\n  ProxyJump a\n');
      const lost = connectHost(addressOf(sshd, 'a', { sshConfigFile: config }), portsOf(sshd, { carrier }), never);
      await expect(lost).rejects.toMatchObject({ code: 'ssh.config' });
    });
  });

  describe('that cannot be', () => {
    test('because nothing listens, or the name is nobody’s', async () => {
      await expect(whoAmI('ann', ['Port 1'])).rejects.toMatchObject({
        code: 'ssh.unreachable',
        advice: expect.stringContaining('sshd') as string,
      });
      await expect(whoAmI('ann', ['HostName no-such-host.invalid'])).rejects.toMatchObject({
        code: 'ssh.unreachable',
        message: expect.stringContaining('has no address') as string,
      });
    });

    test('because the other side is silent', async () => {
      const refused = whoAmI('ann', ['ProxyCommand sleep 60', 'ConnectTimeout 1']);
      await expect(refused).rejects.toMatchObject({ code: 'ssh.deadline' });
    });

    test('because somebody gave up', async () => {
      await sshd.writeClientConfig(['ProxyCommand sleep 60']);
      const giveUp = new AbortController();
      const connecting = connectHost(addressOf(sshd, 'ann'), portsOf(sshd, { carrier }), giveUp.signal);
      setTimeout(() => giveUp.abort(new Error('given up')), 200);
      await expect(connecting).rejects.toThrow('given up');
    });
  });
});

/** A configuration without the fixture's client key. */
async function isolatedConfig(sshd: PrivateSshd, lines: readonly string[]): Promise<string> {
  const file = join(sshd.folder, `isolated-${Math.random().toString(36).slice(2)}`);
  const text = await readFile(await sshd.writeClientConfig([]), 'utf8');
  const kept = text.split('\n').filter((line) => !/IdentityFile|IdentityAgent/.test(line));
  await writeFile(file, `${kept.join('\n')}${lines.map((line) => `  ${line}\n`).join('')}`);
  return file;
}

async function startAgent(folder: string): Promise<AsyncDisposable & { socket: string }> {
  const socket = join(folder, `agent-${Math.random().toString(36).slice(2)}`);
  const agent = execa('ssh-agent', ['-D', '-a', socket], { reject: false, stdout: 'ignore' });
  await expect
    .poll(async () => (await execa('ssh-add', ['-l'], { env: { SSH_AUTH_SOCK: socket }, reject: false })).exitCode)
    .toBe(1);
  return {
    socket,
    async [Symbol.asyncDispose]() {
      agent.kill();
      await agent;
    },
  };
}

/** A process that has ended and was not waited for yet is not alive. */
async function isAlive(pid: number): Promise<boolean> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
  return stat !== undefined && !/\) [ZX] /.test(stat);
}
