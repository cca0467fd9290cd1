/**
 * What recovers from a copy of one instant does not recover from one of two: pages and the log that goes with them are written
 * all the time, also while a lock of the server holds every transaction.
 */
import { StillpointError } from '../base/errors.ts';
import type { Reading } from './hook.ts';

/** Errors: `quiesce.freeze-failed` where the files of an application are of several instants, or are read where they lie. */
export function requireOneInstant(label: string, { look: { places }, instantOf }: Reading): void {
  const own = places.filter(({ what }) => what.endsWith(` of ${label}`));
  const instants = new Set(own.map(instantOf));
  const isLive = instants.has('live');
  if (instants.size <= 1 && !isLive) return;
  throw new StillpointError(
    'quiesce.freeze-failed',
    isLive
      ? `Files of ${label} would be read where they lie, while it writes to them, and it would not start on such a copy.`
      : `The files of ${label} lie on ${instants.size} volumes, whose snapshots are not of one instant, and it may not start on such a copy.`,
    {
      advice:
        'Put its data, its log and its tablespaces on one volume, or where one snapshot has all of them at once; or have its service stopped while they are saved: "stop".',
      details: { places: own.map(({ what }) => what), instants: [...instants] },
      cause: undefined,
    },
  );
}
