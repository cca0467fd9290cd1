/**
 * Whether a store sends fast enough to be waited for.
 *
 * A limit of silence does not protect against a store that sends a byte now and then: each byte restarts the limit, and
 * an answer of a few hundred bytes takes hours. So what all answers of a store bring is compared with the time that was
 * spent waiting for it. A slow line is not given up: 16 MiB over 100 kbit/s come twelve times as fast as the floor,
 * however many requests share the line. Time in which we hold back ourselves, as for a limit of speed, is not waiting,
 * and neither is the first second of an answer, which is the way there and back.
 */
import type { ClientRequest } from 'node:http';
import { formatBytes } from '../../base/bytes.ts';

const FLOOR_BYTES_PER_SECOND = 1024;
/** Over how long it is measured at least. A store may also pause for as long as the limit of silence allows. */
const WINDOW_MS = 60_000;
const LATENCY_MS = 1_000;

export class Flow {
  readonly #windowMs: number;
  /** Answers that are waited for just now. */
  #waiting = 0;
  #waitedMs = 0;
  #bytes = 0;

  constructor(silenceMs: number, windowMs = Math.max(WINDOW_MS, silenceMs)) {
    this.#windowMs = windowMs;
  }

  /** The pieces of an answer as they come. Throws a `TooSlowError` when too little came for too long. */
  async *pieces(answer: AsyncIterable<Buffer>): AsyncIterable<Buffer> {
    const pieces = answer[Symbol.asyncIterator]();
    let latencyMs = LATENCY_MS;
    try {
      for (;;) {
        const startMs = performance.now();
        this.#waiting += 1;
        const next = await pieces.next().finally(() => {
          const passedMs = performance.now() - startMs;
          const isLatencyMs = Math.min(latencyMs, passedMs);
          latencyMs -= isLatencyMs;
          this.#waitedMs += (passedMs - isLatencyMs) / this.#waiting;
          this.#waiting -= 1;
        });
        if (next.done === true) return;
        this.#bytes += next.value.length;
        this.#judge();
        yield next.value;
      }
    } finally {
      await pieces.return?.();
    }
  }

  /**
   * Gives up a request whose head trickles in: bytes came in two spans of time one after the other, and it is not whole.
   * A store that has much to do says nothing meanwhile. Call the result when the head is there or the request has ended.
   */
  watchHead(request: ClientRequest): () => void {
    const spanMs = this.#windowMs / 3;
    let before: number | undefined;
    let hadMoved = false;
    const timer = setInterval(() => {
      const now = request.socket?.bytesRead ?? 0;
      const bytes = before === undefined ? 0 : now - before;
      if (bytes > 0 && hadMoved) request.destroy(new TooSlowError(bytes, spanMs));
      hadMoved = bytes > 0;
      before = now;
    }, spanMs);
    timer.unref();
    return () => clearInterval(timer);
  }

  #judge(): void {
    if (this.#waitedMs < this.#windowMs) return;
    const [bytes, ms] = [this.#bytes, this.#waitedMs];
    this.#bytes = 0;
    this.#waitedMs = 0;
    if ((bytes * 1000) / ms < FLOOR_BYTES_PER_SECOND) throw new TooSlowError(bytes, ms);
  }
}

class TooSlowError extends Error {
  readonly code = 'ETIMEDOUT';
  readonly bytesPerSecond: number;
  /** How long it was waited for; the retry counts it as time in which nothing moved. */
  readonly silentMs: number;

  constructor(bytes: number, ms: number) {
    const bytesPerSecond = Math.round((bytes * 1000) / ms);
    const rate = `${formatBytes(bytesPerSecond)} a second over ${Math.round(ms / 1000)} s`;
    super(`the answer comes too slowly, with ${rate}; ${formatBytes(FLOOR_BYTES_PER_SECOND)} a second are the least`);
    this.bytesPerSecond = bytesPerSecond;
    this.silentMs = ms;
  }
}
