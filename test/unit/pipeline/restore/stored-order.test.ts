/** Files of one folder are read in the order of the packs, so that no range of a pack is read again and again. */
import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { never } from '../../../../shared/base/cancel.ts';
import { HardLinks } from '../../../../shared/pipeline/restore/hard-links.ts';
import { Outcome } from '../../../../shared/pipeline/restore/outcome.ts';
import { inStoredOrder } from '../../../../shared/pipeline/restore/stored-order.ts';
import { tarItems } from '../../../../shared/pipeline/restore/tar-items.ts';
import { type WalkOptions, type WalkStart, walkSelected } from '../../../../shared/pipeline/restore/walk.ts';
import type { BlobId } from '../../../../shared/repository/ids.ts';
import type { Node, NodeType } from '../../../../shared/repository/node.ts';
import { timestampFromNs } from '../../../../shared/repository/timestamp.ts';
import { createMemoryBackend } from '../../../support/stores/memory.ts';
import { LINUX_TARGET } from '../../../support/target-traits.ts';
import { backUp, createTestRepository } from '../../../support/test-repository.ts';

const TIME = timestampFromNs(0n);

function aNode(name: string, type: NodeType, content: readonly string[] | undefined): Node {
  const times = { mtime: TIME, atime: TIME, ctime: TIME };
  const blobs = content === undefined ? {} : { content: content as readonly BlobId[] };
  return { name: Buffer.from(name), type, mode: 0o644, ...times, uid: 0, gid: 0, ...blobs };
}

test('files change places among themselves, folders and links keep theirs', () => {
  const orders: Readonly<Record<string, number>> = { early: 1, middle: 2, late: 3 };
  const nodes = [
    aNode('a', 'file', ['late', 'early']),
    aNode('b', 'dir', undefined),
    aNode('c', 'file', ['early']),
    aNode('d', 'symlink', undefined),
    aNode('e', 'file', ['not known']),
    aNode('f', 'file', []),
    aNode('g', 'file', ['middle']),
  ];
  const ordered = inStoredOrder(nodes, { storedOrder: (_, id) => orders[id] });
  expect(ordered.map(({ name }) => name.toString())).toEqual(['e', 'b', 'f', 'd', 'c', 'g', 'a']);
});

const FILES = 3000;
const FILE_BYTES = 6000;

/** How many bytes of packs are read to restore one folder, whose files were stored in another order than their names'. */
async function bytesRead(withOrder: boolean): Promise<number> {
  const backend = createMemoryBackend();
  await using repository = await createTestRepository(backend);
  // 7919 has no divisor in common with the number of files, so each number comes once.
  const names = Array.from({ length: FILES }, (_, index) => `file-${(index * 7919) % FILES}`);
  const point = await backUp(repository, Object.fromEntries(names.map((name) => [name, randomBytes(FILE_BYTES)])));
  const load = backend.load.bind(backend);
  let bytes = 0;
  backend.load = async (file, range, signal) => {
    if (file.type === 'data') bytes += range?.length ?? 0;
    return await load(file, range, signal);
  };
  const start: WalkStart = { tree: point.tree, selection: 'all', way: [], node: undefined };
  const outcome = new Outcome(start, () => undefined);
  const order: WalkOptions['order'] = withOrder ? (nodes) => inStoredOrder(nodes, repository.index) : (nodes) => nodes;
  const entries = walkSelected(repository, start, outcome, { order, signal: never });
  const ports = { repository, traits: LINUX_TARGET, outcome, links: new HardLinks(), onBatch: () => undefined };
  const seen = new Set<string>();
  for await (const { head, content } of tarItems(entries, ports, never)) {
    seen.add(head.name.toString());
    for await (const _ of content ?? []);
  }
  expect(seen).toEqual(new Set(names));
  return bytes;
}

test('a folder that is longer than a window is read once, and not once for each window', async () => {
  expect(await bytesRead(true)).toBeLessThan(1.2 * FILES * FILE_BYTES);
  expect(await bytesRead(false)).toBeGreaterThan(2 * FILES * FILE_BYTES);
});
