/** What a backup compares with: found by source, walked in step with the listing, and never a reason to fail. */
import { describe, expect, test } from 'vitest';
import { StillpointError } from '../../../shared/base/errors.ts';
import { hostName, repositoryName, sourceName } from '../../../shared/domain/names.ts';
import { findParent, findParentNode } from '../../../shared/pipeline/backup/parent.ts';
import { ParentView } from '../../../shared/pipeline/backup/parent-view.ts';
import { isUnchanged } from '../../../shared/pipeline/backup/unchanged.ts';
import type { Repository } from '../../../shared/repository/repository.ts';
import type { RestorePoint } from '../../../shared/repository/restore-point.ts';
import { entryOf } from '../../support/pipeline/paper-files.ts';
import { backUp, createTestRepository, testSignal } from '../../support/test-repository.ts';

const names = (...parts: string[]): Buffer[] => parts.map((part) => Buffer.from(part));
const damaged = (): never => {
  throw new StillpointError('repository.damaged', 'a tree is damaged', { advice: '', cause: undefined });
};

describe('the parent', () => {
  test('is the newest of the same source on the same host', async () => {
    const point = (id: string, hostname: string, ...tags: string[]): RestorePoint =>
      ({ id, hostname, tags }) as unknown as RestorePoint;
    const points = [
      point('1', 'db1', 'source=shop'),
      point('2', 'db1', 'stillpoint', 'source=shop'),
      point('3', 'db2', 'source=shop'),
      point('4', 'db1', 'source=shop2'),
      point('5', 'db1'),
    ];
    const repository = { listRestorePoints: async () => ({ points, findings: [] }) } as unknown as Repository;
    const source = {
      name: sourceName('shop'),
      host: hostName('db1'),
      paths: [],
      repository: repositoryName('main'),
      exclude: [],
    };
    expect((await findParent(repository, source, testSignal()))?.id).toBe('2');
    expect(await findParent(repository, { ...source, name: sourceName('other') }, testSignal())).toBeUndefined();
  });

  test('has a node at each path that it holds; its root is like nothing and leads to everything', async () => {
    const repository = await createTestRepository();
    const parent = await backUp(repository, { srv: { files: { a: 'a' } }, etc: {} });
    const at = (...path: string[]): ReturnType<typeof findParentNode> =>
      findParentNode(repository, parent, names(...path), testSignal());
    expect((await at('srv', 'files'))?.type).toBe('dir');
    expect(await at('srv', 'gone')).toBeUndefined();
    expect(await at('srv', 'files', 'a', 'below')).toBeUndefined();
    const root = await at();
    if (root === undefined) throw new Error('the root is there');
    expect(isUnchanged(entryOf({ path: '', type: 'dir' }, 0), root, 2n ** 63n)).toBe(false);
    const view = new ParentView(repository, root);
    await view.enter(Buffer.alloc(0), view.find(Buffer.alloc(0)), testSignal());
    const srv = view.find(Buffer.from('srv'));
    await view.enter(Buffer.from('srv'), srv, testSignal());
    await view.enter(Buffer.from('srv/files'), view.find(Buffer.from('srv/files')), testSignal());
    expect(view.find(Buffer.from('srv/files/a'))?.type).toBe('file');
    expect(view.find(Buffer.from('etc'))?.type).toBe('dir');
    expect(view.find(Buffer.from('srv/files/a'))).toBeUndefined();
    await repository.close();
  });

  test('that is damaged is no parent there, and no reason to fail', async () => {
    const repository = {
      treeByName: async () => damaged(),
      treeParts: () => ({ [Symbol.asyncIterator]: () => ({ next: async () => damaged() }) }),
    } as unknown as Repository;
    const parent = { id: 'f', tree: 'x', time: '2026-01-01T00:00:00Z' } as unknown as RestorePoint;
    expect(await findParentNode(repository, parent, names('srv'), testSignal())).toBeUndefined();
    const root = await findParentNode(repository, parent, [], testSignal());
    const view = new ParentView(repository, root);
    await view.enter(Buffer.alloc(0), root, testSignal());
    expect(view.find(Buffer.from('srv'))).toBeUndefined();
  });
});
