/** What a server of MariaDB or MySQL is, what we may do with it, and where it keeps its files. */
import type { MariadbHold } from '../../domain/quiesce.ts';
import { type RemoteCommand, type RemoteScript, unreadableOutput } from '../../remote/command.ts';
import { adviceOn, lastWords } from '../client-words.ts';
import type { HeldPlace, HoldLack, HoldLook } from '../hook.ts';
import { BECOME_CLIENT, clientArgs, labelOf } from './client.ts';

/** How it is held: MariaDB's stages, MySQL's lock of the instance, or the lock of all tables that both have always had. */
export type LockWay = 'stages' | 'instance' | 'tables';

/**
 * Values are in hexadecimal digits, so that no path can look like something else. Who may read the tables of accounts sees the
 * rights of all of them, so they are asked for by the own name.
 */
const ASK = `
SELECT CONCAT('version ', HEX(VERSION()));
SELECT CONCAT('binlog ', IF(@@log_bin, 1, 0));
SELECT CONCAT('right ', HEX(PRIVILEGE_TYPE)) FROM information_schema.USER_PRIVILEGES WHERE GRANTEE = CONCAT('''', REPLACE(CURRENT_USER(), '@', '''@'''), '''');
SELECT CONCAT('plain ', COUNT(*)) FROM information_schema.TABLES WHERE TABLE_TYPE = 'BASE TABLE' AND ENGINE NOT IN ('InnoDB', 'PERFORMANCE_SCHEMA', 'MEMORY', 'CSV', 'Aria') AND TABLE_SCHEMA NOT IN ('mysql', 'sys', 'information_schema', 'performance_schema');
SELECT CONCAT('data ', HEX(@@datadir));
SELECT CONCAT('redo ', HEX(COALESCE(@@innodb_log_group_home_dir, '')));
SELECT CONCAT('undo ', HEX(COALESCE(@@innodb_undo_directory, '')));
SELECT CONCAT('system ', HEX(CONCAT(COALESCE(@@innodb_data_home_dir, ''), '|', COALESCE(@@innodb_data_file_path, ''))));
SELECT CONCAT('end ', CONNECTION_ID());`;

const OUTSIDE = `
SELECT CONCAT('file ', HEX(FILE_NAME)) FROM information_schema.FILES WHERE FILE_NAME LIKE '/%';
SELECT CONCAT('file ', HEX(FILENAME)) FROM information_schema.INNODB_SYS_TABLESPACES WHERE FILENAME LIKE '/%';`;

/** One field for each server: the client's exit code, what it printed, and what it complained of. */
export function lookAtServers(wanted: readonly MariadbHold[]): RemoteCommand<HoldLook> {
  const script: RemoteScript = {
    name: 'look-at-mariadb',
    script: `
ask=$1 outside=$2 become=$3
shift 3
while [ $# -gt 0 ]; do
  said=$(printf '%s\\n' "$ask" | timeout 60 /bin/sh -c "$become" sh "$1" "$2" 2>&1)
  code=$?
  printf '%s\\0%s\\0' "$code" "$(printf '%s' "$said" | head -c 60000)"
  # MySQL has the first of these lists, MariaDB the second.
  printf '%s\\0' "$(printf '%s\\n' "$outside" | timeout 60 /bin/sh -c "$become" sh "$1" "$2" 2>/dev/null | head -c 200000)"
  shift 2
done`,
    args: [ASK, OUTSIDE, BECOME_CLIENT, ...wanted.flatMap(clientArgs)],
    needs: 'root',
  };
  return {
    ...script,
    budgetMs: 150_000 * wanted.length,
    repeatable: true,
    parse: ({ stdout }) => {
      const fields = stdout.toString('latin1').split('\0');
      if (fields.length !== wanted.length * 3 + 1)
        throw unreadableOutput(script, 'it says another number of things', stdout.toString('latin1').slice(0, 500));
      const looks = wanted.map((hold, index): HoldLook => {
        const [code = '', said = '', outside = ''] = fields.slice(index * 3);
        return code === '0'
          ? readServer(hold, said, outside)
          : { lacks: [unreached(hold, said)], places: [], facts: {} };
      });
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

const LEAST = `GRANT RELOAD, PROCESS, BINLOG MONITOR ON *.* TO …`;

function unreached(hold: MariadbHold, said: string): HoldLack {
  return {
    message: `${labelOf(hold)} cannot be asked: ${lastWords(said)}.`,
    advice: adviceOn(
      said,
      'Stillpoint logs in as root of the host does, by the socket and root\'s own option files; or name an option file of the host with "optionFile", with an account that may do this.',
    ),
  };
}

/** Strict: an answer in another form is a lack, and never a guess. */
function readServer(hold: MariadbHold, said: string, outside: string): HoldLook {
  const label = labelOf(hold);
  // What the client says of a "tee" in an option file comes before all answers.
  const lines = said.split('\n').filter((line) => line !== '' && !line.startsWith('Logging to file '));
  const values = (key: string): string[] =>
    lines.filter((line) => line.startsWith(`${key} `)).map((line) => line.slice(key.length + 1));
  const text = (key: string): string => Buffer.from(values(key)[0] ?? '', 'hex').toString('latin1');
  const known = /^(version|binlog|right|plain|data|redo|undo|system|end) [0-9A-F]*$/;
  if (lines.at(-1)?.startsWith('end ') !== true || !lines.every((line) => known.test(line)))
    return {
      lacks: [unreached(hold, `it answers in another form: ${lines.find((line) => !known.test(line)) ?? ''}`)],
      places: [],
      facts: {},
    };
  const version = text('version');
  const rights = values('right').map((each) => Buffer.from(each, 'hex').toString('latin1'));
  // Whoever may not read a table does not see it, and would not know of what engine it is.
  const way = wayFor(version, { isAllInnodb: values('plain')[0] === '0' && rights.includes('SELECT') });
  const missing = NEEDED[way].filter((right) => !rights.includes(right));
  const lacks =
    missing.length === 0
      ? []
      : [
          {
            message: `The account that is used on ${label} lacks ${missing.join(' and ')}.`,
            advice: `Give it what it needs: ${LEAST}`,
          },
        ];
  return {
    lacks,
    places: placesOf(
      label,
      { data: text('data'), redo: text('redo'), undo: text('undo'), system: text('system') },
      outside,
    ),
    facts: {
      way,
      version,
      data: text('data'),
      binlog: values('binlog')[0] === '1' && rights.some((right) => SEES_LOG.includes(right)) ? 'yes' : 'no',
    },
  };
}

/**
 * Without PROCESS a server keeps to itself which tablespaces lie outside of its data folder, and whose query runs long: neither
 * of them would be missed.
 */
const NEEDED: Readonly<Record<LockWay, readonly string[]>> = {
  stages: ['RELOAD', 'PROCESS'],
  // As a dynamic privilege the other one is not in the table of MySQL 8.0.
  instance: ['PROCESS'],
  tables: ['RELOAD', 'PROCESS'],
};

const SEES_LOG = ['SUPER', 'REPLICATION CLIENT', 'BINLOG MONITOR'];

/** @param isAllInnodb whether all tables of its users are known to be of an engine with transactions */
function wayFor(version: string, { isAllInnodb }: { readonly isAllInnodb: boolean }): LockWay {
  const [, major = 0, minor = 0, patch = 0] = (/^(\d+)\.(\d+)\.(\d+)/.exec(version) ?? []).map(Number);
  const atLeast = (...wanted: readonly [number, number, number]): boolean =>
    major !== wanted[0] ? major > wanted[0] : minor !== wanted[1] ? minor > wanted[1] : patch >= wanted[2];
  if (/mariadb/i.test(version)) return atLeast(10, 4, 1) ? 'stages' : 'tables';
  return atLeast(8, 0, 0) && isAllInnodb ? 'instance' : 'tables';
}

function placesOf(
  label: string,
  { data, redo, undo, system }: Readonly<Record<'data' | 'redo' | 'undo' | 'system', string>>,
  outside: string,
): readonly HeldPlace[] {
  const within = (path: string, folder = data): string => (path.startsWith('/') ? path : `${folder}/${path}`);
  const [home = '', files = ''] = system.split('|');
  const spaces = files.split(';').flatMap((file) => {
    const [name = ''] = file.split(':');
    return name === '' ? [] : [within(name, home === '' ? data : within(home))];
  });
  const tables = outside.split('\n').flatMap((line) => {
    const [, hex = ''] = /^file ([0-9A-F]+)$/.exec(line) ?? [];
    return hex === '' ? [] : [Buffer.from(hex, 'hex').toString('latin1')];
  });
  const named: [string, string][] = [
    [`the data of ${label}`, data],
    [`the redo log of ${label}`, within(redo)],
    [`the undo logs of ${label}`, within(undo)],
    ...spaces.map((path): [string, string] => [`a tablespace of ${label}`, path]),
    ...tables.map((path): [string, string] => [`a table of ${label}`, path]),
  ];
  return named.map(([what, path]) => ({ what, path: Buffer.from(path, 'latin1') }));
}
