/**
 * What every command shares: open the façade, do the one thing, print it as text or as JSON, and leave an exit code.
 * Nothing here decides about backups. Every error ends here, once, in one shape.
 */
import { abortable, cancelled } from '../shared/base/cancel.ts';
import { type ErrorRecord, StillpointError, toErrorRecord } from '../shared/base/errors.ts';
import type { Job } from '../shared/domain/job.ts';
import type { PointNote } from '../shared/domain/restore-point.ts';
import type { JobRequest } from '../shared/domain/verbs/verbs.ts';
import type { Stillpoint } from '../shared/stillpoint.ts';
import { fromHere } from './arguments.ts';
import { EXIT, type ExitCode, exitCodeOf, exitCodeOfJob } from './exit-codes.ts';
import type { AskedCommand } from './findings.ts';
import { type FollowEnd, follow } from './follow.ts';
import { JsonWatcher } from './json-watcher.ts';
import { patience } from './patience.ts';
import { renderError } from './render/error.ts';
import { renderNote } from './render/points.ts';
import { coloured, type Paint, plain } from './render/text.ts';
import type { Surroundings } from './surroundings.ts';
import { TextWatcher } from './text-watcher.ts';

export interface GlobalOptions {
  readonly config?: string;
  readonly json?: boolean;
  readonly quiet?: boolean;
}

/** A query's answer: `document` for `--json`, `text` for people. */
export interface Answer {
  readonly document: unknown;
  readonly text: (paint: Paint) => string;
  /** For people beside the answer; `document` has them too. */
  readonly notes?: readonly PointNote[];
}

export type Work<T> = (stillpoint: Stillpoint, signal: AbortSignal) => Promise<T>;

interface ExitLine {
  readonly type: 'exit';
  readonly exitCode: ExitCode;
  readonly error: ErrorRecord;
}

interface NoteLine extends PointNote {
  readonly type: 'note';
}

export class Shell {
  readonly surroundings: Surroundings;
  readonly typed: readonly string[];
  readonly #options: () => GlobalOptions;
  readonly #notes: PointNote[] = [];
  exitCode: ExitCode = EXIT.ok;

  /** @param typed all words of the command line */
  constructor(surroundings: Surroundings, options: () => GlobalOptions, typed: readonly string[]) {
    this.surroundings = surroundings;
    this.typed = typed;
    this.#options = options;
  }

  /** The same, with everything that it prints on standard error. */
  onStandardError(): Shell {
    const { terminal } = this.surroundings;
    const aside = { ...terminal, interactive: false, out: (text: string) => terminal.err(text) };
    return new Shell({ ...this.surroundings, terminal: aside }, this.#options, this.typed);
  }

  /** Does something that prints for itself. */
  act(work: Work<void>): Promise<void> {
    return this.#guarded(work);
  }

  /** Runs a command that asks and prints one answer. */
  async query(
    work: Work<Answer>,
    options: { readonly choosesPassword: boolean } = { choosesPassword: false },
  ): Promise<void> {
    const { json, quiet } = this.#options();
    await this.#guarded(async (stillpoint, signal) => {
      using waiting = new DisposableStack();
      if (this.surroundings.terminal.interactive && json !== true && quiet !== true)
        waiting.use(patience(this.surroundings));
      const answer = await work(stillpoint, signal);
      waiting.dispose();
      this.#print(answer);
    }, options);
  }

  /**
   * A question with an answer of many lines: each is printed as it comes; with `--json`, one object a line. Whoever tells
   * them waits until they are read.
   */
  async stream(
    work: (stillpoint: Stillpoint, signal: AbortSignal, tell: (line: Answer) => Promise<void>) => Promise<Answer>,
  ): Promise<void> {
    await this.#guarded(async (stillpoint, signal) => {
      const tell = async (line: Answer): Promise<void> => {
        this.#printLineOf(line);
        const drained = this.surroundings.terminal.drained();
        if (drained !== undefined) await abortable(drained, signal);
      };
      await tell(await work(stillpoint, signal, tell));
    });
  }

  /** A command that talks with the person before it answers; what is said is no part of the answer. */
  async talk(
    work: (
      stillpoint: Stillpoint,
      signal: AbortSignal,
      say: (text: (paint: Paint) => string) => void,
    ) => Promise<Answer>,
  ): Promise<void> {
    await this.#guarded(async (stillpoint, signal) => {
      const say = (text: (paint: Paint) => string): void => {
        if (!this.isJson) this.surroundings.terminal.out(text(this.#paint()));
      };
      this.#print(await work(stillpoint, signal, say));
    });
  }

  get isQuiet(): boolean {
    return this.#options().quiet === true;
  }

  get isJson(): boolean {
    return this.#options().json === true;
  }

  /** A path as it is typed here; what begins with "~/" is left as it is. */
  fromHere(path: string): string {
    return path.startsWith('~/') ? path : fromHere(this.surroundings, path);
  }

  /** Starts a job and, unless `detach`, follows it to its end. */
  async runJob(request: Work<JobRequest>, options: { readonly detach: boolean }): Promise<void> {
    await this.#guarded(async (stillpoint, signal) => {
      const wanted = await request(stillpoint, signal);
      const notes = this.#notes;
      if (this.#options().json !== true) this.#printNotes(notes);
      else if (!options.detach) for (const note of notes) this.#printLine({ type: 'note', ...note });
      const { job, alreadyRunning } = await stillpoint.startJob(wanted, signal);
      const document = { job, alreadyRunning, ...(notes.length === 0 ? {} : { notes }) };
      if (options.detach) this.#print({ document, text: () => `${job.id}\n` });
      else await this.#follow(stillpoint, job, { alreadyRunning, onInterrupt: 'cancel' });
    });
  }

  /** Follows a job that another shell may have started: Ctrl-C only stops watching. */
  async followJob(find: Work<Job>): Promise<void> {
    await this.#guarded(async (stillpoint, signal) => {
      const job = await find(stillpoint, signal);
      await this.#follow(stillpoint, job, { alreadyRunning: false, onInterrupt: 'leave' });
    });
  }

  /** What is to be said before the job begins that is being asked for; with `--json`, an object a line. */
  note(notes: readonly PointNote[]): void {
    this.#notes.push(...notes);
  }

  /** The command ends well, and what it has found is to be looked at. */
  lookAt(_command: AskedCommand): void {
    this.exitCode = EXIT.findings;
  }

  /** Prints an error in the shape that was asked for and remembers its exit code. */
  report(error: unknown): void {
    const record = toErrorRecord(error);
    this.exitCode = exitCodeOf(record.code);
    const { terminal } = this.surroundings;
    if (this.#options().json === true) this.#printLine({ type: 'exit', exitCode: this.exitCode, error: record });
    else terminal.err(renderError(record, this.#paint()));
  }

  async #guarded(work: Work<void>, { choosesPassword } = { choosesPassword: false }): Promise<void> {
    const { surroundings } = this;
    const controller = new AbortController();
    using _ = surroundings.interrupts.take(() => controller.abort(cancelled('The command')));
    try {
      const { config } = this.#options();
      if (config === '') {
        throw new StillpointError('usage.invalid', '--config names no file.', {
          advice: 'Name the configuration file, or leave --config out.',
          cause: undefined,
        });
      }
      const configFile = config === undefined ? {} : { configFile: this.fromHere(config) };
      await using stillpoint = await surroundings.open({ ...configFile, choosesPassword });
      await work(stillpoint, controller.signal);
    } catch (error) {
      this.report(error);
    }
  }

  async #follow(
    stillpoint: Stillpoint,
    job: Job,
    how: { readonly alreadyRunning: boolean; readonly onInterrupt: 'cancel' | 'leave' },
  ): Promise<void> {
    const { terminal, interrupts } = this.surroundings;
    const options = this.#options();
    using watcher =
      options.json === true
        ? new JsonWatcher(terminal)
        : new TextWatcher(terminal, this.#paint(), options.quiet === true);
    watcher.begin(job, how.alreadyRunning);
    const drained = (): Promise<void> | undefined => terminal.drained();
    const end = await follow(stillpoint, { job, interrupts, watcher, drained, onInterrupt: how.onInterrupt });
    this.exitCode = exitCodeOfEnd(end);
    watcher.end(job, end, this.exitCode);
  }

  #print(answer: Answer): void {
    const { terminal } = this.surroundings;
    if (this.#options().json === true) {
      terminal.out(`${JSON.stringify(answer.document, undefined, 2)}\n`);
      return;
    }
    this.#printNotes(answer.notes ?? []);
    terminal.out(answer.text(this.#paint()));
  }

  #printNotes(notes: readonly PointNote[]): void {
    const isQuiet = this.#options().quiet === true;
    const said = notes.filter(({ severity }) => !isQuiet || severity === 'warning');
    for (const note of said) this.surroundings.terminal.err(renderNote(note, this.#paint()));
  }

  #printLineOf({ document, text }: Answer): void {
    const { terminal } = this.surroundings;
    if (this.#options().json === true) terminal.out(`${JSON.stringify(document)}\n`);
    else terminal.out(text(this.#paint()));
  }

  #printLine(document: ExitLine | NoteLine): void {
    this.surroundings.terminal.out(`${JSON.stringify(document)}\n`);
  }

  #paint(): Paint {
    return this.surroundings.terminal.colour ? coloured : plain;
  }
}

function exitCodeOfEnd(end: FollowEnd): ExitCode {
  return end.kind === 'left' ? EXIT.cancelled : exitCodeOfJob(end.outcome, end.result, end.error?.code, end.facts);
}
