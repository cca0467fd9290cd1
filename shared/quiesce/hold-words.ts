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
  still: { begin: (label) => `pause ${label}`, end: (label) => `let ${label} go on`, held: 'paused' },
  recovers: {
    begin: (label) => `make sure that a copy of ${label} will recover`,
    end: (label) => `look once more at ${label}`,
    held: 'made ready',
  },
  nothing: {
    begin: (label) => `run what ${label} does before`,
    end: (label) => `run what ${label} does afterwards`,
    held: 'begun',
  },
  cold: { begin: (label) => `stop ${label}`, end: (label) => `start ${label} again`, held: 'stopped' },
};
