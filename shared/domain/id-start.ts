/**
 * What a person writes for something whose id has 64 digits: the id, or the start of it. Whether it can be one at all is seen
 * before anything is asked, because a store may be far away, or silent.
 */
import { StillpointError } from '../base/errors.ts';

/** What a restore point is called beside its id. */
export const LATEST = 'latest';

const ID_START = /^[0-9a-f]{1,64}$/i;

/** Errors: `usage.invalid`. */
export function refuseNoPoint(wanted: string): void {
  if (wanted !== LATEST)
    refuseNoId('restore point', wanted, `an id, the start of one, or "${LATEST}"; "stillpoint list" shows them`);
}

/** Errors: `usage.invalid`. @param right what would be one, and what lists them */
export function refuseNoId(kind: 'restore point' | 'key' | 'pack', wanted: string, right: string): void {
  if (ID_START.test(wanted)) return;
  throw new StillpointError('usage.invalid', `"${wanted}" is not the id of a ${kind}.`, {
    advice: `Give ${right}.`,
    cause: undefined,
  });
}
