/** A terminal that remembers what was printed on it, and the surroundings of a command on top of it. */
import { Interrupts } from '../../cli/interrupts.ts';
import { runCommandLine } from '../../cli/program.ts';
import type { BytesOutput, Surroundings, Terminal } from '../../cli/surroundings.ts';
import type { Stillpoint } from '../../shared/stillpoint.ts';

export interface ScriptedTerminal extends Terminal {
  readonly stdout: () => string;
  readonly stderr: () => string;
}

export function scriptedTerminal(
  look: { readonly interactive?: boolean; readonly colour?: boolean } = {},
): ScriptedTerminal {
  const out: string[] = [];
  const err: string[] = [];
  return {
    interactive: look.interactive ?? false,
    colour: look.colour ?? false,
    columns: () => 100,
    out: (text) => void out.push(text),
    err: (text) => void err.push(text),
    drained: () => undefined,
    stdout: () => out.join(''),
    stderr: () => err.join(''),
  };
}

const NOWHERE: BytesOutput = { isTerminal: false, write: async () => undefined };

export interface CommandRun {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly terminal?: ScriptedTerminal;
  readonly output?: BytesOutput;
  readonly interrupts?: Interrupts;
  readonly open?: Surroundings['open'];
  readonly isAsking?: () => boolean;
  /** The person at the terminal, for questions of a command's own. */
  readonly ask?: NonNullable<Surroundings['ask']>;
  readonly runProgram?: Surroundings['runProgram'];
}

/** What a program is built with that runs no command. */
export function scriptedSurroundings(stillpoint: Stillpoint): Surroundings {
  return {
    terminal: scriptedTerminal(),
    output: NOWHERE,
    interrupts: new Interrupts(),
    workingFolder: '/',
    homeFolder: '/root',
    isAsking: () => false,
    runProgram: async () => 0,
    open: async () => stillpoint,
  };
}

/** Runs one command line in this process, against the given façade. */
export async function runCli(
  words: readonly string[],
  stillpoint: Stillpoint,
  options: RunOptions = {},
): Promise<CommandRun> {
  const terminal = options.terminal ?? scriptedTerminal();
  const exitCode = await runCommandLine(words, {
    terminal,
    output: options.output ?? NOWHERE,
    interrupts: options.interrupts ?? new Interrupts(),
    workingFolder: '/home/ann',
    homeFolder: '/home/ann',
    isAsking: options.isAsking ?? (() => false),
    ...(options.ask === undefined ? {} : { ask: options.ask }),
    runProgram: options.runProgram ?? (async () => 0),
    open: options.open ?? (async () => stillpoint),
  });
  return { exitCode, stdout: terminal.stdout(), stderr: terminal.stderr() };
}
