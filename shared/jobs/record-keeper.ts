/** A runner's writes to its job's record, one after the other: when the job starts, at each phase, and for its run. */
import { isDeepStrictEqual } from 'node:util';
import type { Clock } from '../base/clock.ts';
import type { RunEventBody } from '../domain/events.ts';
import type { RunId } from '../domain/names.ts';
import type { JobStore } from './job-store.ts';
import type { JobRecord } from './records.ts';
import type { RunPlace } from './run-register.ts';

export class RecordKeeper {
  readonly #store: JobStore;
  #record: JobRecord;
  #written: Promise<void> = Promise.resolve();

  constructor(store: JobStore, record: JobRecord) {
    this.#store = store;
    this.#record = record;
  }

  /** What the record says of start and phase is for show; the log and the end are what counts. A failure stops nothing. */
  follow(event: RunEventBody, clock: Clock): void {
    const record = { ...this.#record };
    if (event.type === 'job-started') record.startedAt = clock.now().toISOString();
    if (event.type === 'phase-started') record.phase = event.phase;
    if (event.type === 'lease-released') this.#then(() => this.#store.markReleased(record.id)).catch(() => undefined);
    const save = isDeepStrictEqual(record, this.#record) ? () => this.#store.touch() : () => this.#store.save(record);
    this.#record = record;
    this.#then(save).catch(() => undefined);
  }

  /** On disk when it resolves. Errors: `job.store-unusable`. */
  begin(id: RunId, place: RunPlace): Promise<void> {
    this.#record = { ...this.#record, run: { id, ...place } };
    const record = this.#record;
    return this.#then(async () => {
      await this.#store.unmarkReleased(record.id);
      await this.#store.save(record);
    });
  }

  /** It has none any more. Errors: `job.store-unusable`. */
  forgetRun(): Promise<void> {
    const { run: _, ...record } = this.#record;
    this.#record = record;
    return this.#then(() => this.#store.save(record));
  }

  settled(): Promise<void> {
    return this.#written;
  }

  #then(write: () => Promise<void>): Promise<void> {
    const done = this.#written.then(write);
    this.#written = done.catch(() => undefined);
    return done;
  }
}
