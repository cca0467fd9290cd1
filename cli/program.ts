/** The command line as a whole: the commands, the options that all of them know, and how mistakes are answered. */
import { Command, CommanderError } from 'commander';
import manifest from '../package.json' with { type: 'json' };
import { StillpointError } from '../shared/base/errors.ts';
import { nearest } from '../shared/base/nearest.ts';
import { addBackup } from './commands/backup.ts';
import { addCancel } from './commands/cancel.ts';
import { addCheck } from './commands/check.ts';
import { addCopy } from './commands/copy.ts';
import { addDiff } from './commands/diff.ts';
import { addFind } from './commands/find.ts';
import { addForget } from './commands/forget.ts';
import { addHosts } from './commands/hosts.ts';
import { addInit } from './commands/init.ts';
import { addInspect } from './commands/inspect.ts';
import { addJobs } from './commands/jobs.ts';
import { addKey } from './commands/key.ts';
import { addList } from './commands/list.ts';
import { addLs } from './commands/ls.ts';
import { addPlan } from './commands/plan.ts';
import { addPrune } from './commands/prune.ts';
import { addRepair } from './commands/repair.ts';
import { addRestore } from './commands/restore.ts';
import { addStats } from './commands/stats.ts';
import { addSweep } from './commands/sweep.ts';
import { addUnlock } from './commands/unlock.ts';
import { addVerify } from './commands/verify.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import { type GlobalOptions, Shell } from './shell.ts';
import type { Surroundings } from './surroundings.ts';

const COMMANDS = [
  addInit,
  addHosts,
  addInspect,
  addPlan,
  addBackup,
  addList,
  addLs,
  addFind,
  addDiff,
  addStats,
  addRestore,
  addCheck,
  addVerify,
  addCopy,
  addForget,
  addPrune,
  addRepair,
  addUnlock,
  addKey,
  addSweep,
  addJobs,
  addCancel,
] as const;

export function buildProgram(surroundings: Surroundings): { readonly program: Command; readonly shell: Shell } {
  const { terminal } = surroundings;
  const program = new Command('stillpoint')
    .description(
      'Consistent backups of living Linux hosts: snapshot, read over SSH, encrypt and deduplicate, prove that it restores.',
    )
    .version(manifest.version, '--version', 'print the version')
    .helpOption('-h, --help', 'explain a command')
    .option('--config <file>', "the configuration file (default: $STILLPOINT_CONFIG, then the user's config folder)")
    .option('--json', 'answer in JSON; events of a job as one JSON object a line')
    .option('-q, --quiet', 'print only what was asked for and what went wrong')
    .exitOverride()
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({
      writeOut: (text) => terminal.out(text),
      writeErr: (text) => terminal.err(text),
      getOutHelpWidth: () => terminal.columns(),
      getErrHelpWidth: () => terminal.columns(),
      getOutHasColors: () => terminal.colour,
      getErrHasColors: () => terminal.colour,
      outputError: () => undefined,
    });
  const shell = new Shell(surroundings, () => program.opts<GlobalOptions>());
  for (const add of COMMANDS) add(program, shell);
  return { program, shell };
}

/** Runs one command line to its end. `words` are the words after the program's name. */
export async function runCommandLine(words: readonly string[], surroundings: Surroundings): Promise<ExitCode> {
  const { program, shell } = buildProgram(surroundings);
  try {
    await program.parseAsync(words, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) {
      shell.report(error);
      return shell.exitCode;
    }
    // commander has printed the help or the version already
    if (error.exitCode === 0) return EXIT.ok;
    if (words.includes('--json')) program.setOptionValue('json', true);
    const unknown = error.code === 'commander.help' ? unknownSubject(program, words) : undefined;
    if (error.code === 'commander.help' && unknown === undefined) return EXIT.usage;
    shell.report(unknown ?? usageError(error));
  }
  return shell.exitCode;
}

/** "help" of a command that there is not: commander prints the whole help and not a word why. */
function unknownSubject(program: Command, words: readonly string[]): StillpointError | undefined {
  const [verb, subject] = words.filter((word) => !word.startsWith('-'));
  if (verb !== 'help' || subject === undefined) return undefined;
  const guess = nearest(
    subject,
    program.commands.map((command) => command.name()),
  );
  return new StillpointError('usage.invalid', `Unknown command "${subject}".`, {
    advice: guess === undefined ? 'The commands are listed above.' : `Did you mean "${guess}"?`,
    cause: undefined,
  });
}

function usageError(error: CommanderError): StillpointError {
  const sentence = error.message
    .replace(/^error: /, '')
    .replaceAll("'", '"')
    .replaceAll('\n', ' ')
    .replace(/\.+$/, '');
  return new StillpointError('usage.invalid', `${sentence.charAt(0).toUpperCase()}${sentence.slice(1)}.`, {
    advice: '"stillpoint --help" lists the commands, "stillpoint COMMAND --help" explains one with an example.',
    cause: error,
  });
}
