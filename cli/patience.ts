/**
 * A word to the person who waits: a command that asks a host or a store prints nothing until it has the answer, and
 * after a while that looks like one that hangs. Said once, at a terminal only, and never into a question that is open.
 */
import type { Surroundings } from './surroundings.ts';

const PATIENCE_MS = 8_000;

export function patience(surroundings: Surroundings): Disposable {
  const timer = setInterval(() => {
    if (surroundings.isAsking()) return;
    clearInterval(timer);
    surroundings.terminal.err('Still waiting for an answer. Ctrl-C stops waiting.\n');
  }, PATIENCE_MS);
  timer.unref();
  return { [Symbol.dispose]: () => clearInterval(timer) };
}
