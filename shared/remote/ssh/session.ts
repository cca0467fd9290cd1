/**
 * One SSH connection to one host.
 *
 * States: `connecting` (socket, key exchange, host key, login) → `ready` (channels can be opened) → `lost` (the
 * connection broke; everything pending is rejected with `ssh.connection-lost`) or `closed` (we disposed it). Nothing
 * leads back: a new connection is a new session.
 *
 * Crash story: if we die, the socket closes and the server ends the channels. A connection that dies silently is
 * noticed by the keep-alive, or earlier by a channel that does not open. Silence is when nothing at all comes: on a slow
 * line the answer to a question of ours waits behind megabytes that we sent, and the other side lives all the same.
 */
import type { Duplex } from 'node:stream';
import type { AnyAuthMethod, AuthHandlerMiddleware, ClientChannel, Client as SshClient } from 'ssh2';
import type { StillpointError } from '../../base/errors.ts';
import { isStillpointError } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import type { Prompter } from '../../domain/prompter.ts';
import { CHANNEL_BUDGET_MS, CONNECT_BUDGET_MS, KEEP_ALIVE_COUNT, KEEP_ALIVE_INTERVAL_MS } from '../budgets.ts';
import type { Session } from '../session.ts';
import { silenceDeadline } from '../silence.ts';
import type { RemoteProcess } from '../transport.ts';
import { algorithmsFor } from './algorithms.ts';
import { Login } from './auth.ts';
import { channelProcess } from './channel-process.ts';
import { prepareHostKeyCheck } from './host-key.ts';
import type { SshConfig } from './openssh-config.ts';
import type { Wire } from './socket.ts';
import { cannotConnect, connectDeadline, connectionLost } from './ssh-errors.ts';
import { Client } from './ssh2.ts';

type SessionState = 'connecting' | 'ready' | 'lost' | 'closed';

export interface SessionPorts {
  readonly prompter: Prompter | undefined;
  readonly logger: Logger;
  /** The value of SSH_AUTH_SOCK. */
  readonly agentSocket: string | undefined;
  /** Instead of 15 s four times. OpenSSH's configuration of the host goes first. */
  readonly keepAlive?: { readonly intervalMs: number; readonly count: number };
}

export class SshSession implements Session {
  readonly #config: SshConfig;
  readonly #client: SshClient = new Client();
  readonly #wire: Wire;
  #state: SessionState = 'connecting';
  #lost: StillpointError | undefined;
  #lastError: Error | undefined;
  #heardAtMs = 0;
  #watch: NodeJS.Timeout | undefined;

  /** Takes over the wire: it is disposed with the session, and when connecting fails. */
  static async connect(config: SshConfig, wire: Wire, ports: SessionPorts, signal: AbortSignal): Promise<SshSession> {
    const session = new SshSession(config, wire);
    try {
      await session.#connect(ports, signal);
      return session;
    } catch (error) {
      await session[Symbol.asyncDispose]();
      throw error;
    }
  }

  private constructor(config: SshConfig, wire: Wire) {
    this.#config = config;
    this.#wire = wire;
  }

  get isReady(): boolean {
    return this.#state === 'ready';
  }

  exec(commandLine: string, onClose: () => void, signal: AbortSignal): Promise<RemoteProcess | undefined> {
    return this.#openChannel(signal, this.#adopter(onClose), (done) => this.#client.exec(commandLine, done));
  }

  subsystem(name: string, onClose: () => void, signal: AbortSignal): Promise<RemoteProcess | undefined> {
    return this.#openChannel(signal, this.#adopter(onClose), (done) => this.#client.subsys(name, done));
  }

  /** A TCP connection from the host to somewhere else, for jumping. Undefined when the server refuses. */
  async forward(host: string, port: number, signal: AbortSignal): Promise<Duplex | undefined> {
    return await this.#openChannel(
      signal,
      (channel: ClientChannel) => channel,
      (done) => this.#client.forwardOut('127.0.0.1', 0, host, port, done),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#state !== 'lost') this.#state = 'closed';
    clearInterval(this.#watch);
    this.#client.end();
    this.#client.destroy();
    await this.#wire[Symbol.asyncDispose]();
  }

  async #connect(ports: SessionPorts, signal: AbortSignal): Promise<void> {
    const config = this.#config;
    const budgetMs = config.connectTimeoutMs ?? CONNECT_BUDGET_MS;
    const limit = pausable(signal, budgetMs, () => connectDeadline(config, budgetMs));
    const { prompter } = ports;
    const ready = Promise.withResolvers<void>();
    const hostKey = await prepareHostKeyCheck({ config, prompter, logger: ports.logger });
    const login = new Login({
      config,
      prompter,
      agentSocket: ports.agentSocket,
      signal,
      whileAsking: (task) => limit.pauseFor(task),
    });
    const fail = (error: unknown): void => ready.reject(error);
    ready.promise.catch(() => undefined);
    const unreachable = async (error: Error): Promise<void> =>
      fail(cannotConnect(config, error, await this.#wire.proxySaid()));
    const onAbort = (): void => fail(limit.signal.reason);
    limit.signal.addEventListener('abort', onAbort, { once: true });

    this.#client.on('ready', () => {
      login.accepted();
      ready.resolve();
    });
    this.#client.on('error', (error) => {
      this.#lastError = error;
      const level = (error as { level?: string }).level;
      if (level === 'agent') login.note(error);
      else if (this.#state === 'connecting' && level !== 'client-authentication') {
        void unreachable(error);
      }
    });
    this.#client.on('close', () => {
      void unreachable(new Error('it closed the connection'));
      this.#onClose();
    });

    const advance = async (...[left, partial, next]: Parameters<AuthHandlerMiddleware>): Promise<void> => {
      let method: AnyAuthMethod | false = false;
      try {
        method = await login.next(left, partial);
        if (method === false) fail(login.failure(this.#lastError));
      } catch (error) {
        fail(error);
      }
      // ssh2 takes false for "no more", which its types do not say.
      next(method as AnyAuthMethod);
    };
    const alive = config.keepAlive ??
      ports.keepAlive ?? { intervalMs: KEEP_ALIVE_INTERVAL_MS, count: KEEP_ALIVE_COUNT };
    try {
      limit.signal.throwIfAborted();
      const { stream } = this.#wire;
      if (stream.destroyed) {
        throw cannotConnect(config, stream.errored ?? new Error('the connection closed'), await this.#wire.proxySaid());
      }
      this.#client.connect({
        sock: stream,
        host: config.hostName,
        port: config.port,
        username: config.user,
        readyTimeout: 0,
        keepaliveInterval: alive.intervalMs,
        // Its questions keep an idle line talking; who judges the answers is `#watchSilence`.
        keepaliveCountMax: Number.MAX_SAFE_INTEGER,
        algorithms: algorithmsFor(config, hostKey.keyTypes),
        hostVerifier: (key: Buffer, verify: (valid: boolean) => void) => {
          limit
            .pauseFor(() => hostKey.verify(key, signal))
            .then(
              () => verify(true),
              (error: unknown) => {
                fail(error);
                verify(false);
              },
            );
        },
        authHandler: (left, partial, next) => void advance(left, partial, next),
      });
      await ready.promise;
      this.#state = 'ready';
      this.#watchSilence(alive.intervalMs, alive.count);
    } catch (error) {
      throw isStillpointError(error) || signal.aborted ? error : cannotConnect(config, error);
    } finally {
      limit.signal.removeEventListener('abort', onAbort);
      limit[Symbol.dispose]();
    }
  }

  #watchSilence(intervalMs: number, count: number): void {
    this.#heardAtMs = performance.now();
    this.#wire.stream.on('data', () => {
      this.#heardAtMs = performance.now();
    });
    let seenMs = this.#heardAtMs;
    let misses = 0;
    // Rounds are counted, and not time: a machine that slept was not listening.
    this.#watch = setInterval(() => {
      misses = this.#heardAtMs === seenMs ? misses + 1 : 0;
      seenMs = this.#heardAtMs;
      if (misses > count) this.#silent((intervalMs * misses) / 1000);
    }, intervalMs).unref();
  }

  /** A short program has ended before a promise would have told of its channel, so it is adopted in the same moment. */
  #adopter(onClose: () => void): (channel: ClientChannel) => RemoteProcess {
    return (channel) => channelProcess(channel, () => this.#lost, onClose);
  }

  #onClose(): void {
    clearInterval(this.#watch);
    if (this.#state !== 'ready') return;
    this.#state = 'lost';
    const why = this.#lastError?.message ?? 'the other side closed it';
    this.#lost = connectionLost(this.#config.alias, why, this.#lastError);
  }

  async #openChannel<T>(
    signal: AbortSignal,
    adopt: (channel: ClientChannel) => T,
    open: (done: (error: Error | undefined, channel: ClientChannel) => void) => unknown,
  ): Promise<T | undefined> {
    if (this.#state !== 'ready') throw this.#gone();
    using limit = silenceDeadline(
      signal,
      CHANNEL_BUDGET_MS,
      () => this.#heardAtMs,
      () => this.#silent(CHANNEL_BUDGET_MS / 1000),
    );
    return await new Promise<T | undefined>((resolve, reject) => {
      let waiting = true;
      const onAbort = (): void => {
        waiting = false;
        reject(limit.signal.reason as Error);
      };
      limit.signal.addEventListener('abort', onAbort, { once: true });
      const done = (error: Error | undefined, channel: ClientChannel): void => {
        limit.signal.removeEventListener('abort', onAbort);
        if (!waiting) {
          if (error === undefined) channel.destroy();
        } else if (error === undefined) resolve(adopt(channel));
        else if (this.#state === 'ready' && /\(SSH\)|Unable to (exec|start subsystem)/.test(error.message))
          resolve(undefined);
        else reject(this.#gone(error));
      };
      try {
        limit.signal.throwIfAborted();
        open(done);
      } catch (error) {
        limit.signal.removeEventListener('abort', onAbort);
        reject(isStillpointError(error) || signal.aborted ? (error as Error) : this.#gone(error));
      }
    });
  }

  #gone(cause?: unknown): StillpointError {
    return this.#lost ?? connectionLost(this.#config.alias, 'it is closed', cause);
  }

  /** A connection on which nothing comes is dead, however long TCP takes to find out. */
  #silent(seconds: number): StillpointError {
    this.#lastError = new Error(`it did not answer for ${seconds} s`);
    this.#wire.stream.destroy();
    return connectionLost(this.#config.alias, this.#lastError.message, undefined);
  }
}

interface PausableDeadline extends Disposable {
  readonly signal: AbortSignal;
  /** The clock does not run while a person thinks. */
  pauseFor<T>(task: () => Promise<T>): Promise<T>;
}

function pausable(parent: AbortSignal, budgetMs: number, error: () => StillpointError): PausableDeadline {
  const controller = new AbortController();
  const onAbort = (): void => controller.abort(parent.reason);
  if (parent.aborted) onAbort();
  parent.addEventListener('abort', onAbort, { once: true });
  const start = (): NodeJS.Timeout => setTimeout(() => controller.abort(error()), budgetMs);
  let timer = start();
  return {
    signal: controller.signal,
    async pauseFor(task) {
      clearTimeout(timer);
      try {
        return await task();
      } finally {
        timer = start();
      }
    },
    [Symbol.dispose]() {
      clearTimeout(timer);
      parent.removeEventListener('abort', onAbort);
    },
  };
}
