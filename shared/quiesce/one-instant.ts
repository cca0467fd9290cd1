/**
 * What recovers from a copy of one instant does not recover from one of two, unless it is known how: pages and the log that goes
 * with them are written all the time, also while a lock of the server holds every transaction.
 */
import { StillpointError } from '../base/errors.ts';
import type { HeldPlace, Reading } from './hook.ts';

export const placesOf = (label: string, { look: { places } }: Reading): readonly HeldPlace[] =>
  places.filter(({ what }) => what.endsWith(` of ${label}`));

/** Of all that the application has, each once. Errors: `quiesce.freeze-failed` where some of it is read where it lies. */
export function instantsOfAll(label: string, reading: Reading): readonly string[] {
  const own = placesOf(label, reading);
  const instants = [...new Set(own.flatMap(reading.instantsOf))];
  if (instants.includes('live'))
    throw notOfOne(
      `Files of ${label} would be read where they lie, while it writes to them, and it would not start on such a copy.`,
      reading,
    );
  return instants;
}

/** Errors: `quiesce.freeze-failed` where the files of an application are of several instants, or are read where they lie. */
export function requireOneInstant(label: string, reading: Reading): void {
  const instants = instantsOfAll(label, reading);
  if (instants.length > 1)
    throw notOfOne(
      `The files of ${label} lie on ${instants.length} volumes, whose snapshots are not of one instant, and it may not start on such a copy.`,
      reading,
    );
}

/** @param first what else would help, as a sentence */
export function notOfOne(message: string, { look: { places } }: Reading, first = ''): StillpointError {
  const advice =
    'Put its data, its log and its tablespaces on one volume, or where one snapshot has all of them at once; or have its service stopped while they are saved: "stop".';
  return new StillpointError('quiesce.freeze-failed', message, {
    advice: first === '' ? advice : `${first} Or: ${advice}`,
    details: { places: places.map(({ what }) => what) },
    cause: undefined,
  });
}
