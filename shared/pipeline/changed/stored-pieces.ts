/** The pieces that the parent restore point names for a file, where those of today would be cut at the same places. */
import { isStillpointError } from '../../base/errors.ts';
import type { BlobId } from '../../repository/ids.ts';
import type { Node } from '../../repository/node.ts';
import { LEAST_PIECE_BYTES, MOST_PIECE_BYTES } from '../../repository/pieces.ts';
import type { Repository } from '../../repository/repository.ts';
import type { FilePieces } from './known-pieces.ts';

type Stored = Pick<Repository, 'blobSize' | 'loadBlob' | 'isPiece'>;

/** Undefined where one of them is lost, or another cutter made them. Only what this parent names is ever compared. */
export async function storedPieces(
  repository: Stored,
  { content: ids = [], size }: Node,
  signal: AbortSignal,
): Promise<FilePieces | undefined> {
  const ends = new Float64Array(ids.length);
  let end = 0;
  for (const [at, id] of ids.entries()) {
    const bytes = repository.blobSize('data', id);
    if (bytes === undefined) return undefined;
    end += bytes;
    ends[at] = end;
  }
  if (end !== size || !(await areCutAlike(repository, ids, signal))) return undefined;
  return { ids, ends };
}

/**
 * By one of them that says something, because one cutter made them all. It was another one for pieces of a MiB, which older versions
 * made, and for what was copied from a repository with another polynomial.
 */
async function areCutAlike(repository: Stored, ids: readonly BlobId[], signal: AbortSignal): Promise<boolean> {
  const lengths = ids.slice(0, -1).map((id) => repository.blobSize('data', id) ?? 0);
  if (lengths.some((bytes) => bytes < LEAST_PIECE_BYTES || bytes > MOST_PIECE_BYTES)) return false;
  const sample = lengths.findIndex((bytes) => bytes > LEAST_PIECE_BYTES && bytes < MOST_PIECE_BYTES);
  const id = ids[sample];
  if (id === undefined) return true;
  try {
    return repository.isPiece(await repository.loadBlob('data', id, signal));
  } catch (error) {
    if (isStillpointError(error, 'repository.damaged')) return false;
    throw error;
  }
}
