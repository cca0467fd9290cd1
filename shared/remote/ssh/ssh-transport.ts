/**
 * The SSH transport: channels on one connection, which is made when it is first needed and made again after it was
 * lost.
 *
 * Invariant: `start` fails only before anything was started on the host, so it is always safe to call it again.
 */
import { abortable } from '../../base/cancel.ts';
import type { Clock } from '../../base/clock.ts';
import { StillpointError } from '../../base/errors.ts';
import { Semaphore } from '../../base/limit.ts';
import { Tries } from '../../base/retry.ts';
import { CHANNEL_REFUSED, MAX_CHANNELS } from '../budgets.ts';
import type { Session } from '../session.ts';
import type { RemoteProcess, Transport } from '../transport.ts';
import { KeptSession, type KeptSessionOptions } from './kept-session.ts';

export interface SshTransportOptions extends KeptSessionOptions {
  readonly clock: Clock;
}

export function createSshTransport(options: SshTransportOptions): Transport {
  return new SshTransport(options);
}

class SshTransport implements Transport {
  readonly properties = { isLocal: false, maxChannels: MAX_CHANNELS };
  readonly #options: SshTransportOptions;
  readonly #places = new Semaphore(MAX_CHANNELS);
  readonly #running = new Set<RemoteProcess>();
  readonly #kept: KeptSession;
  #channelClosed = Promise.withResolvers<void>();

  constructor(options: SshTransportOptions) {
    this.#options = options;
    this.#kept = new KeptSession(options);
  }

  async start(commandLine: string, signal: AbortSignal, onFull?: () => void): Promise<RemoteProcess> {
    if (this.#running.size >= MAX_CHANNELS) onFull?.();
    const place = await this.#places.acquire(signal);
    try {
      const refusals = new Tries({ clock: this.#options.clock, times: CHANNEL_REFUSED });
      for (;;) {
        const session = await this.#kept.ready(signal);
        const process = await this.#open(session, commandLine, place, signal);
        if (process !== undefined) return process;
        // The server allows fewer channels than we do (MaxSessions), or has not yet buried our last ones.
        const running = this.#running.size;
        if (running > 0) {
          onFull?.();
          if (this.#running.size === running) await abortable(this.#channelClosed.promise, signal);
          refusals.renew();
        } else await refusals.waitAfter(noChannels(this.#options.host), signal);
      }
    } catch (error) {
      place[Symbol.dispose]();
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#kept.closing();
    for (const process of this.#running) process.kill();
    await this.#kept[Symbol.asyncDispose]();
  }

  async #open(
    session: Session,
    commandLine: string,
    place: Disposable,
    signal: AbortSignal,
  ): Promise<RemoteProcess | undefined> {
    const channel: { process?: RemoteProcess; isClosed: boolean } = { isClosed: false };
    const onClose = (): void => {
      channel.isClosed = true;
      if (channel.process === undefined) return;
      this.#running.delete(channel.process);
      this.#freed(place);
    };
    const process = await session.exec(commandLine, onClose, signal);
    if (process === undefined) return undefined;
    channel.process = process;
    if (channel.isClosed) this.#freed(place);
    else this.#running.add(process);
    return process;
  }

  #freed(place: Disposable): void {
    place[Symbol.dispose]();
    this.#channelClosed.resolve();
    this.#channelClosed = Promise.withResolvers();
  }
}

function noChannels(host: string): StillpointError {
  return new StillpointError('ssh.noise', `The SSH server of "${host}" does not let us run commands.`, {
    advice: 'The account may be limited to file transfer (ForceCommand, MaxSessions 0); use another one.',
    details: { host },
    cause: undefined,
  });
}
