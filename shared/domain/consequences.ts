/**
 * What the end of a job means, computed from what it did: one place for all ends and all shells. Sentences for people, in
 * the order of what matters most: the data, of which the definition of the verb speaks, then the host.
 *
 * Nothing is said that the facts do not hold; where an answer is missing, that is said. So no error has to guess what
 * it means for the whole, and what to do next is all that its advice says.
 */
import { type ErrorRecord, StillpointError, toStillpointError } from '../base/errors.ts';
import type { HostFacts, RunFacts } from './run-facts.ts';
import { firstOf } from './store-ends.ts';
import { type JobRequest, verbOf } from './verbs/verbs.ts';

/** For a job whose process never came to its work. */
export const NOT_BEGUN = 'The job had not begun.';

/** For a job that did not come to its end. */
export function consequencesOf(request: JobRequest, facts: RunFacts): string[] {
  return [...verbOf(request).aboutData(request, facts), ...aboutHost(facts.host)];
}

/** An error at the end of a job: what happened, what it means, what to do next. */
export function withConsequences(error: ErrorRecord, consequences: readonly string[]): ErrorRecord {
  return { ...error, advice: [...consequences, error.advice].filter((text) => text !== '').join(' ') };
}

/** The same for an error on its way to the caller. */
export function errorWithConsequences(error: unknown, consequences: readonly string[]): StillpointError {
  const { code, message, advice, details, retry } = toStillpointError(error);
  const means = withConsequences({ code, message, advice, details }, consequences);
  return new StillpointError(code, message, { advice: means.advice, details, retry, cause: error });
}

function aboutHost(host: HostFacts | undefined): string[] {
  return host === undefined ? [] : [...aboutRun(host), ...aboutSweep(host)];
}

function aboutRun({ host, run, state, snapshotsMade, isKeeping, sweep, swept }: HostFacts): string[] {
  switch (state) {
    case 'untouched':
      return sweep === 'done' && swept.length === 0 ? [`Nothing was changed on "${host}".`] : [];
    case 'released':
      return [
        snapshotsMade === 0 || isKeeping === true
          ? `Nothing ${isKeeping === true ? 'else ' : ''}of the run is left on "${host}".`
          : `${snapshotsMade === 1 ? 'Its snapshot' : 'Its snapshots'} on "${host}" ${snapshotsMade === 1 ? 'was' : 'were'} removed.`,
      ];
    case 'left':
      return [
        `Something of the run ${run} may be left on "${host}"; its watchman there, and the next job, try to remove it.`,
      ];
    case 'held':
      return [`What the run ${run} made on "${host}" is removed by the next job there, or when its lease ends.`];
  }
}

function aboutSweep({ host, sweep, swept }: HostFacts): string[] {
  if (sweep === 'unknown')
    return [`It is unknown what of earlier runs was removed from "${host}"; the next job there looks.`];
  return swept.length === 0 ? [] : [`It had removed what earlier runs left on "${host}": ${firstOf(swept)}.`];
}
