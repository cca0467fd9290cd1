/** What two looks at a live tree tell of the files in it. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Change, changedFiles } from '../../../shared/pipeline/backup/changed-files.ts';
import type { ListedEntry } from '../../../shared/pipeline/backup/listing.ts';

const LONG_AGO = 1_000_000_000_000_000_000n;
const LOOK = LONG_AGO + 3_600_000_000_000n;

const file = (path: string, facts: Partial<ListedEntry> = {}): ListedEntry => ({
  ...{
    type: 'file',
    inode: BigInt(Buffer.from(path).readUIntBE(0, Math.min(6, path.length)) + 1),
    links: 1,
    mode: 0o644,
  },
  ...{
    uid: 0,
    gid: 0,
    size: 10,
    mtimeNs: LONG_AGO,
    ctimeNs: LONG_AGO,
    path: Buffer.from(path),
    linkTarget: Buffer.alloc(0),
  },
  ...facts,
});

async function* listed(entries: readonly ListedEntry[]): AsyncGenerator<ListedEntry> {
  yield* entries;
}

const between = async (
  before: readonly ListedEntry[],
  after: readonly ListedEntry[],
): Promise<Record<string, Change>> => Object.fromEntries(await changedFiles(listed(before), listed(after), LOOK));

describe('between two looks', () => {
  test('a file of which stat tells the same has not changed, and a new one is none of these', async () => {
    expect(await between([file('a'), file('b')], [file('b'), file('a'), file('c')])).toEqual({});
  });

  test.for([
    ['size', { size: 11 }],
    ['time of its content', { mtimeNs: LONG_AGO + 1n }],
    ['ctime, the one that no user can set', { ctimeNs: LONG_AGO + 1n }],
    ['inode', { inode: 99n }],
    ['mode', { mode: 0o600 }],
    ['owner', { uid: 5 }],
    ['group', { gid: 5 }],
  ] as const)('a file of another %s has changed', async ([, facts]) => {
    expect(await between([file('a')], [file('a', facts)])).toEqual({ a: 'changed' });
  });

  test('a file that was changed just before the first look may have been changed again in the same tick', async () => {
    for (const agoNs of [0n, 1_900_000_000n, -1_900_000_000n]) {
      const fresh = file('a', { ctimeNs: LOOK - agoNs });
      expect(await between([fresh], [fresh])).toEqual({ a: 'changed' });
    }
    // Long after it: the clock was set back since, and a change would bear another time.
    const ahead = file('a', { ctimeNs: LOOK + 3_600_000_000_000n });
    expect(await between([ahead], [ahead])).toEqual({});
  });

  test('a file that is not there any more is gone, or has another name', async () => {
    expect(await between([file('a'), file('b')], [file('c', { inode: file('b').inode })])).toEqual({
      ...{ a: 'gone', b: 'moved' },
    });
    // A link in its place.
    expect(await between([file('a')], [file('a', { type: 'symlink' })])).toEqual({ a: 'gone' });
  });

  test('in whatever order the files come', async () => {
    const name = fc.stringMatching(/^[a-e]{1,3}$/);
    await fc.assert(
      fc.asyncProperty(
        fc.dictionary(name, fc.tuple(fc.boolean(), fc.constantFrom('same', 'other', 'gone')), { maxKeys: 30 }),
        fc.infiniteStream(fc.nat()),
        async (facts, keys) => {
          const shuffled = (entries: ListedEntry[]): ListedEntry[] =>
            entries
              .map((entry) => [keys.next().value ?? 0, entry] as const)
              .sort((x, y) => x[0] - y[0])
              .map(([, entry]) => entry);
          const names = Object.entries(facts);
          const before = names.map(([path], index) => file(path, { inode: BigInt(index + 1) }));
          const after = names.flatMap(([path, [, fate]], index) =>
            fate === 'gone' ? [] : [file(path, { inode: BigInt(index + 1), size: fate === 'other' ? 11 : 10 })],
          );
          const expected = names.flatMap(([path, [, fate]]) =>
            fate === 'same' ? [] : [[path, fate === 'other' ? 'changed' : 'gone']],
          );
          expect(await between(shuffled(before), shuffled(after))).toEqual(Object.fromEntries(expected) as object);
        },
      ),
    );
  });
});
