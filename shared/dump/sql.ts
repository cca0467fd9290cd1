/**
 * MariaDB and MySQL: all databases in one transaction, so that all of them are of one moment, as SQL. What is in tables without
 * transactions would be of other moments, so such tables are refused.
 */
import type { SqlDump } from '../domain/dump.ts';
import { typedWord } from '../remote/quoting.ts';
import { type Dumper, endsWithLine, type PlannedDump, Refusal } from './dump.ts';

const PROGRAMS = {
  mariadb: { words: 'MariaDB', dump: 'mariadb-dump mysqldump', client: 'mariadb mysql' },
  mysql: { words: 'MySQL', dump: 'mysqldump', client: 'mysql' },
} as const;

/** What belongs to the server; of accounts there is a dump of its own where its program can make one. */
const OWN = `('information_schema','performance_schema','sys','mysql')`;
/** What a dump reads. Without TRIGGER the triggers would be missing without a word. */
const RIGHTS = ['SELECT', 'SHOW VIEW', 'TRIGGER', 'EVENT'];

/**
 * Names come in hexadecimal: they may be anything. Who sees only some of the databases sees no others in these tables.
 */
const QUESTIONS = `
SET @g = CONCAT('''', REPLACE(CURRENT_USER(), '@', '''@'''), '''');
SELECT 'sees', COUNT(*) FROM information_schema.user_privileges WHERE grantee = @g AND privilege_type IN ('SELECT', 'SHOW DATABASES');
SELECT 'base', HEX(schema_name) FROM information_schema.schemata WHERE LOWER(schema_name) NOT IN ${OWN} ORDER BY 2;
SELECT 'loose', HEX(table_schema), HEX(table_name), engine FROM information_schema.tables
  WHERE table_type = 'BASE TABLE' AND LOWER(table_schema) NOT IN ${OWN}
  AND engine NOT IN (SELECT engine FROM information_schema.engines WHERE transactions = 'YES') ORDER BY 2, 3;
SELECT 'lacks', HEX(s.schema_name), p.name FROM information_schema.schemata s
  JOIN (${RIGHTS.map((right) => `SELECT '${right}' AS name`).join(' UNION ALL ')}) p
  WHERE LOWER(s.schema_name) NOT IN ${OWN}
  AND NOT EXISTS (SELECT 1 FROM information_schema.user_privileges u WHERE u.grantee = @g AND u.privilege_type = p.name)
  AND NOT EXISTS (SELECT 1 FROM information_schema.schema_privileges d
    WHERE d.grantee = @g AND d.privilege_type = p.name AND s.schema_name LIKE d.table_schema) ORDER BY 2, 3;`;

const LOOK = `
dump=$(sp_first $1) || sp_lacks "\${1%% *}"
client=$(sp_first $2) || sp_lacks "\${2%% *}"
if [ -n "$3" ] && [ ! -r "$3" ]; then echo "there is no option file $3" >&2; exit 1; fi
answer=$(sp_as - timeout 50 "$client" \${3:+"--defaults-extra-file=$3"} \${4:+"--socket=$4"} --batch --skip-column-names -e "$5") || exit 1
accounts=no
! sp_as - "$dump" --no-defaults --verbose --help 2>/dev/null | grep -q '^ *--system' || accounts=yes
told=$(sp_as - "$dump" \${3:+"--defaults-extra-file=$3"} --print-defaults) || exit 1
# Their names alone: a value may be a password.
told=$(printf '%s\\n' "$told" | tr ' ' '\\n' | sed -n 's/^--\\([A-Za-z0-9_-]*\\).*/\\1/p')
printf '%s\\0%s\\0%s\\0%s\\0' "$dump" "$accounts" "$answer" "$told"`;

/** What option files may have said otherwise of what is in a dump is said again. */
const SHAPE = [
  ...['--single-transaction', '--quick', '--routines', '--events', '--triggers', '--hex-blob', '--no-tablespaces'],
  ...['--skip-dump-date', '--comments', '--skip-compact', '--skip-no-data', '--skip-no-create-info'],
  ...['--skip-no-create-db', '--create-options', '--set-charset', '--tz-utc', '--quote-names', '--skip-force'],
  ...['--default-character-set=utf8mb4', '--max-allowed-packet=1G'],
];

/**
 * What cannot be taken back on the command line, and leaves something out, changes what comes, writes elsewhere, or changes the
 * server.
 */
const NOT_IN_OPTION_FILES = [
  ...[
    'where',
    'ignore-table',
    'ignore-table-data',
    'ignore-database',
    'as-of',
    'compatible',
    'xml',
    'tab',
    'result-file',
  ],
  ...['delete-master-logs', 'delete-source-logs', 'dump-slave', 'dump-replica', 'flush-logs'],
];

/** The programs take the start of a name for the name, "_" for "-", and these in front of it. */
const PREFIX = /^(?:loose|enable|maximum)-/;

function requireWholeBy(told: string): void {
  const names = told.split('\n').filter((name) => name !== '');
  const refused = names.filter((name) => {
    const plain = name.toLowerCase().replaceAll('_', '-').replace(PREFIX, '');
    return plain !== '' && NOT_IN_OPTION_FILES.some((each) => each.startsWith(plain));
  });
  if (refused.length === 0) return;
  const words = [...new Set(refused)].map((name) => `"${name}"`).join(', ');
  throw new Refusal(
    `an option file of the host says ${words}, by which a dump would not be whole, or would do more than read`,
    'Take it out of [client], [mysqldump] and [mariadb-dump] in the option files that "--print-defaults" of the program names: "optionFile", /etc/mysql/my.cnf with what it includes, and ~/.my.cnf of root. A dump that is meant to have less names its "databases", or is a "command".',
  );
}

const DUMP = `
limit=$1 dump=$2 options=$3 socket=$4
shift 4
sp_dump "$limit" - "$dump" \${options:+"--defaults-extra-file=$options"} \${socket:+"--socket=$socket"} "$@"`;

const END = endsWithLine(/^-- Dump completed/, 'a line "-- Dump completed"');

export const sql: Dumper<SqlDump> = {
  label: ({ of, socket }) => `${PROGRAMS[of].words}${socket === undefined ? '' : ` at ${socket}`}`,
  leastRights: `It needs an account with ${RIGHTS.join(', ')}, on *.* where "databases" names none. root of the host has all of them where the server knows it by its socket; another account goes into a file that only root can read, [client] with "user" and "password", which "optionFile" names.`,
  down: {
    words: /ERROR 200[23] /,
    advice:
      'Start the server, or correct "socket" of the dump, or what "optionFile" names: "ss -lx | grep mysql" on the host lists the sockets of those that run.',
  },
  look: ({ of, optionFile = '', socket = '' }) => {
    const { dump, client } = PROGRAMS[of];
    return { script: LOOK, args: [dump, client, optionFile, socket, QUESTIONS] };
  },
  plan(wish, fields) {
    const [program = '', accounts = '', answer = '', told = ''] = fields;
    if (fields.length !== 4 || !['yes', 'no'].includes(accounts)) throw new Error('it has another number of fields');
    const { of, databases: asked, name = of } = wish;
    const seen = readAnswer(answer);
    const databases = asked ?? seen.databases;
    requireWholeBy(told);
    requireAll(databases, asked !== undefined, seen);
    const dumps: PlannedDump[] = [];
    if (databases.length > 0)
      dumps.push(
        dumpOf(wish, program, {
          name: `${name}/databases.sql`,
          what: `the databases ${databases.map((each) => `"${each}"`).join(', ')}`,
          options: [...SHAPE, '--databases', '--', ...databases],
        }),
      );
    const hasAccounts = asked === undefined && accounts === 'yes';
    if (hasAccounts)
      dumps.push(
        dumpOf(wish, program, {
          name: `${name}/accounts.sql`,
          what: 'the accounts',
          options: ['--system=users', '--insert-ignore'],
        }),
      );
    const notes =
      hasAccounts || asked !== undefined
        ? []
        : [`The accounts of ${this.label(wish)} are not in its dump: "${program}" there cannot write them.`];
    return { dumps, notes };
  },
};

function dumpOf(
  wish: SqlDump,
  program: string,
  { name, what, options }: { readonly name: string; readonly what: string; readonly options: readonly string[] },
): PlannedDump {
  const { optionFile = '', socket = '' } = wish;
  const typed = [
    program,
    ...(optionFile === '' ? [] : [`--defaults-extra-file=${optionFile}`]),
    ...(socket === '' ? [] : [`--socket=${socket}`]),
    ...options,
  ];
  return {
    ...{ name, what: `${what} of ${sql.label(wish)}`, consistency: 'application' },
    line: typed.map((word) => typedWord(word) ?? '?').join(' '),
    ...{ script: DUMP, args: [program, optionFile, socket, ...options], end: END },
  };
}

interface Seen {
  readonly seesAll: boolean;
  readonly databases: readonly string[];
  readonly loose: readonly { readonly database: string; readonly words: string }[];
  readonly lacks: readonly { readonly database: string; readonly words: string }[];
}

function readAnswer(answer: string): Seen {
  const rows = answer
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.split('\t'));
  const of = (kind: string): readonly (readonly string[])[] => rows.filter(([first]) => first === kind);
  if (!rows.every(([kind = '']) => ['sees', 'base', 'loose', 'lacks'].includes(kind)) || of('sees').length !== 1)
    throw new Error('a row is of another kind');
  return {
    seesAll: of('sees')[0]?.[1] !== '0',
    databases: of('base').map(([, name]) => textOf(name)),
    loose: of('loose').map(([, base, table, engine = '']) => ({
      database: textOf(base),
      words: `"${textOf(base)}.${textOf(table)}" (${engine})`,
    })),
    lacks: of('lacks').map(([, base, right = '']) => ({
      database: textOf(base),
      words: `${right} on "${textOf(base)}"`,
    })),
  };
}

function textOf(hex = ''): string {
  if (!/^([0-9A-F]{2})+$/.test(hex)) throw new Error('a name is no hexadecimal number');
  return Buffer.from(hex, 'hex').toString('utf8');
}

function requireAll(databases: readonly string[], areNamed: boolean, seen: Seen): void {
  if (!areNamed && !seen.seesAll)
    throw new Refusal(
      'the account does not see all databases',
      `${sql.leastRights} Or name the databases in "databases" of the dump.`,
    );
  const absent = databases.filter((name) => !seen.databases.includes(name));
  if (absent.length > 0)
    throw new Refusal(
      `there is no database ${absent.map((name) => `"${name}"`).join(', ')}, or the account does not see it`,
      'Correct "databases" of the dump, or give the account its rights.',
    );
  const lacks = seen.lacks.filter(({ database }) => databases.includes(database));
  if (lacks.length > 0) throw new Refusal(`the account lacks ${someOf(lacks)}`, sql.leastRights);
  const loose = seen.loose.filter(({ database }) => databases.includes(database));
  if (loose.length > 0)
    throw new Refusal(
      `tables without transactions would be of other moments than the rest: ${someOf(loose)}`,
      'Convert them with "ALTER TABLE … ENGINE=InnoDB", or name the other databases in "databases" of the dump and stop the service ("stop") for a backup of the files of these.',
    );
}

const MOST_WORDS = 5;

function someOf(found: readonly { readonly words: string }[]): string {
  const more = found.length - MOST_WORDS;
  return `${found
    .slice(0, MOST_WORDS)
    .map(({ words }) => words)
    .join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}
