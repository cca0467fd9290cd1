/** Becoming root where sudo is another program, asks for another's password, or lets a shell start and nothing in it. */
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { never } from '../../shared/base/cancel.ts';
import type { HostPorts, SudoMode } from '../../shared/remote/connect-host.ts';
import { connectHost } from '../../shared/remote/connect-host.ts';
import { fetchDebianProgram } from '../lab/debian-suite.ts';
import { aCommand, aStream } from '../support/remote/commands.ts';
import { addressOf, aPerson, portsOf } from '../support/remote/people.ts';
import type { PrivateSshd, SshdOptions } from '../support/remote/private-sshd.ts';
import { startPrivateSshd, whyNoPrivateSshd } from '../support/remote/private-sshd.ts';

const whyNot = await whyNoPrivateSshd();
const PASSWORD = 'correct horse';
const ROOTS = 'battery staple';

function options(sudo: string | undefined, doas: string | undefined): SshdOptions {
  return {
    accounts: [
      { name: 'free', shell: '/bin/bash' },
      { name: 'asked', shell: '/bin/bash', password: PASSWORD },
      { name: 'roots', shell: '/bin/bash', password: PASSWORD },
      { name: 'targets', shell: '/bin/bash', password: PASSWORD },
      { name: 'runas', shell: '/bin/bash', password: PASSWORD },
      { name: 'told', shell: '/bin/bash', password: PASSWORD },
      { name: 'boxed', shell: '/bin/bash' },
      { name: 'boxedpw', shell: '/bin/bash', password: PASSWORD },
      { name: 'other', shell: '/bin/bash' },
    ],
    sudoers: [
      'free ALL=(root) NOPASSWD: /bin/sh -s',
      'asked ALL=(ALL:ALL) ALL',
      'roots ALL=(ALL:ALL) ALL',
      'Defaults:roots rootpw',
      'targets ALL=(ALL:ALL) ALL',
      'Defaults:targets targetpw',
      'runas ALL=(ALL:ALL) ALL',
      'Defaults:runas runaspw',
      'told ALL=(ALL:ALL) ALL',
      'Defaults:told lecture=always, passprompt="Your word: "',
      'boxed ALL=(root) NOPASSWD: NOEXEC: ALL',
      'boxedpw ALL=(root) NOEXEC: ALL',
      'other ALL=(root) NOPASSWD: /bin/true',
    ],
    rootPassword: ROOTS,
    config: ['UsePAM yes'],
    ...(sudo === undefined ? {} : { sudo }),
    ...(doas === undefined ? {} : { doas }),
  };
}

/** Runs `task` with a private sshd whose sudo is this one. */
function withSudo(
  open: () => Promise<{ readonly path: string | undefined } | { readonly reason: string }>,
  openDoas?: () => Promise<{ readonly path: string }>,
) {
  const place: { sshd?: PrivateSshd; reason?: string } = {};
  beforeAll(async () => {
    if (whyNot !== undefined) return;
    const found = await open();
    if ('reason' in found) place.reason = found.reason;
    else place.sshd = await startPrivateSshd(options(found.path, (await openDoas?.())?.path));
  }, 200_000);
  afterAll(async () => {
    await place.sshd?.[Symbol.asyncDispose]();
  });
  beforeEach(({ skip }) => {
    if (whyNot !== undefined) skip(whyNot);
    if (place.reason !== undefined) skip(place.reason);
  });
  const connect = async (account: string, mode: SudoMode, ports: Partial<HostPorts> = {}) => {
    if (place.sshd === undefined) throw new Error('no sshd');
    return await connectHost(addressOf(place.sshd, account, { sudo: mode }), portsOf(place.sshd, ports), never);
  };
  return {
    connect,
    async root(account: string, mode: SudoMode, ports: Partial<HostPorts> = {}): Promise<string> {
      await using host = await connect(account, mode, ports);
      return (await host.run(aCommand('id -un', { needs: 'root' }), never)).stdout.toString().trim();
    },
  };
}

const programs = [
  { name: 'sudo', open: () => Promise.resolve({ path: undefined }) },
  {
    name: 'sudo-rs 0.2.5, which reads ahead',
    open: () =>
      fetchDebianProgram(
        { suite: 'trixie', package: 'sudo-rs', file: 'usr/lib/cargo/bin/sudo' },
        AbortSignal.timeout(180_000),
      ),
  },
];

describe.each(programs)('$name', ({ name, open }) => {
  // This sudo-rs does not know the words NOEXEC and runaspw, and leaves out what has them.
  const knowsAll = name === 'sudo';
  const { root, connect } = withSudo(open);

  test('without a password', async () => {
    expect(await root('free', 'passwordless')).toBe('root');
  });

  test('with a password, again and again, and with input behind it', async () => {
    const person = aPerson([PASSWORD]);
    await using host = await connect('asked', 'password', { prompter: person });
    for (let round = 0; round < 5; round += 1) {
      const input = Buffer.from(`round ${round}\n`.repeat(1000));
      const output = await host.run(aCommand('cat; id -u', { needs: 'root', input }), never);
      expect(output.stdout.toString()).toBe(`${input.toString()}0\n`);
    }
    await using stream = await host.stream(aStream('head -c 3000000 /dev/zero', { needs: 'root' }), undefined, never);
    stream.output.resume();
    expect((await stream.finished).bytes).toBe(3_000_000);
    expect(person.questions).toMatchObject([{ kind: 'sudo-password', key: 'asked' }]);
  });

  test('asks again for a wrong password', async () => {
    const person = aPerson(['wrong', PASSWORD]);
    expect(await root('asked', 'password', { prompter: person })).toBe('root');
    expect(person.settled).toEqual(['refused asked', 'proved asked']);
  });

  test.for(['roots', 'targets', 'runas'])(
    'asks for the password that sudo wants, and says whose it is: %s',
    async (account, { skip }) => {
      if (account === 'runas' && !knowsAll) skip('this sudo has no runaspw');
      const person = aPerson([ROOTS]);
      expect(await root(account, 'password', { prompter: person })).toBe('root');
      expect(person.questions).toMatchObject([
        { key: 'root', text: expect.stringContaining('Password of "root"') as string },
      ]);
    },
  );

  test('is not disturbed by a lecture and a prompt of its own', async () => {
    const person = aPerson([PASSWORD]);
    expect(await root('told', 'password', { prompter: person })).toBe('root');
    expect(person.questions).toMatchObject([{ kind: 'sudo-password', key: 'told' }]);
  });

  test.each([
    ['asked', 'passwordless', /refuses "asked"/, /sudo wants a password.*NOPASSWD: \/bin\/sh -s/],
    ['asked', 'password', /was not given/, /passwordless/],
    [
      'other',
      'passwordless',
      /refuses "other"/,
      /^Add "other ALL=\(root\) NOPASSWD: \/bin\/sh -s"|sudo wants a password/,
    ],
    ['boxed', 'passwordless', /NOEXEC|refuses "boxed"/, /!noexec|NOPASSWD/],
  ] as const)('refuses by name what cannot be: %s (%s)', async (account, mode, fact, advice) => {
    await expect(root(account, mode)).rejects.toMatchObject({
      code: 'remote.sudo-refused',
      message: expect.stringMatching(fact) as string,
      advice: expect.stringMatching(advice) as string,
    });
  });

  test('refuses by name a shell that may start nothing, and does not blame the password', async ({ skip }) => {
    if (!knowsAll) skip('this sudo has no NOEXEC');
    const person = aPerson([PASSWORD]);
    await expect(root('boxedpw', 'password', { prompter: person })).rejects.toMatchObject({
      code: 'remote.sudo-refused',
      message: expect.stringContaining('NOEXEC') as string,
    });
    expect(person.settled).toEqual(['proved boxedpw']);
  });

  test('waits for the person as long as the person thinks', async () => {
    const person = aPerson([]);
    const slow: HostPorts['prompter'] = {
      ...person,
      async ask() {
        await new Promise((resolve) => setTimeout(resolve, 2500));
        return PASSWORD;
      },
    };
    expect(await root('asked', 'password', { prompter: slow, nonceBudgetMs: 2000 })).toBe('root');
  });
});

/** A script that behaves as some program behind the name sudo would. */
async function scriptFolder(script: string): Promise<{ path: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'stillpoint-sudo-'));
  folders.push(folder);
  const path = join(folder, 'sudo');
  await writeFile(path, `#!/bin/sh\n${script}\n`);
  await chmod(path, 0o755);
  return { path };
}

const folders: string[] = [];
afterAll(async () => {
  for (const folder of folders) await rm(folder, { recursive: true, force: true });
});

describe('a sudo that asks for something else', () => {
  const { root } = withSudo(() =>
    scriptFolder(
      'case $1 in -n) echo "sudo: a password is required" >&2; exit 1;; esac; printf "Verification code: " >&2; read x; exit 1',
    ),
  );
  test('is refused with what it asks', async () => {
    const ports = { prompter: aPerson([PASSWORD]), nonceBudgetMs: 1500 };
    await expect(root('asked', 'password', ports)).rejects.toMatchObject({
      code: 'remote.sudo-refused',
      message: expect.stringContaining('Verification code:') as string,
    });
    expect(ports.prompter.questions).toEqual([]);
  });
});

describe('a host without sudo', () => {
  const { root } = withSudo(() => scriptFolder('echo "sudo: not found" >&2; exit 127'));
  test('says so', async () => {
    await expect(root('free', 'passwordless')).rejects.toMatchObject({
      code: 'remote.sudo-refused',
      message: expect.stringContaining('There is no sudo') as string,
      advice: expect.stringContaining('sudo-rs') as string,
    });
  });
});

describe('a host with doas and no sudo', () => {
  const { root } = withSudo(
    () => scriptFolder('echo "sudo: not found" >&2; exit 127'),
    () => scriptFolder('exit 0'),
  );
  test('is refused by the name of doas', async () => {
    await expect(root('free', 'passwordless')).rejects.toMatchObject({
      code: 'remote.sudo-refused',
      message: expect.stringContaining('There is no sudo') as string,
      advice: expect.stringContaining('has doas instead, which Stillpoint does not use') as string,
    });
  });
});
