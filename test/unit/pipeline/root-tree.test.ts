import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { BlobSink } from '../../../shared/pipeline/backup/repository-sink.ts';
import { ancestorsOf, storeRootTree } from '../../../shared/pipeline/backup/root-tree.ts';
import { encodeTree } from '../../../shared/repository/format/tree.ts';
import type { Node } from '../../../shared/repository/node.ts';
import { timestampFromNs } from '../../../shared/repository/timestamp.ts';
import { entryOf } from '../../support/pipeline/paper-files.ts';
import { createLockedRepository, type LockedRepository, testSignal } from '../../support/test-repository.ts';
import { walkTree } from '../../support/walk-tree.ts';

const texts = (paths: readonly Buffer[]): string[] => paths.map(String).toSorted();
const context = { users: new Map([[0, 'root']]), groups: new Map<number, string>(), deviceId: 1n };

test('the folders on the way are all between the root and the paths', () => {
  const of = (...paths: string[]): string[] => texts(ancestorsOf(paths.map((path) => Buffer.from(path))));
  expect(of('/srv/a/b', '/srv/c', '/x')).toEqual(['/srv', '/srv/a']);
  expect(of('/')).toEqual([]);
  expect(of('/x')).toEqual([]);
});

describe('the upper folders', () => {
  let opened: LockedRepository;
  beforeAll(async () => {
    opened = await createLockedRepository();
  });
  afterAll(() => opened[Symbol.asyncDispose]());

  const store = async (paths: readonly string[]): Promise<string[]> => {
    const { repository, lock } = opened;
    await using writer = await repository.openWriter(lock, { workers: 1 });
    const when = timestampFromNs(0n);
    const { saved } = await writer.put('tree', encodeTree([]), testSignal());
    const subtree = (await saved).id;
    const trees = paths.map((path) => {
      const node: Node = {
        name: Buffer.from(path.slice(path.lastIndexOf('/') + 1)),
        type: 'dir',
        mode: 0o755,
        mtime: when,
        atime: when,
        ctime: when,
        uid: 0,
        gid: 0,
        subtree,
      };
      return { path: Buffer.from(path), node };
    });
    const ancestors = ancestorsOf(trees.map((tree) => tree.path)).map((path, index) =>
      entryOf({ path: path.toString(), type: 'dir' }, index, { mode: 0o1777 }),
    );
    const root = await storeRootTree({ trees, ancestors }, new BlobSink(repository, writer), context, testSignal());
    await writer.flush(testSignal());
    const found: string[] = [];
    for await (const { path, node } of walkTree(repository, root, testSignal())) {
      found.push(`${path.map(String).join('/')} ${node.mode.toString(8)}`);
    }
    return found;
  };

  test('lead to each tree, with the modes of the living host', async () => {
    expect(await store(['/srv/b/c', '/srv/a', '/x'])).toEqual([
      'srv 1777',
      'srv/a 755',
      'srv/b 1777',
      'srv/b/c 755',
      'x 755',
    ]);
  });

  test('are not there for a tree that is the root itself', async () => {
    expect(await store(['/'])).toEqual([]);
  });
});
