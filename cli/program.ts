/** The command line as a whole: the commands, the options that all of them know, and how mistakes are answered. */
import { Command, CommanderError } from 'commander';
import manifest from '../package.json' with { type: 'json' };
import { addAdvise } from './commands/advise.ts';
import { addBackup } from './commands/backup.ts';
import { addCancel } from './commands/cancel.ts';
import { addCheck } from './commands/check.ts';
import { addCopy } from './commands/copy.ts';
import { addDiff } from './commands/diff.ts';
import { addExport } from './commands/export.ts';
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
import { addPrepare } from './commands/prepare.ts';
import { addPrune } from './commands/prune.ts';
import { addRepair } from './commands/repair.ts';
import { addRestore } from './commands/restore.ts';
import { addSetup } from './commands/setup.ts';
import { addSnapshot } from './commands/snapshot.ts';
import { addStats } from './commands/stats.ts';
import { addSweep } from './commands/sweep.ts';
import { addUnlock } from './commands/unlock.ts';
import { addVerify } from './commands/verify.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import { type GlobalOptions, Shell } from './shell.ts';
import type { Surroundings } from './surroundings.ts';
import { lostBytes, noCommand, unknownSubject, usageError } from './usage-mistakes.ts';

const COMMANDS = [
  addSetup,
  addPrepare,
  addInit,
  addHosts,
  addInspect,
  addAdvise,
  addPlan,
  addBackup,
  addExport,
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
  addSnapshot,
  addJobs,
  addCancel,
] as const;

interface BuiltProgram {
  readonly program: Command;
  readonly shell: Shell;
  /** What commander would have printed where a command is missing. */
  readonly helpForMistake: () => string;
}

export function buildProgram(surroundings: Surroundings, words: readonly string[] = []): BuiltProgram {
  const { terminal } = surroundings;
  const unasked: string[] = [];
  const program = new Command('stillpoint')
    .description(
      'Consistent backups of living Linux hosts: snapshot, read over SSH, encrypt, deduplicate, and prove what is stored.',
    )
    .version(manifest.version, '--version', 'print the version')
    .helpOption('-h, --help', 'explain a command')
    .option('--config <file>', 'the configuration file (default: $STILLPOINT_CONFIG, then your configuration folder)')
    .option('--json', 'answer in JSON; events of a job as one JSON object a line')
    .option('-q, --quiet', 'print only what was asked for and what went wrong')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => terminal.out(text),
      writeErr: (text) => void unasked.push(text),
      getOutHelpWidth: () => terminal.columns(),
      getErrHelpWidth: () => terminal.columns(),
      getOutHasColors: () => terminal.colour,
      getErrHasColors: () => terminal.colour,
      outputError: () => undefined,
    });
  // The options of a group's own command, as of "jobs", are none of the commands in the group.
  program.configureHelp({
    showGlobalOptions: true,
    visibleGlobalOptions: (command) => (command.parent === null ? [] : [...program.options]),
  });
  const shell = new Shell(surroundings, () => program.opts<GlobalOptions>(), words);
  for (const add of COMMANDS) add(program, shell);
  return { program, shell, helpForMistake: () => unasked.join('') };
}

/** Runs one command line to its end. `words` are the words after the program's name. */
export async function runCommandLine(words: readonly string[], surroundings: Surroundings): Promise<ExitCode> {
  const { program, shell, helpForMistake } = buildProgram(surroundings, words);
  const isJson = words.includes('--json');
  try {
    const mistake = lostBytes(words) ?? unknownSubject(program, words);
    if (mistake !== undefined) throw mistake;
    await program.parseAsync(words, { from: 'user' });
  } catch (error) {
    if (isJson) program.setOptionValue('json', true);
    if (!(error instanceof CommanderError)) shell.report(error);
    // commander has printed the help or the version already
    else if (error.exitCode === 0) return EXIT.ok;
    else if (error.code !== 'commander.help') shell.report(usageError(error, program, words));
    else if (isJson) shell.report(noCommand(words, program));
    else {
      surroundings.terminal.err(helpForMistake());
      return EXIT.usage;
    }
  }
  return shell.exitCode;
}
