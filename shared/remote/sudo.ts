/**
 * Becoming root on a host. The way is found once per host, before anything that needs it is started.
 *
 * A password goes to sudo over standard input, and only after sudo printed the random prompt that we gave it: where
 * sudo asks nothing, the password would reach the shell behind it. `-k` makes sudo ask although it asked lately, so
 * that one account behaves alike on every channel. The first use of a password is alone with the end of the stream
 * behind it, so a wrong one costs one failed attempt and no more.
 */
import { randomBytes } from 'node:crypto';
import { StillpointError } from '../base/errors.ts';
import { lastLines } from './host-errors.ts';

/** How we become root on a host: we log in as root, sudo asks nothing, or sudo asks for a password. */
export type SudoMode = 'none' | 'passwordless' | 'password';

export type RootWay =
  | { readonly kind: 'direct' }
  | { readonly kind: 'passwordless' }
  | { readonly kind: 'password'; readonly password: string };

/** What the search needs from the host. */
export interface SudoDesk {
  readonly host: string;
  readonly mode: SudoMode;
  /** The account that we are logged in as. */
  whoAmI(): Promise<Account>;
  /** Runs a command line to its end, giving the password when sudo asks for it, and the end of the stream then. */
  tell(commandLine: string, answer: SudoAnswer | undefined): Promise<Told>;
  /** Asks the person; undefined when there is nobody, or nobody wants to. */
  askPassword(account: string, text: string): Promise<GivenPassword | undefined>;
}

export interface GivenPassword {
  readonly password: string;
  /** Tells what became of it. */
  settle(outcome: 'proved' | 'refused'): void;
}

export interface Account {
  readonly uid: number;
  readonly name: string;
}

export interface SudoAnswer {
  readonly prompt: string;
  readonly password: string;
}

export interface Told {
  readonly code: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
  /** How often our prompt came. */
  readonly prompts: number;
}

const PASSWORD_ATTEMPTS = 3;

/** No quotes and no variables: the login shell may be any shell. */
export const USER_COMMAND_LINE = 'exec env -i LC_ALL=C /bin/sh -s';
export const PASSWORDLESS_COMMAND_LINE = 'exec env LC_ALL=C sudo -n -- /bin/sh -s';

export function passwordCommandLine(prompt: string): string {
  return `exec env LC_ALL=C sudo -S -k -p ${prompt} -- /bin/sh -s`;
}

export function createPrompt(): string {
  return `stillpoint-${randomBytes(16).toString('hex')}`;
}

/** Finds how to be root, or throws `remote.sudo-refused` with what the administrator has to write where. */
export async function findRootWay(desk: SudoDesk): Promise<RootWay> {
  const account = await desk.whoAmI();
  if (account.uid === 0) return { kind: 'direct' };
  if (desk.mode === 'none') throw notRoot(desk.host, account);
  const silent = await desk.tell('exec env LC_ALL=C sudo -n -k -- /bin/sh -s', undefined);
  if (silent.code === 0) {
    await refuseRecording(desk, account, await desk.tell('exec env LC_ALL=C sudo -n -l', undefined));
    return { kind: 'passwordless' };
  }
  if (desk.mode === 'passwordless') throw refused(desk.host, account, silent);
  if (!/password is required/.test(silent.stderr)) throw refused(desk.host, account, silent);
  return await findPassword(desk, account);
}

async function findPassword(desk: SudoDesk, account: Account): Promise<RootWay> {
  for (let attempt = 1; ; attempt += 1) {
    const again = attempt === 1 ? '' : ' (the last one was wrong)';
    const given = await desk.askPassword(account.name, `sudo password of "${account.name}" on "${desk.host}"${again}`);
    if (given === undefined) throw nobodyKnows(desk.host, account);
    const { password } = given;
    const prompt = createPrompt();
    const told = await desk.tell(passwordCommandLine(prompt), { prompt, password });
    if (told.code === 0) {
      given.settle('proved');
      const list = createPrompt();
      const rights = await desk.tell(`exec env LC_ALL=C sudo -S -k -p ${list} -l`, { prompt: list, password });
      await refuseRecording(desk, account, rights);
      return { kind: 'password', password };
    }
    if (told.prompts < 2) throw refused(desk.host, account, told);
    given.settle('refused');
    if (attempt === PASSWORD_ATTEMPTS) throw wrongPassword(desk.host, account);
  }
}

/** sudo that records input and output would copy every byte that we read into a log on the host. */
async function refuseRecording(desk: SudoDesk, account: Account, rights: Told): Promise<void> {
  const defaults = /Matching Defaults entries[^]*?\n\n/.exec(rights.stdout)?.[0] ?? '';
  const recording = /(?:^|[\s,])(log_(?:output|input|stdin|stdout))\b/.exec(defaults)?.[1];
  if (recording === undefined) return;
  throw new StillpointError(
    'remote.sudo-refused',
    `sudo on "${desk.host}" records what "${account.name}" runs ("${recording}").`,
    {
      advice: `Nothing was started, because the whole backup would be copied into that record. Add "Defaults:${account.name} !log_output, !log_input" to the sudoers of the host with visudo.`,
      details: { host: desk.host, user: account.name, option: recording },
      cause: undefined,
    },
  );
}

function refused(host: string, account: Account, told: Told): StillpointError {
  return sudoRefused(
    host,
    account,
    `sudo on "${host}" refuses "${account.name}".`,
    told.stderr,
    adviceFor(account, told),
  );
}

function adviceFor(account: Account, told: Told): string {
  const said = told.stderr;
  const line = `"${account.name} ALL=(root) NOPASSWD: /bin/sh -s"`;
  const edit =
    'to /etc/sudoers.d/stillpoint on the host with "visudo -f /etc/sudoers.d/stillpoint" (this makes the account root: keep its key safe)';
  if (/must have a tty|terminal is required to run/.test(said)) {
    return `Add "Defaults:${account.name} !requiretty" ${edit}.`;
  }
  if (/password is required|terminal is required/.test(said)) {
    return `sudo wants a password. Add ${line} ${edit}, or set "sudo" to "password" for this host.`;
  }
  if (/not found|No such file|Unknown command/i.test(said) || told.code === 127) {
    return 'sudo is not there. Install it on the host, or log in as root.';
  }
  if (/not in the sudoers|may not run sudo|not allowed to execute|not allowed to run/.test(said)) {
    return `Add ${line} ${edit}.`;
  }
  return `See why on the host with "sudo -n /bin/sh -s </dev/null" as "${account.name}". The line ${line} would let it.`;
}

function wrongPassword(host: string, account: Account): StillpointError {
  const message = `sudo on "${host}" refused ${PASSWORD_ATTEMPTS} passwords of "${account.name}".`;
  return sudoRefused(
    host,
    account,
    message,
    '',
    'Nothing was started. Wait if the account locks after failures, then try again.',
  );
}

function nobodyKnows(host: string, account: Account): StillpointError {
  const message = `sudo on "${host}" wants the password of "${account.name}", and nobody gave it.`;
  return sudoRefused(
    host,
    account,
    message,
    '',
    `Run it where a person can answer, or add "${account.name} ALL=(root) NOPASSWD: /bin/sh -s" to the sudoers of the host with visudo and set "sudo" to "passwordless".`,
  );
}

function notRoot(host: string, account: Account): StillpointError {
  const message = `This needs root on "${host}", and we are logged in as "${account.name}" without sudo.`;
  return sudoRefused(
    host,
    account,
    message,
    '',
    'Nothing was started. Set "sudo" to "passwordless" or "password" for this host, or log in as root.',
  );
}

function sudoRefused(host: string, account: Account, fact: string, stderr: string, advice: string): StillpointError {
  return new StillpointError('remote.sudo-refused', `${fact}${lastLines(stderr)}`, {
    advice,
    details: { host, user: account.name },
    cause: undefined,
  });
}

/** sudo did not come as far as the shell in the middle of our work: its rights or the password changed. */
export function rootLost(host: string, stderr: string): StillpointError {
  return new StillpointError(
    'remote.sudo-refused',
    `sudo on "${host}" no longer lets us act as root.${lastLines(stderr)}`,
    {
      advice:
        'This step was not started. See whether the sudoers of the host or the password changed; what was armed on the host earlier still cleans up.',
      details: { host },
      cause: undefined,
    },
  );
}

/** Where sudo does not ask, what reads our input may be anything, so the password is not sent. */
export function sudoSilent(host: string, printed: string, seconds: number): StillpointError {
  return new StillpointError(
    'remote.sudo-refused',
    `sudo on "${host}" did not ask for the password within ${seconds} s.${lastLines(printed)}`,
    {
      advice:
        'The password was not sent. If sudo no longer asks this account, set "sudo" to "passwordless" for this host; otherwise see how busy the host is.',
      details: { host },
      cause: undefined,
    },
  );
}
