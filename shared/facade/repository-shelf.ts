/**
 * Repositories that were opened for looking at them, kept open for some minutes: opening costs a second, because a
 * password's key is made slowly on purpose. They are given out as readers, so nothing is written through them.
 *
 * What another process adds is seen: restore points are listed again each time, and the index is read on before files
 * are. What it removes while we look is an error for that look and no more.
 */
import type { Logger } from '../base/log.ts';
import type { RepositorySpec } from '../domain/source.ts';
import type { PointReader } from '../repository/point-reader.ts';

export interface ShelfPorts {
  open(spec: RepositorySpec, signal: AbortSignal): Promise<PointReader>;
  readonly logger: Logger;
  /** How long one may stay unused. */
  readonly idleMs?: number;
}

interface Opened {
  readonly repository: Promise<PointReader>;
  users: number;
  timer: NodeJS.Timeout | undefined;
}

const IDLE_MS = 5 * 60_000;

export class RepositoryShelf implements AsyncDisposable {
  readonly #ports: ShelfPorts;
  readonly #opened = new Map<string, Opened>();

  constructor(ports: ShelfPorts) {
    this.#ports = ports;
  }

  /** Runs `work` with the repository open. An error of opening is the caller's, and the next call opens again. */
  async use<T>(spec: RepositorySpec, signal: AbortSignal, work: (repository: PointReader) => Promise<T>): Promise<T> {
    const key = JSON.stringify([spec.name, spec.location]);
    const opened = this.#take(key, spec, signal);
    try {
      return await work(await opened.repository);
    } finally {
      this.#giveBack(key, opened);
    }
  }

  #take(key: string, spec: RepositorySpec, signal: AbortSignal): Opened {
    let opened = this.#opened.get(key);
    if (opened === undefined) {
      const repository = this.#ports.open(spec, signal);
      const fresh: Opened = { repository, users: 0, timer: undefined };
      repository.catch(() => this.#forget(key, fresh));
      this.#opened.set(key, fresh);
      opened = fresh;
    }
    clearTimeout(opened.timer);
    opened.users += 1;
    return opened;
  }

  #giveBack(key: string, opened: Opened): void {
    opened.users -= 1;
    if (opened.users > 0) return;
    const close = (): void => {
      this.#forget(key, opened);
      void this.#close(opened);
    };
    if (this.#opened.get(key) !== opened) close();
    else opened.timer = setTimeout(close, this.#ports.idleMs ?? IDLE_MS).unref();
  }

  #forget(key: string, opened: Opened): void {
    clearTimeout(opened.timer);
    if (this.#opened.get(key) === opened) this.#opened.delete(key);
  }

  async #close(opened: Opened): Promise<void> {
    try {
      await (await opened.repository).close();
    } catch (error) {
      this.#ports.logger.log('debug', 'a repository did not close', { error });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const all = [...this.#opened.entries()];
    this.#opened.clear();
    // One that is in use is closed by its last user, who finds it no longer here.
    const unused = all.filter(([, opened]) => opened.users === 0);
    for (const [, opened] of unused) clearTimeout(opened.timer);
    await Promise.all(unused.map(([, opened]) => this.#close(opened)));
  }
}
