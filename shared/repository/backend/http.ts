/**
 * HTTP for the stores that speak it: one connection pool of Node's own client, with the certificates, the limits of
 * speed and the patience that all of them share. It knows no store: its callers judge the status codes.
 *
 * A request ends with its signal. One on which nothing moves for minutes, or too little, is given up; what sets it going
 * again is the retry around the backend. Redirects are not followed, because a login would go along.
 */
import { type ClientRequest, Agent as HttpAgent, type IncomingMessage, request as requestHttp } from 'node:http';
import { Agent as HttpsAgent, request as requestHttps } from 'node:https';
import { createSecureContext, getCACertificates } from 'node:tls';
import { formatBytes } from '../../base/bytes.ts';
import { isStillpointError, StillpointError } from '../../base/errors.ts';
import { Flow } from './flow.ts';
import type { Throttle } from './limit.ts';

export interface HttpRequest {
  readonly method: string;
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: readonly Uint8Array[];
  /** Instead of that of the options. */
  readonly silenceMs?: number;
}

export interface HttpOptions {
  /** Certificates in PEM that are trusted beside those of the system. */
  readonly caCertificates?: string | undefined;
  readonly throttle: Throttle;
  /** After how long without a byte a request is given up; default five minutes. */
  readonly silenceMs?: number;
  /** Over how long the speed of what a store sends is measured. */
  readonly slownessMs?: number | undefined;
}

/** Also for those that a store has much to do for, however short the patience for others. */
export const LONG_SILENCE_MS = 5 * 60_000;
/** A listing of some millions of files; also what is the longest text that there can be. */
const MOST_ANSWER_BYTES = 511 * 1024 ** 2;
/** What goes to the limiter at once, so that a slow line is never filled for long. */
const PIECE_BYTES = 64 * 1024;

export class HttpClient {
  readonly #options: HttpOptions;
  readonly #flow: Flow;
  readonly #http = new HttpAgent({ keepAlive: true });
  #https: HttpsAgent | undefined;

  constructor(options: HttpOptions) {
    this.#options = options;
    this.#flow = new Flow(options.silenceMs ?? LONG_SILENCE_MS, options.slownessMs);
  }

  /** Resolves with the head of the answer; the caller has to read it to its end or to destroy it. */
  async send({ method, url, headers, body = [], ...wish }: HttpRequest, signal: AbortSignal): Promise<IncomingMessage> {
    signal.throwIfAborted();
    const isTls = url.protocol === 'https:';
    const length = body.reduce((sum, piece) => sum + piece.length, 0);
    const carriesBody = method === 'POST' || method === 'PUT';
    const silenceMs = wish.silenceMs ?? this.#options.silenceMs ?? LONG_SILENCE_MS;
    const options = {
      method,
      headers: carriesBody ? { ...headers, 'content-length': String(length) } : { ...headers },
      timeout: silenceMs,
    };
    const request = isTls
      ? requestHttps(url, { ...options, agent: this.#tls() })
      : requestHttp(url, { ...options, agent: this.#http });
    const stop = (): void => void request.destroy(signal.reason as Error);
    signal.addEventListener('abort', stop, { once: true });
    request.on('timeout', () => request.destroy(new SilenceError(silenceMs)));
    request.once('close', () => signal.removeEventListener('abort', stop));
    const unwatch = this.#flow.watchHead(request);
    try {
      return await this.#exchange(request, carriesBody ? body : [], signal);
    } catch (error) {
      request.destroy();
      signal.throwIfAborted();
      throw error;
    } finally {
      unwatch();
    }
  }

  /**
   * The rest of an answer. One that breaks off is an error and never a short one, and so is one of more than `mostBytes`
   * (`isAnswerTooLong`), of which no more than that is taken.
   */
  async readAll(answer: IncomingMessage, signal: AbortSignal, mostBytes = MOST_ANSWER_BYTES): Promise<Buffer> {
    const pieces: Buffer[] = [];
    let bytes = 0;
    try {
      for await (const piece of this.#flow.pieces(answer)) {
        bytes += piece.length;
        if (bytes > mostBytes) throw answerTooLong(mostBytes);
        pieces.push(piece);
        await this.#options.throttle.down?.pass(piece.length, signal);
      }
    } catch (error) {
      answer.destroy();
      signal.throwIfAborted();
      throw error;
    }
    signal.throwIfAborted();
    // A buffer of its own size: callers keep parts of it for long.
    return pieces.length === 1 && pieces[0] !== undefined ? Buffer.from(pieces[0]) : Buffer.concat(pieces);
  }

  /** Lets go of idle connections; the next request makes new ones. */
  close(): void {
    this.#http.destroy();
    this.#https?.destroy();
    this.#https = undefined;
  }

  #exchange(request: ClientRequest, body: readonly Uint8Array[], signal: AbortSignal): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      request.once('response', resolve);
      request.on('error', reject);
      this.#sendBody(request, body, signal).catch((error: unknown) => request.destroy(error as Error));
    });
  }

  async #sendBody(request: ClientRequest, body: readonly Uint8Array[], signal: AbortSignal): Promise<void> {
    const { up } = this.#options.throttle;
    for (const whole of body) {
      const size = up === undefined ? whole.length : PIECE_BYTES;
      for (let at = 0; at < whole.length; at += size) {
        const piece = whole.subarray(at, at + size);
        await up?.pass(piece.length, signal);
        if (request.destroyed) return;
        if (!request.write(piece)) await drained(request);
      }
    }
    request.end();
  }

  /** Made when the first request needs it: reading some hundred certificates takes a moment, so it is done once. */
  #tls(): HttpsAgent {
    const { caCertificates } = this.#options;
    this.#https ??= new HttpsAgent({
      keepAlive: true,
      secureContext: createSecureContext({
        ca: [
          ...new Set([...getCACertificates('default'), ...getCACertificates('system')]),
          ...(caCertificates === undefined ? [] : [caCertificates]),
        ],
      }),
    });
    return this.#https;
  }
}

/** Resolves when there is room to write, or nothing to write to any more. */
function drained(request: ClientRequest): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      request.off('drain', done);
      request.off('close', done);
      resolve();
    };
    request.on('drain', done);
    request.on('close', done);
  });
}

function answerTooLong(mostBytes: number): StillpointError {
  return new StillpointError('backend.failed', `The store answers with more than ${formatBytes(mostBytes)}.`, {
    advice: 'Check that the location is that of a store for repositories.',
    details: { answerTooLong: true },
    cause: undefined,
  });
}

export function isAnswerTooLong(error: unknown): boolean {
  return isStillpointError(error, 'backend.failed') && error.details['answerTooLong'] === true;
}

class SilenceError extends Error {
  readonly code = 'ETIMEDOUT';
  readonly silentMs: number;

  constructor(silentMs: number) {
    super(`nothing moved on the connection for ${Math.ceil(silentMs / 1000)} s`);
    this.silentMs = silentMs;
  }
}
