/**
 * Where the password of a repository comes from: its file, what its command prints, or a person. It is resolved in the
 * shell that starts something, where a key ring or a terminal can be reached, and given to a runner through its pipe.
 */
import { open } from 'node:fs/promises';
import { ExecaError, execa } from 'execa';
import { abortable } from '../base/cancel.ts';
import { StillpointError } from '../base/errors.ts';
import { registerSecret } from '../base/log.ts';
import type { Prompter, Question } from '../domain/prompter.ts';
import type { NewPassword } from '../domain/repository-access.ts';
import type { RepositorySpec } from '../domain/source.ts';
import { errorCode } from './files.ts';

export interface ResolvedPassword {
  readonly value: string;
  readonly from: 'file' | 'command' | 'person';
  /** What a person should know about how it is kept. */
  readonly warning: { readonly code: string; readonly message: string; readonly advice: string } | undefined;
}

/** A command that asks somebody, such as pinentry, needs its time; one that hangs must not hang us for ever. */
const COMMAND_BUDGET_MS = 120_000;
/** More than this is some other file. */
const MAX_BYTES = 64 * 1024;

/** Errors: `config.secret-unavailable`, or the signal's reason. */
export async function resolvePassword(
  repository: RepositorySpec,
  prompter: Prompter,
  signal: AbortSignal,
): Promise<ResolvedPassword> {
  signal.throwIfAborted();
  const resolved = await fromItsPlace(repository, prompter, signal);
  if (resolved.value === '') {
    throw unavailable(repository, 'is empty', 'Write the password there.', undefined);
  }
  registerSecret(resolved.value);
  return resolved;
}

/** A password that is to open the repository from now on. Errors: `config.secret-unavailable`. */
export async function resolveNewPassword(
  repository: RepositorySpec,
  source: NewPassword,
  prompter: Prompter,
  signal: AbortSignal,
): Promise<string> {
  const text = `New password for the repository "${repository.name}":`;
  const question: Question = { kind: 'new-repository-password', subject: repository.name, text, echo: false };
  const value =
    source.from === 'file'
      ? (await fromFile(repository, source.path)).value
      : await abortable(prompter.ask(question, signal), signal);
  if (value === undefined || value === '') {
    const why = value === '' ? 'would be empty' : 'was given by nobody';
    throw unavailable(repository, `is not changed: the new one ${why}`, 'Type one, or name a file with it.', undefined);
  }
  registerSecret(value);
  return value;
}

async function fromItsPlace(
  repository: RepositorySpec,
  prompter: Prompter,
  signal: AbortSignal,
): Promise<ResolvedPassword> {
  const { passwordFile, passwordCommand } = repository;
  if (passwordFile !== undefined) return fromFile(repository, passwordFile);
  if (passwordCommand !== undefined) return fromCommand(repository, passwordCommand, signal);
  const value = await abortable(prompter.ask(passwordQuestion(repository), signal), signal);
  if (value !== undefined) return { value, from: 'person', warning: undefined };
  const advice = `Write "passwordFile" or "passwordCommand" into the repository's entry in the configuration.`;
  throw unavailable(repository, 'is written nowhere, and nobody gave it', advice, undefined);
}

function passwordQuestion(repository: RepositorySpec): Question {
  const text = `Password of the repository "${repository.name}" in "${repository.location}":`;
  return { kind: 'repository-password', subject: repository.name, text, echo: false };
}

async function fromFile(repository: RepositorySpec, path: string): Promise<ResolvedPassword> {
  let content: Buffer;
  let mode: number;
  try {
    await using file = await open(path, 'r');
    const stat = await file.stat();
    if (!stat.isFile() && !stat.isFIFO())
      throw unavailable(repository, `is to be read from "${path}", which is no file`, 'Name a file.', undefined);
    mode = stat.mode;
    const buffer = Buffer.alloc(MAX_BYTES + 1);
    const { bytesRead } = await file.read(buffer);
    content = buffer.subarray(0, bytesRead);
  } catch (cause) {
    if (cause instanceof StillpointError) throw cause;
    const why =
      errorCode(cause) === 'ENOENT' ? 'is not there' : `cannot be read (${errorCode(cause) ?? String(cause)})`;
    throw unavailable(repository, `is in "${path}", which ${why}`, 'Create the file, readable for you alone.', cause);
  }
  const value = decode(repository, content, `the file "${path}"`);
  const exposed = (mode & 0o044) !== 0;
  return {
    value,
    from: 'file',
    warning: exposed
      ? {
          code: 'config.secret-exposed',
          message: `Others on this machine can read the password file "${path}".`,
          advice: `Run: chmod 600 ${JSON.stringify(path)}`,
        }
      : undefined,
  };
}

async function fromCommand(
  repository: RepositorySpec,
  [program = '', ...args]: readonly string[],
  signal: AbortSignal,
): Promise<ResolvedPassword> {
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
      value: decode(repository, Buffer.from(stdout), `what "${program}" printed`),
      from: 'command',
      warning: undefined,
    };
  } catch (cause) {
    signal.throwIfAborted();
    if (!(cause instanceof ExecaError)) throw cause;
    // The output may hold the password, so nothing of it is passed on, and neither is the error that carries it.
    const why = cause.timedOut
      ? `took more than ${COMMAND_BUDGET_MS / 1000} s`
      : cause.exitCode === undefined
        ? `cannot be run (${cause.code ?? cause.signal ?? 'unknown'})`
        : `ended with exit code ${cause.exitCode}`;
    const advice = 'Run the "passwordCommand" of the configuration by hand and see what it says.';
    throw unavailable(repository, `is to come from the command "${program}", which ${why}`, advice, undefined);
  }
}

/** One newline at the end belongs to the file, as editors write it; a second one is part of the password. */
function decode(repository: RepositorySpec, content: Buffer, what: string): string {
  const text = content.toString('utf8');
  if (content.length > MAX_BYTES || !Buffer.from(text, 'utf8').equals(content)) {
    throw unavailable(
      repository,
      `is no text or far too long in ${what}`,
      'Keep the password there and nothing else.',
      undefined,
    );
  }
  return text.replace(/\r?\n$/, '');
}

function unavailable(repository: RepositorySpec, why: string, advice: string, cause: unknown): StillpointError {
  return new StillpointError(
    'config.secret-unavailable',
    `The password of the repository "${repository.name}" ${why}.`,
    { advice: `Nothing was started. ${advice}`, details: { repository: repository.name }, cause },
  );
}
