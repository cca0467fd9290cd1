/**
 * The SSH transport: channels on one connection, which is made when it is first needed and made again after it was
 * lost. Callers that wait for the same connection share the attempt.
 *
 * Invariant: `start` fails only before anything was started on the host, so it is always safe to call it again.
 */
import type { ClientChannel } from 'ssh2';
import { abortable } from '../../base/cancel.ts';
import type { Clock } from '../../base/clock.ts';
import { StillpointError } from '../../base/errors.ts';
import { Semaphore } from '../../base/limit.ts';
import type { Logger } from '../../base/log.ts';
import { CHANNEL_REFUSED_WAITS_MS, MAX_CHANNELS } from '../budgets.ts';
import { hostClosed } from '../host-errors.ts';
import type { RemoteProcess, Transport } from '../transport.ts';
import { channelProcess } from './channel-process.ts';
import type { SshSession } from './session.ts';

export interface SshTransportOptions {
  readonly host: string;
  /** Makes a new session; asked again after a session was lost. */
  readonly connect: (signal: AbortSignal) => Promise<SshSession>;
  readonly logger: Logger;
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
  readonly #closing = new AbortController();
  #session: SshSession | undefined;
  #connecting: Promise<SshSession> | undefined;
  #channelClosed = Promise.withResolvers<void>();

  constructor(options: SshTransportOptions) {
    this.#options = options;
  }

  async start(commandLine: string, signal: AbortSignal): Promise<RemoteProcess> {
    const place = await this.#places.acquire(signal);
    try {
      for (let refusals = 0; ; refusals += 1) {
        const session = await this.#ready(signal);
        const process = await session.exec(commandLine, (channel) => this.#adopt(channel, session, place), signal);
        if (process !== undefined) return process;
        // The server allows fewer channels than we do (MaxSessions), or has not yet buried our last ones.
        if (this.#running.size > 0) {
          await abortable(this.#channelClosed.promise, signal);
        } else {
          const wait = CHANNEL_REFUSED_WAITS_MS[refusals];
          if (wait === undefined) throw noChannels(this.#options.host);
          await this.#options.clock.sleep(wait, signal);
        }
      }
    } catch (error) {
      place[Symbol.dispose]();
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort(hostClosed(this.#options.host));
    for (const process of this.#running) process.kill();
    const pending = await this.#connecting?.catch(() => undefined);
    await pending?.[Symbol.asyncDispose]();
    await this.#session?.[Symbol.asyncDispose]();
  }

  #adopt(channel: ClientChannel, session: SshSession, place: Disposable): RemoteProcess {
    const process: RemoteProcess = channelProcess(
      channel,
      () => session.lost,
      () => {
        this.#running.delete(process);
        place[Symbol.dispose]();
        this.#channelClosed.resolve();
        this.#channelClosed = Promise.withResolvers();
      },
    );
    this.#running.add(process);
    return process;
  }

  async #ready(signal: AbortSignal): Promise<SshSession> {
    signal.throwIfAborted();
    this.#closing.signal.throwIfAborted();
    if (this.#session?.state === 'ready') return this.#session;
    this.#connecting ??= this.#connect().finally(() => {
      this.#connecting = undefined;
    });
    return await abortable(this.#connecting, signal);
  }

  async #connect(): Promise<SshSession> {
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

function noChannels(host: string): StillpointError {
  return new StillpointError('ssh.noise', `The SSH server of "${host}" does not let us run commands.`, {
    advice:
      'Nothing was started. The account may be limited to file transfer (ForceCommand, MaxSessions 0); use another one.',
    details: { host },
    cause: undefined,
  });
}
