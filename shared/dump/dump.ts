/**
 * The port of a program that writes out what it holds, as a stream: a server of databases, or any command. Asking the host
 * what there is comes first and is the same for a plan and a run; what will run then is a value.
 *
 * Invariants. Nothing is written to the host's disk. No password is in an argument, in the environment or with us: a program
 * logs in as the host's own accounts and files let it. A dump counts only when its program has ended well, its stream
 * came with its trailer, and it ends as dumps of its kind end.
 *
 * Crash story. Whoever dies, the program ends: it is ended on the host when nothing is heard of us for as long as a lease
 * lasts, and at once when the connection closes (`on-host.ts`). It holds nothing but what it reads.
 */
import type { DumpConsistency, DumpWish } from '../domain/dump.ts';
import type { RemoteScript } from '../remote/command.ts';

export interface Dumper<W extends DumpWish> {
  /** For people: what it is of, and where. */
  label(wish: W): string;
  /** The least that the account needs, as a sentence that says how it is given. */
  readonly leastRights: string;
  /** Of a server: how it shows in the words of its program that none answers, and what to do then. */
  readonly down?: { readonly words: RegExp; readonly advice: string };
  /**
   * Asks the host: whether the program is there, whether it can log in and may read all of it, and what there is. Prints
   * fields that each end with a NUL. Ends with {@link LACKS} after the name of a program that is missing, and otherwise with a
   * failure and the words of the program. It sees the functions of `on-host.ts`.
   */
  look(wish: W): Pick<RemoteScript, 'script' | 'args'>;
  /** What will run. Errors: a {@link Refusal}. @param fields what the host answered */
  plan(wish: W, fields: readonly string[]): DumpPlan;
}

export interface DumpPlan {
  readonly dumps: readonly PlannedDump[];
  /** What a person should know of it. */
  readonly notes: readonly string[];
}

export interface PlannedDump {
  /** Below the folder of dumps, `/` between names. */
  readonly name: string;
  /** For people: "the databases of MariaDB at /run/mysqld/mysqld.sock". */
  readonly what: string;
  readonly consistency: DumpConsistency;
  /** As an administrator would type it. */
  readonly line: string;
  /** Ends in one call of `sp_dump "$limit"`, whose program writes the content to standard output. */
  readonly script: string;
  readonly args: readonly (string | Uint8Array)[];
  readonly end: DumpEnd;
}

/** How the stream of a kind of dump ends. */
export interface DumpEnd {
  /** How much of the end has to be seen, in bytes. */
  readonly bytes: number;
  /** How many bytes at the very end are no part of the content; undefined where this is not how a whole one ends. */
  surplus(end: Buffer): number | undefined;
  /** For people: what should have stood there. */
  readonly looks: string;
}

/** Its exit code says all. */
export const ANY_END: DumpEnd = { bytes: 0, surplus: () => 0, looks: '' };

/** A text that has such a line among its last. */
export function endsWithLine(pattern: RegExp, looks: string): DumpEnd {
  const isEnd = (end: Buffer): boolean =>
    end
      .toString('latin1')
      .trimEnd()
      .split('\n')
      .slice(-6)
      .some((line) => pattern.test(line));
  return { bytes: 400, surplus: (end) => (isEnd(end) ? 0 : undefined), looks };
}

/** Exit code of a look: the program that it named last is not there. */
export const LACKS = 90;

/** Why there can be no dump, beside what a program says itself. */
export class Refusal extends Error {
  readonly advice: string;

  constructor(message: string, advice: string) {
    super(message);
    this.advice = advice;
  }
}
