/**
 * What a host answered from the first look at it until its snapshots were mounted. A run that is taken up goes the same way
 * again with these answers instead of the host's, and so arrives at the same plan, the same snapshots and the same proofs, by the
 * code that made them. Where it asks anything else than it did then, because the program is another one by now, it cannot be
 * taken up.
 */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { Clock } from '../../base/clock.ts';
import { StillpointError } from '../../base/errors.ts';
import { type RunId, runId } from '../../domain/names.ts';
import type { CommandOutput, RemoteCommand, RemoteScript } from '../../remote/command.ts';
import type { RemoteHost } from '../../remote/remote-host.ts';

export interface Tape {
  /** The same host, whose short answers are noted, or are those that were. */
  host(host: RemoteHost): RemoteHost;
  /** Likewise for what our own clocks showed meanwhile. What was waited for is not waited for again. */
  readonly clock: Clock;
  /** Whether what happens has happened before. */
  readonly isPlayed: boolean;
}

/** Nothing is noted. */
export const untaped = (clock: Clock): Tape => ({ clock, isPlayed: false, host: (host) => host });

const recordingSchema = z.object({
  version: z.literal(1),
  run: z.string().transform(runId),
  answers: z.array(
    z.object({ name: z.string(), mark: z.string(), exitCode: z.int(), stdout: z.base64(), stderr: z.string() }),
  ),
  readings: z.array(z.object({ now: z.number(), monotonic: z.number() })),
});
type Recording = z.infer<typeof recordingSchema>;
type Answer = Recording['answers'][number];

/** Which question it was: all that reaches the host. */
function markOf({ script, args, needs }: RemoteScript): string {
  const hash = createHash('sha256').update(needs);
  for (const part of [script, ...args]) hash.update(`\0${Buffer.byteLength(part)}\0`).update(part);
  return hash.digest('hex');
}

export class RecordingTape implements Tape {
  readonly isPlayed = false;
  readonly #answers: Answer[] = [];
  readonly #readings: Recording['readings'] = [];
  readonly clock: Clock;

  constructor(clock: Clock) {
    const read = () => {
      const reading = { now: clock.now().getTime(), monotonic: clock.monotonicMs() };
      this.#readings.push(reading);
      return reading;
    };
    this.clock = clockOf(read, (ms, signal) => clock.sleep(ms, signal));
  }

  host(host: RemoteHost): RemoteHost {
    const run = <T>(command: RemoteCommand<T>, signal: AbortSignal): Promise<T> => {
      const parse = (output: CommandOutput): T => {
        const value = command.parse(output);
        const { exitCode, stdout, stderr } = output;
        const mark = markOf(command);
        this.#answers.push({ name: command.name, mark, exitCode, stdout: stdout.toString('base64'), stderr });
        return value;
      };
      return host.run({ ...command, parse }, signal);
    };
    return { ...streamsOf(host), run };
  }

  encode(run: RunId): Buffer {
    const recording = { version: 1, run, answers: this.#answers, readings: this.#readings };
    return Buffer.from(JSON.stringify(recording));
  }
}

export class PlayedTape implements Tape {
  readonly isPlayed = true;
  readonly run: RunId;
  readonly clock: Clock;
  readonly #answers = new Map<string, Answer[]>();

  private constructor({ run, answers, readings }: Recording) {
    this.run = run;
    for (const answer of answers) {
      const same = this.#answers.get(answer.mark);
      if (same === undefined) this.#answers.set(answer.mark, [answer]);
      else same.push(answer);
    }
    const left = [...readings];
    const read = () => {
      const reading = left.shift();
      if (reading === undefined) throw asksMore('looks at the clock more often');
      return reading;
    };
    this.clock = clockOf(read, async (_ms, signal) => signal.throwIfAborted());
  }

  /** Errors: `job.cannot-resume`. */
  static parse(text: Buffer): PlayedTape {
    const { data } = recordingSchema.safeParse(parseJson(text));
    if (data === undefined) throw asksMore('has another form');
    return new PlayedTape(data);
  }

  host(host: RemoteHost): RemoteHost {
    const run = async <T>(command: RemoteCommand<T>, signal: AbortSignal): Promise<T> => {
      signal.throwIfAborted();
      const answer = this.#answers.get(markOf(command))?.shift();
      if (answer === undefined) throw asksMore(`asks "${command.name}" as it did not before`);
      const { exitCode, stdout, stderr } = answer;
      return command.parse({ exitCode, stdout: Buffer.from(stdout, 'base64'), stderr });
    };
    return { ...streamsOf(host), run };
  }
}

const streamsOf = (host: RemoteHost): Omit<RemoteHost, 'run'> => ({
  name: host.name,
  stream: (command, input, signal) => host.stream(command, input, signal),
  [Symbol.asyncDispose]: () => host[Symbol.asyncDispose](),
});

/** @param read both clocks at once */
function clockOf(read: () => { readonly now: number; readonly monotonic: number }, sleep: Clock['sleep']): Clock {
  return { now: () => new Date(read().now), monotonicMs: () => read().monotonic, sleep };
}

function parseJson(text: Buffer): unknown {
  try {
    return JSON.parse(text.toString('utf8'));
  } catch {
    return undefined;
  }
}

function asksMore(how: string): StillpointError {
  return new StillpointError(
    'job.cannot-resume',
    `What the run had noted of its host does not fit this version of Stillpoint: it ${how}.`,
    { advice: 'Start the backup again.', cause: undefined },
  );
}
