/**
 * A private OpenSSH server on 127.0.0.1, with its own configuration, host keys and client key, logging in as root at
 * native speed. It reads nothing of the machine's own server and dies with its owner.
 */

import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { execa } from 'execa';
import { cleanUpAtExit } from './exit-cleanup.ts';
import type { RunResult } from './open-ssh.ts';
import { runOverSsh, writeSshConfig } from './open-ssh.ts';
import { descendantsOf, killIfAlive } from './process-tree.ts';
import { ensureDebianPackages } from './requirements.ts';
import { createTemporaryFolder } from './temporary-folder.ts';
import { disposeAll } from './tmpfs.ts';

type HostKeyType = 'ed25519' | 'rsa' | 'ecdsa';

export interface LocalSshdOptions {
  /** Host keys to make and offer; ed25519 alone when not given. */
  readonly hostKeys?: readonly HostKeyType[];
  /** More lines of sshd_config, put first: the first value of a keyword wins. */
  readonly configLines?: readonly string[];
}

export interface LocalSshd extends AsyncDisposable {
  readonly port: number;
  /** OpenSSH client configuration with {@link alias}. */
  readonly sshConfigFile: string;
  readonly alias: 'local';
  readonly identityFile: string;
  readonly knownHostsFile: string;
  /** Public keys of the server, each as type, base64 and comment. */
  readonly hostPublicKeys: readonly string[];
  /** Folder of the server's files; gone after disposal. */
  readonly directory: string;
  readonly logFile: string;
  run(script: string, options: { readonly signal: AbortSignal }): Promise<RunResult>;
  /**
   * Kills the server and every session of it, then starts it again on the same port with `changes` made. known_hosts
   * stays as it was, so that fresh host keys look like a host that has been replaced.
   */
  restart(changes: LocalSshdOptions & { readonly freshHostKeys?: boolean }, signal: AbortSignal): Promise<void>;
  /** Kills the server and every session of it. */
  kill(): Promise<void>;
}

/** Starts a server and waits until it answers. */
export async function startLocalSshd(options: LocalSshdOptions, signal: AbortSignal): Promise<LocalSshd> {
  await ensureDebianPackages(['openssh-server', 'openssh-client', 'util-linux'], signal);
  await using made = new AsyncDisposableStack();
  const folder = made.use(await createTemporaryFolder('sshd'));
  const file = (name: string): string => join(folder.path, name);
  const identityFile = file('id_ed25519');
  await makeKey('ed25519', identityFile);
  const port = await freePort();
  const sshConfigFile = file('ssh_config');
  await writeSshConfig(sshConfigFile, [
    {
      name: 'local',
      options: {
        HostName: '127.0.0.1',
        Port: String(port),
        User: 'root',
        IdentityFile: identityFile,
        IdentitiesOnly: 'yes',
        UserKnownHostsFile: file('known_hosts'),
        GlobalKnownHostsFile: '/dev/null',
        StrictHostKeyChecking: 'yes',
      },
    },
  ]);

  let server: Server | undefined;
  let hostPublicKeys: readonly string[] = [];
  let current = options;
  const kill = async (): Promise<void> => {
    await server?.kill();
    server = undefined;
  };
  made.defer(kill);
  const start = async (signal: AbortSignal): Promise<void> => {
    const { hostKeys = ['ed25519'], configLines = [] } = current;
    for (const type of hostKeys) await makeKey(type, file(`host_${type}`));
    hostPublicKeys = await Promise.all(
      hostKeys.map(async (type) => (await readFile(file(`host_${type}.pub`), 'utf8')).trim()),
    );
    const lines = [
      ...configLines,
      `ListenAddress 127.0.0.1:${String(port)}`,
      ...hostKeys.map((type) => `HostKey ${file(`host_${type}`)}`),
      `AuthorizedKeysFile ${identityFile}.pub`,
      ...['PidFile none', 'UsePAM no', 'UseDNS no', 'StrictModes no', 'PrintMotd no', 'PermitRootLogin yes'],
      ...['MaxStartups 200:30:400', 'MaxSessions 100', 'PasswordAuthentication no'],
      'Subsystem sftp internal-sftp',
    ];
    await writeFile(file('sshd_config'), `${lines.join('\n')}\n`);
    server = await startServer({ port, configFile: file('sshd_config'), logFile: file('sshd.log') }, signal);
  };
  await start(signal);
  const knownKeys = hostPublicKeys.map((key) => `[127.0.0.1]:${String(port)} ${key}\n`);
  await writeFile(file('known_hosts'), knownKeys.join(''));

  return {
    port,
    sshConfigFile,
    alias: 'local',
    identityFile,
    knownHostsFile: file('known_hosts'),
    get hostPublicKeys() {
      return hostPublicKeys;
    },
    directory: folder.path,
    logFile: file('sshd.log'),
    run: async (script, { signal }) =>
      await runOverSsh({ configFile: sshConfigFile, alias: 'local' }, script, { signal }),
    restart: async ({ freshHostKeys = false, ...changes }, signal) => {
      await kill();
      current = { ...current, ...changes };
      if (freshHostKeys) await execa('sh', ['-c', 'rm -f "$0"/host_*', folder.path]);
      await start(signal);
    },
    kill,
    [Symbol.asyncDispose]: disposeAll(made),
  };
}

interface Server {
  kill(): Promise<void>;
}

async function startServer(
  options: { readonly port: number; readonly configFile: string; readonly logFile: string },
  signal: AbortSignal,
): Promise<Server> {
  // sshd wants its folder for privilege separation, which the package's service makes only when it is started.
  await mkdir('/run/sshd', { recursive: true, mode: 0o755 });
  const command = ['--pdeathsig', 'KILL', '/usr/sbin/sshd', '-D', '-f', options.configFile, '-E', options.logFile];
  const child = execa('setpriv', command, {
    reject: false,
    stdin: 'ignore',
    stdout: 'ignore',
    stderr: 'ignore',
    cleanup: false,
  });
  const { pid } = child;
  if (pid === undefined) throw new Error(`sshd could not be started: ${String((await child).shortMessage)}`);
  let isOver = false;
  const ended = child.then(() => {
    isOver = true;
  });
  const killTree = (): void => {
    if (isOver) return;
    // Stopped first, so that it opens no session between the look and the kill.
    process.kill(pid, 'SIGSTOP');
    for (const each of [...descendantsOf(pid), pid]) killIfAlive(each);
  };
  const forget = cleanUpAtExit(killTree);
  const kill = async (): Promise<void> => {
    killTree();
    await ended;
    forget();
  };
  while (!(await answers(options.port))) {
    if (isOver || signal.aborted) {
      await kill();
      signal.throwIfAborted();
      const log = await readFile(options.logFile, 'utf8').catch(() => '');
      throw new Error(`sshd ended before it answered: ${log.slice(-2000)}`);
    }
    await delay(20);
  }
  return { kill };
}

async function makeKey(type: HostKeyType, path: string): Promise<void> {
  if (existsSync(path)) return;
  await execa('ssh-keygen', ['-q', '-t', type, '-N', '', '-C', 'stillpoint-lab', '-f', path]);
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** Whether a server sends its greeting on `port`. */
async function answers(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'data', { signal: AbortSignal.timeout(2000) });
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
