/** What we say to a host, read back: for the hosts on paper, the recordings and the broken connections of the tests. */
import { invariant } from '../../../shared/base/errors.ts';
import type { RemoteScript } from '../../../shared/remote/command.ts';

const NO_INPUT = ' </dev/null';
const CALL = '\nstillpoint_main\n';
const QUOTE = 0x27;

export interface SpokenScript extends RemoteScript {
  readonly args: readonly Buffer[];
  readonly takesInput: boolean;
  /** Another one may follow in the same shell. */
  readonly readsOn: boolean;
  readonly nonce: string;
}

const GREETING = /printf '\\n%s\\n' ([0-9a-f]{32}); [^\n]*\n/;

/**
 * Reads a greeting back: its nonce, and where it ends; undefined while there is none. What comes before it, a password
 * for sudo, is left alone.
 */
export function parseGreeting(bytes: Buffer): { nonce: string; end: number } | undefined {
  const match = GREETING.exec(bytes.toString('latin1'));
  const nonce = match?.[1];
  return match === null || nonce === undefined ? undefined : { nonce, end: match.index + match[0].length };
}

/** Reads a script back: what it was made of, and where it ends; undefined while it is not complete. */
export function parseScript(bytes: Buffer): { script: SpokenScript; end: number } | undefined {
  const headEnd = bytes.indexOf('\n');
  if (headEnd < 0) return undefined;
  const head = /^# stillpoint (\S+) (root|user|either) (\d+) (\d+)$/.exec(bytes.toString('latin1', 0, headEnd));
  invariant(head !== null, 'a script begins with its header');
  const bodyStart = bytes.indexOf('\n', headEnd + 1) + 1;
  const bodyEnd = bodyStart + Number(head[3]);
  const argsStart = bytes.indexOf('\nset -- ', bodyEnd) + '\nset -- '.length;
  const argsEnd = argsStart + Number(head[4]);
  const end = bytes.indexOf(CALL, argsEnd);
  if (bytes.length < argsEnd || end < 0) return undefined;
  return {
    script: {
      name: head[1] ?? '',
      needs: head[2] === 'root' ? 'root' : 'user',
      script: bytes.toString('utf8', bodyStart, bodyEnd),
      args: unquoteArgs(bytes.subarray(argsStart, argsEnd)),
      takesInput: !bytes.toString('latin1', argsEnd, end).includes(NO_INPUT),
      readsOn: !bytes.toString('latin1', argsEnd, end).includes('\nexit 0\n'),
      nonce: /[0-9a-f]{32}/.exec(bytes.toString('latin1', argsEnd, end))?.[0] ?? '',
    },
    end: end + CALL.length,
  };
}

/** More than a greeting takes. */
const LONGEST_GREETING = 400;

export interface Heard {
  greeted?(nonce: string): void;
  told?(script: SpokenScript): void;
  /** The input of the last script. */
  fed?(bytes: Buffer): void;
}

/** Hears all that is sent to one shell: greetings and scripts in their order, each once it is complete. */
export class Hearing {
  readonly #heard: Heard;
  #bytes: Buffer = Buffer.alloc(0);
  #wasGreeted = false;
  #readsOn = true;

  constructor(heard: Heard) {
    this.#heard = heard;
  }

  push(chunk: Buffer): void {
    this.#bytes = Buffer.concat([this.#bytes, chunk]);
    while (this.#readsOn && (this.#isGreeted() || this.#isTold()));
    // What is no conversation of ours may go on for ever.
    if (!this.#wasGreeted) this.#bytes = this.#bytes.subarray(-LONGEST_GREETING);
    if (this.#readsOn || this.#bytes.length === 0) return;
    this.#heard.fed?.(this.#bytes);
    this.#bytes = Buffer.alloc(0);
  }

  #isGreeted(): boolean {
    // A password for sudo may come before the first one.
    if (this.#wasGreeted && !this.#bytes.toString('latin1').startsWith('printf')) return false;
    const greeting = parseGreeting(this.#bytes);
    if (greeting === undefined) return false;
    this.#wasGreeted = true;
    this.#bytes = this.#bytes.subarray(greeting.end);
    this.#heard.greeted?.(greeting.nonce);
    return true;
  }

  #isTold(): boolean {
    const spoken = this.#wasGreeted ? parseScript(this.#bytes) : undefined;
    if (spoken === undefined) return false;
    this.#bytes = this.#bytes.subarray(spoken.end);
    this.#readsOn = spoken.script.readsOn;
    this.#heard.told?.(spoken.script);
    return true;
  }
}

/** Reads back what `quoteArgs` wrote, and nothing else. */
export function unquoteArgs(text: Uint8Array): Buffer[] {
  const bytes = Buffer.from(text);
  const words: Buffer[] = [];
  let at = 0;
  while (at < bytes.length) {
    const word: Buffer[] = [];
    for (;;) {
      invariant(bytes[at] === QUOTE, 'a quoted word begins with a quote');
      const end = bytes.indexOf(QUOTE, at + 1);
      invariant(end > at, 'a quoted word ends with a quote');
      word.push(bytes.subarray(at + 1, end));
      at = end + 1;
      if (bytes[at] !== 0x5c) break;
      word.push(bytes.subarray(at + 1, at + 2));
      at += 2;
    }
    words.push(Buffer.concat(word));
    at += 1;
  }
  return words;
}
