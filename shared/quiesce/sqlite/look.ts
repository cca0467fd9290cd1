/** What a database of SQLite is, and which files belong to it. */
import type { SqliteHold } from '../../domain/quiesce.ts';
import { type RemoteCommand, type RemoteScript, unreadableOutput } from '../../remote/command.ts';
import { lastWords } from '../client-words.ts';
import type { HeldPlace, HoldLook } from '../hook.ts';
import { BECOME_CLIENT, BEGIN, clientArgs, labelOf } from './client.ts';

/** What is said of each. */
const FIELDS = 3;

export function lookAtDatabases(wanted: readonly SqliteHold[]): RemoteCommand<HoldLook> {
  const script: RemoteScript = {
    name: 'look-at-sqlite',
    script: `
ask=$1 become=$2
shift 2
while [ $# -gt 0 ]; do
  said=$(printf '%s\\n' "$ask" | timeout 30 /bin/sh -c "$become" sh "$1" "$2" 2>&1)
  printf '%s\\0%s\\0' "$?" "$(printf '%s' "$said" | head -c 4000)"
  readlink -f -- "$1" | tr -d '\\n'
  printf '\\0'
  shift 2
done`,
    args: [[...BEGIN, 'PRAGMA journal_mode;'].join('\n'), BECOME_CLIENT, ...wanted.flatMap(clientArgs)],
    needs: 'root',
  };
  return {
    ...script,
    budgetMs: 40_000 * wanted.length,
    repeatable: true,
    parse: ({ stdout }) => {
      const fields = stdout.toString('latin1').split('\0');
      if (fields.pop() !== '' || fields.length !== wanted.length * FIELDS)
        throw unreadableOutput(script, 'it says another number of things', stdout.toString('latin1').slice(0, 500));
      const looks = wanted.map((hold, index) => readDatabase(hold, fields.slice(index * FIELDS)));
      return {
        lacks: looks.flatMap(({ lacks }) => lacks),
        places: looks.flatMap(({ places }) => places),
        facts: Object.fromEntries(
          looks.flatMap(({ facts }, index) => Object.entries(facts).map(([key, value]) => [`${key}-${index}`, value])),
        ),
      };
    },
  };
}

/** Strict: an answer in another form is a lack, and never a guess. */
function readDatabase(hold: SqliteHold, [code, said = '', real = '']: readonly string[]): HoldLook {
  const label = labelOf(hold);
  if (code !== '0' || !/^[a-z]+$/.test(said) || !real.startsWith('/'))
    return {
      lacks: [{ message: `${label} cannot be read: ${lastWords(said)}.`, advice: adviceFor(said) }],
      places: [],
      facts: {},
    };
  const beside = (suffix: string): Buffer => Buffer.from(`${real}${suffix}`, 'latin1');
  const places: readonly HeldPlace[] = [
    { what: `the data of ${label}`, path: beside('') },
    // Beside the file itself, also where a link leads to it.
    { what: `the log of ${label}`, path: beside('-wal'), comesAndGoes: true },
    { what: `the rollback journal of ${label}`, path: beside('-journal'), comesAndGoes: true },
  ];
  return { lacks: [], places, facts: { mode: said } };
}

const adviceFor = (said: string): string =>
  said.includes('locked')
    ? 'A program writes to it for long, or has it for itself (PRAGMA locking_mode=EXCLUSIVE): have its service stopped instead, "stop", or name it under "pause", for which nothing is claimed.'
    : 'Name the "file" of a database of SQLite; its own program, "sqlite3", has to be on the host, and reads it as the owner of the file.';
