import { expect, test } from 'vitest';
import { never } from '../../../../shared/base/cancel.ts';
import { StillpointError } from '../../../../shared/base/errors.ts';
import { START, type WalkNotes, type WalkStart, walkSelected } from '../../../../shared/pipeline/restore/walk.ts';
import type { BlobId } from '../../../../shared/repository/ids.ts';
import type { Node, NodeType } from '../../../../shared/repository/node.ts';
import { timestampFromNs } from '../../../../shared/repository/timestamp.ts';

const TIME = timestampFromNs(0n);

function aNode(name: string, type: NodeType, subtree?: string): Node {
  const times = { mtime: TIME, atime: TIME, ctime: TIME };
  const tree = { subtree: subtree as BlobId };
  const below = subtree === undefined ? {} : type === 'dir' ? tree : { stray: tree };
  return { name: Buffer.from(name), type, mode: 0o644, ...times, uid: 0, gid: 0, ...below };
}

async function walked(trees: Readonly<Record<string, readonly Node[]>>) {
  const notes: string[] = [];
  async function* treeParts(id: BlobId) {
    const nodes = trees[id];
    if (nodes === undefined)
      throw new StillpointError('repository.damaged', `No ${id}.`, { advice: '', cause: undefined });
    yield nodes.slice(0, 1);
    yield nodes.slice(1);
  }
  const starts: WalkStart[] = [{ tree: 'top' as BlobId, selection: 'all', way: [], node: undefined }];
  const walkNotes: WalkNotes = {
    onChildrenOfNoFolder: (path) => notes.push(`children of ${path.toString()}`),
    onLostFolder: (path, reason) => notes.push(`lost ${path.toString()}: ${reason}`),
    onFarFolder: (start) => starts.push(start),
  };
  const paths: string[] = [];
  for (let start = starts.shift(); start !== undefined; start = starts.shift()) {
    const way = start.way.map((step) => `${step.toString()}/`).join('');
    for await (const { path } of walkSelected({ treeParts, expectTrees: () => undefined }, start, walkNotes, {
      signal: never,
    })) {
      expect(path.length).toBeLessThan(4096);
      if (path !== START) paths.push(way + path.toString());
    }
  }
  return { paths, notes };
}

test.each<NodeType>(['symlink', 'file', 'dev', 'chardev', 'fifo', 'socket', 'irregular'])(
  'what the repository lists below a %s is left out and named',
  async (type) => {
    const { paths, notes } = await walked({
      top: [aNode('a', type, 'low'), aNode('b', 'file')],
      low: [aNode('x', 'file')],
    });
    expect(paths).toEqual(['a', 'b']);
    expect(notes).toEqual(['children of a']);
  },
);

test('a folder whose listing is lost is an empty folder, and the others come', async () => {
  const { paths, notes } = await walked({
    top: [aNode('a', 'dir', 'gone'), aNode('b', 'dir', 'low'), aNode('c', 'dir')],
    low: [aNode('x', 'file')],
  });
  expect(paths).toEqual(['a', 'b', 'b/x', 'c']);
  expect(notes).toEqual(['lost a: No gone.', 'lost c: the repository does not name it']);
});

test('without the topmost listing there is nothing to restore', async () => {
  await expect(walked({})).rejects.toMatchObject({ code: 'repository.damaged' });
});

test('a tree of any depth is walked without recursion', async () => {
  const trees: Record<string, readonly Node[]> = { top: [aNode('d', 'dir', '0')] };
  for (let depth = 0; depth < 3000; depth += 1) trees[depth] = [aNode('d', 'dir', String(depth + 1))];
  trees[3000] = [aNode('x', 'file')];
  const { paths } = await walked(trees);
  expect(paths).toHaveLength(3002);
  expect(paths.at(-1)).toBe(`${'d/'.repeat(3001)}x`);
});

test('a folder deep in the tree that cannot be read costs its own content', async () => {
  const trees: Record<string, readonly Node[]> = { top: [aNode('d'.repeat(255), 'dir', '0'), aNode('z', 'file')] };
  for (let depth = 0; depth < 20; depth += 1) trees[depth] = [aNode('d'.repeat(255), 'dir', String(depth + 1))];
  const { paths, notes } = await walked(trees);
  expect(paths).toHaveLength(22);
  expect(notes).toEqual([expect.stringContaining('No 20.')]);
});

test('entries get the names that were chosen for them, and what is below them follows', async () => {
  const trees = { top: [aNode('A', 'dir', 'low'), aNode('a', 'file')], low: [aNode('x', 'file')] };
  async function* treeParts(id: BlobId) {
    yield trees[id as unknown as keyof typeof trees];
  }
  const renames = new Map([['top' as BlobId, new Map([['A', Buffer.from('B')]])]]);
  const start: WalkStart = { tree: 'top' as BlobId, selection: new Map([['A', 'all']]), way: [], node: undefined };
  const nothing = (): void => undefined;
  const notes = { onChildrenOfNoFolder: nothing, onLostFolder: nothing, onFarFolder: nothing };
  const entries = walkSelected({ treeParts, expectTrees: () => undefined }, start, notes, { renames, signal: never });
  expect((await Array.fromAsync(entries)).map(({ path }) => path.toString())).toEqual(['B', 'B/x']);
});
