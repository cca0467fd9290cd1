/**
 * One SSH connection that is made when it is first needed and made again after it was lost. Callers that wait for the
 * same connection share the attempt.
 */
import { abortable } from '../../base/cancel.ts';
import type { Logger } from '../../base/log.ts';
import { hostClosed } from '../host-errors.ts';
import type { Session } from '../session.ts';

export interface KeptSessionOptions {
  readonly host: string;
  /** Makes a new session; asked again after a session was lost. */
  readonly connect: (signal: AbortSignal) => Promise<Session>;
  readonly logger: Logger;
}

export class KeptSession implements AsyncDisposable {
  readonly #options: KeptSessionOptions;
  readonly #closing = new AbortController();
  #session: Session | undefined;
  #connecting: Promise<Session> | undefined;

  constructor(options: KeptSessionOptions) {
    this.#options = options;
  }

  async ready(signal: AbortSignal): Promise<Session> {
    signal.throwIfAborted();
    this.#closing.signal.throwIfAborted();
    if (this.#session?.isReady === true) return this.#session;
    this.#connecting ??= this.#connect().finally(() => {
      this.#connecting = undefined;
    });
    return await abortable(this.#connecting, signal);
  }

  /** From now on no session is handed out any more. */
  closing(): void {
    this.#closing.abort(hostClosed(this.#options.host));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.closing();
    const pending = await this.#connecting?.catch(() => undefined);
    await pending?.[Symbol.asyncDispose]();
    await this.#session?.[Symbol.asyncDispose]();
  }

  async #connect(): Promise<Session> {
    const before = this.#session;
    this.#session = undefined;
    if (before !== undefined) {
      this.#options.logger.log('info', 'Connecting again.', { host: this.#options.host });
      await before[Symbol.asyncDispose]();
    }
    this.#session = await this.#options.connect(this.#closing.signal);
    return this.#session;
  }
}
