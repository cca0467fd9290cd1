import { describe, expect, test } from 'vitest';
import type { ListedEntry } from '../../../shared/pipeline/backup/listing.ts';
import { buildNode, restFromParent } from '../../../shared/pipeline/backup/node.ts';
import { isUnchanged } from '../../../shared/pipeline/backup/unchanged.ts';
import type { Node } from '../../../shared/repository/node.ts';
import { entryOf, OLD_NS } from '../../support/pipeline/paper-files.ts';

const context = { users: new Map<number, string>(), groups: new Map<number, string>(), deviceId: 1n };
const SECOND = 1_000_000_000n;
const taken = OLD_NS + 10n * SECOND;
const file = entryOf({ path: 'f', type: 'file', content: Buffer.from('12345') }, 0, { links: 3 });
const nodeOf = (entry: ListedEntry): Node => buildNode(Buffer.from('f'), entry, { content: [] }, context);
const same = (facts: Partial<ListedEntry>, instant = taken): boolean =>
  isUnchanged({ ...file, ...facts }, nodeOf(file), instant);

describe('a file', () => {
  test('is unchanged when all is equal and old enough', () => {
    expect(same({})).toBe(true);
  });

  test.each<[string, Partial<ListedEntry>]>([
    ['type', { type: 'symlink' }],
    ['inode', { inode: 1n }],
    ['size', { size: 6 }],
    ['links', { links: 2 }],
    ['mode', { mode: 0o600 }],
    ['set-uid', { mode: 0o4644 }],
    ['owner', { uid: 1 }],
    ['group', { gid: 1 }],
    ['mtime, later', { mtimeNs: OLD_NS + 1n }],
    ['mtime, earlier', { mtimeNs: OLD_NS - 1n }],
    ['ctime, later', { ctimeNs: OLD_NS + 1n }],
    ['ctime, earlier', { ctimeNs: OLD_NS - 1n }],
  ])('is changed by another %s', (_what, facts) => {
    expect(same(facts)).toBe(false);
  });

  test('that was written shortly before the parent snapshot is read again', () => {
    expect(same({}, OLD_NS)).toBe(false);
    expect(same({}, OLD_NS - SECOND)).toBe(false);
    expect(same({}, OLD_NS + 2n * SECOND)).toBe(false);
    expect(same({}, OLD_NS + 2n * SECOND + 1n)).toBe(true);
    const touched = { ...file, mtimeNs: taken - SECOND };
    expect(isUnchanged(touched, nodeOf(touched), taken)).toBe(false);
  });

  test('that could not be read wholly is read again', () => {
    expect(isUnchanged(file, { ...nodeOf(file), error: 'input/output error' }, taken)).toBe(false);
  });

  test('of a parent without inode numbers is read again', () => {
    const { inode: _inode, ...without } = nodeOf(file);
    expect(isUnchanged({ ...file, inode: 0n }, without, taken)).toBe(false);
  });
});

test('a symbolic link is changed by another target', () => {
  const link = entryOf({ path: 'l', type: 'symlink', target: 'a' }, 0);
  const node = buildNode(Buffer.from('l'), link, {}, context);
  expect(isUnchanged(link, node, taken)).toBe(true);
  expect(isUnchanged({ ...link, linkTarget: Buffer.from('b') }, node, taken)).toBe(false);
});

test('a folder is unchanged whatever its size and number of links are', () => {
  const folder = entryOf({ path: 'd', type: 'dir' }, 0);
  const node = buildNode(Buffer.from('d'), folder, {}, context);
  expect(isUnchanged({ ...folder, size: 99, links: 9 }, node, taken)).toBe(true);
});

test('the rest of a node comes from the parent as it stands there', () => {
  const parent: Node = {
    ...nodeOf(file),
    extendedAttributes: [{ name: 'user.a', value: Buffer.from([0, 255]) }],
    device: 7n,
  };
  expect(restFromParent(parent)).toEqual({ content: [], extendedAttributes: parent.extendedAttributes, device: 7n });
});
