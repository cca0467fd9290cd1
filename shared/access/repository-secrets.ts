/**
 * The secrets of a repository: its own password, and what its store asks for. They are resolved in the shell that starts
 * something, where a key ring or a terminal can be reached, and given to a runner through its pipe.
 */
import { realpath } from 'node:fs/promises';
import { abortable } from '../base/cancel.ts';
import { StillpointError } from '../base/errors.ts';
import { registerSecret } from '../base/log.ts';
import type { Prompter, Question, QuestionIdentity } from '../domain/prompter.ts';
import type { NewPassword } from '../domain/repository-access.ts';
import type { RepositorySpec } from '../domain/source.ts';
import {
  identityOf,
  type ResolvedSecret,
  resolveSecret,
  type SecretPlace,
  secretFromFile,
  secretUnavailable,
} from './secret-place.ts';

export interface RepositorySecrets {
  readonly password: string;
  /** What the store of the repository asks for. */
  readonly store?: string | undefined;
}

/** Errors: `config.secret-unavailable`, or the signal's reason. */
export function resolvePassword(
  repository: RepositorySpec,
  prompter: Prompter,
  signal: AbortSignal,
): Promise<ResolvedSecret> {
  return resolveSecret(passwordPlace(repository), prompter, signal);
}

/**
 * What the store asks for before it shows the repository's files; undefined where it asks for nothing, or where that is
 * found without us: in the location, or where the AWS tools keep it. Errors: as above.
 */
export async function resolveStoreSecret(
  repository: RepositorySpec,
  prompter: Prompter,
  signal: AbortSignal,
): Promise<ResolvedSecret | undefined> {
  const place = storeSecretPlace(repository);
  return place && (await resolveSecret(place, prompter, signal));
}

function storeSecretPlace(repository: RepositorySpec): SecretPlace | undefined {
  const { name, location, place, store } = repository;
  const about = { repository: name, kind: 'store-secret' } as const;
  if (place.kind === 's3' && store.s3?.accessKeyId !== undefined) {
    const { accessKeyId, secretKeyFile, secretKeyCommand } = store.s3;
    return {
      ...about,
      opens: `${accessKeyId} at ${location}`,
      word: 'secret key',
      what: `secret key "${accessKeyId}" of the store of the repository "${name}"`,
      question: `Secret key of "${accessKeyId}" for "${location}":`,
      file: secretKeyFile,
      command: secretKeyCommand,
      keys: { file: 'secretKeyFile', command: 'secretKeyCommand', inside: 's3' },
    };
  }
  const user = place.kind === 'rest' ? (place.user ?? store.rest?.user) : undefined;
  if (place.kind !== 'rest' || user === undefined || place.password !== undefined) return undefined;
  return {
    ...about,
    opens: `${user} at ${location}`,
    word: 'password',
    what: `password of "${user}" at the server of the repository "${name}"`,
    question: `Password of "${user}" for "${location}":`,
    file: store.rest?.passwordFile,
    command: store.rest?.passwordCommand,
    keys: { file: 'passwordFile', command: 'passwordCommand', inside: 'rest' },
  };
}

/**
 * A password that is to open the repository from now on. Errors: `config.secret-unavailable`; `usage.invalid` where it would be
 * the one that opens it already.
 */
export async function resolveNewPassword(
  repository: RepositorySpec,
  source: NewPassword,
  prompter: Prompter,
  signal: AbortSignal,
): Promise<Pick<ResolvedSecret, 'value' | 'warning'>> {
  if (source.from === 'file') await refuseOwnFile(repository, source.path);
  const text = `New password for the repository "${repository.name}":`;
  const question: Question = {
    kind: 'new-repository-password',
    subject: repository.name,
    key: repository.location,
    text,
    echo: false,
  };
  const place: SecretPlace = {
    ...passwordPlace(repository),
    what: `new ${passwordPlace(repository).what}`,
    withoutFile: 'Name a file that holds the new password, readable for you alone, or name none and type it.',
  };
  const { value, warning } =
    source.from === 'file'
      ? await secretFromFile(place, source.path)
      : { value: await abortable(prompter.ask(question, signal), signal), warning: undefined };
  if (value === undefined || value === '') {
    const from = source.from === 'file' ? `: nothing is in "${source.path}"` : '';
    const why = value === '' ? `is empty${from}` : 'was not given';
    throw secretUnavailable(place, why, 'Type one at a terminal, or name a file that holds it.', undefined);
  }
  registerSecret(value);
  return { value, warning };
}

/** By what the two names lead to: one may be a link to the other. */
async function refuseOwnFile({ name, passwordFile }: RepositorySpec, path: string): Promise<void> {
  if (passwordFile === undefined) return;
  const [own, given] = await Promise.all([passwordFile, path].map((each) => realpath(each).catch(() => each)));
  if (own !== given) return;
  throw new StillpointError(
    'usage.invalid',
    `"${path}" is the file from which the configuration takes the password that opens "${name}" now: the new password would be the old one.`,
    {
      advice: `Write the new password into another file and name that one; when the key is changed, put the new password into "${passwordFile}".`,
      details: { repository: name, path },
      cause: undefined,
    },
  );
}

/** The questions by which a person gives the secrets of a repository. */
export function secretQuestions(
  repository: RepositorySpec,
): Readonly<Record<'password' | 'store', QuestionIdentity | undefined>> {
  const store = storeSecretPlace(repository);
  return { password: identityOf(passwordPlace(repository)), store: store && identityOf(store) };
}

/** Whether one of the secrets is written nowhere, so that a person has to give it. */
export function asksPerson(repository: RepositorySpec): boolean {
  const places = [passwordPlace(repository), storeSecretPlace(repository)];
  return places.some((place) => place !== undefined && place.file === undefined && place.command === undefined);
}

function passwordPlace({ name, location, passwordFile, passwordCommand }: RepositorySpec): SecretPlace {
  return {
    repository: name,
    kind: 'repository-password',
    opens: location,
    word: 'password',
    what: `password of the repository "${name}"`,
    question: `Password of the repository "${name}" in "${location}":`,
    file: passwordFile,
    command: passwordCommand,
    keys: { file: 'passwordFile', command: 'passwordCommand' },
  };
}
