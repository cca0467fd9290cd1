import { readFile } from 'node:fs/promises';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeNode } from '../../../../shared/repository/format/node-json.ts';
import { decodeTree, encodeTree } from '../../../../shared/repository/format/tree.ts';
import { type BlobId, blobIdOf } from '../../../../shared/repository/ids.ts';
import { NODE_TYPES, type Node } from '../../../../shared/repository/node.ts';
import { timestampFromNs } from '../../../../shared/repository/timestamp.ts';
import { encodeNode } from '../../../support/encode-node.ts';

const WHEN = timestampFromNs(1_700_000_000_000_000_000n);
const FILE: Node = {
  name: Buffer.from('a'),
  type: 'file',
  mode: 0o644,
  mtime: WHEN,
  atime: WHEN,
  ctime: WHEN,
  uid: 0,
  gid: 0,
  content: [],
};
const FOLDER_ID = 'ab'.repeat(32) as BlobId;

const name = fc
  .uint8Array({ minLength: 1, maxLength: 255 })
  .map((bytes) => Buffer.from(bytes.map((byte) => (byte === 0 || byte === 0x2f ? 0x5f : byte))))
  .filter((bytes) => bytes.toString('latin1') !== '.' && bytes.toString('latin1') !== '..');
const uint64 = fc.bigInt({ min: 1n, max: (1n << 64n) - 1n });
const id = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Buffer.from(bytes).toString('hex') as BlobId);
const time = fc.bigInt({ min: 0n, max: 4_000_000_000_000_000_000n }).map((ns) => timestampFromNs(ns));
const text = fc.string({ unit: 'binary', minLength: 1 });

const aNode: fc.Arbitrary<Node> = fc
  .record(
    {
      name,
      type: fc.constantFrom(...NODE_TYPES),
      mode: fc.integer({ min: 0, max: 0o7777 }),
      mtime: time,
      atime: time,
      ctime: time,
      uid: fc.nat(),
      gid: fc.nat(),
      user: text,
      group: text,
      inode: uint64,
      deviceId: uint64,
      size: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
      links: fc.integer({ min: 1, max: 65_000 }),
      linkTarget: fc.uint8Array({ minLength: 1, maxLength: 100 }).map((bytes) => Buffer.from(bytes)),
      extendedAttributes: fc.array(
        fc.record({ name: text, value: fc.uint8Array().map((bytes) => Buffer.from(bytes)) }),
        {
          minLength: 1,
          maxLength: 3,
        },
      ),
      device: uint64,
      content: fc.array(id, { maxLength: 4 }),
      subtree: id,
      error: text,
    },
    { requiredKeys: ['name', 'type', 'mode', 'mtime', 'atime', 'ctime', 'uid', 'gid'] },
  )
  .map(withoutMisplaced);

/** What a type cannot have is kept apart. */
function withoutMisplaced({ content, subtree, ...node }: Node): Node {
  const stray = {
    ...(node.type === 'file' || content === undefined ? {} : { content }),
    ...(node.type === 'dir' || subtree === undefined ? {} : { subtree }),
  };
  return {
    ...node,
    ...(node.type === 'file' && content !== undefined ? { content } : {}),
    ...(node.type === 'dir' && subtree !== undefined ? { subtree } : {}),
    ...(Object.keys(stray).length === 0 ? {} : { stray }),
  };
}

describe('trees', () => {
  it('that restic 0.14 wrote come back to the letter', async () => {
    const stored = await readFile(new URL('../../../fixtures/restic-0.14/tree.json', import.meta.url));
    const { nodes } = decodeTree(stored, 'the fixture');
    expect(encodeTree(nodes).toString()).toBe(stored.toString());
    expect(nodes.map((node) => node.type)).toEqual([
      'file',
      'dev',
      'chardev',
      'dir',
      'file',
      'fifo',
      'file',
      'symlink',
      'file',
    ]);
    expect(nodes.at(-1)?.name).toEqual(Buffer.concat([Buffer.from('na\nme"\\<&'), Buffer.of(0xff)]));
    expect(nodes[0]?.extendedAttributes).toEqual([{ name: 'user.x', value: Buffer.from('hello') }]);
  });

  it('hold every node there can be', () => {
    fc.assert(
      fc.property(aNode, (node) => {
        expect(decodeNode(JSON.parse(encodeNode({ ...node, inode: 7n, deviceId: 8n, device: 9n })), 'a test')).toEqual({
          ...node,
          inode: 7n,
          deviceId: 8n,
          device: 9n,
        });
        const stored = encodeTree([node]);
        expect(decodeTree(stored, 'a test').nodes).toEqual([node]);
        expect(encodeTree(decodeTree(stored, 'a test').nodes).equals(stored)).toBe(true);
      }),
      { numRuns: 300 },
    );
  });

  it('keep apart what the type of an entry cannot have, and give it back as it was', () => {
    const ids = ['1'.repeat(64), '2'.repeat(64)] as [BlobId, BlobId];
    for (const type of NODE_TYPES) {
      const stored = `{"name":"a","type":"${type}","mtime":"${WHEN}","atime":"${WHEN}","ctime":"${WHEN}","uid":0,"gid":0,"content":["${ids[0]}"],"subtree":"${ids[1]}"}`;
      const node = decodeNode(JSON.parse(stored), 'a test');
      expect([node.content, node.subtree]).toEqual([
        type === 'file' ? [ids[0]] : undefined,
        type === 'dir' ? ids[1] : undefined,
      ]);
      expect(encodeNode({ ...node, storedMode: 0 })).toBe(stored);
    }
  });

  it('keep fields that we do not know, in their place at the end', () => {
    const stored = `{"nodes":[{"name":"x","type":"file","mode":420,"mtime":"${WHEN}","atime":"${WHEN}","ctime":"${WHEN}","uid":0,"gid":0,"generic_attributes":{"windows.file_attributes":32},"content":null,"new_field":{"a":[1,18446744073709551615]}}]}\n`;
    expect(encodeTree(decodeTree(Buffer.from(stored), 'a test').nodes).toString()).toBe(stored);
  });

  it('store a link target that is no UTF-8 whole, with a text for old readers', () => {
    const target = Buffer.from([0x74, 0xff, 0xef, 0xbf, 0xbd, 0xe2, 0x82]);
    const stored = encodeNode({ ...FILE, type: 'symlink', linkTarget: target });
    expect(stored).toContain('"linktarget":"t\\ufffd\ufffd\\ufffd\\ufffd","linktarget_raw":"dP/vv73igg=="');
    expect(decodeNode(JSON.parse(stored), 'a test').linkTarget).toEqual(target);
  });

  it('omit what restic omits and write what it writes', () => {
    expect(encodeTree([]).toString()).toBe('{"nodes":[]}\n');
    expect(encodeNode({ ...FILE, size: 0, links: 0, user: '', inode: 0n })).toBe(
      `{"name":"a","type":"file","mode":420,"mtime":"${WHEN}","atime":"${WHEN}","ctime":"${WHEN}","uid":0,"gid":0,"content":[]}`,
    );
    const { content: _none, ...folder } = FILE;
    expect(encodeNode({ ...folder, type: 'dir', mode: 0o1755, subtree: FOLDER_ID })).toContain(`"mode":2148532717,`);
  });

  it('are sorted by the bytes of the names, and equal whatever order they came in', () => {
    const nodes = ['b', 'a', 'Z', 'ä', '\u{10000}', '\uffff', 'a0', 'a.'].map((each) => ({
      ...FILE,
      name: Buffer.from(each),
    }));
    const stored = encodeTree(nodes);
    expect(blobIdOf(stored)).toBe(blobIdOf(encodeTree(nodes.toReversed())));
    const names = decodeTree(stored, 'a test').nodes.map((node) => node.name.toString());
    expect(names).toEqual(['Z', 'a', 'a.', 'a0', 'b', 'ä', '\uffff', '\u{10000}']);
  });

  it.each(['', '.', '..', 'a/b', '../../etc/passwd', 'nul\0byte'])('refuse the name %j both ways', (bad) => {
    const node = { ...FILE, name: Buffer.from(bad) };
    expect(() => encodeTree([node])).toThrow('an entry');
    expect(() => decodeTree(Buffer.from(`{"nodes":[${encodeNode(node)}]}`), 'the tree')).toThrow('an entry');
  });

  it('refuse one name twice, also far apart, and put right what is out of order', () => {
    const other = { ...FILE, name: Buffer.from('b') };
    expect(() => encodeTree([FILE, FILE])).toThrow('two entries of one name');
    const stored = (nodes: readonly Node[]): Buffer => Buffer.from(`{"nodes":[${nodes.map(encodeNode).join(',')}]}`);
    expect(() => decodeTree(stored([FILE, FILE]), 'the tree')).toThrow('two entries of one name');
    expect(() => decodeTree(stored([FILE, other, FILE]), 'the tree')).toThrow('two entries of one name');
    expect(decodeTree(stored([other, FILE]), 'the tree').nodes).toEqual([FILE, other]);
  });

  it.each(['[]', 'null', '{"nodes":{}}', '{"nodes":[1]}', '{"nodes":[{"name":"a"}]}', 'x'])(
    'never make sense of %s',
    (stored) => {
      const attempt = (): unknown => decodeTree(Buffer.from(stored), 'the tree');
      if (stored === '[]' || stored === 'null') expect(attempt()).toEqual({ nodes: [] });
      else expect(attempt).toThrow('the tree');
    },
  );

  it.each(['12345678901234567890', '1', 'null', '{"a":[1]}', '"door"', `"${'x'.repeat(200)}"`])(
    'name the fault of an entry of the type %s',
    (type) => {
      const stored = `{"nodes":[{"name":"a","type":${type}}]}`;
      const attempt = (): unknown => decodeTree(Buffer.from(stored), 'the tree');
      expect(attempt).toThrow(expect.objectContaining({ code: 'repository.damaged' }));
      expect(attempt).toThrow(/^What is stored as the tree holds an entry of the unknown type .{1,100}\.$/);
    },
  );
});
