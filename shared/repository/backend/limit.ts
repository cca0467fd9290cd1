/**
 * A backend that takes no more than its share: so many bytes a second up and down, so many calls at once.
 *
 * Bytes are counted by a token bucket that may be overdrawn: a file goes in one piece, and what it took too much is
 * waited for before the next one begins. On the average the limit holds exactly. A backend that moves its files in
 * small pieces can ask the same buckets before each piece (`Throttle`), and then the line is never filled for longer
 * than the bucket's second.
 */
import type { Clock } from '../../base/clock.ts';
import { Semaphore } from '../../base/limit.ts';
import type { Backend, ByteRange, FileRef, FileType, StoredFile } from './backend.ts';

export interface BandwidthLimits {
  readonly uploadKiBps?: number;
  readonly downloadKiBps?: number;
}

/** What a backend asks before it moves bytes. */
export interface Throttle {
  readonly up: TokenBucket | undefined;
  readonly down: TokenBucket | undefined;
}

/** How much may go at once after a silence. */
const BURST_SECONDS = 1;

export class TokenBucket {
  readonly #bytesPerMs: number;
  readonly #capacity: number;
  readonly #clock: Clock;
  #tokens: number;
  #filledAtMs: number;

  constructor(kibPerSecond: number, clock: Clock) {
    if (!(kibPerSecond > 0)) throw new RangeError(`a bandwidth is more than 0 KiB/s, not ${kibPerSecond}`);
    this.#bytesPerMs = (kibPerSecond * 1024) / 1000;
    this.#capacity = kibPerSecond * 1024 * BURST_SECONDS;
    this.#clock = clock;
    this.#tokens = this.#capacity;
    this.#filledAtMs = clock.monotonicMs();
  }

  /** Takes the bytes at once and resolves when they may go. Who comes later waits behind. */
  async pass(bytes: number, signal: AbortSignal): Promise<void> {
    this.#fill();
    const waitMs = this.#tokens >= 0 ? 0 : Math.ceil(-this.#tokens / this.#bytesPerMs);
    this.#tokens -= bytes;
    signal.throwIfAborted();
    if (waitMs === 0) return;
    try {
      await this.#clock.sleep(waitMs, signal);
    } catch (error) {
      this.#tokens += bytes;
      throw error;
    }
  }

  #fill(): void {
    const now = this.#clock.monotonicMs();
    this.#tokens = Math.min(this.#capacity, this.#tokens + (now - this.#filledAtMs) * this.#bytesPerMs);
    this.#filledAtMs = now;
  }
}

export function createThrottle({ uploadKiBps, downloadKiBps }: BandwidthLimits, clock: Clock): Throttle {
  return {
    up: uploadKiBps === undefined ? undefined : new TokenBucket(uploadKiBps, clock),
    down: downloadKiBps === undefined ? undefined : new TokenBucket(downloadKiBps, clock),
  };
}

/** For backends that do not ask the throttle themselves. */
export function withBandwidth(backend: Backend, { up, down }: Throttle): Backend {
  return {
    ...passThrough(backend),
    async save(file, content, signal) {
      await up?.pass(
        content.reduce((sum, piece) => sum + piece.length, 0),
        signal,
      );
      await backend.save(file, content, signal);
    },
    async load(file, range, signal) {
      // What a whole file weighs is known when it is here; the one after it waits for it.
      await down?.pass(range?.length ?? 0, signal);
      const content = await backend.load(file, range, signal);
      if (range === undefined) await down?.pass(content.length, signal);
      return content;
    },
  };
}

/**
 * At most so many calls at once, over all who use this backend. Locks go past them: ours has to be kept alive while packs
 * fill a slow line for longer than a lock counts.
 */
export function withConnections(backend: Backend, connections: number): Backend {
  const places = new Semaphore(connections);
  const within = async <T>(type: FileType | undefined, signal: AbortSignal, call: () => Promise<T>): Promise<T> => {
    using _place = type === 'locks' ? undefined : await places.acquire(signal);
    return await call();
  };
  return {
    ...passThrough(backend),
    properties: { ...backend.properties, connections },
    prepare: (signal) => within(undefined, signal, () => backend.prepare(signal)),
    save: (file: FileRef, content, signal) => within(file.type, signal, () => backend.save(file, content, signal)),
    load: (file: FileRef, range: ByteRange | undefined, signal) =>
      within(file.type, signal, () => backend.load(file, range, signal)),
    stat: (file: FileRef, signal) => within(file.type, signal, () => backend.stat(file, signal)),
    remove: (file: FileRef, signal) => within(file.type, signal, () => backend.remove(file, signal)),
    // A listing holds its place only while it fetches: its reader may want to call us between two names.
    async *list(type: FileType, signal): AsyncIterable<StoredFile> {
      const names = backend.list(type, signal)[Symbol.asyncIterator]();
      try {
        for (;;) {
          const next = await within(type, signal, () => names.next());
          if (next.done === true) return;
          yield next.value;
        }
      } finally {
        await names.return?.();
      }
    },
  };
}

function passThrough(backend: Backend): Backend {
  const { packFolders } = backend;
  return {
    packFolders: packFolders && ((signal) => packFolders.call(backend, signal)),
    properties: backend.properties,
    prepare: (signal) => backend.prepare(signal),
    save: (file, content, signal) => backend.save(file, content, signal),
    load: (file, range, signal) => backend.load(file, range, signal),
    stat: (file, signal) => backend.stat(file, signal),
    list: (type, signal) => backend.list(type, signal),
    remove: (file, signal) => backend.remove(file, signal),
    close: () => backend.close(),
    [Symbol.asyncDispose]: () => backend.close(),
  };
}
