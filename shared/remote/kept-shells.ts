/**
 * Shells on a host that have answered, and wait a moment for the next script: a channel, a login, and sudo where it is
 * asked, cost more than most of what we ask.
 *
 * Invariant: nothing but scripts that leave no process has run in a shell that is kept, so it can be ended at any time,
 * with its group.
 *
 * Crash story: when we die the connection closes, and a shell without standard input ends.
 */
import { KEPT_SHELL_MS } from './budgets.ts';
import type { Conversation } from './conversation.ts';

interface Kept {
  readonly conversation: Conversation;
  readonly timer: NodeJS.Timeout;
}

export class KeptShells implements Disposable {
  readonly #byRights = new Map<string, Kept[]>();
  #wanted = 0;

  /** The one that answered last. @param rights whose rights the shell has */
  take(rights: string): Conversation | undefined {
    const kept = this.#byRights.get(rights)?.pop();
    clearTimeout(kept?.timer);
    return kept?.conversation;
  }

  keep(rights: string, conversation: Conversation): void {
    if (this.#wanted > 0) return conversation[Symbol.dispose]();
    const all = this.#byRights.get(rights) ?? [];
    this.#byRights.set(rights, all);
    const forget = (): void => {
      const at = all.indexOf(kept);
      if (at < 0) return;
      all.splice(at, 1);
      clearTimeout(kept.timer);
      conversation[Symbol.dispose]();
    };
    const kept = { conversation, timer: setTimeout(forget, KEPT_SHELL_MS) };
    all.push(kept);
    void conversation.gone.then(forget);
  }

  /** Until it is disposed of, somebody waits for a channel: none is held back from him. */
  makeRoom(): Disposable {
    this.#wanted += 1;
    this[Symbol.dispose]();
    return {
      [Symbol.dispose]: () => {
        this.#wanted -= 1;
      },
    };
  }

  [Symbol.dispose](): void {
    for (const all of this.#byRights.values()) {
      for (const { conversation, timer } of all.splice(0)) {
        clearTimeout(timer);
        conversation[Symbol.dispose]();
      }
    }
  }
}
