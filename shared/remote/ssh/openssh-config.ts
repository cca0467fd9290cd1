/**
 * What OpenSSH itself says about a host: `ssh -G` knows Include, Match, canonicalisation and every default of the
 * installed version, so we ask it and parse its answer strictly. It prints some values with their `%` tokens; those
 * are filled in here, by the table of ssh_config(5).
 */
import { createHash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { homedir, hostname, userInfo } from 'node:os';
import { execa } from 'execa';
import { StillpointError } from '../../base/errors.ts';
import { CONFIG_BUDGET_MS } from '../budgets.ts';
import { lastLines } from '../host-errors.ts';
import { quoteArg } from '../quoting.ts';

export interface SshConfig {
  /** The name that was asked for. */
  readonly alias: string;
  /** The file that was read instead of the user's and the system's. */
  readonly configFile: string | undefined;
  readonly hostName: string;
  readonly port: number;
  readonly user: string;
  readonly addressFamily: 0 | 4 | 6;
  readonly bindAddress: string | undefined;
  /** Absolute paths, in order. */
  readonly identityFiles: readonly string[];
  readonly identitiesOnly: boolean;
  /** `default` is the agent of the session (SSH_AUTH_SOCK). */
  readonly identityAgent: { readonly kind: 'default' | 'none' } | { readonly kind: 'socket'; readonly path: string };
  readonly proxy: Proxy;
  readonly userKnownHostsFiles: readonly string[];
  readonly globalKnownHostsFiles: readonly string[];
  readonly hashKnownHosts: boolean;
  readonly hostKeyAlgorithms: readonly string[];
  readonly hostKeyAlias: string | undefined;
  /** `yes` refuses unknown keys without asking. OpenSSH's `no` and `accept-new` become `ask`: we never accept silently. */
  readonly strictHostKeyChecking: 'yes' | 'ask';
  readonly connectTimeoutMs: number | undefined;
  /** Undefined where the user left it at OpenSSH's 0, which means none. */
  readonly keepAlive: { readonly intervalMs: number; readonly count: number } | undefined;
  readonly methods: { readonly publicKey: boolean; readonly password: boolean; readonly keyboardInteractive: boolean };
  /** In order; undefined means OpenSSH's own order. */
  readonly preferredMethods: readonly string[] | undefined;
  readonly passwordPrompts: number;
  /** Nobody is to be asked anything. */
  readonly batchMode: boolean;
  readonly updateHostKeys: 'yes' | 'no' | 'ask';
  /** Where a connection that the user holds open already would listen. */
  readonly controlPath: string | undefined;
  /** Every keyword that the installed OpenSSH knows and names, in lower case, with its values. */
  readonly keywords: ReadonlyMap<string, readonly string[]>;
}

type Proxy =
  | { readonly kind: 'none' }
  /** A line for /bin/sh, its tokens filled in. */
  | { readonly kind: 'command'; readonly commandLine: string }
  | { readonly kind: 'jump'; readonly hops: readonly Jump[] };

export interface Jump {
  readonly alias: string;
  readonly user: string | undefined;
  readonly port: number | undefined;
}

export interface ConfigQuestion {
  readonly alias: string;
  /** Instead of the user's and the system's file. */
  readonly configFile?: string;
  /** As OpenSSH sees it: from the password database, whatever HOME says. */
  readonly homeFolder: string;
  readonly user?: string;
  readonly port?: number;
}

export async function resolveSshConfig(question: ConfigQuestion, signal: AbortSignal): Promise<SshConfig> {
  return parseSshConfig(question, await askOpenSsh(question, signal));
}

async function askOpenSsh(question: ConfigQuestion, signal: AbortSignal): Promise<string> {
  await refuseFolder(question);
  const args = [
    '-G',
    // Without it "ForkAfterAuthentication yes" is refused for want of a command.
    '-N',
    ...(question.configFile === undefined ? [] : ['-F', question.configFile]),
    ...(question.user === undefined ? [] : ['-l', question.user]),
    ...(question.port === undefined ? [] : ['-p', String(question.port)]),
    '--',
    question.alias,
  ];
  const result = await execa('ssh', args, {
    stdin: 'ignore',
    reject: false,
    cancelSignal: signal,
    timeout: CONFIG_BUDGET_MS,
  });
  signal.throwIfAborted();
  if (result.timedOut) {
    const why = `OpenSSH did not finish reading it within ${CONFIG_BUDGET_MS / 1000} s; a command behind "Match exec" may hang.`;
    throw badConfig(question, why, result.cause);
  }
  if (result.exitCode === 0) return result.stdout;
  if (result.code === 'ENOENT') return await withoutOpenSsh(question);
  throw badConfig(question, `OpenSSH refuses it.${lastLines(result.stderr)}`, result.cause);
}

/** OpenSSH takes a folder for an empty file, and then the host would be called unknown. */
async function refuseFolder({ alias, configFile }: ConfigQuestion): Promise<void> {
  const found = configFile === undefined ? undefined : await stat(configFile).catch(() => undefined);
  if (found?.isDirectory() !== true) return;
  throw new StillpointError(
    'ssh.config',
    `The SSH configuration for "${alias}" cannot be used: "${configFile}" is a folder.`,
    { advice: 'Name a file in "sshConfigFile" of the host.', details: { host: alias }, cause: undefined },
  );
}

/** Where there is no OpenSSH, and no configuration that only OpenSSH could read, its defaults hold. */
async function withoutOpenSsh(question: ConfigQuestion): Promise<string> {
  const { alias, homeFolder, configFile } = question;
  const files = configFile === undefined ? [`${homeFolder}/.ssh/config`, '/etc/ssh/ssh_config'] : [configFile];
  for (const file of files) {
    const text = await readFile(file, 'utf8').catch(() => '');
    if (!/^[^#\n]*\S[^\n]*$/m.test(text.replaceAll(/^\s*#.*$/gm, ''))) continue;
    throw new StillpointError(
      'ssh.config',
      `There is an SSH configuration ("${file}"), and no OpenSSH here to read it.`,
      {
        advice: 'Install the package openssh-client on this machine.',
        details: { host: alias, file },
        cause: undefined,
      },
    );
  }
  const at = alias.lastIndexOf('@');
  const keys = ['id_rsa', 'id_ecdsa', 'id_ed25519'].map((name) => `identityfile ~/.ssh/${name}`);
  return [
    `hostname ${alias.slice(at + 1)}`,
    `user ${question.user ?? (at > 0 ? alias.slice(0, at) : userInfo().username)}`,
    `port ${question.port ?? 22}`,
    'userknownhostsfile ~/.ssh/known_hosts ~/.ssh/known_hosts2',
    'globalknownhostsfile /etc/ssh/ssh_known_hosts /etc/ssh/ssh_known_hosts2',
    ...keys,
    '',
  ].join('\n');
}

/** What a person types to go the same way as we do; it stands in an advice that may be copied. */
export function sshCommand(
  { alias, configFile }: Pick<ConfigQuestion, 'alias'> & { readonly configFile?: string | undefined },
  options = '',
): string {
  if (configFile === undefined) return `ssh ${options}${alias}`;
  const file = /^[\w./@%+,:~-]+$/.test(configFile) ? configFile : quoteArg(configFile).toString('utf8');
  return `ssh ${options}-F ${file} ${alias}`;
}

function badConfig(question: ConfigQuestion, why: string, cause?: unknown): StillpointError {
  const { alias } = question;
  return new StillpointError('ssh.config', `The SSH configuration for "${alias}" cannot be used: ${why}`, {
    advice: `See what "${sshCommand(question, '-G ')}" prints, and correct ${question.configFile ?? '~/.ssh/config'}.`,
    details: { host: alias },
    cause,
  });
}

/** Parses the answer of `ssh -G`: a keyword in lower case, a blank and the value on each line. */
export function parseSshConfig(question: ConfigQuestion, text: string): SshConfig {
  const values = new Map<string, string[]>();
  for (const line of text.split('\n')) {
    const at = line.indexOf(' ');
    if (at <= 0) continue;
    const keyword = line.slice(0, at).toLowerCase();
    values.set(keyword, [...(values.get(keyword) ?? []), line.slice(at + 1)]);
  }
  const one = (keyword: string): string | undefined => {
    const value = values.get(keyword)?.[0];
    return value === undefined || value === '' || value === 'none' ? undefined : value;
  };
  const need = (keyword: string): string => {
    // Not by `one`: a user or a host may be called "none".
    const value = values.get(keyword)?.[0];
    if (value === undefined || value === '') throw badConfig(question, `there is no "${keyword}" in OpenSSH's answer.`);
    return value;
  };
  const number = (keyword: string): number => {
    const value = Number(need(keyword));
    if (!Number.isInteger(value) || value < 0) throw badConfig(question, `"${keyword}" is not a number.`);
    return value;
  };
  const flag = (keyword: string, otherwise: boolean): boolean => {
    const value = one(keyword);
    if (value === undefined) return otherwise;
    if (value === 'yes' || value === 'true' || value === 'unbound' || value === 'host-bound') return true;
    if (value === 'no' || value === 'false') return false;
    throw badConfig(question, `"${keyword}" is neither yes nor no but "${value}".`);
  };

  const { alias, configFile } = question;
  const base = { alias, hostName: need('hostname'), port: number('port'), user: need('user') };
  const hostKeyAlias = one('hostkeyalias');
  const expand = tokenExpander({
    ...base,
    hostKeyAlias,
    homeFolder: question.homeFolder,
    jump: one('proxyjump') ?? '',
  });
  const path = (value: string): string => expandTilde(expand(value), question.homeFolder);
  const timeout = one('connecttimeout');
  const aliveInterval = Number(one('serveraliveinterval') ?? 0);
  return {
    ...base,
    configFile,
    hostKeyAlias,
    addressFamily: one('addressfamily') === 'inet' ? 4 : one('addressfamily') === 'inet6' ? 6 : 0,
    bindAddress: one('bindaddress'),
    identityFiles: (values.get('identityfile') ?? []).filter((value) => value !== 'none').map(path),
    identitiesOnly: flag('identitiesonly', false),
    identityAgent: parseAgent(values.get('identityagent')?.[0], path),
    proxy: parseProxy(one('proxyjump'), one('proxycommand'), expand, question),
    userKnownHostsFiles: splitPaths(one('userknownhostsfile')).map(path),
    globalKnownHostsFiles: splitPaths(one('globalknownhostsfile')).map(path),
    hashKnownHosts: flag('hashknownhosts', false),
    hostKeyAlgorithms: (one('hostkeyalgorithms') ?? '').split(',').filter((name) => name !== ''),
    strictHostKeyChecking: ['yes', 'true'].includes(one('stricthostkeychecking') ?? 'ask') ? 'yes' : 'ask',
    connectTimeoutMs: timeout === undefined ? undefined : Number(timeout) * 1000,
    keepAlive:
      aliveInterval > 0
        ? { intervalMs: aliveInterval * 1000, count: Number(one('serveralivecountmax') ?? 3) }
        : undefined,
    methods: {
      publicKey: flag('pubkeyauthentication', true),
      password: flag('passwordauthentication', true),
      keyboardInteractive: flag('kbdinteractiveauthentication', true),
    },
    preferredMethods: one('preferredauthentications')?.split(','),
    passwordPrompts: Number(one('numberofpasswordprompts') ?? 3),
    batchMode: flag('batchmode', false),
    updateHostKeys: one('updatehostkeys') === 'ask' ? 'ask' : flag('updatehostkeys', false) ? 'yes' : 'no',
    controlPath: one('controlpath'),
    keywords: values,
  };
}

function parseAgent(value: string | undefined, path: (value: string) => string): SshConfig['identityAgent'] {
  if (value === undefined || value === 'SSH_AUTH_SOCK' || value === '$SSH_AUTH_SOCK') return { kind: 'default' };
  return value === 'none' ? { kind: 'none' } : { kind: 'socket', path: path(value) };
}

function parseProxy(
  jump: string | undefined,
  command: string | undefined,
  expand: (value: string) => string,
  question: ConfigQuestion,
): Proxy {
  if (jump !== undefined) return { kind: 'jump', hops: jump.split(',').map((hop) => parseJump(hop.trim(), question)) };
  return command === undefined ? { kind: 'none' } : { kind: 'command', commandLine: expand(command) };
}

/** `[user@]host[:port]`, or `ssh://[user@]host[:port]`, the host in brackets where it is an IPv6 address. */
function parseJump(hop: string, question: ConfigQuestion): Jump {
  const match = /^(?:ssh:\/\/)?(?:(.+)@)?(?:\[([^\]]+)\]|([^:@/]+))(?::(\d+))?\/?$/.exec(hop);
  const alias = match?.[2] ?? match?.[3];
  if (match === null || alias === undefined) throw badConfig(question, `"${hop}" in ProxyJump is not a host.`);
  return { alias, user: match[1], port: match[4] === undefined ? undefined : Number(match[4]) };
}

/** OpenSSH prints a list of files with blanks between them and does not quote blanks inside: a path begins with / or ~. */
function splitPaths(value: string | undefined): string[] {
  const paths: string[] = [];
  for (const piece of (value ?? '').split(' ').filter((part) => part !== '')) {
    const last = paths.length - 1;
    if (last >= 0 && !/^[/~%]/.test(piece) && piece !== 'none') paths[last] = `${paths[last] ?? ''} ${piece}`;
    else paths.push(piece);
  }
  return paths.filter((file) => file !== 'none');
}

function expandTilde(path: string, homeFolder: string): string {
  return path === '~' || path.startsWith('~/') ? homeFolder + path.slice(1) : path;
}

interface TokenFacts {
  readonly alias: string;
  readonly hostName: string;
  readonly port: number;
  readonly user: string;
  readonly hostKeyAlias: string | undefined;
  readonly homeFolder: string;
  readonly jump: string;
}

function tokenExpander(facts: TokenFacts): (value: string) => string {
  const local = hostname();
  const connection = `${local}${facts.hostName}${facts.port}${facts.user}${facts.jump}`;
  const table: Readonly<Record<string, string>> = {
    '%': '%',
    C: createHash('sha1').update(connection).digest('hex'),
    d: facts.homeFolder,
    h: facts.hostName,
    i: String(userInfo().uid),
    j: facts.jump,
    k: facts.hostKeyAlias ?? facts.alias,
    L: local.split('.')[0] ?? local,
    l: local,
    n: facts.alias,
    p: String(facts.port),
    r: facts.user,
    u: userInfo().username,
  };
  return (value) => value.replaceAll(/%(.)/g, (token, letter: string) => table[letter] ?? token);
}

/** The home folder that OpenSSH uses. */
export function openSshHome(): string {
  return userInfo().homedir || homedir();
}
