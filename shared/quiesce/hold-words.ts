/** What is said of a hold. Of a service that is stopped nobody may read that it is held still. */
import type { PlannedHold } from './hook.ts';

interface HoldWords {
  /** What is done with it, as in "stop the service "shop"". */
  readonly begin: (label: string) => string;
  /** How long at most, said after what begins. */
  readonly most: (seconds: number) => string;
  readonly end: (label: string) => string;
  /** As in "could not be …". */
  readonly held: string;
}

const lasting = (seconds: number): string => `for ${seconds} s at most`;

export const HOLD_WORDS: Readonly<Record<PlannedHold['guarantees'], HoldWords>> = {
  application: {
    begin: (label) => `hold ${label} still`,
    most: lasting,
    end: (label) => `release ${label}`,
    held: 'held still',
  },
  still: {
    begin: (label) => `pause ${label}`,
    most: lasting,
    end: (label) => `let ${label} run on`,
    held: 'paused',
  },
  // Nothing stands still meanwhile, so it is we who wait.
  recovers: {
    begin: (label) => `make sure that a copy of ${label} would recover`,
    most: (seconds) => `waiting ${seconds} s for it at most`,
    end: (label) => `check that ${label} is still the same`,
    held: 'made ready for its snapshot',
  },
  nothing: {
    begin: (label) => `run the "before" command of ${label}`,
    most: lasting,
    end: (label) => `run the "after" command of ${label}`,
    held: 'carried out',
  },
  cold: {
    begin: (label) => `stop ${label}`,
    most: lasting,
    end: (label) => `start ${label} again`,
    held: 'stopped',
  },
};

type Said = Pick<PlannedHold, 'guarantees' | 'label' | 'deadlineSeconds' | 'holds'>;

/** A line for each, in the order in which they begin. */
export const beginningsOf = (holds: readonly Said[]): readonly string[] =>
  holds.map(({ guarantees, label, deadlineSeconds }) => {
    const { begin, most } = HOLD_WORDS[guarantees];
    return `${begin(label)}, ${most(deadlineSeconds)}`;
  });

/** A line for each, in the order in which they end: the last one first. */
export const endingsOf = (holds: readonly Said[]): readonly string[] =>
  holds.map(({ guarantees, label, holds: until }) => `${HOLD_WORDS[guarantees].end(label)}${WHEN[until]}`).toReversed();

const WHEN: Readonly<Record<PlannedHold['holds'], string>> = {
  'until-snapshots': '',
  'until-read': ' once all has been read',
};
