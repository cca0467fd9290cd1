/**
 * What has to be asked, and where a job's secrets come from. A person answers here, in the shell that they look at;
 * a runner is given the answers through its pipe and never asks. What was refused is forgotten, so that it is asked
 * again and not repeated.
 */
import { isStillpointError } from '../base/errors.ts';
import type { Configuration } from '../config/configuration.ts';
import { findRepository, findSource, hostSpec } from '../config/look-up.ts';
import type { JobRequest } from '../domain/job.ts';
import type { RepositoryName } from '../domain/names.ts';
import type { HostSpec, RepositorySpec } from '../domain/source.ts';
import type { AnswerBook, Handover } from '../jobs/answers.ts';
import { type OpenHostPorts, openHost } from '../jobs/open-host.ts';
import { type ResolvedPassword, resolvePassword } from '../jobs/repository-password.ts';
import type { RemoteCommand } from '../remote/command.ts';
import type { RemoteHost } from '../remote/remote-host.ts';

export interface PeoplePorts extends Omit<OpenHostPorts, 'prompter'> {
  readonly book: AnswerBook;
}

/** Asks for root's rights and does nothing with them. */
const BE_ROOT: RemoteCommand<void> = {
  name: 'be-root',
  script: ':',
  args: [],
  needs: 'root',
  budgetMs: 60_000,
  repeatable: true,
  parse: () => undefined,
};

export async function withHost<T>(
  spec: HostSpec,
  { book, ...ports }: PeoplePorts,
  signal: AbortSignal,
  work: (host: RemoteHost) => Promise<T>,
): Promise<T> {
  try {
    await using host = await openHost(spec, { ...ports, prompter: book.attempt() }, signal);
    return await work(host);
  } catch (error) {
    if (isStillpointError(error, 'ssh.auth-failed') || isStillpointError(error, 'remote.sudo-refused')) {
      book.forget(spec.name);
    }
    throw error;
  }
}

export async function passwordOf(
  spec: RepositorySpec,
  { book, logger }: PeoplePorts,
  signal: AbortSignal,
): Promise<ResolvedPassword> {
  const resolved = await resolvePassword(spec, book.attempt(), signal);
  const { warning } = resolved;
  if (warning !== undefined) logger.log('warn', warning.message, { code: warning.code, advice: warning.advice });
  return resolved;
}

/** What a job touches. Errors: `config.unknown-…`. */
export function placesOf(
  request: JobRequest,
  configuration: Configuration,
): { readonly host: HostSpec | undefined; readonly repository: RepositorySpec | undefined } {
  const repository = (name: RepositoryName): RepositorySpec => findRepository(configuration, name);
  switch (request.kind) {
    case 'backup': {
      const source = findSource(configuration, request.source);
      return { host: hostSpec(configuration, source.host), repository: repository(source.repository) };
    }
    case 'sweep':
      return { host: hostSpec(configuration, request.host), repository: undefined };
    case 'restore':
    case 'check':
    case 'verify':
      return { host: undefined, repository: repository(request.repository) };
  }
}

/**
 * Gathers what the runner will be asked. With a person at hand, the way to the host is gone once beforehand: what it
 * asks is asked now, and what is wrong with it is said now.
 */
export async function gatherHandover(
  { host, repository }: ReturnType<typeof placesOf>,
  ports: PeoplePorts,
  signal: AbortSignal,
  tryPassword: (spec: RepositorySpec, signal: AbortSignal) => Promise<void>,
): Promise<Handover> {
  // What is typed may be mistyped, so it is tried at once; what comes from a file is proved by the job a moment later.
  const isTyped = repository?.passwordFile === undefined && repository?.passwordCommand === undefined;
  if (repository !== undefined && isTyped) await tryPassword(repository, signal);
  const password = repository && (await passwordOf(repository, ports, signal));
  if (host !== undefined && ports.book.hasPerson) {
    await withHost(host, ports, signal, async (opened) => {
      if (host.sudo === 'password') await opened.run(BE_ROOT, signal);
    });
  }
  return {
    answers: host === undefined ? [] : ports.book.about(host.name),
    repositoryPasswords: repository && password ? { [repository.name]: password.value } : {},
    warnings: password?.warning === undefined ? [] : [password.warning],
  };
}
