/**
 * Bytes that are no text do not reach this program: in what the system gives it, each stands as U+FFFD, and a path with one of
 * these is another path. Something would be read or made there that nobody meant.
 */
import { StillpointError } from './errors.ts';

export const hasLostBytes = (text: string): boolean => text.includes('\uFFFD');

/** @param what "The home folder", with its path */
export function lostBytesError(what: string, advice: string): StillpointError {
  const message = `${what} has bytes that are not UTF-8, and this program was not given them as they are.`;
  return new StillpointError('usage.invalid', message, { advice, cause: undefined });
}
