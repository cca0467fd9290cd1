/**
 * OpenSSH's client as a process of ours: a multiplexing master for one host, whose control socket lies in our private
 * folder, with one more client for each host to jump through. All read the user's own configuration.
 *
 * The way through other hosts is built here as OpenSSH builds it for ProxyJump (`ssh -W`), so that each client has its
 * own log and its own helper for questions, and our rule about unknown host keys holds on every host of the way.
 *
 * Crash story: the client runs behind a small shell that reads from a pipe of ours. When we die the pipe ends, and the
 * shell ends the client. It has a session of its own, so Ctrl-C at a terminal does not reach it before our cleanup.
 */
import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { quoteArgs } from '../quoting.ts';
import type { ConfigQuestion, SshConfig } from '../ssh/openssh-config.ts';
import type { Askpass } from './askpass.ts';
import { type CarrierSettings, overridesFor } from './overrides.ts';

/** One host of the way: what was asked of OpenSSH's configuration, and what it said. */
export interface Hop {
  readonly question: ConfigQuestion;
  readonly config: SshConfig;
}

export interface ClientOptions {
  /** From the first host to jump through to the host itself. */
  readonly way: readonly Hop[];
  readonly folder: string;
  readonly settings: CarrierSettings;
  readonly askpass: Askpass | undefined;
  /** The value of SSH_AUTH_SOCK; undefined where there is no agent. */
  readonly agentSocket: string | undefined;
}

export interface Client {
  readonly controlPath: string;
  /** Resolves when the client has ended, for whatever reason. */
  readonly ended: Promise<void>;
  readonly hasEnded: boolean;
  /** How many bytes all logs have; it grows while something happens. */
  logSize(): Promise<number>;
  /** What the client of one host of the way wrote into its log. */
  log(hop: number): Promise<string>;
  /** The end of what was printed beside the logs: banners, and the words of a ProxyCommand. */
  stderr(): string;
  end(): Promise<void>;
}

/** Ends the client when our pipe ends; the pipe is handed on as descriptor 3. */
const GUARD = `exec 3<&0
"$@" </dev/null 3<&- &
ssh=$!
( read -r _ <&3; kill "$ssh"; sleep 2; kill -9 "$ssh" ) >/dev/null 2>&1 &
guard=$!
exec 3<&-
wait "$ssh"
code=$?
kill "$guard" 2>/dev/null
exit "$code"`;

const STDERR_KEPT = 4_000;

export async function startClient(options: ClientOptions): Promise<Client> {
  const { way, folder, askpass, agentSocket } = options;
  const target = way.length - 1;
  const controlPath = join(folder, 'c');
  for (const hop of way.keys()) if (hop < target) await writeJump(options, hop);
  const args = [...commonArgs(options, target), '-M', '-N', '-S', controlPath, '--', aliasOf(way, target)];
  const child = execa('/bin/sh', ['-c', GUARD, 'guard', 'ssh', ...args], {
    stdin: 'pipe',
    stdout: 'ignore',
    stderr: 'pipe',
    buffer: false,
    reject: false,
    detached: true,
    cleanup: false,
    env: { SSH_AUTH_SOCK: agentSocket, ...(await askpass?.environment(target)) },
  });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => {
    said = (said + chunk.toString('utf8')).slice(-STDERR_KEPT);
  });
  child.stdin.on('error', () => undefined);
  let hasEnded = false;
  const ended = new Promise<void>((resolve) => {
    const onEnd = (): void => {
      hasEnded = true;
      resolve();
    };
    child.nodeChildProcess.once('exit', onEnd);
    child.nodeChildProcess.once('error', onEnd);
  });
  return {
    controlPath,
    ended,
    get hasEnded() {
      return hasEnded;
    },
    async logSize() {
      const sizes = await Promise.all([...way.keys()].map((hop) => sizeOf(logPath(folder, hop))));
      return sizes.reduce((sum, size) => sum + size, 0);
    },
    log: (hop) => readFile(logPath(folder, hop), 'utf8').catch(() => ''),
    stderr: () => said,
    async end() {
      child.stdin.end();
      await ended;
    },
  };
}

function logPath(folder: string, hop: number): string {
  return join(folder, `log-${hop}`);
}

async function sizeOf(path: string): Promise<number> {
  return await stat(path).then(
    ({ size }) => size,
    () => 0,
  );
}

function aliasOf(way: readonly Hop[], hop: number): string {
  return way[hop]?.question.alias ?? '';
}

/** Arguments that every client of the way gets; the way to it is the client before. */
function commonArgs({ way, folder, settings }: ClientOptions, hop: number): string[] {
  const step = way[hop];
  if (step === undefined) return [];
  const { configFile, user, port } = step.question;
  const before = hop === 0 ? [] : ['-o', `ProxyCommand=${jumpCommand(folder, hop - 1)}`, '-o', 'ProxyUseFdpass=no'];
  return [
    ...(configFile === undefined ? [] : ['-F', configFile]),
    ...['-T', '-E', logPath(folder, hop)],
    ...before,
    ...overridesFor(step.config, settings),
    ...(user === undefined ? [] : ['-l', user]),
    ...(port === undefined ? [] : ['-p', String(port)]),
  ];
}

/** For the configuration, in which `%` begins a token; the user's shell reads it. */
function jumpCommand(folder: string, hop: number): string {
  return `/bin/sh ${quoteArgs([jumpPath(folder, hop)])
    .toString()
    .replaceAll('%', '%%')}`;
}

function jumpPath(folder: string, hop: number): string {
  return join(folder, `jump-${hop}`);
}

/** A connection of the user's to a host on the way is used, but none is left behind for later. */
const JUMP_OPTIONS = ['-o', 'ControlMaster=no', '-o', 'ControlPersist=no'];

async function writeJump(options: ClientOptions, hop: number): Promise<void> {
  const { way, folder, askpass } = options;
  const next = way[hop + 1]?.config;
  if (next === undefined) return;
  const forward = ['-W', `[${next.hostName}]:${next.port}`];
  const environment = Object.entries((await askpass?.environment(hop)) ?? {}).map(
    ([name, value]) => `${name}=${value}`,
  );
  const words = ['env', ...environment, 'ssh', ...JUMP_OPTIONS, ...commonArgs(options, hop), ...forward];
  await writeFile(jumpPath(folder, hop), `exec ${quoteArgs([...words, '--', aliasOf(way, hop)]).toString()}\n`);
}
