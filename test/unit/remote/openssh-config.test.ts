/** What a host name means is asked from the real ssh. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { never } from '../../../shared/base/cancel.ts';
import { hostNames } from '../../../shared/remote/ssh/config-hosts.ts';
import { isKnownToSsh } from '../../../shared/remote/ssh/known-to-ssh.ts';
import type { SshConfig } from '../../../shared/remote/ssh/openssh-config.ts';
import { parseSshConfig, resolveSshConfig } from '../../../shared/remote/ssh/openssh-config.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'stillpoint-config-'));
});
afterAll(async () => await rm(folder, { recursive: true, force: true }));

async function resolve(alias: string, text: string): Promise<SshConfig> {
  const configFile = join(folder, 'config');
  await writeFile(configFile, text);
  return await resolveSshConfig({ alias, configFile, homeFolder: '/home/ann' }, never);
}

describe('a host of the configuration', () => {
  test('is resolved with includes, matches and tokens', async () => {
    await writeFile(join(folder, 'more'), 'Host db?\n  Port 2200\n');
    const config = await resolve(
      'db1',
      `Include ${folder}/more
Host db1
  HostName %h.lan
  User bak
  IdentityFile ~/.ssh/%r_key
  IdentityFile "/keys/with space"
  IdentitiesOnly yes
  IdentityAgent /run/%r.sock
  ProxyCommand nc -X %h %p %r %n %%
  UserKnownHostsFile /kh/one "/kh/with space" /kh/three
  StrictHostKeyChecking accept-new
  HostKeyAlias the-database
  HashKnownHosts yes
  ConnectTimeout 7
  ServerAliveInterval 5
  PasswordAuthentication no
  NumberOfPasswordPrompts 2
Match originalhost db1
  BatchMode yes
`,
    );
    expect(config).toMatchObject({
      alias: 'db1',
      hostName: 'db1.lan',
      port: 2200,
      user: 'bak',
      identityFiles: ['/home/ann/.ssh/bak_key', '/keys/with space'],
      identitiesOnly: true,
      identityAgent: { kind: 'socket', path: '/run/bak.sock' },
      proxy: { kind: 'command', commandLine: 'nc -X db1.lan 2200 bak db1 %' },
      userKnownHostsFiles: ['/kh/one', '/kh/with space', '/kh/three'],
      strictHostKeyChecking: 'ask',
      hostKeyAlias: 'the-database',
      hashKnownHosts: true,
      connectTimeoutMs: 7000,
      keepAlive: { intervalMs: 5000, count: 3 },
      methods: { publicKey: true, password: false, keyboardInteractive: true },
      passwordPrompts: 2,
      batchMode: true,
    });
  });

  test('has OpenSSH’s own defaults where nothing is said', async () => {
    const config = await resolve('unwritten.example', '');
    expect(config).toMatchObject({
      hostName: 'unwritten.example',
      port: 22,
      identitiesOnly: false,
      identityAgent: { kind: 'default' },
      proxy: { kind: 'none' },
      strictHostKeyChecking: 'ask',
      keepAlive: undefined,
      connectTimeoutMs: undefined,
    });
    expect(config.identityFiles).toContain('/home/ann/.ssh/id_ed25519');
    expect(config.hostKeyAlgorithms).toContain('ssh-ed25519');
  });

  test('may be reached through others', async () => {
    const config = await resolve(
      'inner',
      'Host inner\n  ProxyJump ann@gate:2022,second,[fe80::1]:33\n  IdentityAgent none\n',
    );
    expect(config.identityAgent).toEqual({ kind: 'none' });
    expect(config.proxy).toEqual({
      kind: 'jump',
      hops: [
        { alias: 'gate', user: 'ann', port: 2022 },
        { alias: 'second', user: undefined, port: undefined },
        { alias: 'fe80::1', user: undefined, port: 33 },
      ],
    });
  });

  test('that OpenSSH refuses is refused with its words', async () => {
    const refused = { code: 'ssh.config', message: expect.stringContaining('Bad configuration option') as string };
    await expect(resolve('db1', 'Host db1\n  Nonsense yes\n')).rejects.toMatchObject(refused);
    await expect(resolve('-oProxyCommand=touch', '')).rejects.toMatchObject({ code: 'ssh.config' });
  });

  test('that is a folder is refused: OpenSSH would read it as empty', async () => {
    const question = { alias: 'db1', homeFolder: '/h', configFile: '/tmp' };
    await expect(resolveSshConfig(question, AbortSignal.timeout(10_000))).rejects.toMatchObject({
      code: 'ssh.config',
      message: 'The SSH configuration for "db1" cannot be used: "/tmp" is a folder.',
      advice: 'Name a file in "sshConfigFile" of the host.',
    });
  });

  test('is not guessed when OpenSSH answers something else', () => {
    const question = { alias: 'x', homeFolder: '/h' };
    expect(() => parseSshConfig(question, 'user a\nhostname b\n')).toThrow(/port/);
    expect(() => parseSshConfig(question, 'user a\nhostname b\nport many\n')).toThrow(/not a number/);
    expect(() => parseSshConfig(question, 'user a\nhostname b\nport 1\nidentitiesonly maybe\n')).toThrow(/maybe/);
  });
});

describe('a name that is not offered', () => {
  test('is known where a rule is for it, or where it has an address, as ssh would find it', async () => {
    const home = join(folder, 'rules');
    await mkdir(join(home, '.ssh'), { recursive: true });
    const known = (name: string): Promise<boolean> => isKnownToSsh(name, { homeFolder: home }, never);
    await writeFile(
      join(home, '.ssh', 'config'),
      'Host web* db? !web-old\n  HostName %h.invalid\nHost *\n  User root\n',
    );
    const files = { homeFolder: home, configFile: join(home, '.ssh', 'config') };
    for (const [name, expected] of [
      ...[['web7', true] as const, ['db1', true] as const, ['127.0.0.1', true] as const, ['localhost', true] as const],
      ...[['web-old', false] as const, ['db12.invalid', false] as const, ['wbe7.invalid', false] as const],
    ]) {
      expect([name, await isKnownToSsh(name, files, never)]).toEqual([name, expected]);
    }
    expect(await known('web7')).toBe(true);
    await writeFile(files.configFile, 'Host *\n  ProxyCommand nc gate %h\n');
    expect(await isKnownToSsh('far.invalid', files, never)).toBe(true);
  });
});

describe('the hosts that are offered', () => {
  test('are the plain names of all files, in order, once', async () => {
    const home = join(folder, 'home');
    await mkdir(join(home, '.ssh', 'conf.d'), { recursive: true });
    await writeFile(
      join(home, '.ssh', 'config'),
      'Include conf.d/*\nhost=web "db two" !bad *.example db? # not this\n  HostName x\nHost web\nInclude ~/extra\nMatch host q\n',
    );
    await writeFile(join(home, '.ssh', 'conf.d', 'b'), 'Host beta\nInclude conf.d/b\n');
    await writeFile(join(home, '.ssh', 'conf.d', 'a'), 'HOST alpha\n');
    await writeFile(join(home, 'extra'), 'Host gamma\n');
    const names = await hostNames({ homeFolder: home });
    expect(names.slice(0, 5)).toEqual(['alpha', 'beta', 'web', 'db two', 'gamma']);
    const one = { homeFolder: home, configFile: join(home, 'extra') };
    expect(await hostNames(one)).toEqual(['gamma']);
    expect(await hostNames({ homeFolder: '/nowhere', configFile: '/nowhere/config' })).toEqual([]);
  });
});
