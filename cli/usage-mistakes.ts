/** What is said where the command line makes no sense: what was typed, and where what is right can be read. */
import type { Command, CommanderError } from 'commander';
import { StillpointError } from '../shared/base/errors.ts';
import { hasLostBytes, lostBytesError } from '../shared/base/lost-bytes.ts';
import { nearest } from '../shared/base/nearest.ts';

const NOT_CHANGED = 'No command changes a restore point; "stillpoint forget" removes one.';

/** What other backup programs call it. Someone who knows those is not helped by a list of all commands. */
const COMMANDS_ELSEWHERE: Readonly<Record<string, string>> = {
  snapshots: '"stillpoint list" lists the restore points.',
  create: '"stillpoint backup" makes a restore point.',
  dump: '"stillpoint restore POINT PATH --to -" writes files to standard output, as a tar stream.',
  extract: '"stillpoint restore" brings back what a restore point holds.',
  mount: '"stillpoint ls" and "stillpoint find" look into restore points, "stillpoint restore" brings back.',
  compact: '"stillpoint prune" deletes what no restore point needs.',
  delete: '"stillpoint forget" removes restore points.',
  tag: NOT_CHANGED,
  rewrite: NOT_CHANGED,
  recreate: NOT_CHANGED,
  status: '"stillpoint jobs" shows what runs and what has run.',
  info: '"stillpoint list" and "stillpoint stats" say what a repository has.',
  sync: '"stillpoint copy" takes restore points into a second repository, "stillpoint export" writes plain files.',
  'rebuild-index': '"stillpoint repair index" is the command.',
  'break-lock': '"stillpoint unlock" is the command.',
  cache: 'The cache takes care of itself, and can be deleted at any time.',
  config: 'The configuration is a file, see --config; "stillpoint setup HOST" writes a first one.',
  version: '"stillpoint --version" prints it.',
};
const REPAIRS_ELSEWHERE: Readonly<Record<string, string>> = {
  snapshots: '"stillpoint repair points" is the command.',
};
const DRY =
  'Without --apply, forget, prune and repair only show what they would do; for a backup "stillpoint plan" does.';
const REPOSITORIES =
  'Where repositories lie is written into the configuration, under "repositories"; commands take the name of one.';
const PASSWORDS =
  'Where the password of a repository comes from is written into the configuration: "passwordFile" or "passwordCommand".';
const ALL_LISTED = '"stillpoint list" lists all restore points, the newest first; "latest" names the last one.';
const OPTIONS_ELSEWHERE: Readonly<Record<string, string>> = {
  '--dry-run': DRY,
  '-n': DRY,
  '--read-data': '"stillpoint verify" reads all data.',
  '--read-data-subset': '"stillpoint verify" reads all data, or with --share or --percent a part of it.',
  '--target': 'The folder to restore into is named by --to.',
  '--repo': REPOSITORIES,
  '-r': REPOSITORIES,
  '--password-file': PASSWORDS,
  '--password-command': PASSWORDS,
  '--last': ALL_LISTED,
  '--latest': ALL_LISTED,
  '-name': 'Write the pattern alone: stillpoint find "*.pdf".',
  '-iname': 'Write the pattern alone, with --ignore-case: stillpoint find --ignore-case "*.pdf".',
};
/** What is asked of a run elsewhere, and of its source here. */
const OF_SOURCES: Readonly<Record<string, string>> = {
  '--exclude': 'What is left out is written into the source: "exclude", with restic\'s patterns.',
  '-e': 'What is left out is written into the source: "exclude", with restic\'s patterns.',
  '--exclude-file': 'What is left out is written into the source: "excludeFiles".',
  '--one-file-system': 'It is written into the source: "oneFileSystem": true.',
  '-x': 'It is written into the source: "oneFileSystem": true.',
};
const WITH_SOURCE: ReadonlySet<string> = new Set(['backup', 'plan', 'export']);
const TOO_MANY: Readonly<Record<string, string>> = {
  list: '"list" looks into all repositories; to name one: --repository NAME.',
  hosts: '"stillpoint inspect HOST" looks at one of them.',
  backup: 'One source is backed up at a time; which paths, and to where, is written into it.',
};

export function usageError(error: CommanderError, program: Command, words: readonly string[]): StillpointError {
  const command = commandOf(program, words);
  const elsewhere = adviceFor(error, command, words);
  const sentence = (elsewhere === undefined ? error.message : error.message.replace(/\n?\(Did you mean .*\)/s, ''))
    .replace(/^error: /, '')
    .replaceAll("'", '"')
    .replaceAll('\n', ' ')
    .replace(/\.+$/, '');
  return new StillpointError('usage.invalid', `${sentence.charAt(0).toUpperCase()}${sentence.slice(1)}.`, {
    advice: elsewhere ?? whereToRead(command),
    cause: error,
  });
}

function adviceFor({ code, message }: CommanderError, command: Command, words: readonly string[]): string | undefined {
  const typed = /'([^']+)'/.exec(message)?.[1]?.replace(/=.*$/s, '') ?? '';
  if (code === 'commander.unknownOption') {
    return (WITH_SOURCE.has(command.name()) ? OF_SOURCES[typed] : undefined) ?? OPTIONS_ELSEWHERE[typed];
  }
  // commander misses ours before it sees that of another program.
  if (code === 'commander.missingMandatoryOptionValue') {
    return words.map((word) => OPTIONS_ELSEWHERE[word.replace(/=.*$/s, '')]).find((advice) => advice !== undefined);
  }
  if (code === 'commander.unknownCommand') {
    return (command.name() === 'repair' ? REPAIRS_ELSEWHERE : COMMANDS_ELSEWHERE)[typed];
  }
  return code === 'commander.excessArguments' ? TOO_MANY[command.name()] : undefined;
}

/** The command that the words name, as far as they name one. */
function commandOf(program: Command, words: readonly string[]): Command {
  let found = program;
  for (const [index, word] of words.entries()) {
    if (word.startsWith('-') || words[index - 1] === '--config') continue;
    const next = found.commands.find((command) => command.name() === word);
    if (next === undefined) break;
    found = next;
  }
  return found;
}

function whereToRead(command: Command): string {
  const path: string[] = [];
  for (let at: Command | null = command; at !== null; at = at.parent) path.unshift(at.name());
  const help = `"${path.join(' ')} --help"`;
  return command.commands.length > 0 ? `${help} lists the commands.` : `${help} explains the command.`;
}

/** "help" of a command that there is not: commander prints another help and not a word why. */
export function unknownSubject(program: Command, words: readonly string[]): StillpointError | undefined {
  const names = words.filter((word, index) => !word.startsWith('-') && words[index - 1] !== '--config');
  const at = names.indexOf('help');
  if (at === -1 || at > 1) return undefined;
  let known = program;
  for (const name of [...names.slice(0, at), ...names.slice(at + 1)]) {
    // What else follows it is not a command
    if (known.commands.length === 0) return undefined;
    const next = known.commands.find((command) => command.name() === name);
    if (next === undefined) return unknownCommand(name, known);
    known = next;
  }
  return undefined;
}

function unknownCommand(name: string, within: Command): StillpointError {
  const known = within.commands.map((command) => command.name());
  const guess = nearest(name, known);
  const where = within.parent === null ? '' : ` of "${within.name()}"`;
  return new StillpointError('usage.invalid', `Unknown command "${name}"${where}.`, {
    advice: guess === undefined ? `There are ${known.join(', ')}.` : `Did you mean "${guess}"?`,
    cause: undefined,
  });
}

/** For programs, which help does not help. */
export function noCommand(words: readonly string[], program: Command): StillpointError {
  const groups = program.commands.filter(({ commands }) => commands.length > 0).map((command) => command.name());
  const group = words.find((word) => groups.includes(word));
  return new StillpointError(
    'usage.invalid',
    group === undefined ? 'No command was given.' : `"${group}" needs one of its commands.`,
    { advice: `"stillpoint ${group === undefined ? '' : `${group} `}--help" lists them.`, cause: undefined },
  );
}

export function lostBytes(words: readonly string[]): StillpointError | undefined {
  const lost = words.find(hasLostBytes);
  if (lost === undefined) return undefined;
  return lostBytesError(
    `"${lost}"`,
    String.raw`Write each byte of a path in a restore point as "ls" shows it, such as \xe9; for a file or folder here, use another name.`,
  );
}
