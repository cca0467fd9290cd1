/**
 * What has to be asked, and where a job's secrets come from. A person answers here, in the shell that they look at;
 * a runner is given the answers through its pipe and never asks. What was refused is forgotten, so that it is asked
 * again and not repeated.
 */

import type { AnswerBook } from '../access/answers.ts';
import { type OpenHostPorts, openHost } from '../access/open-host.ts';
import type { OpenRepositoryPorts } from '../access/open-repository.ts';
import type { RepositorySecrets } from '../access/repository-secrets.ts';
import { asksPerson, resolvePassword, resolveStoreSecret, secretQuestions } from '../access/repository-secrets.ts';
import type { ResolvedSecret } from '../access/secret-place.ts';
import { isStillpointError } from '../base/errors.ts';
import type { Prompter, Question, QuestionIdentity } from '../domain/prompter.ts';
import type { HostSpec, RepositorySpec } from '../domain/source.ts';
import type { Handover } from '../jobs/handover.ts';
import type { Places } from '../jobs/places.ts';
import type { RemoteCommand } from '../remote/command.ts';
import type { RemoteHost } from '../remote/remote-host.ts';

export interface PeoplePorts extends Omit<OpenHostPorts, 'prompter'> {
  readonly book: AnswerBook;
}

/** How often a person may mistype the password of a repository. */
const PASSWORD_ATTEMPTS = 3;

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
  await using host = await openHost(spec, { ...ports, prompter: book.attempt() }, signal);
  return await work(host);
}

/** Opens a repository with what the people here say on the way to its host. */
async function withLogins<T>(
  { book, ...ports }: PeoplePorts,
  open: (ports: OpenRepositoryPorts) => Promise<T>,
): Promise<T> {
  return await open({ ...ports, patience: 'question', login: () => book.attempt() });
}

/** Everything that opens a repository, and what there is to say about how it is kept. */
interface GatheredSecrets {
  readonly secrets: RepositorySecrets;
  /** Whether a person gave the password or the store's secret, so that it may be mistyped. */
  readonly typed: { readonly password: boolean; readonly store: boolean };
  readonly warnings: readonly NonNullable<ResolvedSecret['warning']>[];
}

/** Errors: `config.secret-unavailable`, or the signal's reason. */
async function secretsOf(
  spec: RepositorySpec,
  { book, logger }: PeoplePorts,
  signal: AbortSignal,
  wrong?: QuestionIdentity['kind'],
): Promise<GatheredSecrets> {
  const prompter = sayingWhyAgain(book.attempt(), wrong);
  const store = await resolveStoreSecret(spec, prompter, signal);
  const password = await resolvePassword(spec, prompter, signal);
  const warnings = [store, password].flatMap((resolved) => resolved?.warning ?? []);
  for (const { message, code, advice } of warnings) logger.log('warn', message, { code, advice });
  return {
    secrets: { password: password.value, ...(store === undefined ? {} : { store: store.value }) },
    typed: { password: password.from === 'person', store: store?.from === 'person' },
    warnings,
  };
}

/** A question that comes again says why, as those on the way to a host do. */
function sayingWhyAgain(prompter: Prompter, wrong: QuestionIdentity['kind'] | undefined): Prompter {
  const worded = (question: Question): Question =>
    question.kind === wrong
      ? { ...question, text: `${question.text.replace(/:$/, '')} (the last one was wrong):` }
      : question;
  return { ...prompter, ask: (question, signal) => prompter.ask(worded(question), signal) };
}

/** Tells the people here what became of the secrets that opened a repository, or did not. */
function settleSecrets(
  spec: RepositorySpec,
  { book }: PeoplePorts,
  outcomes: { readonly [which in 'password' | 'store']?: 'proved' | 'refused' },
): void {
  const questions = secretQuestions(spec);
  for (const which of ['password', 'store'] as const) {
    const question = questions[which];
    const outcome = outcomes[which];
    if (question !== undefined && outcome !== undefined) book.settle(question, outcome);
  }
}

/** Opens a repository with its secrets; what a person mistyped is asked for again, at once: no wait would mend it. */
export async function openWithSecrets<T>(
  spec: RepositorySpec,
  people: PeoplePorts,
  signal: AbortSignal,
  open: (secrets: RepositorySecrets, ports: OpenRepositoryPorts) => Promise<T>,
): Promise<T> {
  let wrong: QuestionIdentity['kind'] | undefined;
  for (let attempt = 1; ; attempt += 1) {
    const { secrets, typed } = await secretsOf(spec, people, signal, wrong);
    try {
      const opened = await withLogins(people, (ports) => open(secrets, ports));
      settleSecrets(spec, people, { password: 'proved', store: 'proved' });
      return opened;
    } catch (error) {
      const isPassword = isStillpointError(error, 'repository.wrong-password');
      if (!isPassword && !isStillpointError(error, 'backend.denied')) throw error;
      // A store that showed us a repository took what we said to it.
      settleSecrets(spec, people, isPassword ? { password: 'refused', store: 'proved' } : { store: 'refused' });
      if (!(isPassword ? typed.password : typed.store) || attempt === PASSWORD_ATTEMPTS) throw error;
      wrong = isPassword ? 'repository-password' : 'store-secret';
    }
  }
}

/** Makes a repository whose password a person chooses now; what they said to an earlier question was for that one. */
export async function createWithSecrets<T>(
  spec: RepositorySpec,
  people: PeoplePorts,
  signal: AbortSignal,
  create: (secrets: RepositorySecrets, ports: OpenRepositoryPorts) => Promise<T>,
): Promise<T> {
  people.book.forget(spec.name);
  const { secrets } = await secretsOf(spec, people, signal);
  const created = await withLogins(people, (ports) => create(secrets, ports));
  settleSecrets(spec, people, { password: 'proved', store: 'proved' });
  return created;
}

/**
 * Gathers what the runner will be asked. With a person at hand, the way to the host, and to the host of a repository,
 * is gone once beforehand: what it asks is asked now, and what is wrong with it is said now.
 */
export async function gatherHandover(
  { host, repositories, keeper }: Places,
  ports: PeoplePorts,
  signal: AbortSignal,
  trySecrets: (spec: RepositorySpec, signal: AbortSignal) => Promise<void>,
): Promise<Handover> {
  // What is typed may be mistyped, so it is tried at once; what comes from a file is proved by the job a moment later.
  const gathered = new Map<string, GatheredSecrets>();
  for (const repository of repositories) {
    const mayAsk = repository.sshHost !== undefined && ports.book.hasPerson;
    if (mayAsk || asksPerson(repository)) await trySecrets(repository, signal);
    gathered.set(repository.name, await secretsOf(repository, ports, signal));
  }
  if (host !== undefined && ports.book.hasPerson) {
    await withHost(host, ports, signal, async (opened) => {
      if (host.sudo === 'password') await opened.run(BE_ROOT, signal);
    });
  }
  if (keeper !== undefined && ports.book.hasPerson) await withHost(keeper, ports, signal, async () => undefined);
  const hosts = new Set([host?.name, keeper?.name, ...repositories.map(({ sshHost }) => sshHost?.name)]);
  // A file may serve several repositories
  const warnings = [...gathered.values()].flatMap((one) =>
    one.warnings.map((warning) => [warning.message, warning] as const),
  );
  return {
    answers: [...hosts].flatMap((name) => (name === undefined ? [] : ports.book.about(name))),
    repositorySecrets: Object.fromEntries([...gathered].map(([name, { secrets }]) => [name, secrets])),
    warnings: [...new Map(warnings).values()],
  };
}
