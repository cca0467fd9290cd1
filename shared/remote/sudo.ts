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

export type RootAccess =
  | { readonly kind: 'direct' }
  | { readonly kind: 'passwordless' }
  | { readonly kind: 'password'; readonly password: string };

/** What the search needs from the host. */
export interface SudoPorts {
  readonly host: string;
  readonly mode: SudoMode;
  /** The account that we are logged in as. */
  whoAmI(): Promise<Account>;
  /** Runs a command line to its end, giving the password when sudo asks for it, and the trial script then. */
  run(commandLine: string, answer: SudoAnswer | undefined): Promise<SudoOutput>;
  /** False where no person can be asked: then sudo is not started only to be left waiting. */
  readonly mayAsk: boolean;
  /** Asks the person; undefined when there is none, or the person declines. */
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
  /** Of the account whose password sudo wants; undefined when it is not given, and then sudo is not started. */
  password(whose: string): Promise<string | undefined>;
}

export interface SudoOutput {
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

/** sudo puts the name of the account whose password it wants in place of `%p`. */
export function passwordCommandLine(prompt: string): string {
  return `exec env LC_ALL=C sudo -S -k -p ${prompt}:%p: -- /bin/sh -s`;
}

function listCommandLine(prompt: string): string {
  return `exec env LC_ALL=C sudo -S -k -p ${prompt}:%p: -l`;
}

/** Whose password a prompt of ours asks for, in what sudo printed. */
export function whosePassword(stderr: string, prompt: string): string {
  const from = stderr.lastIndexOf(`${prompt}:`) + prompt.length + 1;
  return stderr.slice(from, stderr.indexOf(':', from));
}

/**
 * sudo-rs frames our prompt so. It reads ahead: what follows a password in the same moment is lost with it (0.2.5), and
 * it ends the line when it has read.
 */
export function isSudoRs(stderr: string, prompt: string): boolean {
  return stderr.includes(`[sudo: ${prompt}`);
}

/** Shows that a program can be started in the shell; exit code 126 where it cannot. */
export const TRIAL_SCRIPT = 'env true\n';

export function createPrompt(): string {
  return `stillpoint-${randomBytes(16).toString('hex')}`;
}

/** Finds how to be root, or throws `remote.sudo-refused` with what the administrator has to write where. */
export async function findRootAccess(ports: SudoPorts): Promise<RootAccess> {
  const account = await ports.whoAmI();
  if (account.uid === 0) return { kind: 'direct' };
  if (ports.mode === 'none') throw notRoot(ports.host, account);
  const silent = await ports.run('exec env LC_ALL=C sudo -n -k -- /bin/sh -s', undefined);
  if (!wantsPassword(silent)) {
    // Also where it failed: a sudo that cannot write its record runs nothing.
    refuseRecording(ports.host, account, await ports.run('exec env LC_ALL=C sudo -n -l', undefined));
    if (silent.code === 0) return { kind: 'passwordless' };
  }
  if (ports.mode === 'passwordless' || !wantsPassword(silent)) throw await refused(ports, account, silent);
  if (!ports.mayAsk) throw nobodyKnows(ports.host, account);
  return await findPassword(ports, account);
}

/** sudo, and sudo-rs. */
function wantsPassword({ stderr }: SudoOutput): boolean {
  return /password is required|interactive authentication is required/.test(stderr);
}

/** sudo is started first and says whose password it wants: `rootpw` and `targetpw` ask for another one. */
async function findPassword(ports: SudoPorts, account: Account): Promise<RootAccess> {
  for (let attempt = 1; ; attempt += 1) {
    const again = attempt === 1 ? '' : ' (the last one was wrong)';
    let given: GivenPassword | undefined;
    const prompt = createPrompt();
    const output = await ports.run(passwordCommandLine(prompt), {
      prompt,
      async password(whose) {
        const words =
          whose === account.name
            ? `sudo password of "${whose}" on "${ports.host}"${again}`
            : `Password of "${whose}", which sudo on "${ports.host}" wants from "${account.name}"${again}`;
        given = await ports.askPassword(whose, words);
        return given?.password;
      },
    });
    if (given === undefined)
      throw output.prompts > 0 ? nobodyKnows(ports.host, account) : await refused(ports, account, output);
    const { password } = given;
    if (output.code === 0) {
      given.settle('proved');
      const list = createPrompt();
      const rights = await ports.run(listCommandLine(list), {
        prompt: list,
        password: () => Promise.resolve(password),
      });
      refuseRecording(ports.host, account, rights);
      return { kind: 'password', password };
    }
    if (output.prompts < 2) {
      if (isExecForbidden(output)) given.settle('proved');
      throw await refused(ports, account, output);
    }
    given.settle('refused');
    if (attempt === PASSWORD_ATTEMPTS) throw wrongPassword(ports.host, account);
  }
}

/** sudo that records input and output would copy every byte that we read into a log on the host. */
function refuseRecording(host: string, account: Account, rights: SudoOutput): void {
  const defaults = /Matching Defaults entries[^]*?\n\n/.exec(rights.stdout)?.[0] ?? '';
  const recording = /(?:^|[\s,])(log_(?:output|input|stdin|stdout))\b/.exec(defaults)?.[1];
  if (recording === undefined) return;
  throw new StillpointError(
    'remote.sudo-refused',
    `sudo on "${host}" records what "${account.name}" runs ("${recording}").`,
    {
      advice: `The whole backup would be copied into that record. Add "Defaults:${account.name} !log_output, !log_input" to the sudoers of the host with visudo.`,
      details: { host, user: account.name, option: recording },
      cause: undefined,
    },
  );
}

async function refused(ports: SudoPorts, account: Account, output: SudoOutput): Promise<StillpointError> {
  const isMissing = output.code === 127;
  const hasDoas = isMissing && (await ports.run('exec env LC_ALL=C doas -L', undefined)).code !== 127;
  const fact = isMissing
    ? `There is no sudo on "${ports.host}" for "${account.name}".`
    : isExecForbidden(output)
      ? `sudo on "${ports.host}" lets "${account.name}" start a shell, but no program in it (NOEXEC).`
      : `sudo on "${ports.host}" refuses "${account.name}".`;
  return sudoRefused(ports.host, account, fact, output.stderr, adviceFor(account, output, hasDoas));
}

/** The shell ran, and could not start the program that we had it start. */
function isExecForbidden({ code, stderr }: SudoOutput): boolean {
  return code === 126 && /(?:^|\s)env: (?:Permission denied|Operation not permitted)/im.test(stderr);
}

function adviceFor(account: Account, output: SudoOutput, hasDoas: boolean): string {
  const said = output.stderr;
  const line = `"${account.name} ALL=(root) NOPASSWD: /bin/sh -s"`;
  const edit =
    'to /etc/sudoers.d/stillpoint on the host with "visudo -f /etc/sudoers.d/stillpoint" (this makes the account root: keep its key safe)';
  if (isExecForbidden(output)) {
    return `Take "NOEXEC:" from its rule in the sudoers of the host, or add "Defaults:${account.name} !noexec" with visudo.`;
  }
  if (/must have a tty|terminal is required to run/.test(said)) {
    return `Add "Defaults:${account.name} !requiretty" ${edit}.`;
  }
  if (wantsPassword(output) || /terminal is required/.test(said)) {
    return `sudo wants a password. Add ${line} ${edit}, or set "sudo" to "password" for this host.`;
  }
  if (output.code === 127) {
    return hasDoas
      ? 'The host has doas instead, which Stillpoint does not use: it can neither be given a prompt nor read a password from us. Install sudo (or sudo-rs) beside it, or log in as root.'
      : 'Install sudo (or sudo-rs) on the host, or log in as root.';
  }
  if (BROKEN.test(said))
    return 'sudo itself does not work there: its file must belong to root, have the setuid bit and be executable, and be allowed new privileges (not in every container). Repair it, on Debian with "apt-get install --reinstall sudo", or log in as root.';
  if (NOT_ALLOWED.test(said)) return `Add ${line} ${edit}.`;
  return `See why on the host with "sudo -n /bin/sh -s </dev/null" as "${account.name}". The line ${line} would let it.`;
}

/** Words of sudo, of sudo-rs and of the shell about a sudo that could help nobody. */
const BROKEN =
  /must be owned by uid 0|setuid|effective uid is not 0|no new privileges|env: .?sudo.?: Permission denied/i;

/** sudo, and the last one is sudo-rs. */
const NOT_ALLOWED =
  /not in the sudoers|may not run sudo|not allowed to execute|not allowed to run|I'm sorry .*\. I'm afraid I can't do that/;

function wrongPassword(host: string, account: Account): StillpointError {
  const message = `sudo on "${host}" refused ${PASSWORD_ATTEMPTS} passwords of "${account.name}".`;
  return sudoRefused(host, account, message, '', 'Wait if the account locks after failures, then try again.', true);
}

function nobodyKnows(host: string, account: Account): StillpointError {
  const message = `sudo on "${host}" wants the password of "${account.name}", and it was not given.`;
  return sudoRefused(
    host,
    account,
    message,
    '',
    `Run it where a person can answer, or add "${account.name} ALL=(root) NOPASSWD: /bin/sh -s" to the sudoers of the host with visudo and set "sudo" to "passwordless".`,
    true,
  );
}

function notRoot(host: string, account: Account): StillpointError {
  const message = `This needs root on "${host}", and we are logged in as "${account.name}" without sudo.`;
  return sudoRefused(
    host,
    account,
    message,
    '',
    'Set "sudo" to "passwordless" or "password" for this host, or log in as root.',
  );
}

/** `personHelps`: doing the same at a terminal may succeed, because a person can answer there. */
function sudoRefused(
  host: string,
  account: Account,
  fact: string,
  stderr: string,
  advice: string,
  personHelps = false,
): StillpointError {
  return new StillpointError('remote.sudo-refused', `${fact}${lastLines(stderr)}`, {
    advice,
    details: { host, user: account.name, ...(personHelps ? { personHelps } : {}) },
    cause: undefined,
  });
}

/** sudo did not come as far as the shell in the middle of our work: its rights or the password changed. */
export function rootLost(host: string, stderr: string): StillpointError {
  return new StillpointError(
    'remote.sudo-refused',
    `sudo on "${host}" no longer lets us act as root.${lastLines(stderr)}`,
    {
      advice: 'See whether the sudoers of the host or the password changed.',
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
        'No password was sent. Where sudo wants something else, such as a one-time code or a touch, or no longer asks this account, let it use sudo without a password and set "sudo" to "passwordless" for this host; otherwise see how busy the host is.',
      details: { host },
      cause: undefined,
    },
  );
}
