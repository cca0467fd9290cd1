/**
 * Asking the person at the terminal. Questions go to standard error, so that standard output stays the answer; what
 * is typed is not echoed unless the question allows it, is registered as a secret, and is never kept.
 */
import type { ReadStream, WriteStream } from 'node:tty';
import { registerSecret } from '../shared/base/log.ts';
import type { HostKeyOffer, Prompter, Question } from '../shared/stillpoint.ts';
import { shown } from './render/text.ts';

const CTRL_C = '\u0003';
const CTRL_D = '\u0004';
const CTRL_U = '\u0015';
const BACKSPACE = ['\u0008', '\u007f'];

type Input = Pick<ReadStream, 'setRawMode' | 'on' | 'off' | 'resume' | 'pause' | 'setEncoding'>;
type Output = Pick<WriteStream, 'write'>;

export class TerminalPrompter implements Prompter {
  readonly #input: Input;
  readonly #output: Output;

  constructor(input: Input, output: Output) {
    this.#input = input;
    this.#output = output;
  }

  async ask(question: Question, signal: AbortSignal): Promise<string | undefined> {
    // A keyboard-interactive text comes from the host: it must not be able to draw.
    this.#output.write(`${shown(question.text.trim())} `);
    const answer = await this.#readLine(question.echo, signal);
    if (answer !== undefined) registerSecret(answer);
    return answer;
  }

  async confirmHostKey(offer: HostKeyOffer, signal: AbortSignal): Promise<boolean> {
    this.#output.write(
      `"${shown(offer.host)}" shows a key that is not in your known_hosts:\n` +
        `  ${shown(offer.keyType)} ${shown(offer.fingerprint)}\n` +
        'Compare it with "ssh-keygen -lf" on the host. Trust it and remember it? Type yes to go on: ',
    );
    return (await this.#readLine(true, signal))?.trim().toLowerCase() === 'yes';
  }

  /** A line without its end; undefined on Ctrl-C, on Ctrl-D at the start, at the end of input and on the signal. */
  #readLine(echo: boolean, signal: AbortSignal): Promise<string | undefined> {
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
          if (character === CTRL_C || (character === CTRL_D && typed.length === 0)) return finish(undefined);
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
      input.setRawMode(true);
      input.on('data', onData);
      input.on('end', onEnd);
      input.resume();
    });
  }
}
