/** A secret from where it is kept: a file, what a command prints, or a person. Nothing of it is written anywhere. */
import { open } from 'node:fs/promises';
import { ExecaError, execa } from 'execa';
import { abortable } from '../base/cancel.ts';
import { StillpointError, systemErrorCode } from '../base/errors.ts';
import { registerSecret } from '../base/log.ts';
import type { RepositoryName } from '../domain/names.ts';
import type { Prompter, Question, QuestionIdentity } from '../domain/prompter.ts';
import type { SecretWarning } from '../domain/repository-access.ts';

/** One secret, and where it is kept. */
export interface SecretPlace {
  readonly repository: RepositoryName;
  readonly kind: 'repository-password' | 'store-secret';
  /** What it opens, whatever the repository is called. */
  readonly opens: string;
  /** "password", "secret key". */
  readonly word: string;
  /** "password of the repository "main"", for messages. */
  readonly what: string;
  readonly question: string;
  readonly file: string | undefined;
  readonly command: readonly string[] | undefined;
  /** The keys of the configuration that say it, and the one they stand in, where that is not the repository's entry. */
  readonly keys: { readonly file: string; readonly command: string; readonly inside?: 's3' | 'rest' };
  /** What to do where the file is not there; default: to create it. */
  readonly withoutFile?: string;
}

export interface ResolvedSecret {
  readonly value: string;
  readonly from: 'file' | 'command' | 'person';
  /** What a person should know about how it is kept. */
  readonly warning: SecretWarning | undefined;
}

/** A command that asks the user, such as pinentry, needs its time; one that hangs must not hang us forever. */
const COMMAND_BUDGET_MS = 120_000;
/** More than this is some other file. */
const MAX_BYTES = 64 * 1024;

/** Errors: `config.secret-unavailable`, or the signal's reason. */
export async function resolveSecret(
  place: SecretPlace,
  prompter: Prompter,
  signal: AbortSignal,
): Promise<ResolvedSecret> {
  signal.throwIfAborted();
  const resolved = await fromItsPlace(place, prompter, signal);
  if (resolved.value === '') throw emptySecret(place, resolved.from);
  registerSecret(resolved.value);
  return resolved;
}

function emptySecret(place: SecretPlace, from: ResolvedSecret['from']): StillpointError {
  const [why, advice] = {
    file: [`is empty: nothing is in "${place.file}"`, `Write the ${place.word} there.`],
    command: [
      `is empty: the command "${place.command?.[0]}" printed nothing`,
      `Run the "${place.keys.command}" of the configuration by hand and see what it says.`,
    ],
    person: ['is empty', `Do the same again and type the ${place.word}.`],
  }[from] as [string, string];
  return secretUnavailable(place, why, advice, undefined);
}

async function fromItsPlace(place: SecretPlace, prompter: Prompter, signal: AbortSignal): Promise<ResolvedSecret> {
  if (place.file !== undefined) return secretFromFile(place, place.file);
  if (place.command !== undefined) return fromCommand(place, place.command, signal);
  const { question: text, keys } = place;
  const question: Question = { ...identityOf(place), text, echo: false };
  const value = await abortable(prompter.ask(question, signal), signal);
  if (value !== undefined) return { value, from: 'person', warning: undefined };
  const where = `${keys.inside === undefined ? '' : `"${keys.inside}" of `}the repository's entry`;
  const advice = `Write "${keys.file}" or "${keys.command}" into ${where} in the configuration.`;
  throw secretUnavailable(place, 'is not in the configuration and was not given', advice, undefined, true);
}

export function identityOf({ kind, repository, opens }: SecretPlace): QuestionIdentity {
  return { kind, subject: repository, key: opens };
}

export async function secretFromFile(place: SecretPlace, path: string): Promise<ResolvedSecret> {
  let content: Buffer;
  let mode: number;
  try {
    await using file = await open(path, 'r');
    const stat = await file.stat();
    if (!stat.isFile() && !stat.isFIFO())
      throw secretUnavailable(place, `cannot be read: "${path}" is not a file`, 'Name a file.', undefined);
    mode = stat.mode;
    const buffer = Buffer.alloc(MAX_BYTES + 1);
    const { bytesRead } = await file.read(buffer);
    content = buffer.subarray(0, bytesRead);
  } catch (cause) {
    if (cause instanceof StillpointError) throw cause;
    const [why, advice] =
      systemErrorCode(cause) === 'ENOENT'
        ? [`there is no file "${path}"`, place.withoutFile ?? 'Create the file, readable for you alone.']
        : [
            `"${path}" is refused (${systemErrorCode(cause) ?? String(cause)})`,
            'Make it readable for the user who runs this.',
          ];
    throw secretUnavailable(place, `cannot be read: ${why}`, advice, cause);
  }
  const value = decode(place, content, `the file "${path}"`);
  const exposed = (mode & 0o044) !== 0;
  return {
    value,
    from: 'file',
    warning: exposed
      ? {
          code: 'config.secret-exposed',
          message: `Others on this machine can read the ${place.word} file "${path}".`,
          advice: `Run: chmod 600 ${JSON.stringify(path)}`,
        }
      : undefined,
  };
}

async function fromCommand(
  place: SecretPlace,
  [program = '', ...args]: readonly string[],
  signal: AbortSignal,
): Promise<ResolvedSecret> {
  try {
    const { stdout } = await execa(program, args, {
      cancelSignal: signal,
      timeout: COMMAND_BUDGET_MS,
      maxBuffer: MAX_BYTES,
      encoding: 'buffer',
      stripFinalNewline: false,
      // Asking at the terminal is up to the program, which opens it by itself; its standard input is not ours to lend.
      stdin: 'ignore',
    });
    return {
      value: decode(place, Buffer.from(stdout), `what "${program}" printed`),
      from: 'command',
      warning: undefined,
    };
  } catch (cause) {
    signal.throwIfAborted();
    if (!(cause instanceof ExecaError)) throw cause;
    // The output may hold the password, so nothing of it is passed on, and neither is the error that carries it.
    const [why, advice = `Run the "${place.keys.command}" of the configuration by hand and see what it says.`] =
      whyNoOutput(cause, place);
    // At a terminal it may ask, or find a key ring that is open.
    throw secretUnavailable(place, `is to come from the command "${program}", which ${why}`, advice, undefined, true);
  }
}

type Failed = Pick<ExecaError, 'timedOut' | 'isMaxBuffer' | 'exitCode' | 'code' | 'signal'>;

function whyNoOutput(cause: Failed, { keys, word }: SecretPlace): readonly [why: string, advice?: string] {
  if (cause.timedOut) return [`took more than ${COMMAND_BUDGET_MS / 1000} s`];
  if (cause.isMaxBuffer) return [`printed more than a ${word} can be`];
  if (cause.exitCode !== undefined) return [`ended with exit code ${cause.exitCode}`];
  const why = `cannot be run (${cause.code ?? cause.signal ?? 'unknown'})`;
  if (cause.code === 'ENOENT') {
    const example = `"${keys.command}": ["pass", "show", "backup"]`;
    return [
      why,
      `There is no such program. Write each word as a text of its own, as in ${example}; no shell reads "~", "$" or "|".`,
    ];
  }
  if (cause.code !== 'EACCES') return [why];
  return [why, 'Name a program that may be run by the user who runs this.'];
}

/**
 * As restic reads password files and the output of password commands: white space around it, and a mark of the order of
 * bytes, are not part of it.
 */
function decode(place: SecretPlace, content: Buffer, what: string): string {
  const text = content.toString('utf8');
  if (content.length > MAX_BYTES || !Buffer.from(text, 'utf8').equals(content)) {
    throw secretUnavailable(
      place,
      `is not text or is far too long in ${what}`,
      `Keep the ${place.word} there and nothing else.`,
      undefined,
    );
  }
  return text.replace(/^\ufeff/, '').replace(AROUND, '');
}

/** What Go's strings.TrimSpace takes away. */
const AROUND =
  /^[\t-\r \u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+|[\t-\r \u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+$/g;

/** `personHelps`: doing the same at a terminal may succeed, because a person can answer there. */
export function secretUnavailable(
  place: SecretPlace,
  why: string,
  advice: string,
  cause: unknown,
  personHelps = false,
): StillpointError {
  return new StillpointError('config.secret-unavailable', `The ${place.what} ${why}.`, {
    advice,
    details: { repository: place.repository, ...(personHelps ? { personHelps } : {}) },
    cause,
  });
}
