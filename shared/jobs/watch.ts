/**
 * Waiting for a folder to change. The system's own notice comes at once but not always: not over network file systems,
 * not when the user's watches are used up. So every wait also ends after a while, and callers look for themselves.
 */
import { type FSWatcher, watch } from 'node:fs';

export class FolderWatch implements Disposable {
  #watcher: FSWatcher | undefined;
  #changed = false;
  #wake: (() => void) | undefined;

  constructor(folder: string) {
    try {
      this.#watcher = watch(folder, { persistent: true }, () => this.#notice());
      this.#watcher.on('error', () => this.#stop());
    } catch {
      // No notice is available here; the waits' own end does it.
    }
  }

  /** Whether the system tells us of changes; where not, callers wait for shorter times. */
  get isLive(): boolean {
    return this.#watcher !== undefined;
  }

  /** Resolves with true on a change since the last call, with false after `ms`. Rejects with the signal's reason. */
  next(ms: number, signal: AbortSignal): Promise<boolean> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason as Error);
      const end = (): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', onAbort);
        this.#wake = undefined;
        this.#changed = false;
      };
      const onAbort = (): void => {
        end();
        reject(signal.reason as Error);
      };
      const onWake = (): void => {
        const changed = this.#changed;
        end();
        resolve(changed);
      };
      const timer = setTimeout(onWake, this.#changed ? 0 : ms);
      signal.addEventListener('abort', onAbort, { once: true });
      if (!this.#changed) this.#wake = onWake;
    });
  }

  #notice(): void {
    this.#changed = true;
    this.#wake?.();
  }

  #stop(): void {
    this.#watcher?.close();
    this.#watcher = undefined;
  }

  [Symbol.dispose](): void {
    this.#stop();
  }
}
