/**
 * A repository that says it has millions of blobs: index files as they would be, for packs that are not there. One small
 * restore point is real, so that there is something to list.
 */
import { randomBytes } from 'node:crypto';
import { encodeIndex, type IndexedPack } from '../shared/repository/format/index-file.ts';
import type { PackedBlob } from '../shared/repository/format/pack.ts';
import type { BlobId, PackId } from '../shared/repository/ids.ts';
import type { OpenedRepository } from '../shared/repository/opened-repository.ts';
import { backUp } from '../test/support/test-repository.ts';

const BLOBS_IN_INDEX = 50_000;
const BLOBS_IN_PACK = 100;

export async function addManyBlobs(repository: OpenedRepository, count: number, signal: AbortSignal): Promise<void> {
  await backUp(repository, { folder: { file: 'content' }, other: 'content' });
  for (let left = count; left > 0; left -= BLOBS_IN_INDEX) {
    const packs: IndexedPack[] = [];
    for (let blobs = Math.min(left, BLOBS_IN_INDEX); blobs > 0; blobs -= BLOBS_IN_PACK) {
      packs.push(packOf(Math.min(blobs, BLOBS_IN_PACK), repository.version));
    }
    await repository.files.save('index', encodeIndex(packs), signal);
  }
}

function packOf(count: number, version: 1 | 2): IndexedPack {
  const ids = randomBytes(32 * (count + 1)).toString('hex');
  const idOf = (index: number): string => ids.slice(64 * index, 64 * (index + 1));
  let offset = 0;
  const blobs = Array.from({ length: count }, (_, index): PackedBlob => {
    const length = 1000 + ((index * 7919) % 200_000);
    const blob = {
      type: index % 20 === 0 ? ('tree' as const) : ('data' as const),
      id: idOf(index) as BlobId,
      offset,
      length,
      uncompressedLength: version === 1 ? 0 : 2 * length,
    };
    offset += length;
    return blob;
  });
  return { id: idOf(count) as PackId, blobs };
}
