/**
 * The names of files whose content is wanted, on their way to tar on the host. Bounded: who asks faster than content
 * comes back has to wait.
 *
 * A name that travels alone costs an encrypted packet and a system call, more than reading a small file. So names
 * leave together: those that had to wait continue when a quarter of the room is free, and what is asked for in one turn
 * of the event loop is handed over at its end.
 */
import { setImmediate as turnEnd } from 'node:timers/promises';
import { once } from '../../base/once.ts';

export class RequestQueue<T> implements AsyncIterable<readonly T[]> {
  #items: T[] = [];
  readonly #limit: number;
  /** At how many outstanding a waiting caller may continue. */
  readonly #resumeAt: number;
  #outstanding = 0;
  #ended = false;
  #failure: Error | undefined;
  #wakeReader = once();
  #wakeWriter = once();

  /** @param limit how many may be asked for and not yet answered. */
  constructor(limit: number) {
    this.#limit = limit;
    this.#resumeAt = limit - Math.ceil(limit / 4);
  }

  async push(item: T): Promise<void> {
    while (this.#outstanding >= this.#limit && this.#failure === undefined) {
      this.#wakeWriter = once();
      await this.#wakeWriter.promise;
    }
    if (this.#failure !== undefined) throw this.#failure;
    this.#outstanding += 1;
    this.#items.push(item);
    this.#wakeReader.resolve();
  }

  /** One request was answered. */
  answered(): void {
    this.#outstanding -= 1;
    if (this.#outstanding <= this.#resumeAt) this.#wakeWriter.resolve();
  }

  /** What was taken and cannot be asked for by who took it comes first again. */
  giveBack(items: readonly T[]): void {
    this.#items.unshift(...items);
    this.#wakeReader.resolve();
  }

  end(): void {
    this.#ended = true;
    this.#wakeReader.resolve();
  }

  /** Fails all who wait, now and later; returns the requests that were not taken. */
  fail(error: Error): readonly T[] {
    this.#failure ??= error;
    this.#wakeReader.resolve();
    this.#wakeWriter.resolve();
    const left = this.#items;
    this.#items = [];
    return left;
  }

  /** All that is waiting, together; then what came meanwhile, and so on to the end. */
  async *[Symbol.asyncIterator](): AsyncGenerator<readonly T[]> {
    for (;;) {
      if (this.#failure !== undefined) throw this.#failure;
      if (this.#items.length > 0) {
        const batch = this.#items;
        this.#items = [];
        yield batch;
      } else if (this.#ended) {
        return;
      } else {
        this.#wakeReader = once();
        await this.#wakeReader.promise;
        await turnEnd();
      }
    }
  }
}
