/** Files of different content over all restore points, distinguished by the list of their blobs. */
import { createHash } from 'node:crypto';
import { BlobSet } from '../../repository/blob-set.ts';
import type { BlobId } from '../../repository/ids.ts';
import type { PointReader } from '../../repository/point-reader.ts';
import type { Counter } from './counter.ts';
import { DigestSet } from './digest-set.ts';

export function countUniqueFiles(repository: PointReader): Counter {
  const trees = new BlobSet(repository.index);
  const contents = new DigestSet();
  let restorePoints = 0;
  let bytes = 0;
  return {
    async add({ tree }, signal) {
      restorePoints += 1;
      const waiting: BlobId[] = [tree];
      for (let id = waiting.pop(); id !== undefined; id = waiting.pop()) {
        if (trees.add('tree', id) === false) continue;
        signal.throwIfAborted();
        for await (const nodes of repository.treeParts(id, signal)) {
          for (const { type, content, size = 0, subtree } of nodes) {
            if (type === 'file' && contents.add(digestOf(content ?? []))) bytes += size;
            if (subtree !== undefined) waiting.push(subtree);
          }
        }
      }
    },
    result: () => ({ mode: 'unique-files', restorePoints, files: contents.size, bytes }),
  };
}

function digestOf(content: readonly BlobId[]): Buffer {
  const hash = createHash('sha256');
  for (const id of content) hash.update(id, 'hex');
  return hash.digest();
}
