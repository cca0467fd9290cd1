/**
 * A backend whose calls are made again when they failed in a way that may pass: a lost connection, a busy server.
 *
 * Every call of the port may be repeated: files are immutable and named by their content, so a `save` that failed
 * half-way, or that was done and whose answer was lost, is simply made again. What decides is the error's own word:
 * `retry` is `safe` or `maybe`. Full, forbidden, not there and damaged are said at once.
 *
 * Waits double from try to try, with chance in them so that many clients do not come back in step, and are bounded by
 * number and by time. The signal ends a wait at once.
 */
import type { Clock } from '../../base/clock.ts';
import { isStillpointError, StillpointError } from '../../base/errors.ts';
import type { LogFields, Logger } from '../../base/log.ts';
import type { Backend, ByteRange, FileRef, FileType, StoredFile } from './backend.ts';
import { describeFile } from './backend.ts';

export interface RetryPolicy {
  /** How often a call is made at most, the first time included. */
  readonly tries: number;
  /** No try begins later than this after the first failure. */
  readonly budgetMs: number;
  readonly firstWaitMs: number;
  readonly longestWaitMs: number;
}

export interface RetryPorts {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Told of each failure after which a call is made again. */
  readonly onTrouble?: ((error: StillpointError) => void) | undefined;
  readonly policy?: RetryPolicy;
  /** From 0 to below 1; default Math.random. */
  readonly random?: () => number;
}

/** A router that restarts is waited for. It must end well before our lock counts as lost, after 22.5 minutes. */
const DEFAULT_POLICY: RetryPolicy = { tries: 12, budgetMs: 10 * 60_000, firstWaitMs: 500, longestWaitMs: 60_000 };

export function withRetries(backend: Backend, ports: RetryPorts): Backend {
  return new RetryingBackend(backend, ports);
}

class RetryingBackend implements Backend {
  readonly #inner: Backend;
  readonly #ports: RetryPorts;

  constructor(inner: Backend, ports: RetryPorts) {
    this.#inner = inner;
    this.#ports = ports;
  }

  get properties(): Backend['properties'] {
    return this.#inner.properties;
  }

  prepare(signal: AbortSignal): Promise<void> {
    return this.#repeat({ call: 'prepare' }, signal, () => this.#inner.prepare(signal));
  }

  save(file: FileRef, content: readonly Uint8Array[], signal: AbortSignal): Promise<void> {
    const fields = { call: 'save', file: describeFile(file) };
    return this.#repeat(fields, signal, () => this.#inner.save(file, content, signal));
  }

  load(file: FileRef, range: ByteRange | undefined, signal: AbortSignal): Promise<Buffer> {
    return this.#repeat({ call: 'load', file: describeFile(file) }, signal, async () => {
      const content = await this.#inner.load(file, range, signal);
      if (range !== undefined && content.length !== range.length) throw notTheRange(file, range, content.length);
      return content;
    });
  }

  stat(file: FileRef, signal: AbortSignal): Promise<StoredFile> {
    return this.#repeat({ call: 'stat', file: describeFile(file) }, signal, () => this.#inner.stat(file, signal));
  }

  get packFolders(): Backend['packFolders'] {
    const { packFolders } = this.#inner;
    if (packFolders === undefined) return undefined;
    return (signal) => this.#repeat({ call: 'packFolders' }, signal, () => packFolders.call(this.#inner, signal));
  }

  /** What was given already is not given again when a listing has to be begun anew. */
  async *list(type: FileType, signal: AbortSignal): AsyncIterable<StoredFile> {
    const given = new Set<string>();
    const patience = new Patience(this.#ports, { call: 'list', type });
    for (;;) {
      const before = given.size;
      try {
        for await (const file of this.#inner.list(type, signal)) {
          if (given.has(file.name)) continue;
          given.add(file.name);
          yield file;
        }
        return;
      } catch (error) {
        if (given.size > before) patience.renew();
        await patience.waitAfter(error, signal);
      }
    }
  }

  /** After a try whose outcome is unknown, a file that is not there is what was wanted. */
  remove(file: FileRef, signal: AbortSignal): Promise<void> {
    return this.#repeat({ call: 'remove', file: describeFile(file) }, signal, async (isFirst) => {
      try {
        await this.#inner.remove(file, signal);
      } catch (error) {
        if (isFirst || !isStillpointError(error, 'backend.not-found')) throw error;
      }
    });
  }

  close(): Promise<void> {
    return this.#inner.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #repeat<T>(fields: LogFields, signal: AbortSignal, call: (isFirst: boolean) => Promise<T>): Promise<T> {
    const patience = new Patience(this.#ports, fields);
    for (let isFirst = true; ; isFirst = false) {
      try {
        return await call(isFirst);
      } catch (error) {
        await patience.waitAfter(error, signal);
      }
    }
  }
}

/** Decides for one call whether it is made again, and when. */
class Patience {
  readonly #ports: RetryPorts;
  readonly #policy: RetryPolicy;
  readonly #fields: LogFields;
  #failures = 0;
  #firstFailureMs = 0;

  constructor(ports: RetryPorts, fields: LogFields) {
    this.#ports = ports;
    this.#policy = ports.policy ?? DEFAULT_POLICY;
    this.#fields = fields;
  }

  /** The call got on since the last failure, so its count begins anew. */
  renew(): void {
    this.#failures = 0;
  }

  /** Resolves when it is time for the next try; throws the error when there is none. */
  async waitAfter(error: unknown, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (!isStillpointError(error) || error.retry === 'never') throw error;
    const { clock, logger } = this.#ports;
    const now = clock.monotonicMs();
    if (this.#failures === 0) this.#firstFailureMs = now;
    this.#failures += 1;
    const waitMs = this.#nextWaitMs();
    const facts = { ...this.#fields, code: error.code, error: error.message, tries: this.#failures };
    const isTooLate = now + waitMs - this.#firstFailureMs > this.#policy.budgetMs;
    if (this.#failures >= this.#policy.tries || isTooLate) {
      logger.log('warn', 'A call to the place of the repository failed for the last time.', facts);
      throw error;
    }
    logger.log('warn', 'A call to the place of the repository failed and is made again.', { ...facts, waitMs });
    this.#ports.onTrouble?.(error);
    await clock.sleep(waitMs, signal);
  }

  /** Between half and the whole of what doubling gives. */
  #nextWaitMs(): number {
    const { firstWaitMs, longestWaitMs } = this.#policy;
    const whole = Math.min(longestWaitMs, firstWaitMs * 2 ** (this.#failures - 1));
    return Math.round(whole * (0.5 + (this.#ports.random ?? Math.random)() / 2));
  }
}

/** No backend may do this; if one does, it is not believed. */
function notTheRange(file: FileRef, range: ByteRange, length: number): StillpointError {
  return new StillpointError(
    'backend.failed',
    `Of ${describeFile(file)}, ${length} bytes came where ${range.length} were asked for.`,
    {
      advice: 'They are not used. Check the network and what lies between here and the place of the repository.',
      details: { offset: range.offset, asked: range.length, came: length },
      cause: undefined,
      retry: 'maybe',
    },
  );
}
