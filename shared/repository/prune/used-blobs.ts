/**
 * Which blobs the restore points need. All trees are read; a tree that many points share is read once. Memory: a bit
 * for each blob of the index, and the folders that are still to be read.
 *
 * Whatever cannot be read or found ends the search with an error: a blob that was overlooked would be deleted.
 */
import { isStillpointError, StillpointError } from '../../base/errors.ts';
import { mapWithLimit } from '../../base/limit.ts';
import type { BlobId, BlobType } from '../ids.ts';
import type { Node } from '../node.ts';
import type { OpenedRepository } from '../opened-repository.ts';
import type { RestorePoint } from '../restore-point.ts';

/** A set of numbers that an index gave to its blobs. */
export class BlobSet {
  readonly #bits: Uint8Array;
  #size = 0;

  constructor(numbers: number) {
    this.#bits = new Uint8Array((numbers >> 3) + 1);
  }

  get size(): number {
    return this.#size;
  }

  has(number: number): boolean {
    return ((this.#bits[number >> 3] ?? 0) & (1 << (number & 7))) !== 0;
  }

  /** Returns whether it is new. */
  add(number: number): boolean {
    if (this.has(number)) return false;
    this.#bits[number >> 3] = (this.#bits[number >> 3] ?? 0) | (1 << (number & 7));
    this.#size += 1;
    return true;
  }
}

/** Trees that are asked for at once; each may be some megabytes. */
const WAVE = 16;
const NAMED = 20;

export async function findUsedBlobs(
  repository: OpenedRepository,
  points: readonly RestorePoint[],
  signal: AbortSignal,
): Promise<BlobSet> {
  const { index } = repository;
  const used = new BlobSet(index.blobCount);
  const missing = new Set<string>();
  const pending: BlobId[] = [];

  const need = (type: BlobType, id: BlobId): boolean => {
    const number = index.numberOf(type, id);
    if (number === undefined) {
      missing.add(`${type} blob ${id}`);
      return false;
    }
    return used.add(number);
  };
  const needNode = ({ subtree, content }: Node): void => {
    for (const id of content ?? []) need('data', id);
    if (subtree !== undefined && need('tree', subtree)) pending.push(subtree);
  };

  for (const { tree } of points) if (need('tree', tree)) pending.push(tree);
  while (pending.length > 0) {
    signal.throwIfAborted();
    const wave = pending.splice(-WAVE);
    const { connections } = repository.parts.backend.properties;
    await mapWithLimit(wave, connections, (id) => readTree(repository, id, needNode, signal));
    if (missing.size > NAMED) break;
  }
  if (missing.size > 0) throw notInIndex(repository, [...missing]);
  return used;
}

async function readTree(
  repository: OpenedRepository,
  id: BlobId,
  onNode: (node: Node) => void,
  signal: AbortSignal,
): Promise<void> {
  try {
    for await (const nodes of repository.treeParts(id, signal)) nodes.forEach(onNode);
  } catch (cause) {
    if (!isStillpointError(cause, 'repository.damaged')) throw cause;
    throw new StillpointError('repository.damaged', `Nothing can be pruned: ${cause.message}`, {
      advice:
        'What lies below that folder would look unused and be deleted. Run check to see which restore points are affected; then "stillpoint repair points" writes them without it, or forget them by id.',
      details: { tree: id },
      cause,
    });
  }
}

function notInIndex({ title }: OpenedRepository, missing: readonly string[]): StillpointError {
  const [first = ''] = missing;
  const many = missing.length > NAMED ? `more than ${NAMED}` : `${missing.length}`;
  return new StillpointError(
    'repository.damaged',
    `Nothing can be pruned: restore points in the ${title} need ${many} blobs that no index names, the first being ${first}.`,
    {
      advice:
        'An index file may be lost while its packs are there: "stillpoint repair index" makes a new one from them. Run check to see which restore points are affected.',
      details: { missing: missing.slice(0, NAMED) },
      cause: undefined,
    },
  );
}
