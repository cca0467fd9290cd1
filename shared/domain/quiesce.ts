/** What a source wants held still while its snapshots are made, as the configuration says it. */

/** MariaDB or MySQL, reached from the host itself. */
export interface MariadbHold {
  readonly of: 'mariadb' | 'mysql';
  /** Absolute path on the host; the client's own default where it is left out. */
  readonly socket?: string | undefined;
  /** An option file on the host, with the account's name and password; root's own files where it is left out. */
  readonly optionFile?: string | undefined;
  readonly seconds?: number | undefined;
}

export interface PostgresqlHold {
  readonly of: 'postgresql';
  /** The folder of its socket on the host. */
  readonly socket?: string | undefined;
  readonly port?: number | undefined;
  /** The account of the host as which the server is reached; the owner of its data where it is left out. */
  readonly hostUser?: string | undefined;
  /** Whether it writes a checkpoint first, so that what is restored starts sooner. */
  readonly checkpoint?: boolean | undefined;
  readonly seconds?: number | undefined;
}

export interface RedisHold {
  readonly of: 'redis';
  readonly socket?: string | undefined;
  /** On the host's own loopback. */
  readonly port?: number | undefined;
  /** A file of the host whose first line is the password. */
  readonly passwordFileOnHost?: string | undefined;
  readonly seconds?: number | undefined;
}

/** One database of SQLite, whatever programs use it. */
export interface SqliteHold {
  readonly of: 'sqlite';
  /** Its absolute path on the host. */
  readonly file: string;
  readonly seconds?: number | undefined;
}

/** Processes that get no processor for a moment: those of containers, or of a service. */
export interface PauseHold {
  readonly of: 'pause';
  /** "compose:PROJECT", "container:NAME", or the name of a service of systemd. */
  readonly what: string;
  readonly seconds?: number | undefined;
}

/** What the person's own programs do on the host. */
export interface CommandsHold {
  readonly of: 'commands';
  readonly name: string;
  /** Ends when the application stands still. */
  readonly before: readonly string[];
  /** Lets it go on; runs also where nothing was held, and more than once. */
  readonly after: readonly string[];
  /** Succeeds while it stands still. Without it nothing is claimed. */
  readonly check?: readonly string[] | undefined;
  readonly seconds?: number | undefined;
}

export type QuiesceSpec = MariadbHold | PostgresqlHold | RedisHold | SqliteHold | PauseHold | CommandsHold;

/** One of a source's list, with its position in it. */
interface Wanted<Spec> {
  readonly spec: Spec;
  readonly at: number;
}

/** Those of a source that are of these kinds. */
export function wantedOf<Kind extends QuiesceSpec['of']>(
  { quiesce = [] }: { readonly quiesce?: readonly QuiesceSpec[] },
  ...kinds: readonly Kind[]
): readonly Wanted<Extract<QuiesceSpec, { of: Kind }>>[] {
  const isOne = (spec: QuiesceSpec): spec is Extract<QuiesceSpec, { of: Kind }> =>
    (kinds as readonly string[]).includes(spec.of);
  return quiesce.flatMap((spec, at) => (isOne(spec) ? [{ spec, at }] : []));
}
