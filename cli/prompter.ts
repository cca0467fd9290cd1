/**
 * Asking the person at the terminal. Questions go to standard error, so that standard output stays the answer; what
 * is typed is not echoed unless the question allows it, is registered as a secret, and is never kept.
 */
import type { ReadStream, WriteStream } from 'node:tty';
import { registerSecret } from '../shared/base/log.ts';
import type { HostKeyOffer, Prompter, Question } from '../shared/domain/prompter.ts';
import { shown } from './render/text.ts';

const CTRL_C = '\u0003';
const CTRL_D = '\u0004';
const CTRL_U = '\u0015';
const BACKSPACE = ['\u0008', '\u007f'];

type Input = Pick<ReadStream, 'setRawMode' | 'on' | 'off' | 'resume' | 'pause' | 'setEncoding'>;
type Output = Pick<WriteStream, 'write'>;

export interface PrompterOptions {
  /** A repository's password is being chosen, not given: it is typed twice, for a slip would lock its owner out. */
  readonly choosesPassword: boolean;
  /** Ctrl-C at a question, which the terminal does not make a signal of here: it ends the command as it does elsewhere. */
  onInterrupt(): void;
}

export class TerminalPrompter implements Prompter {
  readonly #input: Input;
  readonly #output: Output;
  readonly #options: PrompterOptions;
  /** One question at a time, whichever part of the program asks. */
  #queue: Promise<unknown> = Promise.resolve();
  #open = 0;

  constructor(input: Input, output: Output, options: PrompterOptions) {
    this.#input = input;
    this.#output = output;
    this.#options = options;
  }

  /** Somebody is being asked, or waits to be. */
  get isAsking(): boolean {
    return this.#open > 0;
  }

  ask(question: Question, signal: AbortSignal): Promise<string | undefined> {
    return this.#inTurn(async () => {
      const chosen =
        question.kind === 'new-repository-password' ||
        (this.#options.choosesPassword && question.kind === 'repository-password');
      const answer = chosen ? await this.#choose(question, signal) : await this.#askOnce(question, signal);
      if (answer !== undefined && !question.echo) registerSecret(answer);
      return answer;
    });
  }

  /** A question of a command's own, whose answer is no secret. */
  line(question: string, signal: AbortSignal): Promise<string | undefined> {
    return this.#inTurn(() => this.#readLine(question, true, signal));
  }

  confirmHostKey(offer: HostKeyOffer, signal: AbortSignal): Promise<boolean> {
    return this.#inTurn(async () => {
      const others = offer.otherKeys.map((key) => `  known so far: ${shown(key)}\n`).join('');
      const answer = await this.#readLine(
        `"${shown(offer.host)}" (${shown(offer.address)}) shows a key that is not in your known_hosts:\n` +
          `  ${shown(offer.keyType)} ${shown(offer.fingerprint)}\n${others}` +
          'Compare it with "ssh-keygen -lf" on the host. Trust it and remember it? Type yes to continue: ',
        true,
        signal,
      );
      return answer?.trim().toLowerCase() === 'yes';
    });
  }

  /** Nothing that is typed here is kept. */
  settle(): void {}

  async #askOnce(question: Question, signal: AbortSignal): Promise<string | undefined> {
    // A keyboard-interactive text comes from the host: it must not be able to draw.
    const text = question.text.trim();
    const end = /[:?>]\p{Cc}*$/u.test(text) ? '' : ':';
    return this.#readLine(`${shown(text)}${end} `, question.echo, signal);
  }

  async #choose(question: Question, signal: AbortSignal): Promise<string | undefined> {
    for (;;) {
      const first = await this.#askOnce(question, signal);
      if (first === undefined) return undefined;
      const second = await this.#readLine('Once more, to be sure: ', question.echo, signal);
      if (second === undefined || second === first) return second;
      this.#output.write('These were different. Again:\n');
    }
  }

  #inTurn<T>(conversation: () => Promise<T>): Promise<T> {
    this.#open += 1;
    const turn = this.#queue.then(conversation).finally(() => (this.#open -= 1));
    this.#queue = turn.catch(() => undefined);
    return turn;
  }

  /** A line without its end; undefined on Ctrl-C, on Ctrl-D at the start, at the end of input and on the signal. */
  #readLine(prompt: string, echo: boolean, signal: AbortSignal): Promise<string | undefined> {
    const input = this.#input;
    const typed: string[] = [];
    return new Promise((resolve) => {
      const finish = (answer: string | undefined): void => {
        input.off('data', onData);
        input.off('end', onEnd);
        signal.removeEventListener('abort', onEnd);
        input.setRawMode(false);
        input.pause();
        this.#output.write('\n');
        resolve(answer);
      };
      const onEnd = (): void => finish(undefined);
      const onData = (chunk: string | Buffer): void => {
        for (const character of chunk.toString()) {
          if (character === '\r' || character === '\n') return finish(typed.join(''));
          if (character === CTRL_C) {
            finish(undefined);
            return this.#options.onInterrupt();
          }
          if (character === CTRL_D && typed.length === 0) return finish(undefined);
          if (BACKSPACE.includes(character)) {
            if (typed.pop() !== undefined && echo) this.#output.write('\b \b');
          } else if (character === CTRL_U) {
            if (echo) this.#output.write('\b \b'.repeat(typed.length));
            typed.length = 0;
          } else if (character >= ' ') {
            typed.push(character);
            if (echo) this.#output.write(character);
          }
        }
      };
      if (signal.aborted) {
        resolve(undefined);
        return;
      }
      signal.addEventListener('abort', onEnd, { once: true });
      input.setEncoding('utf8');
      // Before the question appears: a person who types at once would otherwise be echoed by the terminal itself
      input.setRawMode(true);
      this.#output.write(prompt);
      input.on('data', onData);
      input.on('end', onEnd);
      input.resume();
    });
  }
}
