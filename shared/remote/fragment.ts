/**
 * A part of a remote script, as a value: one step of one storage or of one application, which somebody else joins with
 * the steps of others. So one script can hold still, freeze and let go without a round trip in between, and whoever adds a
 * storage writes only what is special about it.
 *
 * Invariants: every value is an argument and never text of the script; a part cannot end the whole, nor see or change
 * the variables of another part; a part that fails is named, with its exit code and what it said.
 */
import type { RemoteScript } from './command.ts';
import { unreadableOutput } from './command.ts';

export interface Fragment<T> {
  /** A verb and a noun in kebab-case, as of a command. */
  readonly name: string;
  /**
   * POSIX sh, the body of a function in a subshell of its own: it finds its arguments in "$@" and may `exit`. It
   * sees the functions of the script around it, which says which these are.
   */
  readonly script: string;
  readonly args: readonly (string | Uint8Array)[];
  /** How many fields it prints, each ended by a NUL. */
  readonly fields: number;
  /** Strict; throws an `Error` that says what is odd. */
  parse(fields: readonly string[]): T;
}

/** A fragment that failed. */
export interface FailedPart {
  /** Position among the parts of the script. */
  readonly part: number;
  readonly exitCode: number;
  /** The end of what all parts said. */
  readonly stderr: string;
}

/** What the joined parts are on the way to be: definitions, a call for each, and the arguments of all. */
export interface JoinedParts {
  readonly functions: string;
  /** sh that runs part `index` in a subshell; its exit code is the part's. */
  call(index: number): string;
  readonly args: readonly (string | Uint8Array)[];
}

/** @param before how many arguments of the whole script come before those of the parts */
export function joinParts(parts: readonly Fragment<unknown>[], before: number): JoinedParts {
  let next = before + 1;
  const calls = parts.map(({ args }, index) => {
    const words = args.map(() => `"\${${next++}}"`);
    // Traps that do something are reset in a subshell; a client that gives up must not end a step in its middle.
    return `( trap : HUP INT TERM; ${[partName(index), ...words].join(' ')} )`;
  });
  return {
    functions: parts.map(({ script }, index) => `${partName(index)}() {\n${script}\n}`).join('\n'),
    call: (index) => calls[index] ?? ':',
    args: parts.flatMap(({ args }) => args),
  };
}

const partName = (index: number): string => `sp_part_${index + 1}`;

/** sp_failed PART CODE: ends the script, which has done what it could, with the name of the part that failed. */
export const FAILED = `
sp_failed() { printf 'failed\\0%s\\0%s\\0' "$1" "$2"; exit 0; }`;

/** Takes an answer apart, field by field. Whatever is not as expected is `remote.unreadable-output`. */
export class FieldReader {
  readonly #fields: readonly string[];
  readonly #script: RemoteScript;
  readonly #stderr: string;
  #at = 0;

  constructor(stdout: Buffer, stderr: string, script: RemoteScript) {
    const fields = stdout.toString('latin1').split('\0');
    this.#fields = fields.slice(0, -1);
    this.#script = script;
    this.#stderr = stderr;
    if (fields.at(-1) !== '') throw this.unreadable('its last field is cut');
  }

  next(): string {
    const field = this.#fields[this.#at];
    if (field === undefined) throw this.unreadable('it ends too early');
    this.#at += 1;
    return field;
  }

  /** Whether this word comes next in the answer; then it is over it. */
  skip(word: string): boolean {
    const isNext = this.#fields[this.#at] === word;
    if (isNext) this.#at += 1;
    return isNext;
  }

  take(count: number): readonly string[] {
    return Array.from({ length: count }, () => this.next());
  }

  /** An uptime of the host in seconds; undefined for an empty field. */
  moment(): number | undefined {
    const text = this.next();
    if (text === '') return undefined;
    if (!/^\d+(\.\d+)?$/.test(text)) throw this.unreadable('a moment is no number');
    return Number(text);
  }

  /** What a fragment printed. */
  read<T>(fragment: Fragment<T>): T {
    const own = this.take(fragment.fields);
    try {
      return fragment.parse(own);
    } catch (error) {
      throw this.unreadable(error instanceof Error ? error.message : String(error));
    }
  }

  /** The failure that comes next in the answer, which then ends. */
  failure(): FailedPart | undefined {
    if (this.#fields[this.#at] !== 'failed') return undefined;
    const [, part = '', exitCode = ''] = this.take(3);
    if (!/^\d+$/.test(part) || !/^\d+$/.test(exitCode)) throw this.unreadable('a failure has another form');
    this.end();
    return { part: Number(part) - 1, exitCode: Number(exitCode), stderr: this.#stderr };
  }

  end(): void {
    if (this.#at !== this.#fields.length) throw this.unreadable('there is more than was expected');
  }

  unreadable(why: string): Error {
    return unreadableOutput(this.#script, why, this.#fields.join('\0'));
  }
}
