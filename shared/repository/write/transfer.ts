/**
 * Data blobs from one repository into another. Packs are read in their order and in long ranges; the writer's workers
 * open, prove and seal. What is wanted is a set of bits, so memory is bounded by the writer's budget and the few ranges
 * that are read ahead.
 *
 * Every blob is proved against its id on the way. One that cannot be proved from the place that the index names first
 * is looked for in its other places, and counts as lost when none is good: nothing unproved is ever stored.
 *
 * Crash story: the index of what was stored is written every half gigabyte, and what it names is not stored twice.
 */
import { invariant, isStillpointError } from '../../base/errors.ts';
import { mapAhead } from '../../base/limit.ts';
import type { BlobSet } from '../blob-set.ts';
import { claimFault } from '../format/bounds.ts';
import type { BlobId } from '../ids.ts';
import type { BlobPlace } from '../index/blob-index.ts';
import type { OpenedRepository } from '../opened-repository.ts';
import { stretches } from '../read/blob-reader.ts';
import type { PendingReseal, RepositoryWriter, SealedBlobs } from '../repository.ts';

const FLUSH_BYTES = 512 * 1024 * 1024;
/** Shorter ranges than a restore's, with more of them under way: one keeps a worker busy, and all are held in memory. */
const STRETCH_BYTES = 4 * 1024 * 1024;
const STRETCHES_AHEAD = 2;

export interface TransferPorts {
  readonly source: OpenedRepository;
  readonly writer: RepositoryWriter;
  readonly signal: AbortSignal;
  /** Bytes that were read since the last call. */
  readonly onProgress: (bytes: number) => void;
}

/** Everything is durable when it resolves; the result is the blobs that are nowhere whole. */
export async function transferBlobs(wanted: BlobSet, ports: TransferPorts): Promise<readonly BlobId[]> {
  const { writer, signal, onProgress } = ports;
  const faulty: BlobId[] = [];
  let pending: Promise<readonly BlobId[]>[] = [];
  const flush = async (): Promise<void> => {
    await writer.flush(signal);
    for (const ids of await Promise.all(pending)) faulty.push(...ids);
    pending = [];
  };
  let unflushed = 0;
  const load = (stretch: readonly BlobPlace[]): Promise<LoadedStretch> => loadStretch(stretch, ports);
  for await (const { stretch, blobs } of mapAhead(stretchesOf(wanted, ports.source), STRETCHES_AHEAD, load)) {
    const { faults } = await send(stretch, blobs, ports);
    // A failure of the writer is thrown by its next call.
    faults.catch(() => undefined);
    pending.push(faults);
    const bytes = stretch.reduce((sum, { length }) => sum + length, 0);
    onProgress(bytes);
    unflushed += bytes;
    if (unflushed < FLUSH_BYTES) continue;
    await flush();
    unflushed = 0;
  }
  await flush();
  const lost = await sendFromElsewhere(faulty, ports);
  if (faulty.length > 0) await flush();
  return lost;
}

function* stretchesOf(wanted: BlobSet, { index }: OpenedRepository): Generator<readonly BlobPlace[]> {
  let gathered: BlobPlace[] = [];
  for (const number of wanted.numbers()) {
    const place = index.placeAt(number);
    if (gathered[0] !== undefined && gathered[0].pack !== place.pack) {
      yield* stretches(gathered, STRETCH_BYTES);
      gathered = [];
    }
    gathered.push(place);
  }
  yield* stretches(gathered, STRETCH_BYTES);
}

interface LoadedStretch {
  readonly stretch: readonly BlobPlace[];
  /** Undefined where the pack is not there or too short, or the index says what cannot be. */
  readonly blobs: SealedBlobs | undefined;
}

async function loadStretch(stretch: readonly BlobPlace[], { source, signal }: TransferPorts): Promise<LoadedStretch> {
  signal.throwIfAborted();
  const [first] = stretch;
  const last = stretch.at(-1);
  invariant(first !== undefined && last !== undefined, 'a stretch holds a blob');
  const isTried = !source.index.isDoubtful(first.pack) && stretch.every((place) => claimFault(place) === undefined);
  if (!isTried) return { stretch, blobs: undefined };
  const range = { offset: first.offset, length: last.offset + last.length - first.offset };
  try {
    const data = await source.files.backend.load({ type: 'data', name: first.pack }, range, signal);
    const blobs = stretch.map(({ id, offset, length, uncompressedLength }) => ({
      id,
      offset: offset - first.offset,
      length,
      uncompressedLength,
    }));
    return { stretch, blobs: { data, blobs } };
  } catch (error) {
    if (!isStillpointError(error, 'backend.not-found') && !isStillpointError(error, 'repository.damaged')) throw error;
    return { stretch, blobs: undefined };
  }
}

/** Resolves when the writer has room for more, to the promise of what could not be proved here. */
async function send(
  stretch: readonly BlobPlace[],
  blobs: SealedBlobs | undefined,
  { writer, signal }: TransferPorts,
): Promise<PendingReseal> {
  if (blobs === undefined) return { faults: Promise.resolve(stretch.map(({ id }) => id)) };
  return writer.reseal(blobs, signal);
}

async function sendFromElsewhere(
  ids: readonly BlobId[],
  { source, writer, signal }: TransferPorts,
): Promise<readonly BlobId[]> {
  const lost: BlobId[] = [];
  for (const id of ids) {
    try {
      await writer.put('data', await source.loadBlob('data', id, signal), signal);
    } catch (error) {
      signal.throwIfAborted();
      if (!isStillpointError(error, 'repository.damaged')) throw error;
      lost.push(id);
    }
  }
  return lost;
}
