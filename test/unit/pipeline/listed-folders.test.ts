/** What is known of folders by their listing alone, at the ends of what can be held of it. */
import { expect, test } from 'vitest';
import { ListedFolders } from '../../../shared/pipeline/remembered/listed-folders.ts';
import { entryOf } from '../../support/pipeline/paper-files.ts';

const CONTEXT = Buffer.from('context');
const LINE = Buffer.from('line');
const folder = (path: string) => entryOf({ path, type: 'dir' }, 1);

test('a time that is later than 64 bits of nanoseconds can say is the latest of all', () => {
  const folders = new ListedFolders(CONTEXT);
  // Ext4 keeps times up to 2446, XFS up to 2486; others keep any.
  const far = BigInt(Date.UTC(2446, 0)) * 1_000_000n;
  folders.add(folder(''), 0, LINE);
  folders.add(folder('near'), 10, LINE);
  folders.add(folder('far'), 20, LINE);
  folders.add(entryOf({ path: 'far/file', type: 'file', content: LINE }, 2, { mtimeNs: far }), 30, LINE);
  folders.finish(40);
  expect(folders.of(0)?.newestNs).toBe(2n ** 63n - 1n);
  expect(folders.of(2)?.newestNs).toBe(2n ** 63n - 1n);
  expect(folders.of(1)?.newestNs).toBeLessThan(0n);
});

test('of more than a million folders nothing is known of the last ones', () => {
  const folders = new ListedFolders(CONTEXT);
  folders.add(folder(''), 0, LINE);
  for (let n = 1; n <= 1_000_100; n += 1) folders.add(folder(`${n}`), n, LINE);
  folders.finish(1_000_101);
  expect(folders.count).toBe(1_000_101);
  expect(folders.of(999_999)).toMatchObject({ entries: 0, end: 1_000_000 });
  for (const index of [1_000_000, 1_000_001, 1_000_100]) expect(folders.of(index)).toBeUndefined();
}, 180_000);
