/**
 * What a verb tells, on its way into the job's log: progress is thinned out to what an eye can follow, secrets are
 * taken out of texts that foreign programs had a part in, and the record follows the phases. Nothing in here throws
 * into the pipeline.
 */
import type { Clock } from '../base/clock.ts';
import type { ErrorRecord } from '../base/errors.ts';
import { redact, redactValue } from '../base/log.ts';
import type { RunEventBody } from '../domain/events.ts';
import type { EventLogWriter } from './event-log.ts';

/** At most four times a second. */
const PROGRESS_EVERY_MS = 250;

type ProgressEvent = Extract<RunEventBody, { type: 'progress' }>;

export class JobEvents implements Disposable {
  readonly #log: EventLogWriter;
  readonly #clock: Clock;
  readonly #onWritten: (event: RunEventBody) => void;
  #lastProgressMs = Number.NEGATIVE_INFINITY;
  #pending: ProgressEvent | undefined;
  #timer: NodeJS.Timeout | undefined;
  #cleanupFailed = false;

  constructor(log: EventLogWriter, clock: Clock, onWritten: (event: RunEventBody) => void) {
    this.#log = log;
    this.#clock = clock;
    this.#onWritten = onWritten;
  }

  get cleanupFailed(): boolean {
    return this.#cleanupFailed;
  }

  readonly emit = (event: RunEventBody): void => {
    if (event.type === 'progress') return this.#progress(event);
    if (event.type === 'cleanup-failed') this.#cleanupFailed = true;
    // The last count of a phase belongs before its end.
    if (event.type === 'phase-finished') this.flush();
    this.#write(event);
  };

  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const pending = this.#pending;
    this.#pending = undefined;
    if (pending === undefined) return;
    this.#lastProgressMs = this.#clock.monotonicMs();
    this.#write(pending);
  }

  #progress(event: ProgressEvent): void {
    this.#pending = event;
    const wait = this.#lastProgressMs + PROGRESS_EVERY_MS - this.#clock.monotonicMs();
    if (wait <= 0) this.flush();
    else this.#timer ??= setTimeout(() => this.flush(), wait);
  }

  #write(event: RunEventBody): void {
    if (this.#log.append(withoutSecrets(event))) this.#onWritten(event);
  }

  [Symbol.dispose](): void {
    this.flush();
  }
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
