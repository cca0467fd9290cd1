/**
 * Blobs read ahead in windows: one window is being written while the next ones are being read and opened, each of about
 * 4 MiB, so memory does not grow with the number or the size of files.
 */

import { isStillpointError, type StillpointError } from '../base/errors.ts';
import { release } from '../base/release.ts';
import type { BlobId } from '../repository/ids.ts';
import type { PointReader } from '../repository/point-reader.ts';

export const WINDOW_BYTES = 4 * 1024 * 1024;
/** Keeps two threads busy while `tar` waits for the disk. */
export const WINDOWS_AHEAD = 4;

/** What is damaged is a value here: the other files of the window are whole. */
export type Window = ReadonlyMap<BlobId, Buffer | StillpointError>;

type Blobs = Pick<PointReader, 'blobSize' | 'loadBlob' | 'loadBlobs'>;

export async function loadWindow(repository: Blobs, ids: readonly BlobId[], signal: AbortSignal): Promise<Window> {
  const window = new Map<BlobId, Buffer | StillpointError>();
  try {
    for await (const { id, data } of repository.loadBlobs(ids, signal)) window.set(id, data);
  } catch (error) {
    if (!isStillpointError(error, 'repository.damaged')) throw error;
    for (const id of ids) {
      if (!window.has(id)) window.set(id, await repository.loadBlob('data', id, signal).catch(damageAsValue));
    }
  }
  return window;
}

/**
 * For a window whose blobs were all sent. Without it the collector of garbage would look for the next megabytes to free
 * all the time, which took a fifth of a restore's CPU time.
 */
export function releaseWindow(window: Window): void {
  for (const blob of window.values()) if (Buffer.isBuffer(blob)) release(blob);
}

function damageAsValue(error: unknown): StillpointError {
  if (isStillpointError(error, 'repository.damaged')) return error;
  throw error;
}

/** Cuts a long list into windows; one blob may be larger than a window and then has its own. */
export function* windowsOf(repository: Blobs, ids: Iterable<BlobId>): Generator<readonly BlobId[], void, void> {
  let window: BlobId[] = [];
  let bytes = 0;
  for (const id of ids) {
    const length = repository.blobSize('data', id) ?? 0;
    if (window.length > 0 && bytes + length > WINDOW_BYTES) {
      yield window;
      window = [];
      bytes = 0;
    }
    window.push(id);
    bytes += length;
  }
  if (window.length > 0) yield window;
}
