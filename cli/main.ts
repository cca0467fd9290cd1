/**
 * `stillpoint`, the command line. The one file that touches the process: arguments, environment, streams and signals.
 * Dying here, at any instruction, harms nothing: jobs run in a process of their own and hosts clean up by themselves.
 */
import process from 'node:process';
import { readEnvironment } from '../shared/base/environment.ts';
import { toErrorRecord } from '../shared/base/errors.ts';
import { openStillpoint } from '../shared/stillpoint.ts';
import { EXIT } from './exit-codes.ts';
import { Interrupts } from './interrupts.ts';
import { runCommandLine } from './program.ts';
import { TerminalPrompter } from './prompter.ts';
import { renderError } from './render/error.ts';
import { runProgram } from './run-program.ts';
import { StandardOutput, unwritable } from './standard-output.ts';
import type { Terminal } from './surroundings.ts';

const { stdin, stdout, stderr } = process;

const noColour = (process.env['NO_COLOR'] ?? '') !== '' || process.env['TERM'] === 'dumb';

const terminal: Terminal = {
  interactive: stdout.isTTY && process.env['TERM'] !== 'dumb',
  colour: stdout.isTTY && stderr.isTTY && !noColour,
  columns: () => (stdout.isTTY ? stdout.columns : 100),
  out: (text) => void stdout.write(text),
  drained: () => (stdout.writableNeedDrain ? new Promise<void>((resolve) => stdout.once('drain', resolve)) : undefined),
  err: (text) => void stderr.write(text),
};

const output = new StandardOutput(stdout);

// Not 0: a script that followed a backup has not seen how it ended
stdout.on('error', (error: NodeJS.ErrnoException) => {
  // Whoever writes bytes hears of it, and has a lock to let go
  if (output.isInUse) return;
  if (error.code === 'EPIPE') process.exit(EXIT.brokenPipe);
  process.stderr.write(renderError(toErrorRecord(unwritable(error)), (_, text) => text));
  process.exit(EXIT.failed);
});
// Without standard error there is nowhere left to report it
stderr.on('error', () => undefined);

const interrupts = new Interrupts();
let unanswered = 0;
const onInterrupt = (): void => {
  // A command that does not end after being asked twice is left to die
  unanswered += 1;
  if (!interrupts.interrupt() || unanswered > 2) process.exit(EXIT.cancelled);
};
process.on('SIGINT', onInterrupt);

const somebodyIsThere = stdin.isTTY && stderr.isTTY;
let prompter: TerminalPrompter | undefined;

const exitCode = await runCommandLine(process.argv.slice(2), {
  terminal,
  output,
  interrupts,
  workingFolder: process.cwd(),
  homeFolder: readEnvironment().home,
  isAsking: () => prompter?.isAsking ?? false,
  ...(somebodyIsThere ? { ask: async (question, signal) => await prompter?.line(question, signal) } : {}),
  runProgram,
  open: async ({ configFile, choosesPassword }) => {
    if (somebodyIsThere) prompter = new TerminalPrompter(stdin, stderr, { choosesPassword, onInterrupt });
    return await openStillpoint({
      ...(configFile === undefined ? {} : { configFile }),
      ...(prompter === undefined ? {} : { prompter }),
    });
  },
});
// Cancelled while the reader is stuck: what waits in the pipe would keep us here forever
if (exitCode === EXIT.cancelled && stdout.writableNeedDrain) process.exit(exitCode);
process.exitCode = exitCode;
