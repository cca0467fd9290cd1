/** A followed job for people: a line for each phase as it ends, one live line on a terminal, the figures at the end. */
import type { ErrorRecord } from '../shared/base/errors.ts';
import type { RunEvent } from '../shared/domain/events.ts';
import type { Job } from '../shared/domain/job.ts';
import type { JobResult } from '../shared/domain/verbs/verbs.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import type { FollowEnd, FollowWatcher } from './follow.ts';
import { renderError } from './render/error.ts';
import { renderEvent } from './render/event.ts';
import { LiveLine } from './render/live-line.ts';
import type { Paint } from './render/text.ts';
import type { Terminal } from './surroundings.ts';
import { describeRequest, renderResult, shownVerb } from './verbs.ts';

export class TextWatcher implements FollowWatcher, Disposable {
  readonly #terminal: Terminal;
  readonly #paint: Paint;
  readonly #quiet: boolean;
  readonly #live: LiveLine;

  constructor(terminal: Terminal, paint: Paint, quiet: boolean) {
    this.#terminal = terminal;
    this.#paint = paint;
    this.#quiet = quiet;
    this.#live = new LiveLine(terminal, !quiet);
  }

  begin(job: Job, alreadyRunning: boolean): void {
    if (this.#quiet) return;
    this.#live.counts = shownVerb(job.request).counts ?? 'files';
    const verb = alreadyRunning ? 'is running already; following it' : 'started';
    this.#terminal.out(`${this.#paint('bold', `Job ${job.id}`)}  ${describeRequest(job.request)} ${verb}\n`);
  }

  onEvent(event: RunEvent): void {
    const line = renderEvent(event, this.#paint);
    if (line?.trouble === true) this.#live.above(() => this.#terminal.err(line.text));
    else if (line !== undefined && !this.#quiet) this.#live.above(() => this.#terminal.out(line.text));
    this.#live.update(event);
  }

  onCancelling(): void {
    this.#note('Cancelling, and waiting for the clean-up. Ctrl-C again leaves that to the process of the job.');
  }

  onCancelFailed(error: ErrorRecord): void {
    this.#live.above(() => this.#terminal.err(renderError(error, this.#paint)));
  }

  end(job: Job, end: FollowEnd, exitCode: ExitCode): void {
    this.#live[Symbol.dispose]();
    if (end.kind === 'left') {
      this.#terminal.err(
        `Job ${job.id} continues in its own process. Follow it with: stillpoint jobs ${job.id} --follow\n`,
      );
      return;
    }
    if (end.result !== undefined) this.#result(job, end.result, exitCode);
    if (end.error !== undefined) this.#terminal.err(renderError(end.error, this.#paint));
    else if (end.outcome !== 'succeeded') this.#terminal.err(`Job ${job.id} ended without a reason: ${end.outcome}.\n`);
  }

  [Symbol.dispose](): void {
    this.#live[Symbol.dispose]();
  }

  /** Quietly, a plan is still what was asked for, and findings are what went wrong: cron mails them. */
  #result(job: Job, result: JobResult, exitCode: ExitCode): void {
    const text = renderResult(result, this.#paint);
    const isPlan = shownVerb(result).isPlan?.(result) === true;
    if (!this.#quiet || isPlan) this.#terminal.out(text);
    else if (exitCode === EXIT.findings || exitCode === EXIT.partial)
      this.#terminal.err(`${describeRequest(job.request)}\n${text}`);
  }

  #note(text: string): void {
    this.#live.above(() => this.#terminal.err(`${text}\n`));
  }
}
