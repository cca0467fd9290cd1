/** Gathers what stands in the way, so that a person sees all of it at once and not one thing a run. */
import { type ErrorRecord, isStillpointError, StillpointError, toErrorRecord } from './errors.ts';

export class Problems {
  /** By message: what is said once need not be said again. */
  readonly #found = new Map<string, StillpointError>();

  /** Runs the work; an error of ours is kept, and then there is no result. Any other error is thrown on. */
  attempt<T>(work: () => T): T | undefined {
    try {
      return work();
    } catch (error) {
      if (!isStillpointError(error)) throw error;
      this.#found.set(error.message, error);
      return undefined;
    }
  }

  /** Throws the only problem as it is; several as one error with the code of the first, a line each, under the heading. */
  throwIfAny(heading: (count: number) => string): void {
    const found = [...this.#found.values()];
    const [first] = found;
    if (first === undefined) return;
    if (found.length === 1) throw first;
    const lines = found.map(lineOf);
    throw new StillpointError(first.code, `${heading(found.length)}:\n${lines.join('\n')}`, {
      advice: 'Fix all of them, then try again.',
      details: { problems: found.map(toErrorRecord) },
      cause: undefined,
    });
  }
}

/**
 * The lines of an error's message. A line break in it may come from a host and is not to be believed; only what is a list
 * of ours has lines: the mistakes of the configuration, and what {@link Problems} gathered, whose lines are made anew
 * from the problems themselves.
 */
export function messageLines({ code, message, details }: ErrorRecord): readonly string[] {
  if (code === 'config.invalid') return message.split('\n');
  const problems: unknown = details['problems'];
  if (!Array.isArray(problems) || !problems.every(isProblem)) return [message];
  const heading = message.slice(0, message.indexOf('\n'));
  return [heading, ...problems.map(lineOf)];
}

const lineOf = ({ message, advice }: Pick<ErrorRecord, 'message' | 'advice'>): string => `  ${message} ${advice}`;

function isProblem(value: unknown): value is ErrorRecord {
  const candidate = value as Partial<ErrorRecord> | null;
  return typeof candidate?.message === 'string' && typeof candidate.advice === 'string';
}
