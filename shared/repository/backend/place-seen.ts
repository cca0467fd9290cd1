/**
 * What lies where a repository should be, when its file "config" is not there: a mistyped path, a disk that is not mounted and
 * the place for a new repository have the same error otherwise. It is told with that error, and looked for then alone.
 */
import { lstat, readdir, stat } from 'node:fs/promises';
import { isStillpointError, StillpointError, systemErrorCode } from '../../base/errors.ts';
import type { FileRef } from './backend.ts';
import { namesOf, OWN_NAMES } from './new-place.ts';

export interface PlaceSeen {
  /** What is the matter, to stand behind "there is no repository at …:". */
  readonly words: string;
  /** Whether a new repository may be made there. */
  readonly isFree: boolean;
}

export const NO_FOLDER: PlaceSeen = { words: 'there is no such folder', isFree: true };
export const NO_BUCKET: PlaceSeen = { words: 'there is no such bucket', isFree: true };
export const DEAD_LINK: PlaceSeen = { words: 'it is a symbolic link that leads nowhere', isFree: false };
export const NOT_A_FOLDER: PlaceSeen = { words: 'it is not a folder', isFree: false };
const FILE_ON_THE_WAY: PlaceSeen = { words: 'something on the way there is not a folder', isFree: false };

/** By the names at its top. `place` as "the folder". */
export function seenWithin(place: string, names: readonly string[]): PlaceSeen {
  const visible = names.filter((name) => !name.startsWith('.') && name !== 'lost+found');
  if (visible.length === 0) return { words: `${place} is empty`, isFree: true };
  // What is not a repository's tells most.
  const foreign = visible.filter((name) => !OWN_NAMES.has(name));
  const told = namesOf(foreign.length > 0 ? foreign : visible);
  return { words: `${place} holds ${told}, and no file "config"`, isFree: false };
}

/** The error of a file that could not be read; that of a "config" which is not there with what was seen. */
export async function withPlaceSeen(
  failure: unknown,
  file: FileRef,
  look: () => Promise<PlaceSeen | undefined>,
): Promise<unknown> {
  if (file.type !== 'config' || !isStillpointError(failure, 'backend.not-found')) return failure;
  const place = await look().catch(() => undefined);
  if (place === undefined) return failure;
  const { message, advice, details, cause } = failure;
  return new StillpointError('backend.not-found', message, { advice, details: { ...details, place }, cause });
}

/** Of an error that came through whatever wraps a backend. */
export function placeSeenOf(error: StillpointError): PlaceSeen | undefined {
  return error.details['place'] as PlaceSeen | undefined;
}

/** Undefined where it cannot be told. */
export async function lookAtFolder(folder: string): Promise<PlaceSeen | undefined> {
  try {
    return seenWithin('the folder', await readdir(folder));
  } catch (error) {
    switch (systemErrorCode(error)) {
      case 'ENOENT':
        return (await isThere(lstat(folder))) ? DEAD_LINK : NO_FOLDER;
      case 'ENOTDIR':
        return (await isThere(stat(folder))) ? NOT_A_FOLDER : FILE_ON_THE_WAY;
      default:
        return undefined;
    }
  }
}

async function isThere(looking: Promise<unknown>): Promise<boolean> {
  try {
    await looking;
    return true;
  } catch {
    return false;
  }
}
