/** Login shells of every family, what their rc files do to us, and becoming root: over a real sshd. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { never } from '../../shared/base/cancel.ts';
import { createLogger, redact } from '../../shared/base/log.ts';
import type { HostPorts, SudoMode } from '../../shared/remote/connect-host.ts';
import { connectHost } from '../../shared/remote/connect-host.ts';
import type { RemoteHost } from '../../shared/remote/remote-host.ts';
import { aCommand, aStream } from '../support/remote/commands.ts';
import { addressOf, aPerson, portsOf } from '../support/remote/people.ts';
import type { PrivateSshd } from '../support/remote/private-sshd.ts';
import { startPrivateSshd, whyNoPrivateSshd } from '../support/remote/private-sshd.ts';
import type { Recording } from '../support/remote/recording.ts';
import { recordTransport } from '../support/remote/recording.ts';

const whyNot = await whyNoPrivateSshd();

const SHELLS = [
  {
    name: 'bash',
    rc: '.bashrc',
    noise:
      'echo "fortune: $((1+1))"; alias tar=false; tar() { echo hijacked; }; export -f tar; export TAR_OPTIONS=--remove-files',
  },
  { name: 'dash', rc: '.profile', noise: '' },
  { name: 'zsh', rc: '.zshenv', noise: 'echo "welcome"; alias cat=false' },
  { name: 'fish', rc: '.config/fish/config.fish', noise: 'echo "welcome to fish"; function cat; echo hijacked; end' },
  { name: 'tcsh', rc: '.tcshrc', noise: 'echo "welcome to csh"; alias cat "echo hijacked"' },
];

async function pathOf(program: string): Promise<string> {
  return (await execa('/bin/sh', ['-c', 'command -v "$0"', program], { reject: false })).stdout.trim();
}

describe('login shells', async () => {
  let sshd: PrivateSshd;
  const shells = await Promise.all(SHELLS.map(async (shell) => ({ ...shell, path: await pathOf(shell.name) })));

  beforeEach(({ skip }) => {
    if (whyNot !== undefined) skip(whyNot);
  });
  beforeAll(async () => {
    if (whyNot !== undefined) return;
    sshd = await startPrivateSshd({
      accounts: shells
        .map(({ name, path, rc, noise }) => ({ name: `u-${name}`, shell: path, files: { [rc]: `${noise}\n` } }))
        .concat([
          { name: 'u-exits', shell: '/bin/bash', files: { '.bashrc': 'echo "good bye"; exit 3\n' } },
          { name: 'u-waits', shell: '/bin/bash', files: { '.bashrc': 'echo "A question?"; read answer\n' } },
          { name: 'u-asks', shell: '/bin/bash', files: { '.bashrc': 'read -p "continue? " answer\n' } },
          { name: 'u-starts', shell: '/bin/bash', files: { '.bashrc': 'exec cat\n' } },
          { name: 'u-floods', shell: '/bin/bash', files: { '.bashrc': 'yes\n' } },
          { name: 'u-nologin', shell: '/usr/sbin/nologin', files: {} },
          { name: 'u-restricted', shell: '/bin/rbash', files: {} },
        ]),
    });
  });
  afterAll(async () => {
    if (whyNot === undefined) await sshd[Symbol.asyncDispose]();
  });

  describe.each(shells)('$name', ({ name, path }) => {
    beforeEach(({ skip }) => {
      if (path === '') skip(`${name} is not installed`);
    });

    test('runs our commands, untouched by its rc file', async () => {
      await using host = await connectHost(addressOf(sshd, `u-${name}`), portsOf(sshd), never);
      const args = ['it\'s $HOME `id` \\ "x" !! ~ *', Buffer.from([0xff, 0x0a, 0x09]), ''];
      const output = await host.run(
        aCommand('printf "%s|" "$@" | cat; tar --version | head -n 1; echo word >&2', { args }),
        never,
      );
      expect(output.stdout.toString('latin1')).toMatch(
        /^it's \$HOME `id` \\ "x" !! ~ \*\|\u00ff\n\t\|\|tar \(GNU tar\)/,
      );
      expect(output.stderr).toBe('word\n');
    });

    test('streams both ways', async () => {
      await using host = await connectHost(addressOf(sshd, `u-${name}`), portsOf(sshd), never);
      const chunk = Buffer.alloc(1_000_000, Buffer.from(Array.from({ length: 256 }, (_, index) => index)));
      const input = (async function* () {
        for (let index = 0; index < 5; index += 1) yield chunk;
      })();
      await using stream = await host.stream(aStream('cat'), input, never);
      let length = 0;
      for await (const piece of stream.output) length += (piece as Buffer).length;
      expect([length, (await stream.finished).bytes]).toEqual([5_000_000, 5_000_000]);
    });
  });

  const quick: Partial<HostPorts> = { nonceBudgetMs: 1500 };
  test.each([
    ['u-exits', 'ssh.noise', /exit code 3.*good bye/s],
    ['u-waits', 'ssh.noise', /printed something else.*within 1.5 s.*A question/s],
    ['u-asks', 'ssh.deadline', /said nothing for 1.5 s/],
    ['u-floods', 'ssh.noise', /printed without end/],
    ['u-nologin', 'ssh.noise', /This account is currently not available/],
  ])('%s is refused with its reason', async (account, code, reason) => {
    const refused = connectHost(addressOf(sshd, account), portsOf(sshd, quick), never);
    await expect(refused).rejects.toMatchObject({
      code,
      message: expect.stringMatching(reason) as string,
    });
  });

  test('an rc file that starts something else never runs what we send', async () => {
    const refused = connectHost(addressOf(sshd, 'u-starts'), portsOf(sshd, quick), never);
    await expect(refused).rejects.toMatchObject({ code: 'ssh.noise' });
  });

  test('a restricted shell is refused cleanly or works', async () => {
    const outcome = await connectHost(addressOf(sshd, 'u-restricted'), portsOf(sshd, quick), never).then(
      async (host) => {
        await host[Symbol.asyncDispose]();
        return 'works';
      },
      (error: { code?: string }) => error.code,
    );
    expect(['works', 'ssh.noise']).toContain(outcome);
  });
});

const PASSWORD = 'correct horse';

const SUDOERS = [
  'bak ALL=(root) NOPASSWD: /bin/sh -s',
  'bakfull ALL=(ALL:ALL) NOPASSWD: ALL',
  'Defaults:bakfull use_pty',
  'bakpw ALL=(ALL:ALL) ALL',
  'nottoo ALL=(root) NOPASSWD: /bin/true',
  'logged ALL=(root) NOPASSWD: ALL',
  'Defaults:logged log_output, iolog_dir=/proc/nowhere',
  'tty ALL=(root) NOPASSWD: ALL',
  'Defaults:tty requiretty',
  'keeps ALL=(ALL:ALL) NOPASSWD: SETENV: ALL',
  'Defaults:keeps !env_reset, !secure_path',
];

describe('becoming root', async () => {
  const sudo = await pathOf('sudo');
  let sshd: PrivateSshd;
  beforeEach(({ skip }) => {
    if (whyNot !== undefined) skip(whyNot);
  });
  beforeAll(async () => {
    if (whyNot !== undefined) return;
    sshd = await startPrivateSshd({
      accounts: [
        { name: 'boss', shell: '/bin/bash', uid: 0 },
        { name: 'bak', shell: '/bin/bash' },
        { name: 'bakfull', shell: '/bin/bash' },
        { name: 'bakpw', shell: '/bin/bash', password: PASSWORD },
        { name: 'nosudo', shell: '/bin/bash', password: PASSWORD },
        { name: 'nottoo', shell: '/bin/bash' },
        { name: 'logged', shell: '/bin/bash' },
        { name: 'tty', shell: '/bin/bash' },
        {
          name: 'keeps',
          shell: '/bin/bash',
          files: {
            '.ssh/environment':
              'TAR_OPTIONS=--remove-files\nLVM_SYSTEM_DIR=/nowhere\nPATH=/nowhere:/usr/bin:/bin\nTZ=Asia/Tokyo\n',
            '.bashrc':
              'export GREP_OPTIONS=-v LC_ALL=C.UTF-8; printf() { echo hijacked; }; export -f printf; alias tar=false; echo hello; cd /proc\n',
          },
        },
      ],
      ...(sudo === '' ? {} : { sudoers: SUDOERS }),
      config: ['UsePAM yes', 'PermitUserEnvironment yes'],
    });
  });
  afterAll(async () => {
    if (whyNot === undefined) await sshd[Symbol.asyncDispose]();
  });

  async function asRoot(account: string, mode: SudoMode, ports: Partial<HostPorts> = {}): Promise<string> {
    await using host = await connectHost(addressOf(sshd, account, { sudo: mode }), portsOf(sshd, ports), never);
    return await root(host);
  }

  async function root(host: RemoteHost): Promise<string> {
    return (await host.run(aCommand('id -un', { needs: 'root' }), never)).stdout.toString().trim();
  }

  test.each(['none', 'passwordless', 'password'] as const)('is no question for root (sudo: %s)', async (mode) => {
    expect(await asRoot('boss', mode)).toBe('root');
  });

  test('is refused to others without sudo, and what needs no root still runs', async () => {
    await using host = await connectHost(addressOf(sshd, 'bak'), portsOf(sshd), never);
    await expect(root(host)).rejects.toMatchObject({
      code: 'remote.sudo-refused',
      message: expect.stringContaining('logged in as "bak"') as string,
    });
    expect((await host.run(aCommand('id -un'), never)).stdout.toString()).toBe('bak\n');
  });

  describe('through sudo', () => {
    beforeEach(({ skip }) => {
      if (sudo === '') skip('sudo is not installed');
    });

    test.each(['bak', 'bakfull'])('without a password: %s', async (account) => {
      expect(await asRoot(account, 'passwordless')).toBe('root');
      expect(await asRoot(account, 'password')).toBe('root');
    });

    test.each(['user', 'root'] as const)('shows a script no environment but ours (%s)', async (needs) => {
      await using host = await connectHost(addressOf(sshd, 'keeps', { sudo: 'passwordless' }), portsOf(sshd), never);
      const output = await host.run(aCommand('env | sort; pwd', { needs }), never);
      const lines = output.stdout.toString().split('\n');
      expect(lines.filter((line) => !/^(PWD|OLDPWD|SHLVL|_)=/.test(line))).toEqual([
        'LC_ALL=C',
        'PATH=/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin',
        '/',
        '',
      ]);
    });

    test('carries bytes, also where sudo makes a terminal of its own', async () => {
      await using host = await connectHost(addressOf(sshd, 'bakfull', { sudo: 'passwordless' }), portsOf(sshd), never);
      const bytes = Buffer.from(Array.from({ length: 256 }, (_, index) => index));
      const output = await host.run(aCommand('cat', { needs: 'root', input: bytes }), never);
      expect(output.stdout.equals(bytes)).toBe(true);
      await using stream = await host.stream(
        aStream('head -c 30000000 /dev/zero', { needs: 'root' }),
        undefined,
        never,
      );
      stream.output.resume();
      expect((await stream.finished).bytes).toBe(30_000_000);
    });

    test('with a password that a person types once, and nobody can read anywhere', async () => {
      const person = aPerson([PASSWORD]);
      let recording: Recording | undefined;
      const lines: string[] = [];
      const logger = createLogger((entry) => lines.push(JSON.stringify(entry)));
      const wrapTransport: HostPorts['wrapTransport'] = (inner) => (recording = recordTransport(inner));
      const ports = portsOf(sshd, { prompter: person, logger, wrapTransport });
      await using host = await connectHost(addressOf(sshd, 'bakpw', { sudo: 'password' }), ports, never);
      expect(await root(host)).toBe('root');
      const input = aCommand('cat; id -u', { needs: 'root', input: Buffer.from('fed ') });
      expect((await host.run(input, never)).stdout.toString()).toBe('fed 0\n');
      expect(person.questions).toMatchObject([{ kind: 'sudo-password', text: 'sudo password of "bakpw" on "bakpw"' }]);
      expect(JSON.stringify(recording?.exchanges())).not.toContain(PASSWORD);
      expect(lines.join('\n')).not.toContain(PASSWORD);
      expect(redact(PASSWORD)).toBe('[redacted]');
    });

    test('asks again for a wrong password, and gives up after three', async () => {
      const second = aPerson(['wrong', PASSWORD]);
      expect(await asRoot('bakpw', 'password', { prompter: second })).toBe('root');
      expect(second.settled).toEqual(['refused bakpw', 'proved bakpw']);
      const never3 = aPerson(['a', 'b', 'c', PASSWORD]);
      await expect(asRoot('bakpw', 'password', { prompter: never3 })).rejects.toMatchObject({
        code: 'remote.sudo-refused',
        message: expect.stringContaining('3 passwords') as string,
      });
      expect(never3.questions).toHaveLength(3);
    });

    test('never gives the password to a shell: where sudo stops asking, nothing is sent', async () => {
      const sudoers = join(sshd.folder, 'sudoers');
      const rules = await readFile(sudoers, 'utf8');
      const ports = portsOf(sshd, { prompter: aPerson([PASSWORD]), nonceBudgetMs: 1500 });
      await using host = await connectHost(addressOf(sshd, 'bakpw', { sudo: 'password' }), ports, never);
      expect(await root(host)).toBe('root');
      try {
        await writeFile(sudoers, rules.replace('bakpw ALL=(ALL:ALL) ALL', 'bakpw ALL=(ALL:ALL) NOPASSWD: ALL'));
        await expect(root(host)).rejects.toMatchObject({
          code: 'remote.sudo-refused',
          message: expect.stringContaining('did not ask for the password within 1.5 s') as string,
        });
        await writeFile(sudoers, rules.replace('bakpw ALL=(ALL:ALL) ALL', ''));
        await expect(root(host)).rejects.toMatchObject({ code: 'remote.sudo-refused' });
      } finally {
        await writeFile(sudoers, rules);
      }
      expect(await root(host)).toBe('root');
    });

    test.each([
      ['bakpw', 'passwordless', /password/, /NOPASSWD: \/bin\/sh -s/],
      ['bakpw', 'password', /was not given/, /passwordless/],
      ['nosudo', 'passwordless', /refuses "nosudo"|password/, /NOPASSWD: \/bin\/sh -s/],
      ['nottoo', 'passwordless', /refuses "nottoo"/, /NOPASSWD: \/bin\/sh -s/],
      ['logged', 'passwordless', /records/, /!log_output/],
      ['tty', 'passwordless', /tty/, /!requiretty/],
    ] as const)('is refused with the line that would help: %s (%s)', async (account, mode, fact, advice) => {
      await expect(asRoot(account, mode)).rejects.toMatchObject({
        code: 'remote.sudo-refused',
        message: expect.stringMatching(fact) as string,
        advice: expect.stringMatching(advice) as string,
      });
    });

    test('is refused to who has a password but no right', async () => {
      await expect(asRoot('nosudo', 'password', { prompter: aPerson([PASSWORD]) })).rejects.toMatchObject({
        code: 'remote.sudo-refused',
        message: expect.stringContaining('not in the sudoers file') as string,
      });
    });
  });
});
