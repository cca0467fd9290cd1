/** What restore points take in the repository together: each blob once, as it is stored. */

import { BlobSet } from '../../repository/blob-set.ts';
import type { BlobId } from '../../repository/ids.ts';
import type { PointReader } from '../../repository/point-reader.ts';
import type { Counter } from './counter.ts';

export function countRawData(repository: PointReader): Counter {
  const seen = new BlobSet(repository.index);
  let restorePoints = 0;
  return {
    async add({ tree }, signal) {
      restorePoints += 1;
      const waiting: BlobId[] = [tree];
      for (let id = waiting.pop(); id !== undefined; id = waiting.pop()) {
        if (seen.add('tree', id) === false) continue;
        signal.throwIfAborted();
        for await (const nodes of repository.treeParts(id, signal)) {
          for (const { content, subtree } of nodes) {
            for (const blob of content ?? []) seen.add('data', blob);
            if (subtree !== undefined) waiting.push(subtree);
          }
        }
      }
    },
    result() {
      const sums = { dataBlobs: 0, treeBlobs: 0, bytes: 0, bytesUncompressed: 0 };
      for (const number of seen.numbers()) {
        const { type, bytes, storedBytes } = repository.index.sizeAt(number);
        if (type === 'data') sums.dataBlobs += 1;
        else sums.treeBlobs += 1;
        sums.bytes += storedBytes;
        sums.bytesUncompressed += bytes;
      }
      return { mode: 'raw-data', restorePoints, ...sums };
    },
  };
}
