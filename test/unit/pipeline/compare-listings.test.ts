import { expect, test } from 'vitest';
import type { ListedEntry } from '../../../shared/pipeline/backup/listing.ts';
import { compareListings } from '../../../shared/pipeline/kept/compare-listings.ts';

const entry = (path: string, more: Partial<ListedEntry> = {}): ListedEntry => ({
  ...{ type: 'file', inode: 1n, links: 1, mode: 0o644, uid: 0, gid: 0, size: 5, mtimeNs: 1n, ctimeNs: 1n },
  ...{ path: Buffer.from(path), linkTarget: Buffer.alloc(0), ...more },
});

async function* listing(entries: readonly ListedEntry[]): AsyncGenerator<ListedEntry> {
  yield* entries;
}

async function changes(before: readonly ListedEntry[], after: readonly ListedEntry[]): Promise<readonly string[]> {
  const found = await Array.fromAsync(compareListings(listing(before), listing(after)));
  return found.map(({ change, entry: { path } }) => `${change} ${path.toString()}`);
}

test.each<[string, Partial<ListedEntry>, string[]]>([
  ['nothing', {}, []],
  ['the size', { size: 6 }, ['content a']],
  ['the time', { mtimeNs: 2n }, ['content a']],
  ['the inode: another file was put in its place', { inode: 2n }, ['content a']],
  ['the mode', { mode: 0o600, ctimeNs: 2n }, ['metadata a']],
  ['the owner', { uid: 1, ctimeNs: 2n }, ['metadata a']],
  ['the group', { gid: 1, ctimeNs: 2n }, ['metadata a']],
  ['the number of names', { links: 2, ctimeNs: 2n }, ['metadata a']],
  ['only what no user can set back', { ctimeNs: 2n }, ['unclear a']],
  ['the type', { type: 'symlink' }, ['type a']],
])('of a file differs %s', async (_, more, found) => {
  expect(await changes([entry('a')], [entry('a', more)])).toEqual(found);
});

test('a link that leads elsewhere has other content', async () => {
  const link = (target: string) => entry('l', { type: 'symlink', linkTarget: Buffer.from(target) });
  expect(await changes([link('a')], [link('b')])).toEqual(['content l']);
});

test('a folder in which something came or went has not changed itself', async () => {
  const folder = (more: Partial<ListedEntry>) => entry('d', { type: 'dir', ...more });
  expect(await changes([folder({})], [folder({ size: 9, mtimeNs: 2n, ctimeNs: 2n, links: 3 })])).toEqual([]);
  expect(await changes([folder({})], [folder({ mode: 0o700 })])).toEqual(['metadata d']);
});

test('what is on one side only is told at the end by its path, whatever the order of the listings', async () => {
  const [a, b, c, d] = ['a', 'b', 'c', 'd'].map((path) => entry(path));
  if (a === undefined || b === undefined || c === undefined || d === undefined) throw new Error('four');
  expect(await changes([c, b, a], [a, d, b])).toEqual(['removed c', 'added d']);
  expect(await changes([], [b, a])).toEqual(['added a', 'added b']);
  expect(await changes([a], [])).toEqual(['removed a']);
});

test('a listing that fails is no answer', async () => {
  const failing = async function* (): AsyncGenerator<ListedEntry> {
    yield entry('a');
    throw new Error('cut');
  };
  await expect(Array.fromAsync(compareListings(listing([entry('a')]), failing()))).rejects.toThrow('cut');
});
