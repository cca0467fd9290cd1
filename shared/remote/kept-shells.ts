/**
 * Shells on a host that have answered, and wait a moment for the next script: a channel, a login, and sudo where it is
 * asked, cost more than most of what we ask.
 *
 * Invariant: nothing but scripts that leave no process has run in a shell that is kept, so it can be ended at any time,
 * with its group.
 *
 * Crash story: when we die the connection closes, and a shell without standard input ends.
 */
import type { Clock } from '../base/clock.ts';
import { JUST_NOW_MS, KEPT_SHELL_MS } from './budgets.ts';
import type { Conversation } from './conversation.ts';

interface Kept {
  readonly conversation: Conversation;
  readonly timer: NodeJS.Timeout;
  /** When it answered; a machine that slept has a wall clock alone that knows of it. */
  readonly at: { readonly wallMs: number; readonly monotonicMs: number };
}

export class KeptShells implements Disposable {
  readonly #clock: Clock;
  readonly #byRights = new Map<string, Kept[]>();
  #wanted = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The one that answered last. @param rights whose rights the shell has */
  take(rights: string): { readonly conversation: Conversation; readonly hasJustAnswered: boolean } | undefined {
    const kept = this.#byRights.get(rights)?.pop();
    if (kept === undefined) return undefined;
    clearTimeout(kept.timer);
    const now = this.#now();
    const agesMs = [now.wallMs - kept.at.wallMs, now.monotonicMs - kept.at.monotonicMs];
    return { conversation: kept.conversation, hasJustAnswered: agesMs.every((age) => Math.abs(age) < JUST_NOW_MS) };
  }

  #now(): Kept['at'] {
    return { wallMs: this.#clock.now().getTime(), monotonicMs: this.#clock.monotonicMs() };
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
    const kept = { conversation, timer: setTimeout(forget, KEPT_SHELL_MS), at: this.#now() };
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
