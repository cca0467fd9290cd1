/** What a command sees of the world outside, so that tests run whole commands without a process or a terminal. */
import type { Stillpoint } from '../shared/stillpoint.ts';
import type { Interrupts } from './interrupts.ts';

export interface Terminal {
  /** A person watches standard output: live lines are drawn only then. */
  readonly interactive: boolean;
  readonly colour: boolean;
  columns(): number;
  out(text: string): void;
  /** What was printed and not read yet; code that prints much waits for it. Undefined where there is room. */
  drained(): Promise<void> | undefined;
  err(text: string): void;
}

/** Standard output for what is no text. */
export interface BytesOutput {
  readonly isTerminal: boolean;
  /** Fulfilled when the bytes are written: their memory may then be used again. Errors: `output.closed`, `output.failed`. */
  write(bytes: Uint8Array): Promise<void>;
}

interface OpenOptions {
  readonly configFile?: string;
  /** A password that is asked for is a new one. */
  readonly choosesPassword: boolean;
}

export interface Surroundings {
  readonly terminal: Terminal;
  readonly output: BytesOutput;
  readonly interrupts: Interrupts;
  /** Relative paths on the command line are meant from here. */
  readonly workingFolder: string;
  /** What "~/" stands for: behind "=" of an option no shell replaces it. */
  readonly homeFolder: string;
  /** A question is on the screen and waits for the person. */
  isAsking(): boolean;
  /** Asks the person at the terminal, once something is open; there where one is. Undefined is "no more". */
  readonly ask?: (question: string, signal: AbortSignal) => Promise<string | undefined>;
  /** Runs a program of this machine in our place: it has our standard streams. Its exit code, as a shell would see it. */
  runProgram(words: readonly string[]): Promise<number>;
  open(options: OpenOptions): Promise<Stillpoint>;
}
