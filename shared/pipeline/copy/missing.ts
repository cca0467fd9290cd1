/** The last look at a restore point when something of the source could not be read: is all of it in the other repository? */
import { isStillpointError } from '../../base/errors.ts';
import { BlobSet } from '../../repository/blob-set.ts';
import type { BlobId, BlobType } from '../../repository/ids.ts';
import type { PointReader } from '../../repository/point-reader.ts';
import type { RestorePoint } from '../../repository/restore-point.ts';

/** Why the copy would not be whole, or undefined when it is. Everything must have been flushed. */
export async function findMissing(
  point: RestorePoint,
  source: PointReader,
  target: PointReader,
  signal: AbortSignal,
): Promise<string | undefined> {
  const visited = new BlobSet(target.index);
  const waiting = [point.tree];
  for (let id = waiting.pop(); id !== undefined; id = waiting.pop()) {
    const isNew = visited.add('tree', id);
    if (isNew === undefined) return whyMissing('tree', id, source, signal);
    if (!isNew) continue;
    for await (const nodes of target.treeParts(id, signal)) {
      for (const { content, subtree } of nodes) {
        if (subtree !== undefined) waiting.push(subtree);
        const missing = content?.find((blob) => !target.hasBlob('data', blob));
        if (missing !== undefined) return whyMissing('data', missing, source, signal);
      }
    }
  }
  return undefined;
}

async function whyMissing(type: BlobType, id: BlobId, source: PointReader, signal: AbortSignal): Promise<string> {
  try {
    await source.loadBlob(type, id, signal);
  } catch (error) {
    if (isStillpointError(error, 'repository.damaged')) return error.message;
    throw error;
  }
  return `The ${type} blob ${id.slice(0, 8)} could not be read when it was its turn.`;
}
