/**
 * Dumps: what a program of the host writes out as a stream, and what becomes of it. A dump is one file of a restore point,
 * with a consistency of its own beside that of the files.
 */
/** A server of MariaDB or MySQL. */
export interface SqlDump {
  readonly of: 'mariadb' | 'mysql';
  readonly name?: string | undefined;
  /** All that are no part of the server itself, unless they are named. */
  readonly databases?: readonly string[] | undefined;
  readonly socket?: string | undefined;
  /** A file of the host with the account, as its programs read it. */
  readonly optionFile?: string | undefined;
}

export interface PostgresqlDump {
  readonly of: 'postgresql';
  readonly name?: string | undefined;
  readonly databases?: readonly string[] | undefined;
  /** The folder of the socket. */
  readonly socket?: string | undefined;
  readonly port?: number | undefined;
  /** A role of the server; the one that is called as the owner of its socket unless said otherwise. */
  readonly role?: string | undefined;
  /** One file for each database, or the files of the whole server. */
  readonly how?: 'databases' | 'base-backup' | undefined;
}

export interface RedisDump {
  readonly of: 'redis';
  readonly name?: string | undefined;
  readonly socket?: string | undefined;
  readonly port?: number | undefined;
}

export interface SqliteDump {
  readonly of: 'sqlite';
  readonly file: string;
}

/** Any program whose standard output is the content. */
export interface CommandDump {
  readonly of: 'command';
  readonly name: string;
  readonly command: readonly string[];
  /** The user of the host whose rights it has; root's, or those of the login, unless said otherwise. */
  readonly hostUser?: string | undefined;
}

export type DumpWish = SqlDump | PostgresqlDump | RedisDump | SqliteDump | CommandDump;

/** The folder of a restore point in which dumps lie; no folder of the host. */
export const DUMPS_FOLDER = '.stillpoint-dumps';

/** Of all that a wish makes: where it lies below the folder of dumps. No two wishes of a source have the same. */
export function dumpPlace(wish: DumpWish): string {
  if (wish.of === 'sqlite') return `sqlite${wish.file}`;
  if (wish.of === 'command') return `command/${wish.name}`;
  return wish.name ?? wish.of;
}

/** What a dump may be called when all goes well: of one moment as its program says, or as it comes. */
export type DumpConsistency = 'application' | 'fuzzy';

export const DUMP_MEANING: Readonly<Record<DumpConsistency, string>> = {
  application: 'of one moment, as its own program writes it',
  fuzzy: 'as its command wrote it; that it is of one moment is not known',
};

/** What will be in a restore point. */
export interface PlannedDumpFile {
  /** Absolute in the restore point; shown text. */
  readonly path: string;
  /** For people: "MariaDB at /run/mysqld/mysqld.sock". */
  readonly what: string;
  readonly consistency: DumpConsistency;
}

const isText = (value: unknown): value is string => typeof value === 'string';

/** Of the facts that a run wrote into a restore point; anybody may have written them, so each is one or nothing. */
export function dumpsIn(evidence: unknown): readonly PlannedDumpFile[] {
  const dumps: unknown = (evidence as { readonly dumps?: unknown } | null | undefined)?.dumps;
  return (Array.isArray(dumps) ? dumps : []).flatMap((each: unknown) => {
    const { path, what, consistency } = (each ?? {}) as Readonly<Record<string, unknown>>;
    const isKnown = consistency === 'application' || consistency === 'fuzzy';
    return isText(path) && isText(what) && isKnown ? [{ path, what, consistency }] : [];
  });
}

/** "8 dumps application, 1 dump fuzzy"; undefined where there is none. */
export function dumpsInWords(dumps: readonly Pick<PlannedDumpFile, 'consistency'>[]): string | undefined {
  const words = (['application', 'fuzzy'] as const).flatMap((level) => {
    const { length } = dumps.filter(({ consistency }) => consistency === level);
    return length === 0 ? [] : [`${length} ${length === 1 ? 'dump' : 'dumps'} ${level}`];
  });
  return words.length === 0 ? undefined : words.join(', ');
}

/** A dump that came whole. Times are uptimes of the host in seconds: it is of a moment between them. */
export interface DumpEvidence extends PlannedDumpFile {
  readonly bytes: number;
  readonly fromUptime: number;
  readonly untilUptime: number;
}
