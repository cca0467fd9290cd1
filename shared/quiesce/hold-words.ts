/** What is said of a hold. Of a service that is stopped nobody may read that it is held still. */
import type { PlannedHold } from './hook.ts';

interface HoldWords {
  /** What is done with it, as in "stop the service "shop"". */
  begin(label: string): string;
  end(label: string): string;
  /** As in "could not be …". */
  readonly held: string;
}

export const HOLD_WORDS: Readonly<Record<PlannedHold['guarantees'], HoldWords>> = {
  application: { begin: (label) => `hold ${label} still`, end: (label) => `let go ${label}`, held: 'held still' },
  cold: { begin: (label) => `stop ${label}`, end: (label) => `start ${label} again`, held: 'stopped' },
};
