/**
 * One question to several repositories, one after the other, because each may have to ask a person for its password.
 * One that cannot be asked does not keep the others from answering; it is named beside their answers, and whoever asked
 * decides whether they suffice without it. Where it is the only one, its error is the answer.
 */
import { abortable, deadline } from '../base/cancel.ts';
import { isStillpointError, StillpointError } from '../base/errors.ts';
import type { RepositorySpec } from '../domain/source.ts';
import type { PointReader } from '../repository/point-reader.ts';
import type { RepositoryShelf } from './repository-shelf.ts';

export interface Unavailable {
  readonly spec: RepositorySpec;
  readonly error: StillpointError;
  /** It was asked, and could not read all of it. */
  readonly isPartly?: boolean;
}

export interface Answers<T> {
  readonly answers: readonly { readonly spec: RepositorySpec; readonly value: T }[];
  readonly unavailable: readonly Unavailable[];
}

export interface Asking<T> {
  readonly shelf: RepositoryShelf;
  readonly ask: (repository: PointReader, signal: AbortSignal) => Promise<T>;
  /** Whether the rest need not be asked any more; default: never. */
  readonly isEnough?: (value: T) => boolean;
  /** All that the answer is to be taken from, where these are only some of them. */
  readonly among?: readonly RepositorySpec[];
  /** How long one is waited for; default: until it has answered or failed. */
  readonly patienceMs?: (spec: RepositorySpec) => number | undefined;
}

export async function askRepositories<T>(
  specs: readonly RepositorySpec[],
  { shelf, ask, isEnough = () => false, among = specs, patienceMs = () => undefined }: Asking<T>,
  signal: AbortSignal,
): Promise<Answers<T>> {
  const answers: { spec: RepositorySpec; value: T }[] = [];
  const unavailable: Unavailable[] = [];
  for (const spec of specs) {
    let isOpen = false;
    try {
      const value = await within(patienceMs(spec), signal, (limited) =>
        shelf.use(spec, limited, (repository) => {
          isOpen = true;
          return ask(repository, limited);
        }),
      );
      answers.push({ spec, value });
      if (isEnough(value)) break;
    } catch (error) {
      signal.throwIfAborted();
      if (among.length === 1 || !isStillpointError(error)) throw error;
      if (isOpen && isAnswer(error)) throw withOthers(error, spec, among);
      unavailable.push({ spec, error });
    }
  }
  return { answers, unavailable };
}

async function within<T>(
  ms: number | undefined,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  if (ms === undefined) return work(signal);
  using limit = deadline(signal, ms, () => noAnswer(ms));
  return await abortable(work(limit.signal), limit.signal);
}

function noAnswer(ms: number): StillpointError {
  const advice = 'No source that fits is backed up to it, so it was not waited for any longer.';
  return new StillpointError('backend.failed', `It gave no answer within ${ms / 1000} seconds.`, {
    advice,
    cause: undefined,
  });
}

/** What a repository says of what it was asked about, and not of itself. */
function isAnswer({ code }: StillpointError): boolean {
  return code === 'repository.ambiguous-point' || code === 'repository.damaged' || code.startsWith('usage.');
}

/** The same error, with the way to ask without the repository that it comes from. */
function withOthers(error: StillpointError, spec: RepositorySpec, asked: readonly RepositorySpec[]): StillpointError {
  const others = asked.filter((other) => other !== spec).map(({ name }) => `"${name}"`);
  return new StillpointError(error.code, error.message, {
    advice: `${error.advice} To ask without "${spec.name}", name another repository: ${others.join(', ')}.`,
    details: error.details,
    cause: error,
    retry: error.retry,
  });
}
