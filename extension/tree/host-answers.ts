/**
 * What the hosts said of themselves. A view asks and continues at once: a host that answers slowly, or never, must not
 * hold up the nodes beside it. One connection is made for each host however often the view asks; what came of it,
 * also a failure, is kept until it is forgotten.
 */
import type * as vscode from 'vscode';
import { cancelled } from '../../shared/base/cancel.ts';
import { type ErrorRecord, toErrorRecord } from '../../shared/base/errors.ts';
import type { HostName } from '../../shared/domain/names.ts';

export type HostAnswer<T> =
  | { readonly state: 'connecting' }
  | { readonly state: 'known'; readonly answer: T }
  | { readonly state: 'failed'; readonly error: ErrorRecord };

interface Asking<T> {
  /** How the host was logged in to. */
  readonly login: string | undefined;
  now: HostAnswer<T>;
  readonly stop: AbortController;
}

export class HostAnswers<T> implements vscode.Disposable {
  readonly #question: (host: HostName, signal: AbortSignal) => Promise<T>;
  readonly #onAnswer: (host: HostName) => void;
  readonly #asked = new Map<HostName, Asking<T>>();

  /** `onAnswer` is called when a host has answered or failed. */
  constructor(question: (host: HostName, signal: AbortSignal) => Promise<T>, onAnswer: (host: HostName) => void) {
    this.#question = question;
    this.#onAnswer = onAnswer;
  }

  /** What is known now; connects when nothing is. `login` is how the configuration has it reached. */
  look(host: HostName, login?: string): HostAnswer<T> {
    const known = this.#asked.get(host);
    if (known !== undefined) return known.now;
    const asking: Asking<T> = { login, now: { state: 'connecting' }, stop: new AbortController() };
    this.#asked.set(host, asking);
    void this.#ask(host, asking);
    return asking.now;
  }

  /** A connection that is being made is given up. */
  forget(host: HostName): void {
    this.#asked.get(host)?.stop.abort(cancelled(`Connecting to "${host}"`));
    this.#asked.delete(host);
  }

  /** After an edit: only hosts that are reached otherwise now, or that are gone, have to be asked again. */
  keepOnly(logins: ReadonlyMap<HostName, string>): void {
    for (const [host, { login }] of this.#asked) if (logins.get(host) !== login) this.forget(host);
  }

  forgetAll(): void {
    for (const host of this.#asked.keys()) this.forget(host);
  }

  dispose(): void {
    this.forgetAll();
  }

  async #ask(host: HostName, asking: Asking<T>): Promise<void> {
    try {
      asking.now = { state: 'known', answer: await this.#question(host, asking.stop.signal) };
    } catch (error) {
      asking.now = { state: 'failed', error: toErrorRecord(error) };
    }
    if (this.#asked.get(host) === asking) this.#onAnswer(host);
  }
}
