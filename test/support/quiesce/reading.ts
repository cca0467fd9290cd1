import { NOTHING_TO_SAY, type Reading } from '../../../shared/quiesce/hook.ts';

/** How a source is going to be read, for hooks that are planned without a host. */
export const reading = (more: Partial<Reading> = {}): Reading => ({
  readsLive: false,
  look: NOTHING_TO_SAY,
  instantsOf: () => ['one'],
  ...more,
});
