/**
 * `stillpoint`, the command line. The one file that touches the process: arguments, environment, streams and signals.
 * Dying here, at any instruction, harms nothing: jobs run in a process of their own and hosts clean up by themselves.
 */
import process from 'node:process';
import { readEnvironment } from '../shared/base/environment.ts';
import { StillpointError, toErrorRecord } from '../shared/base/errors.ts';
import { openStillpoint } from '../shared/stillpoint.ts';
import { EXIT } from './exit-codes.ts';
import { Interrupts } from './interrupts.ts';
import { runCommandLine } from './program.ts';
import { TerminalPrompter } from './prompter.ts';
import { renderError } from './render/error.ts';
import { runProgram } from './run-program.ts';
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

// Not 0: a script that followed a backup has not seen how it ended
stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(EXIT.brokenPipe);
  const failure = new StillpointError(
    'output.failed',
    `Standard output could not be written (${error.code ?? error.message}).`,
    {
      advice: 'See where it leads and whether there is room. "stillpoint jobs" shows whether a job goes on.',
      cause: error,
    },
  );
  process.stderr.write(renderError(toErrorRecord(failure), (_, text) => text));
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
