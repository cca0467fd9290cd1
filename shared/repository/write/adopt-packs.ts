/**
 * Packs of a writer whose process died before an index named them. What they hold is read from themselves: nothing that was
 * noted elsewhere is believed, and a prune may have removed them in the meantime.
 */
import { isStillpointError } from '../../base/errors.ts';
import { mapWithLimit } from '../../base/limit.ts';
import type { Backend } from '../backend/backend.ts';
import type { Sealer } from '../crypto/aes-poly1305.ts';
import type { IndexedPack } from '../format/index-file.ts';
import type { PackId } from '../ids.ts';
import type { BlobIndex } from '../index/blob-index.ts';
import { readPackHeader } from '../read/pack-header.ts';

interface Stored {
  readonly files: { readonly backend: Backend };
  readonly parts: { readonly sealer: Sealer };
  readonly index: BlobIndex;
}

/** Those of them that are stored, whole by their header, and named by no index. Call it under a lock. */
export async function findUnnamed(
  stored: Stored,
  ids: readonly PackId[],
  signal: AbortSignal,
): Promise<readonly IndexedPack[]> {
  const { backend } = stored.files;
  const found: IndexedPack[] = [];
  await mapWithLimit(
    ids.filter((id) => !stored.index.hasPack(id)),
    backend.properties.connections,
    async (id) => {
      const size = await sizeOf(backend, id, signal);
      const blobs = size === undefined ? '' : await readPackHeader(stored, id, size, signal);
      if (typeof blobs !== 'string') found.push({ id, blobs });
    },
  );
  return found;
}

async function sizeOf(backend: Backend, id: PackId, signal: AbortSignal): Promise<number | undefined> {
  try {
    return (await backend.stat({ type: 'data', name: id }, signal)).sizeBytes;
  } catch (error) {
    if (isStillpointError(error, 'backend.not-found')) return undefined;
    throw error;
  }
}
