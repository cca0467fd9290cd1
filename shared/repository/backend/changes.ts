/**
 * Reports what was changed in a store: the one place through which every verb writes and removes, so no verb has to say
 * what it did. Among them are the locks, which come and go with every opening.
 *
 * A call that failed may have done its work all the same: the answer was lost, or came after a cancel. It is then looked
 * whether the file is there, on a clock of its own. Locks are not recorded.
 */
import { cleanupSignal } from '../../base/cancel.ts';
import { isStillpointError } from '../../base/errors.ts';
import type { Backend, BackendProperties, ByteRange, FileRef, FileType, StoredFile } from './backend.ts';

/**
 * `begun` comes before every call, so that a reader that finds our process dead knows what may have been done.
 * `unsure`: nobody knows whether the file is as it was to become, `saved` or `removed`.
 */
export type StoreChange =
  | { readonly kind: 'saved' | 'removed'; readonly file: FileRef }
  | { readonly kind: 'begun' | 'unsure'; readonly file: FileRef; readonly wanted: 'saved' | 'removed' };

export function withChanges(backend: Backend, onChange: (change: StoreChange) => void): Backend {
  return new WatchedBackend(backend, onChange);
}

const LOOK_BUDGET_MS = 15_000;

/** What counts by itself: found after a save that failed, it may not last, because it was not reported as durable. */
const COUNTS_BY_ITSELF: ReadonlySet<FileType> = new Set(['config', 'keys', 'snapshots']);

class WatchedBackend implements Backend {
  readonly #store: Backend;
  readonly #onChange: (change: StoreChange) => void;

  constructor(store: Backend, onChange: (change: StoreChange) => void) {
    this.#store = store;
    this.#onChange = onChange;
  }

  get properties(): BackendProperties {
    return this.#store.properties;
  }

  get packFolders(): Backend['packFolders'] {
    return this.#store.packFolders?.bind(this.#store);
  }

  load(file: FileRef, range: ByteRange | undefined, signal: AbortSignal): Promise<Buffer> {
    return this.#store.load(file, range, signal);
  }

  stat(file: FileRef, signal: AbortSignal): Promise<StoredFile> {
    return this.#store.stat(file, signal);
  }

  list(type: FileType, signal: AbortSignal): AsyncIterable<StoredFile> {
    return this.#store.list(type, signal);
  }

  prepare(signal: AbortSignal): Promise<void> {
    return this.#store.prepare(signal);
  }

  async save(file: FileRef, content: readonly Uint8Array[], signal: AbortSignal): Promise<void> {
    // Nothing is sent once the signal has fired, and then there is nothing to look for.
    signal.throwIfAborted();
    this.#onChange({ kind: 'begun', file, wanted: 'saved' });
    try {
      await this.#store.save(file, content, signal);
    } catch (error) {
      const isThere = await this.#isThere(file);
      if (isThere === true && !COUNTS_BY_ITSELF.has(file.type)) this.#onChange({ kind: 'saved', file });
      else if (isThere !== false) this.#onChange({ kind: 'unsure', file, wanted: 'saved' });
      throw error;
    }
    this.#onChange({ kind: 'saved', file });
  }

  async remove(file: FileRef, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    this.#onChange({ kind: 'begun', file, wanted: 'removed' });
    try {
      await this.#store.remove(file, signal);
    } catch (error) {
      if (isStillpointError(error, 'backend.not-found')) throw error;
      const isThere = await this.#isThere(file);
      if (isThere === false) this.#onChange({ kind: 'removed', file });
      if (isThere === undefined) this.#onChange({ kind: 'unsure', file, wanted: 'removed' });
      throw error;
    }
    this.#onChange({ kind: 'removed', file });
  }

  close(): Promise<void> {
    return this.#store.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#store[Symbol.asyncDispose]();
  }

  /** Undefined where there is no answer. */
  async #isThere(file: FileRef): Promise<boolean | undefined> {
    if (file.type === 'locks') return undefined;
    try {
      await this.#store.stat(file, cleanupSignal(LOOK_BUDGET_MS));
      return true;
    } catch (error) {
      return isStillpointError(error, 'backend.not-found') ? false : undefined;
    }
  }
}
