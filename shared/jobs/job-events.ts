/**
 * What a verb reports, on its way into the job's log: what only counts is thinned out to what an eye can follow, secrets
 * are taken out of texts that foreign programs had a part in, the record follows the phases, and the facts of the run
 * are gathered from all of it, also from what a full disk kept out of the log. Nothing in here throws into the pipeline.
 */
import type { Clock } from '../base/clock.ts';
import type { ErrorRecord } from '../base/errors.ts';
import { redact, redactValue } from '../base/log.ts';
import type { RunEventBody } from '../domain/events.ts';
import { foldFacts } from '../domain/fold-facts.ts';
import { NO_FACTS, type RunFacts } from '../domain/run-facts.ts';
import type { EventLogWriter } from './event-log.ts';

/** At most four times a second. */
const COUNTS_EVERY_MS = 250;

export class JobEvents implements Disposable {
  readonly #log: EventLogWriter;
  readonly #clock: Clock;
  readonly #onWritten: (event: RunEventBody) => void;
  #lastCountsMs = Number.NEGATIVE_INFINITY;
  /** The newest of each kind of count. */
  readonly #pending = new Map<string, RunEventBody>();
  #timer: NodeJS.Timeout | undefined;
  #facts: RunFacts = NO_FACTS;

  constructor(log: EventLogWriter, clock: Clock, onWritten: (event: RunEventBody) => void) {
    this.#log = log;
    this.#clock = clock;
    this.#onWritten = onWritten;
  }

  get facts(): RunFacts {
    return this.#facts;
  }

  readonly emit = (event: RunEventBody): void => {
    const clean = withoutSecrets(event);
    this.#facts = foldFacts(this.#facts, clean);
    const count = countOf(clean);
    if (count !== undefined) return this.#countLater(count, clean);
    // The last count of a phase belongs before its end.
    if (clean.type === 'phase-finished') this.flush();
    this.#write(clean);
  };

  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#pending.size === 0) return;
    this.#lastCountsMs = this.#clock.monotonicMs();
    const events = [...this.#pending.values()];
    this.#pending.clear();
    for (const event of events) this.#write(event);
  }

  #countLater(count: string, event: RunEventBody): void {
    this.#pending.set(count, event);
    const wait = this.#lastCountsMs + COUNTS_EVERY_MS - this.#clock.monotonicMs();
    if (wait <= 0) this.flush();
    else this.#timer ??= setTimeout(() => this.flush(), wait);
  }

  #write(event: RunEventBody): void {
    if (this.#log.append(event)) this.#onWritten(event);
  }

  [Symbol.dispose](): void {
    this.flush();
  }
}

/** Of what it is a count, where a newer one takes its place. */
function countOf(event: RunEventBody): string | undefined {
  if (event.type === 'progress') return 'progress';
  return event.type === 'store-changed' ? `store ${event.repository}` : undefined;
}

function withoutSecrets(event: RunEventBody): RunEventBody {
  if (event.type === 'warning') return { ...event, message: redact(event.message), advice: redact(event.advice) };
  if (event.type === 'cleanup-failed') return { ...event, error: errorWithoutSecrets(event.error) };
  return event;
}

export function errorWithoutSecrets(error: ErrorRecord): ErrorRecord {
  return {
    code: error.code,
    message: redact(error.message),
    advice: redact(error.advice),
    details: redactValue(error.details) as ErrorRecord['details'],
  };
}
