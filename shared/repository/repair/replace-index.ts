/**
 * A new index in place of the old one. All new files are stored, read back and compared with what was to be written,
 * before the first old one is removed.
 *
 * Crash story: until the last new file is there, the old index is whole beside it; while old files are removed, every
 * blob is named by the new ones. An old file that stays says again what was wrong with it, and the next repair of the
 * index takes it away.
 */
import { hash } from 'node:crypto';
import { isStillpointError, StillpointError } from '../../base/errors.ts';
import type { FileType } from '../backend/backend.ts';
import { encodeIndex, type IndexedPack } from '../format/index-file.ts';
import type { OpenedRepository } from '../opened-repository.ts';
import type { RepositoryLock } from '../repository.ts';

/** As many as restic and our own writer put into one file. */
const MAX_BLOBS = 50_000;

export interface RepairRun {
  readonly lock: RepositoryLock;
  readonly signal: AbortSignal;
  readonly onProgress: (done: number, total: number) => void;
}

/** @param packs all that the new index is to name */
export async function replaceIndex(
  repository: OpenedRepository,
  packs: Iterable<IndexedPack>,
  old: readonly string[],
  { lock, signal }: RepairRun,
): Promise<void> {
  const { files } = repository;
  /** Name of the stored file → SHA-256 of its text. */
  const written = new Map<string, string>();
  for (const text of indexTexts(packs)) {
    lock.assertHeld();
    written.set(await files.save('index', text, signal), hash('sha256', text, 'hex'));
  }
  for (const [name, digest] of written) {
    if (hash('sha256', await files.load('index', name, signal), 'hex') !== digest) throw notAsWritten(name);
  }
  for (const name of old) await removeFile(repository, 'index', name, lock, signal);
  await repository.reloadIndex(signal);
}

function* indexTexts(packs: Iterable<IndexedPack>): Generator<Buffer> {
  let pending: IndexedPack[] = [];
  let blobs = 0;
  for (const pack of packs) {
    pending.push(pack);
    blobs += pack.blobs.length;
    if (blobs < MAX_BLOBS) continue;
    yield encodeIndex(pending);
    pending = [];
    blobs = 0;
  }
  if (pending.length > 0) yield encodeIndex(pending);
}

/** One that is gone already is what was wanted. */
export async function removeFile(
  { files }: OpenedRepository,
  type: FileType,
  name: string,
  lock: RepositoryLock,
  signal: AbortSignal,
): Promise<void> {
  signal.throwIfAborted();
  lock.assertHeld();
  await files.backend.remove({ type, name }, signal).catch((error: unknown) => {
    if (!isStillpointError(error, 'backend.not-found')) throw error;
  });
}

function notAsWritten(name: string): StillpointError {
  return new StillpointError('repository.damaged', `Index ${name.slice(0, 8)} does not read as it was written.`, {
    advice: 'The store changes what it holds; repair it before anything else is done.',
    cause: undefined,
  });
}
