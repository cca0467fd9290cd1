import { expect, test } from 'vitest';
import { never } from '../../../../shared/base/cancel.ts';
import { StillpointError } from '../../../../shared/base/errors.ts';
import type { RunEventBody } from '../../../../shared/domain/events.ts';
import { HardLinks } from '../../../../shared/pipeline/restore/hard-links.ts';
import { Outcome } from '../../../../shared/pipeline/restore/outcome.ts';
import { type Blobs, tarItems } from '../../../../shared/pipeline/restore/tar-items.ts';
import { type BlobId, blobIdOf } from '../../../../shared/repository/ids.ts';
import type { Node, NodeType } from '../../../../shared/repository/node.ts';
import { timestampFromNs } from '../../../../shared/repository/timestamp.ts';
import { writeTar } from '../../../../shared/tar/write-tar.ts';
import { entriesOf } from '../../../support/tar-streams.ts';
import { LINUX_TARGET } from '../../../support/target-traits.ts';

const MiB = 1024 * 1024;
const TIME = timestampFromNs(1_700_000_000_000_000_001n);

/** A store of blobs in which some are listed and damaged. */
function blobsOf(contents: readonly Buffer[], damaged: readonly Buffer[] = []): Blobs & { readonly loaded: BlobId[] } {
  const stored = new Map(contents.map((data) => [blobIdOf(data), data]));
  const bad = new Set(damaged.map((data) => blobIdOf(data)));
  const loaded: BlobId[] = [];
  const loadBlob = async (id: BlobId): Promise<Buffer> => {
    const data = stored.get(id);
    if (data === undefined || bad.has(id)) {
      throw new StillpointError('repository.damaged', `Blob ${id.slice(0, 8)} is damaged.`, {
        advice: '',
        cause: undefined,
      });
    }
    loaded.push(id);
    return Buffer.from(data);
  };
  return {
    loaded,
    blobSize: (_type, id) => stored.get(id)?.length,
    loadBlob: (_type, id) => loadBlob(id),
    async *loadBlobs(ids) {
      for (const id of new Set(ids)) yield { id, data: await loadBlob(id) };
    },
  };
}

function aNode(name: string, type: NodeType, facts: Partial<Node> = {}): Node {
  return {
    name: Buffer.from(name),
    type,
    mode: 0o644,
    mtime: TIME,
    atime: TIME,
    ctime: TIME,
    uid: 0,
    gid: 0,
    ...facts,
  };
}

const aFile = (name: string, blobs: readonly Buffer[], facts: Partial<Node> = {}): Node =>
  aNode(name, 'file', { content: blobs.map((data) => blobIdOf(data)), ...facts });

const NO_START = { tree: blobIdOf(Buffer.from('')), selection: 'all', way: [], node: undefined } as const;

async function sent(nodes: readonly Node[], repository: Blobs, traits = LINUX_TARGET) {
  const events: RunEventBody[] = [];
  const outcome = new Outcome(NO_START, (event) => events.push(event));
  async function* entries() {
    for (const node of nodes) yield { path: node.name, node };
  }
  const ports = { repository, traits, outcome, links: new HardLinks(), onBatch: () => undefined };
  const entriesSent = await entriesOf(writeTar(tarItems(entries(), ports, never)));
  const byName = new Map(entriesSent.map((entry) => [entry.head.name.toString(), entry]));
  return { byName, outcome, events };
}

const noise = (length: number, seed: number): Buffer =>
  Buffer.from(Array.from({ length }, (_, at) => (at * seed + 1) & 0xff));

test('blobs of zeros become holes without being read', async () => {
  const zeros = Buffer.alloc(MiB / 2);
  const tail = Buffer.alloc(777);
  const data = noise(MiB, 3);
  const blobs = blobsOf([zeros, tail, data]);
  const { byName, outcome } = await sent([aFile('a', [zeros, zeros, data, zeros, zeros, tail])], blobs);
  const entry = byName.get('a');
  expect(entry?.head.size).toBe(3 * MiB + 777);
  expect(entry?.head.sparse).toEqual(Float64Array.of(MiB, MiB));
  expect(entry?.stored.equals(data)).toBe(true);
  expect(blobs.loaded).toEqual([blobIdOf(data)]);
  expect(outcome.sent.bytes).toBe(3 * MiB + 777);
});

test('runs of zeros inside a small file become holes too, and the bytes around them stay', async () => {
  const data = Buffer.concat([noise(100_000, 5), Buffer.alloc(200_000), noise(50_001, 7)]);
  const { byName } = await sent([aFile('a', [data])], blobsOf([data]));
  const entry = byName.get('a');
  const rebuilt = Buffer.alloc(entry?.head.size ?? 0);
  let at = 0;
  const map = entry?.head.sparse ?? Float64Array.of();
  for (let part = 0; part < map.length; part += 2) {
    const length = map[part + 1] ?? 0;
    entry?.stored.copy(rebuilt, map[part], at, at + length);
    at += length;
  }
  expect(rebuilt.equals(data)).toBe(true);
  expect(entry?.stored.length).toBeLessThan(data.length - 64 * 1024);
});

test('a file of many blobs, more than fit at once, comes in order', async () => {
  const pieces = Array.from({ length: 21 }, (_, index) => noise(MiB - 5, index * 2 + 1));
  const order = [...pieces, ...pieces.slice(0, 3)];
  const { byName } = await sent(
    [aFile('large', order), aFile('next', [noise(3, 1)])],
    blobsOf([...pieces, noise(3, 1)]),
  );
  expect(byName.get('large')?.stored.equals(Buffer.concat(order))).toBe(true);
  expect(byName.get('next')?.stored.equals(noise(3, 1))).toBe(true);
});

test('further names of a file are links to the first, and only if they hold the same', async () => {
  const [one, two] = [noise(10, 3), noise(10, 5)];
  const same = { inode: 7n, deviceId: 1n, links: 3 };
  const nodes = [
    aFile('a', [one], same),
    aFile('b', [two], same),
    aFile('c', [one], same),
    aFile('d', [one], { ...same, deviceId: 2n }),
  ];
  const { byName } = await sent(nodes, blobsOf([one, two]));
  expect([...byName].map(([name, { head }]) => [name, head.type, head.linkName.toString()])).toEqual([
    ['a', 'file', ''],
    ['b', 'file', ''],
    ['c', 'hardlink', 'a'],
    ['d', 'file', ''],
  ]);
});

test('a damaged or missing blob costs its file with all its names, and nothing else', async () => {
  const [good, bad, gone] = [noise(10, 3), noise(10, 5), noise(10, 9)];
  const same = { inode: 7n, deviceId: 1n, links: 2 };
  const nodes = [
    aFile('a', [good]),
    aFile('b', [good, bad], same),
    aFile('c', [good, bad], same),
    aFile('d', [gone]),
    aFile('e', [good]),
  ];
  const { byName, outcome } = await sent(nodes, blobsOf([good, bad], [bad]));
  expect([...byName.keys()]).toEqual(['a', 'e']);
  expect(outcome.leftOut.named.map(({ path }) => path)).toEqual(['d', 'b', 'c']);
  expect(outcome.sent).toEqual({ files: 2, folders: 0, others: 0, bytes: 20 });
  expect(outcome.leftOut.count).toBe(3);
});

test('a large file that breaks off is written to its length and marked to be removed', async () => {
  const pieces = Array.from({ length: 12 }, (_, index) => noise(MiB, index * 2 + 1));
  const nodes = [aFile('large', pieces), aFile('after', [noise(5, 1)])];
  const { byName, outcome } = await sent(nodes, blobsOf([...pieces, noise(5, 1)], pieces.slice(10, 12)));
  expect(outcome.broken.map(String)).toEqual(['large']);
  expect(outcome.leftOut.count).toBe(1);
  expect(byName.get('after')?.stored.equals(noise(5, 1))).toBe(true);
  expect(outcome.sent.files).toBe(1);
});

test('sockets and what has no type are left out with a reason', async () => {
  const { byName, events } = await sent(
    [aNode('s', 'socket'), aNode('i', 'irregular'), aNode('f', 'fifo')],
    blobsOf([]),
  );
  expect([...byName.keys()]).toEqual(['f']);
  expect(events).toEqual([
    { type: 'item-skipped', path: 's', reason: 'sockets are made by their program' },
    { type: 'item-skipped', path: 'i', reason: 'its type is not known' },
  ]);
});

test('owner, mode, time, device and attributes reach the entry', async () => {
  const acl = Buffer.from(
    '0200000001000600ffffffff02000700d204000004000400ffffffff10000700ffffffff20000400ffffffff',
    'hex',
  );
  const node = aNode('d', 'dev', {
    mode: 0o4755,
    uid: 4_000_000_000,
    gid: 7,
    mtime: timestampFromNs(-1n),
    // makedev(300, 70000)
    device: (300n << 8n) | (70000n & 0xffn) | ((70000n & ~0xffn) << 12n),
    extendedAttributes: [
      { name: 'system.posix_acl_access', value: acl },
      { name: 'trusted.SGI_ACL_FILE', value: Buffer.from('twice') },
    ],
  });
  const { byName } = await sent([node], blobsOf([]));
  expect(byName.get('d')?.head).toMatchObject({
    type: 'blockdev',
    mode: 0o4755,
    uid: 4_000_000_000,
    gid: 7,
    mtime: { seconds: -1, nanoseconds: 999_999_999 },
    devMajor: 300,
    devMinor: 70000,
    xattrs: [{ name: Buffer.from('system.posix_acl_access'), value: acl }],
    aclAccess: Buffer.from('user::rw-\nuser:1234:rwx\ngroup::r--\nmask::rwx\nother::r--\n'),
  });
});

test('where there are no hard links, further names are copies, and that is named', async () => {
  const one = noise(10, 3);
  const same = { inode: 7n, deviceId: 1n, links: 2 };
  const nodes = [aFile('a', [one], same), aFile('b', [one], same)];
  const { byName, outcome } = await sent(nodes, blobsOf([one]), { ...LINUX_TARGET, hardLinks: false });
  expect(byName.get('b')?.stored.equals(one)).toBe(true);
  expect(outcome.sent.bytes).toBe(20);
  expect(outcome.notKept).toEqual([
    { what: 'hard link (the file system has none, so it is a copy)', entries: 1, examples: ['b'] },
  ]);
});
