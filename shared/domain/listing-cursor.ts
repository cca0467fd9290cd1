import { StillpointError } from '../base/errors.ts';

/** A restore point never changes, so the number of an entry in its folder is a place to continue from. */
export function cursorPlace(cursor: string | undefined): number {
  if (cursor === undefined) return 0;
  if (/^[0-9]{1,15}$/.test(cursor)) return Number(cursor);
  throw new StillpointError('usage.invalid', `"${cursor}" is not where a listing ended.`, {
    advice: 'Give back the cursor of the listing before, as it was.',
    cause: undefined,
  });
}
