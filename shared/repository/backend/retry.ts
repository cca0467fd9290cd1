/**
 * A backend whose calls are made again when they failed in a way that may pass: a lost connection, a busy server.
 *
 * Every call of the port may be repeated: files are immutable and named by their content, so a `save` that failed
 * half-way, or that was done and whose answer was lost, is simply made again. What decides is the error's own word:
 * `retry` is `safe` or `maybe`. Full, forbidden, not there and damaged are said at once.
 *
 * Waits and ends are those of `base/retry.ts`; `attempts.ts` adds what only a store needs.
 */
import { isStillpointError, StillpointError } from '../../base/errors.ts';
import { Attempts, type Call, type RetryPorts } from './attempts.ts';
import type { Backend, ByteRange, FileRef, FileType, StoredFile } from './backend.ts';
import { describeFile } from './backend.ts';
import { GivenUp } from './given-up.ts';
import type { CallName } from './last-word.ts';

export function withRetries(backend: Backend, ports: RetryPorts): Backend {
  return new RetryingBackend(backend, ports);
}

class RetryingBackend implements Backend {
  readonly #inner: Backend;
  readonly #ports: RetryPorts;
  readonly #givenUp: GivenUp;

  constructor(inner: Backend, ports: RetryPorts) {
    this.#inner = inner;
    this.#ports = ports;
    this.#givenUp = new GivenUp(ports.clock);
  }

  get properties(): Backend['properties'] {
    return this.#inner.properties;
  }

  prepare(signal: AbortSignal): Promise<void> {
    return this.#repeat({ call: 'prepare', type: undefined, fields: { call: 'prepare' } }, signal, () =>
      this.#inner.prepare(signal),
    );
  }

  save(file: FileRef, content: readonly Uint8Array[], signal: AbortSignal): Promise<void> {
    return this.#repeat(callOf('save', file), signal, () => this.#inner.save(file, content, signal));
  }

  load(file: FileRef, range: ByteRange | undefined, signal: AbortSignal): Promise<Buffer> {
    return this.#repeat(callOf('load', file), signal, async () => {
      const content = await this.#inner.load(file, range, signal);
      if (range !== undefined && content.length !== range.length) throw notTheRange(file, range, content.length);
      return content;
    });
  }

  stat(file: FileRef, signal: AbortSignal): Promise<StoredFile> {
    return this.#repeat(callOf('stat', file), signal, () => this.#inner.stat(file, signal));
  }

  get packFolders(): Backend['packFolders'] {
    const { packFolders } = this.#inner;
    if (packFolders === undefined) return undefined;
    const call: Call = { call: 'packFolders', type: undefined, fields: { call: 'packFolders' } };
    return (signal) => this.#repeat(call, signal, () => packFolders.call(this.#inner, signal));
  }

  /** What was given already is not given again when a listing has to be begun anew. */
  async *list(type: FileType, signal: AbortSignal): AsyncIterable<StoredFile> {
    const given = new Set<string>();
    const attempts = this.#attempts({ call: 'list', type, fields: { call: 'list', type } });
    for (;;) {
      const before = given.size;
      try {
        for await (const file of this.#inner.list(type, signal)) {
          if (given.has(file.name)) continue;
          given.add(file.name);
          yield file;
        }
        attempts.worked();
        return;
      } catch (error) {
        if (given.size > before) attempts.renew();
        await attempts.waitAfter(error, signal);
      }
    }
  }

  /** After a try whose outcome is unknown, a file that is not there is what was wanted. */
  remove(file: FileRef, signal: AbortSignal): Promise<void> {
    return this.#repeat(callOf('remove', file), signal, async (isFirst) => {
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

  async #repeat<T>(call: Call, signal: AbortSignal, make: (isFirst: boolean) => Promise<T>): Promise<T> {
    const attempts = this.#attempts(call);
    for (let isFirst = true; ; isFirst = false) {
      try {
        const made = await make(isFirst);
        attempts.worked();
        return made;
      } catch (error) {
        await attempts.waitAfter(error, signal);
      }
    }
  }

  #attempts(call: Call): Attempts {
    const askForConfig = (signal: AbortSignal) => this.#inner.load({ type: 'config', name: '' }, undefined, signal);
    return new Attempts({ ...this.#ports, givenUp: this.#givenUp, askForConfig }, call);
  }
}

function callOf(call: CallName, file: FileRef): Call {
  return { call, type: file.type, fields: { call, file: describeFile(file) } };
}

/** No backend may do this; if one does, it is not believed. */
function notTheRange(file: FileRef, range: ByteRange, length: number): StillpointError {
  return new StillpointError(
    'backend.failed',
    `Of ${describeFile(file)}, ${length} bytes came where ${range.length} were asked for.`,
    {
      advice: 'They are not used. Check the network and what lies between this machine and the store.',
      details: { offset: range.offset, asked: range.length, came: length },
      cause: undefined,
      retry: 'maybe',
    },
  );
}
