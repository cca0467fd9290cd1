/**
 * A transport that writes down what was said through it: every script with its arguments, and every answer. Tests count
 * the steps of a run with it, and replay them. Input and passwords are not written down.
 */

import type { Transport } from '../../../shared/remote/transport.ts';
import { parseTrailer, readyLine, TRAILER_LENGTH } from '../../../shared/remote/wire.ts';
import { Hearing, type SpokenScript } from './spoken-script.ts';
import { tapProcess } from './tapped-process.ts';

interface Exchange {
  readonly commandLine: string;
  /** Undefined where no script was sent: a question to sudo, or a connection lost too early. */
  readonly script: SpokenScript | undefined;
  /** The content without our framing. */
  readonly stdout: Buffer;
  readonly stderr: string;
  /** Of the trailer; undefined when none came. */
  readonly exitCode: number | undefined;
}

export interface Recording extends Transport {
  /** In the order in which they were started; an exchange that still runs shows what there is so far. */
  exchanges(): readonly Exchange[];
}

/** Answers longer than this are kept in part only. */
const KEPT_ANSWER = 4 * 1024 * 1024;

export function recordTransport(inner: Transport): Recording {
  const exchanges: Listener[] = [];
  return {
    properties: inner.properties,
    exchanges: () => exchanges.map((listener) => listener.exchange()),
    async start(commandLine, signal, onFull) {
      let listener = new Listener(commandLine);
      const process = await inner.start(commandLine, signal, onFull);
      exchanges.push(listener);
      const hearing = new Hearing({
        told: (script) => {
          // The first one is what the shell was started for.
          if (listener.script !== undefined) exchanges.push((listener = new Listener(commandLine)));
          listener.script = script;
        },
      });
      return tapProcess(process, {
        sent: (chunk) => hearing.push(chunk),
        received: (chunk) => listener.hearReceived(chunk),
        complained: (chunk) => listener.hearComplaint(chunk),
      });
    },
    [Symbol.asyncDispose]: () => inner[Symbol.asyncDispose](),
  };
}

class Listener {
  script: SpokenScript | undefined;
  readonly #commandLine: string;
  #received: Buffer = Buffer.alloc(0);
  #complaint: Buffer = Buffer.alloc(0);

  constructor(commandLine: string) {
    this.#commandLine = commandLine;
  }

  hearReceived(chunk: Buffer): void {
    if (this.#received.length <= KEPT_ANSWER) this.#received = Buffer.concat([this.#received, chunk]);
  }

  hearComplaint(chunk: Buffer): void {
    if (this.#complaint.length <= KEPT_ANSWER) this.#complaint = Buffer.concat([this.#complaint, chunk]);
  }

  exchange(): Exchange {
    const { script } = this;
    const nonce = script?.nonce;
    const exitCode = nonce === undefined ? undefined : parseTrailer(nonce, this.#received.subarray(-TRAILER_LENGTH));
    return {
      commandLine: this.#commandLine,
      script,
      stdout: nonce === undefined ? this.#received : this.#content(nonce, exitCode !== undefined),
      stderr: nonce === undefined ? this.#complaint.toString('utf8') : ownWords(this.#complaint, nonce),
      exitCode,
    };
  }

  #content(nonce: string, isWhole: boolean): Buffer {
    const line = readyLine(nonce);
    const at = this.#received.indexOf(line);
    if (at < 0) return Buffer.alloc(0);
    const end = isWhole ? this.#received.length - TRAILER_LENGTH : this.#received.length;
    return this.#received.subarray(Math.min(at + line.length, end), end);
  }
}

/** Standard error between our two marks. */
function ownWords(complaint: Buffer, nonce: string): string {
  const [, words = ''] = complaint.toString('utf8').split(`${nonce}+\n`);
  return words.split(`${nonce}:`)[0] ?? '';
}
