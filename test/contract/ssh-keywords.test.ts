/**
 * Every keyword of OpenSSH's configuration, taken to a real sshd by plain `ssh` and by both of our carriers: the same
 * host is reached as the same user with the same key, or we refuse with our reason. docs/ssh.md says which.
 */
import { access, chmod, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { never } from '../../shared/base/cancel.ts';
import { silentLogger } from '../../shared/base/log.ts';
import { type Carrier, connectSession } from '../../shared/remote/connect-session.ts';
import { createKey, type PrivateSshd, startPrivateSshd, whyNoPrivateSshd } from '../support/remote/private-sshd.ts';
import { KEYWORD_CASES, type KeywordCase } from '../support/remote/ssh-keyword-cases.ts';

const whyNot = await whyNoPrivateSshd();
const PAGE = join(import.meta.dirname, '../../docs/ssh.md');

type Status = 'honoured' | 'ours' | 'refused';

interface Row {
  readonly keyword: string;
  readonly openssh: Status;
  readonly ssh2: Status;
}

const page = await readFile(PAGE, 'utf8');
const rows: readonly Row[] = [...page.matchAll(/^\| `(\w+)` \| (\w+) \| (\w+) \|/gm)].map(
  ([, keyword = '', openssh, ssh2]) => ({ keyword, openssh: openssh as Status, ssh2: ssh2 as Status }),
);

/** Who we are there, by which key, over which way. */
const WHO = 'id -un; cat "$SSH_USER_AUTH"; set -- $SSH_CONNECTION; echo $1 $3 $4';

let sshd: PrivateSshd;
let agent: AsyncDisposable | undefined;
let baseline = '';
beforeAll(async () => {
  if (whyNot !== undefined) return;
  sshd = await startPrivateSshd({
    accounts: ['ann', 'bob'].map((name) => ({ name, shell: '/bin/sh' })),
    hostKeyTypes: ['ed25519', 'rsa'],
    config: ['ExposeAuthInfo yes', 'MaxAuthTries 5'],
    prepare,
  });
  const { folder, port, hostKeys } = sshd;
  const [ed25519 = '', rsa = ''] = hostKeys;
  const line = (name: string, key: string): string => `${name} ${key}\n`;
  const here = `[127.0.0.1]:${port}`;
  const [kind = '', stranger64 = ''] = (await readFile(join(folder, 'other_key.pub'), 'utf8')).split(' ');
  const stranger = `${kind} ${stranger64}`;
  const authority = (await readFile(join(folder, 'host_ca.pub'), 'utf8')).trim();
  const files: Record<string, string> = {
    known_hosts: hostKeys.map((key) => line(here, key) + line(`[localhost]:${port}`, key)).join(''),
    known_rsa: line(here, stranger) + line(here, rsa),
    known_alias: line('the-alias', ed25519),
    known_ca: `@cert-authority ${here} ${authority}\n`,
    revoked: hostKeys.join('\n'),
    included: 'User bob\n',
    'pass-socket.py': PASS_SOCKET,
  };
  for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), content);
  agent = startAgent(join(folder, 'agent'));
  const env = { SSH_AUTH_SOCK: join(folder, 'agent') };
  for (let code: number | undefined = 2; code !== 1; ) {
    await sleep(20);
    code = (await execa('ssh-add', ['-l'], { env, reject: false })).exitCode;
  }
  for (const name of [...STRANGERS, 'held']) await execa('ssh-add', ['-q', join(folder, name)], { env });
  baseline = (await plain(await configOf('baseline', []))).said;
}, 60_000);
afterAll(async () => {
  await agent?.[Symbol.asyncDispose]();
  if (whyNot === undefined) await sshd[Symbol.asyncDispose]();
});
beforeEach(({ skip }) => {
  if (whyNot !== undefined) skip(whyNot);
});

const STRANGERS = Array.from({ length: 6 }, (_, index) => `stranger_${index}`);

function startAgent(socket: string): AsyncDisposable {
  const agent = execa('ssh-agent', ['-D', '-a', socket], { reject: false, stdout: 'ignore' });
  return {
    async [Symbol.asyncDispose]() {
      agent.kill();
      await agent;
    },
  };
}

/** Passes a connected socket to its parent over standard output, as ProxyUseFdpass wants it. */
const PASS_SOCKET = `import array, socket, sys
there = socket.create_connection((sys.argv[1], int(sys.argv[2])))
out = socket.socket(fileno=1)
out.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [there.fileno()]))])
`;

/** Keys, authorities and certificates that the server's configuration names. */
async function prepare(folder: string): Promise<string[]> {
  const at = (name: string): string => join(folder, name);
  for (const name of ['host_ca', 'user_ca', 'certified', 'other_key', 'ann_key', 'held', ...STRANGERS]) {
    await createKey(at(name), 'ed25519');
  }
  await createKey(at('rsa_key'), 'rsa');
  await execa('ssh-keygen', ['-q', '-s', at('host_ca'), '-I', 'host', '-h', at('host_ed25519.pub')]);
  await execa('ssh-keygen', ['-q', '-s', at('user_ca'), '-I', 'user', '-n', 'ann', at('certified.pub')]);
  await execa('mv', [at('certified-cert.pub'), at('elsewhere-cert.pub')]);
  const known = ['client_key', 'other_key', 'ann_key', 'rsa_key', 'held'].map((name) =>
    readFile(at(`${name}.pub`), 'utf8'),
  );
  await writeFile(at('authorized_keys'), (await Promise.all(known)).join(''));
  await chmod(at('authorized_keys'), 0o644);
  // Only the public half is a file; the private one is in the agent.
  return [`HostCertificate ${at('host_ed25519-cert.pub')}`, `TrustedUserCAKeys ${at('user_ca.pub')}`];
}

async function configOf(name: string, lines: readonly string[]): Promise<string> {
  const { folder, port } = sshd;
  const own = lines.map((line) => line.replaceAll('{F}', folder).replaceAll('{P}', String(port)));
  const common = [
    'HostName 127.0.0.1',
    `Port ${port}`,
    'User ann',
    `IdentityFile ${folder}/client_key`,
    'IdentityAgent none',
    `UserKnownHostsFile ${folder}/known_hosts`,
    'GlobalKnownHostsFile /dev/null',
  ];
  const file = join(folder, `config-${name}`);
  await writeFile(file, `${[...own, 'Host box gate', ...common.map((line) => `  ${line}`)].join('\n')}\n`);
  return file;
}

async function plain(config: string): Promise<{ said: string; code: number | undefined }> {
  const args = ['-F', config, '-o', 'BatchMode=yes', '-o', 'UpdateHostKeys=no', 'box', WHO];
  const { stdout, exitCode } = await execa('ssh', args, {
    reject: false,
    stdin: 'ignore',
    timeout: 30_000,
    env: { SSH_AUTH_SOCK: undefined },
  });
  return { said: stdout, code: exitCode };
}

async function ours(config: string, carrier: Carrier): Promise<string> {
  const question = { alias: 'box', configFile: config, homeFolder: sshd.folder };
  const ports = { prompter: undefined, logger: silentLogger, agentSocket: undefined, homeFolder: sshd.folder, carrier };
  await using session = await connectSession(question, ports, never);
  const process = await session.exec(WHO, () => undefined, never);
  if (process === undefined) throw new Error('no channel');
  process.stdin.end();
  const [said] = await Promise.all([text(process.stdout), text(process.stderr)]);
  return said.trimEnd();
}

function linesFor(one: KeywordCase, carrier: Carrier): readonly string[] {
  return carrier === 'ssh2' ? (one.ssh2Lines ?? one.lines) : one.lines;
}

describe('the page', () => {
  test('names every keyword of ssh_config(5) of 9.2, each once', async () => {
    const stored = (await readFile(join(import.meta.dirname, '../fixtures/ssh_config-9.2'), 'utf8')).trim().split('\n');
    expect(rows.map(({ keyword }) => keyword).toSorted()).toEqual(stored.toSorted());
  });

  test('misses none that the installed ssh prints', async ({ skip }) => {
    const { stdout } = await execa('ssh', ['-G', '-F', '/dev/null', 'box'], { stdin: 'ignore' });
    const printed = new Set(stdout.split('\n').map((line) => line.split(' ')[0]?.toLowerCase() ?? ''));
    const version = (await execa('ssh', ['-V'], { stdin: 'ignore' })).stderr;
    const named = new Set(rows.map(({ keyword }) => keyword.toLowerCase()));
    const missing = [...printed].filter((keyword) => keyword !== '' && !named.has(keyword));
    if (!version.startsWith('OpenSSH_9.2')) skip(`this is ${version.split(' ')[0]}, and the page is about 9.2`);
    expect(missing).toEqual([]);
  });

  test('has a case for every row', () => {
    expect(KEYWORD_CASES.map(({ keyword }) => keyword).toSorted()).toEqual(
      rows.map(({ keyword }) => keyword).toSorted(),
    );
  });
});

describe.each<Carrier>(['openssh', 'ssh2'])('carried by %s', { concurrent: true }, (carrier) => {
  test.each(KEYWORD_CASES)('$keyword', async (one) => {
    const { keyword } = one;
    const status = rows.find((row) => row.keyword === keyword)?.[carrier];
    const config = await configOf(`${carrier}-${keyword}`, linesFor(one, carrier));
    if (status === 'refused') {
      await expect(ours(config, carrier)).rejects.toMatchObject({
        code: 'ssh.config',
        message: expect.stringContaining(`"${keyword} `) as string,
      });
      return;
    }
    const fails = carrier === 'ssh2' && one.ssh2Lines !== undefined ? undefined : one.fails;
    if (fails !== undefined) {
      await expect(ours(config, carrier)).rejects.toMatchObject({ code: fails });
      if (status === 'honoured') expect((await plain(config)).code).toBe(255);
      return;
    }
    const said = await ours(config, carrier);
    expect(said).toBe(status === 'honoured' ? (await plain(config)).said : baseline);
    expect(said).toMatch(/^(?:ann|bob)\npublickey \S+ \S+\n127\.0\.0\.\d /);
    if (one.leavesOut !== undefined) {
      await expect(access(one.leavesOut.replace('{F}', sshd.folder))).rejects.toThrow('ENOENT');
    }
  });
});
