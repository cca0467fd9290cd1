/** Dumps in the configuration: their shapes, and what the shapes cannot say. */
import { z } from 'zod';
import { type DumpWish, dumpPlace } from '../domain/dump.ts';
import type { WordsOfList } from './list-words.ts';

const text = z.string().min(1);
const name = text
  .optional()
  .describe(
    'The folder below /.stillpoint-dumps in which it lies. Default: the same as "of"; two dumps need two names.',
  );
const port = z.int().min(1).max(65_535).optional();

const sql = z
  .strictObject({
    of: z.enum(['mariadb', 'mysql']).describe('The server.'),
    name,
    databases: z.array(text).min(1).optional().describe('Its databases. Default: all, and the accounts.'),
    socket: text.optional().describe('The socket of the server. Default: the one that its programs know.'),
    optionFile: text
      .optional()
      .describe(
        'A file on the host with the account: [client] with "user" and "password". Default: the files of root.',
      ),
  })
  .describe('A dump of MariaDB or MySQL as SQL, all databases of one moment.');

const postgresql = z
  .strictObject({
    of: z.literal('postgresql').describe('The server.'),
    name,
    databases: z.array(text).min(1).optional().describe('Its databases. Default: all that take connections.'),
    socket: text.optional().describe('The folder of its socket. Default: /run/postgresql or /tmp.'),
    port: port.describe('The port in the name of its socket. Default: 5432.'),
    role: text
      .optional()
      .describe(
        'The role of the server as which its programs log in; they run with the rights of the owner of the socket. Default: the role of that name.',
      ),
    how: z
      .enum(['databases', 'base-backup'])
      .optional()
      .describe(
        '"databases": a file for each with pg_dump, and the roles; "base-backup": the files of the whole server with pg_basebackup. Default: "databases".',
      ),
  })
  .describe('A dump of PostgreSQL, as the system user of the server.');

const redis = z
  .strictObject({
    of: z.literal('redis').describe('The server.'),
    name,
    socket: text.optional().describe('The socket of the server. Default: its port.'),
    port: port.describe('The port of the server. Default: 6379.'),
  })
  .describe('The RDB file that Redis or Valkey sends to a replica.');

const sqlite = z
  .strictObject({
    of: z.literal('sqlite').describe('SQLite.'),
    file: text.describe('The absolute path of the database on the host.'),
  })
  .describe('A database of SQLite with its log, as a tar, read in a transaction as the owner of the file.');

const command = z
  .strictObject({
    of: z.literal('command').describe('Any program.'),
    name: text.describe('What the file is called.'),
    command: z.array(text).min(1).describe('A program of the host and its arguments; its standard output is the file.'),
    hostUser: text
      .optional()
      .describe('The account of the host whose rights it has. Default: root, or the account of the login.'),
  })
  .describe('What a program of the host writes to its standard output. That it is of one moment is not claimed.');

const SHAPES = [sql, postgresql, redis, sqlite, command] as const;
const WORDS = ['mariadb', 'mysql', 'postgresql', 'redis'] as const;

const dumpSchema = z.union([z.enum(WORDS), z.discriminatedUnion('of', SHAPES)]);

export const dumpsSchema = z
  .array(dumpSchema)
  .min(1)
  .describe(
    'What programs of the host write out, each a file below /.stillpoint-dumps: "mariadb", "mysql", "postgresql" or "redis", or an object that says more; beside "paths" or alone.',
  );

export const DUMP_WORDS: WordsOfList = {
  alone: WORDS,
  objects: ['sqlite', 'command'],
  example: '{"of": "command", "name": "ldap.ldif", "command": ["slapcat"]}',
};

type DumpEntry = z.infer<typeof dumpSchema>;

export const dumpWish = (entry: DumpEntry): DumpWish => (typeof entry === 'string' ? { of: entry } : entry);

/** The keys of an object that says what it is of; all where it does not. */
export function dumpKeys(of: unknown): readonly string[] {
  const known = SHAPES.filter(({ shape }) => shape.of.safeParse(of).success);
  return [...new Set((known.length === 0 ? SHAPES : known).flatMap(({ shape }) => Object.keys(shape)))];
}

export const DUMP_EXAMPLES: Readonly<Record<string, string>> = {
  dumps: '"dumps": ["postgresql", {"of": "mariadb", "databases": ["shop"]}]',
  of: '"of": "postgresql", which is one of "mariadb", "mysql", "postgresql", "redis", "sqlite" and "command"',
  databases: '"databases": ["shop"]',
  socket: '"socket": "/run/mysqld/mysqld.sock"',
  optionFile: '"optionFile": "/root/backup.cnf"',
  port: '"port": 5433',
  how: '"how": "base-backup"',
  file: '"file": "/srv/app/app.db"',
  role: '"role": "backup"',
  hostUser: '"hostUser": "app"',
  name: '"name": "ldap.ldif"',
  command: '"command": ["slapcat"]',
};

interface DumpProblem {
  readonly path: readonly (string | number)[];
  readonly message: string;
  readonly advice: string;
}

/**
 * Of each entry whose own shape is right, whatever is wrong with those beside it.
 *
 * @param pathProblem what is wrong with an absolute path
 */
export function dumpProblems(
  raw: unknown,
  pathProblem: (path: string) => { readonly message: string; readonly advice: string } | undefined,
): readonly DumpProblem[] {
  const wishes = (Array.isArray(raw) ? raw : []).map((entry: unknown) => {
    const parsed = dumpSchema.safeParse(entry);
    return parsed.success ? dumpWish(parsed.data) : undefined;
  });
  return wishes.flatMap((wish, index) => {
    if (wish === undefined) return [];
    const found = [...wordProblems(wish), ...pathProblems(wish, pathProblem), ...nameProblems(wish)];
    const place = dumpPlace(wish);
    if (wishes.slice(0, index).some((other) => other !== undefined && dumpPlace(other) === place))
      found.push({
        path: [],
        message: `It would lie at the place of another one, "${place}".`,
        advice: 'Give one of the two a "name" of its own, or remove it.',
      });
    return found.map((problem) => ({ ...problem, path: [index, ...problem.path] }));
  });
}

function wordProblems(wish: DumpWish): DumpProblem[] {
  const words = Object.entries(wish).flatMap(([key, value]) =>
    [value].flat().map((word) => [key, String(word)] as const),
  );
  const unsayable = words.filter(([, word]) => word.includes('\0') || !word.isWellFormed());
  const options = words.filter(
    ([key, word]) => ['role', 'hostUser', 'databases'].includes(key) && word.startsWith('-'),
  );
  return [
    ...unsayable.map(([key]) => ({
      path: [key],
      message: 'This cannot be said to a program.',
      advice: 'Remove the NUL character or the half of a character.',
    })),
    ...options.map(([key, word]) => ({
      path: [key],
      message: `${JSON.stringify(word)} could be taken for an option.`,
      advice: 'Name another one, or dump it by a "command".',
    })),
  ];
}

function pathProblems(wish: DumpWish, problemOf: Parameters<typeof dumpProblems>[1]): DumpProblem[] {
  return (['socket', 'optionFile', 'file'] as const).flatMap((key) => {
    const path = (wish as Partial<Record<typeof key, string>>)[key];
    const wrong = path === undefined ? undefined : (problemOf(path) ?? noFile(path));
    return wrong === undefined ? [] : [{ path: [key], ...wrong }];
  });
}

function nameProblems(wish: DumpWish): DumpProblem[] {
  const label = 'name' in wish ? wish.name : undefined;
  if (label === undefined) return [];
  const shown = JSON.stringify(label);
  if (!/^[A-Za-z0-9][A-Za-z0-9+_.:@-]{0,199}$/.test(label)) {
    const advice = 'Use letters, digits and + . _ @ : - and begin with a letter or digit.';
    return [{ path: ['name'], message: `${shown} cannot be the name of a dump.`, advice }];
  }
  if (wish.of === 'command' || !['command', 'sqlite'].includes(label)) return [];
  return [{ path: ['name'], message: `${shown} is the folder of other dumps.`, advice: 'Give it another name.' }];
}

const noFile = (path: string) =>
  path.endsWith('/') ? { message: `${JSON.stringify(path)} is a folder.`, advice: 'Name the file in it.' } : undefined;
