import { describe, expect, test } from 'vitest';
import { decodeTree, encodeTree } from '../../../../shared/repository/format/tree.ts';
import { LONG_TREE_BYTES, readTree, treeByName } from '../../../../shared/repository/format/tree-reader.ts';
import { type BlobId, blobIdOf } from '../../../../shared/repository/ids.ts';
import type { Node } from '../../../../shared/repository/node.ts';
import { timestampFromNs } from '../../../../shared/repository/timestamp.ts';
import { encodeNode } from '../../../support/encode-node.ts';
import { testSignal } from '../../../support/test-repository.ts';

const WHEN = timestampFromNs(1_700_000_000_000_000_000n);
const ID = 'ab'.repeat(32) as BlobId;

function aFile(name: string, content: readonly BlobId[] = [ID]): Node {
  const times = { mtime: WHEN, atime: WHEN, ctime: WHEN };
  return { name: Buffer.from(name), type: 'file', mode: 0o644, ...times, uid: 0, gid: 0, inode: 1n << 60n, content };
}

const numbered = (index: number): string => `file-${String(index).padStart(6, '0')}`;
const MANY = Array.from({ length: 40_000 }, (_, index) => aFile(numbered(index)));

async function read(data: Buffer): Promise<Node[][]> {
  const parts: Node[][] = [];
  for await (const nodes of readTree(data, 'the tree', testSignal())) parts.push([...nodes]);
  return parts;
}

/** A text of the entries in just this order. */
function textOf(nodes: readonly Node[]): Buffer {
  return Buffer.from(`{"nodes":[${nodes.map(encodeNode).join(',')}]}\n`);
}

describe('a long tree', () => {
  test('comes in parts that are together what a short reader finds', async () => {
    const data = encodeTree(MANY);
    expect(data.length).toBeGreaterThan(LONG_TREE_BYTES);
    const parts = await read(data);
    expect(parts.length).toBeGreaterThan(5);
    expect(parts.flat()).toEqual(decodeTree(data, 'the tree').nodes);
  });

  test('is written the same whatever the order in which its entries come', () => {
    expect(blobIdOf(encodeTree(MANY.toReversed()))).toBe(blobIdOf(encodeTree(MANY)));
  });

  test('answers for each name, and for no other', async () => {
    const find = await treeByName(encodeTree(MANY), 'the tree', testSignal());
    for (const index of [0, 1, 20_000, 39_999]) expect(find(Buffer.from(numbered(index)))).toEqual(MANY[index]);
    expect(find(Buffer.from(numbered(40_000)))).toBeUndefined();
    expect(find(Buffer.from('__proto__'))).toBeUndefined();
  });

  test('that is out of order is put in order', async () => {
    const [last, ...others] = MANY.toReversed();
    if (last === undefined) throw new Error('there are many');
    expect((await read(textOf([last, ...others]))).flat()).toEqual(MANY);
  });

  test('with a fault anywhere gives out nothing', async () => {
    const faults: readonly [string, readonly Node[]][] = [
      ['points out of its folder', [...MANY, aFile('..')]],
      ['holds "/" or NUL', [...MANY, aFile('z/z')]],
      ['two entries of one name', [...MANY, aFile(numbered(39_999))]],
      ['two entries of one name', [aFile(numbered(39_999)), ...MANY]],
    ];
    for (const [fault, nodes] of faults) {
      const parts: unknown[] = [];
      const all = async (): Promise<void> => {
        for await (const part of readTree(textOf(nodes), 'the tree', testSignal())) parts.push(part);
      };
      await expect(all(), fault).rejects.toThrow(fault);
      expect(parts).toEqual([]);
      await expect(treeByName(textOf(nodes), 'the tree', testSignal()), fault).rejects.toThrow(fault);
    }
    const cut = encodeTree(MANY).subarray(0, -20);
    await expect(read(cut)).rejects.toThrow('is not JSON');
  });

  test('may be one file with very much content', async () => {
    const content = Array.from({ length: 300_000 }, (_, index) => index.toString(16).padStart(64, '0') as BlobId);
    const nodes = [aFile('a'), aFile('huge', content), aFile('z')];
    const data = encodeTree(nodes);
    expect((await read(data)).flat()).toEqual(nodes);
    expect((await treeByName(data, 'the tree', testSignal()))(Buffer.from('huge'))).toEqual(nodes[1]);
    const bad = Buffer.from(data.toString('latin1').replace('0'.repeat(64), `g${'0'.repeat(63)}`), 'latin1');
    await expect(read(bad)).rejects.toMatchObject({ code: 'repository.damaged' });
  });

  test('ends when nobody wants it any more', async () => {
    const control = new AbortController();
    const all = async (): Promise<void> => {
      for await (const _ of readTree(encodeTree(MANY), 'the tree', control.signal)) control.abort(new Error('enough'));
    };
    await expect(all()).rejects.toMatchObject({ name: 'AbortError' });
  });
});
