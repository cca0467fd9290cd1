/**
 * A followed job as NDJSON: `{"type":"job",…}`, then every event as it is stored, then `{"type":"exit",…}`. A reader
 * that sees no `exit` line knows that we died before the end.
 */
import type { ErrorRecord } from '../shared/base/errors.ts';
import type { RunEvent } from '../shared/domain/events.ts';
import type { Job } from '../shared/domain/job.ts';
import type { ExitCode } from './exit-codes.ts';
import type { FollowEnd, FollowWatcher } from './follow.ts';
import type { Terminal } from './surroundings.ts';

export class JsonWatcher implements FollowWatcher, Disposable {
  readonly #terminal: Terminal;

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  begin(job: Job, alreadyRunning: boolean): void {
    this.#line({ type: 'job', job, alreadyRunning });
  }

  onEvent(event: RunEvent): void {
    this.#line(event);
  }

  onCancelling(): void {
    this.#line({ type: 'cancelling' });
  }

  onCancelFailed(error: ErrorRecord): void {
    this.#line({ type: 'cancel-failed', error });
  }

  end(job: Job, end: FollowEnd, exitCode: ExitCode): void {
    if (end.kind === 'left') this.#line({ type: 'exit', exitCode, jobId: job.id, outcome: 'left' });
    else {
      const { outcome, result, error, facts } = end;
      this.#line({ type: 'exit', exitCode, jobId: job.id, outcome, result, error, facts });
    }
  }

  [Symbol.dispose](): void {
    // Nothing is held: every line was complete when it was written.
  }

  #line(document: object): void {
    this.#terminal.out(`${JSON.stringify(document)}\n`);
  }
}
