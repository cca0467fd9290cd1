/**
 * A real sshd on a free port of 127.0.0.1 with accounts of its own, for tests of the way to a host. It lives in its own
 * mount and process namespaces, where its passwd, shadow, group and sudoers files are mounted over the machine's: any
 * login shell, any password and any sudo rule can be tried, and the machine never sees an account. When the process
 * that holds the namespaces ends, everything in them ends.
 */
import { once } from 'node:events';
import { chmod, copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';

interface Account {
  readonly name: string;
  /** Path of the login shell. */
  readonly shell: string;
  readonly password?: string;
  /** 0 makes another name for root. */
  readonly uid?: number;
  /** Files in the home folder, by relative path. */
  readonly files?: Readonly<Record<string, string>>;
}

export interface SshdOptions {
  readonly accounts: readonly Account[];
  /** Lines of /etc/sudoers beside root's. */
  readonly sudoers?: readonly string[];
  /** Writes more files before the server starts; gives lines of its configuration that name them. */
  readonly prepare?: (folder: string) => Promise<readonly string[]>;
  /** Root's, for a sudo that wants it. */
  readonly rootPassword?: string;
  /** A program in the place of the machine's sudo. */
  readonly sudo?: string;
  /** A program by the name of doas, which the machine itself may not have. */
  readonly doas?: string;
  /** More lines of sshd_config, before everything else: the first value counts. */
  readonly config?: readonly string[];
  /** Match blocks, at the end. */
  readonly matches?: readonly string[];
  readonly hostKeyTypes?: readonly ('ed25519' | 'rsa' | 'ecdsa')[];
}

export interface PrivateSshd extends AsyncDisposable {
  readonly port: number;
  /** Everything is in here: `client_key`, `host_ed25519.pub`, `known_hosts`, `config`, `sshd.log`. */
  readonly folder: string;
  /** The public host keys as they stand in known_hosts: type and base64. */
  readonly hostKeys: readonly string[];
  /** Writes an OpenSSH client configuration with one Host for each account, and more lines for all of them. */
  writeClientConfig(lines?: readonly string[], file?: string): Promise<string>;
}

/** Undefined when this machine can do it; otherwise the reason for skipping. */
export async function whyNoPrivateSshd(): Promise<string | undefined> {
  if (userInfo().uid !== 0) return 'a private sshd with accounts of its own needs root';
  for (const program of ['sshd', 'unshare', 'ssh-keygen', 'openssl']) {
    const found = await execa('/bin/sh', ['-c', 'PATH=$PATH:/usr/sbin:/sbin command -v "$0"', program], {
      reject: false,
    });
    if (found.exitCode !== 0) return `"${program}" is not installed`;
  }
  const namespaces = await execa('unshare', ['--mount', '--pid', '--fork', 'true'], { reject: false });
  return namespaces.exitCode === 0 ? undefined : 'this machine has no mount namespaces';
}

export async function startPrivateSshd(asked: SshdOptions): Promise<PrivateSshd> {
  const folder = await mkdtemp(join(tmpdir(), 'stillpoint-sshd-'));
  await chmod(folder, 0o755);
  const types = asked.hostKeyTypes ?? ['ed25519'];
  for (const type of types) await createKey(join(folder, `host_${type}`), type);
  await createKey(join(folder, 'client_key'), 'ed25519');
  await copyFile(join(folder, 'client_key.pub'), join(folder, 'authorized_keys'));
  const prepared = (await asked.prepare?.(folder)) ?? [];
  const options = { ...asked, config: [...(asked.config ?? []), ...prepared] };
  await writeAccounts(folder, options);
  const hostKeys = await Promise.all(types.map((type) => publicHalf(join(folder, `host_${type}.pub`))));

  for (let attempt = 0; ; attempt += 1) {
    const port = 20_000 + Math.floor(Math.random() * 12_000);
    await writeFile(join(folder, 'sshd_config'), sshdConfig(folder, port, types, options));
    const child = execa(
      'unshare',
      ['--mount', '--pid', '--fork', '--kill-child', '--mount-proc', '/bin/sh', join(folder, 'enter.sh')],
      { stdin: 'ignore', stdout: 'ignore', stderr: { file: join(folder, 'sshd.log') }, reject: false },
    );
    if (await listens(port, child.nodeChildProcess)) {
      await writeFile(join(folder, 'known_hosts'), hostKeys.map((key) => `[127.0.0.1]:${port} ${key}\n`).join(''));
      const sshd: PrivateSshd = {
        port,
        folder,
        hostKeys,
        writeClientConfig: (lines = [], file = 'config') => writeClientConfig(sshd, options.accounts, lines, file),
        async [Symbol.asyncDispose]() {
          child.kill('SIGKILL');
          await child;
          await rm(folder, { recursive: true, force: true });
        },
      };
      await sshd.writeClientConfig();
      return sshd;
    }
    child.kill('SIGKILL');
    await child;
    if (attempt === 5) throw new Error(`sshd did not start: ${await readFile(join(folder, 'sshd.log'), 'utf8')}`);
  }
}

/** A key pair without a passphrase, or with one. */
export async function createKey(file: string, type: string, passphrase = ''): Promise<void> {
  await execa('ssh-keygen', ['-q', '-t', type, '-N', passphrase, '-C', 'test key', '-f', file]);
}

async function passwordHash(password: string): Promise<string> {
  return (await execa('openssl', ['passwd', '-6', password])).stdout;
}

async function publicHalf(file: string): Promise<string> {
  const [type = '', key = ''] = (await readFile(file, 'utf8')).split(' ');
  return `${type} ${key}`;
}

async function writeAccounts(folder: string, options: SshdOptions): Promise<void> {
  const tables = { passwd: '', shadow: '', group: '' };
  for (const name of ['passwd', 'shadow', 'group'] as const) tables[name] = await readFile(`/etc/${name}`, 'utf8');
  let nextUid = 7001;
  for (const account of options.accounts) {
    const uid = account.uid ?? nextUid++;
    const home = join(folder, 'home', account.name);
    await mkdir(home, { recursive: true });
    for (const [path, text] of Object.entries(account.files ?? {})) {
      await mkdir(join(home, path, '..'), { recursive: true });
      await writeFile(join(home, path), text);
    }
    await execa('chown', ['-R', `${uid}:${uid}`, home]);
    const hash = account.password === undefined ? '*' : await passwordHash(account.password);
    tables.passwd += `${account.name}:x:${uid}:${uid}::${home}:${account.shell}\n`;
    tables.shadow += `${account.name}:${hash}:19000:0:99999:7:::\n`;
    if (uid !== 0) tables.group += `${account.name}:x:${uid}:\n`;
  }
  if (options.rootPassword !== undefined) {
    const hash = await passwordHash(options.rootPassword);
    tables.shadow = tables.shadow.replace(/^root:[^:]*:/m, () => `root:${hash}:`);
  }
  for (const name of ['passwd', 'shadow', 'group'] as const) await writeFile(join(folder, name), tables[name]);
  await chmod(join(folder, 'shadow'), 0o600);
  const mounts = ['passwd', 'shadow', 'group'];
  if (options.sudoers !== undefined) {
    const sudoers = ['Defaults env_reset', 'root ALL=(ALL:ALL) ALL', ...options.sudoers];
    await writeFile(join(folder, 'sudoers'), `${sudoers.join('\n')}\n`, { mode: 0o440 });
    mounts.push('sudoers');
  }
  const lines = mounts.map((name) => `mount --bind '${folder}/${name}' /etc/${name}`);
  if (options.sudo !== undefined) {
    await copyFile(options.sudo, join(folder, 'sudo'));
    await chmod(join(folder, 'sudo'), 0o4755);
    lines.push(`mount --bind '${folder}/sudo' "$(command -v sudo)"`);
  }
  if (options.doas !== undefined) {
    await mkdir(join(folder, 'programs'));
    await copyFile(options.doas, join(folder, 'programs/doas'));
    for (const name of ['programs', 'programs/doas']) await chmod(join(folder, name), 0o755);
    lines.push(`mount --bind '${folder}/programs' /usr/local/bin`);
  }
  const sshd = 'sshd=$(PATH=$PATH:/usr/sbin:/sbin command -v sshd)';
  const script = ['set -e', 'mkdir -p /run/sshd', ...lines, sshd, `exec "$sshd" -D -e -f '${folder}/sshd_config'`];
  await writeFile(join(folder, 'enter.sh'), `${script.join('\n')}\n`);
}

function sshdConfig(folder: string, port: number, types: readonly string[], options: SshdOptions): string {
  const lines = [
    ...(options.config ?? []),
    'ListenAddress 127.0.0.1',
    `Port ${port}`,
    ...types.map((type) => `HostKey ${folder}/host_${type}`),
    `AuthorizedKeysFile ${folder}/authorized_keys`,
    'PidFile none',
    'StrictModes no',
    'UsePAM no',
    'PasswordAuthentication no',
    'KbdInteractiveAuthentication no',
    'PermitRootLogin yes',
    'LoginGraceTime 30',
    'MaxStartups 100',
    ...(options.matches ?? []),
  ];
  return `${lines.join('\n')}\n`;
}

async function writeClientConfig(
  sshd: PrivateSshd,
  accounts: readonly Account[],
  lines: readonly string[],
  file: string,
): Promise<string> {
  const common = [
    ...lines,
    'HostName 127.0.0.1',
    `Port ${sshd.port}`,
    `IdentityFile ${sshd.folder}/client_key`,
    'IdentityAgent none',
    `UserKnownHostsFile ${sshd.folder}/known_hosts`,
    'GlobalKnownHostsFile /dev/null',
  ];
  const hosts = accounts.flatMap(({ name }) => [`Host ${name}`, `  User ${name}`]);
  const path = join(sshd.folder, file);
  await writeFile(path, `${[...hosts, 'Host *', ...common.map((line) => `  ${line}`)].join('\n')}\n`);
  return path;
}

async function listens(port: number, child: { readonly exitCode: number | null }): Promise<boolean> {
  for (let attempt = 0; attempt < 200 && child.exitCode === null; attempt += 1) {
    const socket = connect(port, '127.0.0.1');
    try {
      await once(socket, 'data');
      return true;
    } catch {
      await sleep(25);
    } finally {
      socket.destroy();
    }
  }
  return false;
}
