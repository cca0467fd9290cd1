/** What a source wants held still: the shape of an entry of "quiesce", and what the shape cannot say. */
import { z } from 'zod';
import type { QuiesceSpec } from '../domain/quiesce.ts';
import type { WordsOfList } from './list-words.ts';

const text = z.string().min(1);
const command = z.array(text).min(1);
const KINDS = ['mariadb', 'mysql', 'postgresql', 'redis', 'sqlite', 'pause', 'commands'] as const;

/** Those of which the word alone says enough. */
const BY_NAME = ['mariadb', 'mysql', 'postgresql', 'redis'] as const;

const OBJECTS: readonly string[] = KINDS.filter((kind) => !BY_NAME.some((word) => word === kind));

export const QUIESCE_WORDS: WordsOfList = {
  alone: BY_NAME,
  objects: OBJECTS,
  example: '{"of": "sqlite", "file": "/srv/app/app.db"}',
};

const entrySchema = z
  .strictObject({
    of: z
      .enum(KINDS)
      .describe(
        'What is held: a server of "mariadb", "mysql", "postgresql" or "redis"; a database of "sqlite"; processes that get no processor for the moment, "pause"; or whatever your own "commands" do.',
      ),
    socket: text
      .optional()
      .describe(
        'The socket of the server on the host; of PostgreSQL the folder that it is in. Default: where its client looks.',
      ),
    port: z
      .int()
      .min(1)
      .max(65_535)
      .optional()
      .describe('Of "postgresql" and "redis": the port. Default: 5432, and 6379.'),
    optionFile: text
      .optional()
      .describe(
        'Of "mariadb" and "mysql": an option file on the host with an account. Default: root by the socket, and its own files.',
      ),
    hostUser: text
      .optional()
      .describe(
        'Of "postgresql": the account of the host with whose rights its client runs, and not a role of the server. Default: the one that owns the socket.',
      ),
    passwordFileOnHost: text
      .optional()
      .describe(
        'Of "redis": a file on the host whose first line is the password. Root alone should be able to read it.',
      ),
    file: text.optional().describe('Of "sqlite": the absolute path of the database on the host; one entry for each.'),
    checkpoint: z
      .boolean()
      .optional()
      .describe(
        'Of "postgresql": whether it writes a checkpoint first, so that a copy starts sooner; it does so in any case where its files are of several instants. Default: false.',
      ),
    what: text
      .optional()
      .describe('Of "pause": "compose:PROJECT", "container:NAME", or the name of a service of systemd.'),
    name: text.optional().describe('Of "commands": what people call it.'),
    before: command
      .optional()
      .describe(
        'Of "commands": a program and its arguments on the host; when it has ended, the application stands still.',
      ),
    after: command
      .optional()
      .describe(
        'Of "commands": lets it go on; runs whatever happens, and may run more than once. No shell is involved.',
      ),
    check: command
      .optional()
      .describe('Of "commands": succeeds while the application stands still. Without it nothing is claimed of it.'),
    seconds: z
      .int()
      .min(1)
      .max(86_400)
      .optional()
      .describe(
        'Of what is held: how long at the most; then the host itself lets go. Default: 20 for MariaDB, MySQL and SQLite, 60 for "pause" and "commands". Of PostgreSQL and Redis, which are not held: how long they are waited for. Default: 120, and 600.',
      ),
  })
  .describe('What is held still while the snapshots are made, and then let go.');

export const quiesceSchema = z
  .array(z.union([z.enum(BY_NAME), entrySchema]))
  .describe(
    'What is held still while the snapshots are made, in this order, and let go in the other one: "mariadb", "mysql", "postgresql" or "redis", or an object that says more.',
  );

export const QUIESCE_KEYS: readonly string[] = Object.keys(entrySchema.shape);

export const QUIESCE_EXAMPLES: Readonly<Record<string, string>> = {
  of: '"of": "mariadb", which is one of "mariadb", "mysql", "postgresql", "redis", "sqlite", "pause" and "commands"',
  socket: '"socket": "/run/mysqld/mysqld.sock"',
  port: '"port": 5433',
  optionFile: '"optionFile": "/root/backup.cnf"',
  file: '"file": "/srv/app/app.db"',
  checkpoint: '"checkpoint": true',
  what: '"what": "compose:shop"',
  before: '"before": ["/usr/local/sbin/shop", "hold"]',
  after: '"after": ["/usr/local/sbin/shop", "go-on"]',
  check: '"check": ["/usr/local/sbin/shop", "is-held"]',
  seconds: '"seconds": 20',
  name: '"name": "the shop"',
  hostUser: '"hostUser": "postgres"',
  passwordFileOnHost: '"passwordFileOnHost": "/root/redis-password"',
};

type QuiesceEntry = z.infer<typeof entrySchema>;
type QuiesceEntries = z.infer<typeof quiesceSchema>;

const entriesOf = (entries: QuiesceEntries): readonly QuiesceEntry[] =>
  entries.map((entry) => (typeof entry === 'string' ? { of: entry } : entry));

/** Which keys there may be, and which there must be. */
const KEYS: Readonly<
  Record<QuiesceEntry['of'], { readonly may: readonly string[]; readonly must: readonly string[] }>
> = {
  mariadb: { may: ['socket', 'optionFile'], must: [] },
  mysql: { may: ['socket', 'optionFile'], must: [] },
  postgresql: { may: ['socket', 'port', 'hostUser', 'checkpoint'], must: [] },
  redis: { may: ['socket', 'port', 'passwordFileOnHost'], must: [] },
  sqlite: { may: ['file'], must: ['file'] },
  pause: { may: ['what'], must: ['what'] },
  commands: { may: ['name', 'before', 'after', 'check'], must: ['name', 'before', 'after'] },
};

interface EntryProblem {
  readonly path: readonly (string | number)[];
  readonly at: 'key' | 'value';
  readonly message: string;
  readonly advice: string;
}

export function quiesceProblems(written: QuiesceEntries): readonly EntryProblem[] {
  const entries = entriesOf(written);
  return entries.flatMap((entry, index): EntryProblem[] => {
    const { may, must } = KEYS[entry.of];
    const same = entries.findIndex((other) => JSON.stringify(whatOf(other)) === JSON.stringify(whatOf(entry)));
    return [
      ...Object.keys(entry)
        .filter((key) => ![...may, 'of', 'seconds'].includes(key))
        .map((key) =>
          problem([index, key], 'key', `"${entry.of}" has no "${key}".`, `Remove it; it has ${listed(may)}.`),
        ),
      ...must
        .filter((key) => !(key in entry))
        .map((key) =>
          problem(
            [index],
            'value',
            `The key "${key}" is missing.`,
            `"${entry.of}" needs ${must.map((each) => `"${each}"`).join(', ')}.`,
          ),
        ),
      ...(same < index ? [problem([index], 'value', 'It is held twice.', 'Keep one of the two.')] : []),
      ...wrongValues(entry).map(([key, message, advice]) => problem([index, key], 'value', message, advice)),
    ];
  });
}

const problem = (
  path: readonly (string | number)[],
  at: 'key' | 'value',
  message: string,
  advice: string,
): EntryProblem => ({ path, at, message, advice });

const listed = (keys: readonly string[]): string => [...keys, 'seconds'].map((key) => `"${key}"`).join(', ');

/** Two of the same are one application; how long it is held does not matter. */
const whatOf = ({ of, socket, port, file, what, name }: QuiesceEntry): unknown => [
  of === 'mysql' ? 'mariadb' : of,
  ...[socket, port, file, what, name],
];

function wrongValues(entry: QuiesceEntry): readonly [key: string, message: string, advice: string][] {
  const wrong: [string, string, string][] = [];
  for (const key of ['socket', 'optionFile', 'passwordFileOnHost', 'file'] as const) {
    const path = entry[key];
    if (path !== undefined && !/^\/[^\0\n]*[^\0\n/]$/.test(path))
      wrong.push([
        key,
        `${JSON.stringify(path)} is not an absolute path.`,
        'Write the whole path on the host, beginning with "/".',
      ]);
  }
  if (entry.hostUser !== undefined && !/^[A-Za-z_][A-Za-z0-9_.-]{0,31}$/.test(entry.hostUser))
    wrong.push([
      'hostUser',
      `${JSON.stringify(entry.hostUser)} cannot be an account of a host.`,
      'Write its name, such as "postgres".',
    ]);
  if (entry.what !== undefined && !/^(compose:|container:)?[A-Za-z0-9][A-Za-z0-9+_.:@-]{0,199}$/.test(entry.what))
    wrong.push([
      'what',
      `${JSON.stringify(entry.what)} cannot be paused.`,
      'Write "compose:PROJECT", "container:NAME", or the name of a service as after "systemctl freeze".',
    ]);
  for (const key of ['before', 'after', 'check'] as const) {
    if (entry[key]?.some((word) => word.includes('\0')) === true)
      wrong.push([key, 'A word of it holds a NUL character.', 'Remove that character.']);
  }
  return wrong;
}

/** Of entries without problems. */
export const quiesceOf = (entries: QuiesceEntries): readonly QuiesceSpec[] => entriesOf(entries).map(specOf);

function specOf(entry: QuiesceEntry): QuiesceSpec {
  const {
    of,
    socket,
    port,
    optionFile,
    hostUser,
    passwordFileOnHost,
    file = '',
    checkpoint,
    what = '',
    name = '',
    before = [],
    after = [],
    check,
    seconds,
  } = entry;
  switch (of) {
    case 'mariadb':
    case 'mysql':
      return { of, socket, optionFile, seconds };
    case 'postgresql':
      return { of, socket, port, hostUser, checkpoint, seconds };
    case 'redis':
      return { of, socket, port, passwordFileOnHost, seconds };
    case 'sqlite':
      return { of, file, seconds };
    case 'pause':
      return { of, what, seconds };
    case 'commands':
      return { of, name, before, after, check, seconds };
  }
}
