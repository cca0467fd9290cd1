/** What restic cannot judge: what is read and what is not, types that change, patterns, and damage on the way. */
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import type { DiffChange } from '../../../shared/domain/diff.ts';
import { compileExcludes } from '../../../shared/domain/exclude-patterns.ts';
import type { FindRequest } from '../../../shared/domain/find.ts';
import { repositoryName } from '../../../shared/domain/names.ts';
import { EVERY_POINT } from '../../../shared/domain/point-filter.ts';
import { diffPoints } from '../../../shared/pipeline/diff.ts';
import { PathMatcher } from '../../../shared/pipeline/find/path-matcher.ts';
import { find } from '../../../shared/pipeline/find.ts';
import { DigestSet } from '../../../shared/pipeline/stats/digest-set.ts';
import { stats } from '../../../shared/pipeline/stats.ts';
import { BlobSet } from '../../../shared/repository/blob-set.ts';
import { type BlobId, blobIdOf } from '../../../shared/repository/ids.ts';
import type { OpenedRepository } from '../../../shared/repository/opened-repository.ts';
import type { RestorePoint } from '../../../shared/repository/restore-point.ts';
import { NOTHING_CONFIGURED } from '../../support/configured-names.ts';
import { createMemoryBackend } from '../../support/stores/memory.ts';
import { backUp, createTestRepository, type TestTree, testSignal } from '../../support/test-repository.ts';

const signal = testSignal();
const MAIN = repositoryName('main');
const same: TestTree = { deep: { inner: { 'a.txt': 'a', 'b.log': 'b' } }, 'c.txt': 'c' };
const BEFORE: TestTree = { same, thing: { inside: 'x' }, 'gone.txt': 'gone', 'kept.txt': 'kept', 'word.txt': 'one' };
const AFTER: TestTree = {
  same,
  thing: 'now a file',
  'kept.txt': 'kept',
  'word.txt': 'two',
  'copy.log': 'b',
  zoo: { z: 'z' },
};

let repository: OpenedRepository;
let before: RestorePoint;
let after: RestorePoint;
/** Trees that were asked for since it was cleared. */
const read: BlobId[] = [];

beforeAll(async () => {
  repository = await createTestRepository(createMemoryBackend());
  before = await backUp(repository, BEFORE);
  after = await backUp(repository, AFTER);
  const load = repository.loadTree.bind(repository);
  repository.loadTree = (id, stop) => {
    read.push(id);
    return load(id, stop);
  };
});

async function diff(path: string, exact = false) {
  const changes: DiffChange[] = [];
  read.length = 0;
  const summary = await diffPoints(
    repository,
    before,
    after,
    { path, exact, onChange: (found) => void changes.push(found) },
    signal,
  );
  return { summary, lines: changes.map(({ change, path: where, kind }) => `${change} ${where} ${kind}`) };
}

describe('a difference', () => {
  it('is told in the order of the paths, also where a folder became a file', async () => {
    const { lines, summary } = await diff('/');
    expect(lines).toEqual([
      'added /copy.log file',
      'removed /gone.txt file',
      'type /thing file',
      'removed /thing/inside file',
      'content /word.txt file',
      'added /zoo dir',
      'added /zoo/z file',
    ]);
    expect(summary).toMatchObject({
      changedFiles: 1,
      added: { files: 2, folders: 1, others: 0 },
      removed: { files: 2, folders: 0, others: 0 },
    });
  });

  it('reads no folder that is the same on both sides, unless the figures are to be exact', async () => {
    const quick = await diff('/');
    // Two roots, the folder that went, the folder that came.
    expect(read.length).toBe(4);
    expect(quick.summary.isExact).toBe(false);
    const exact = await diff('/', true);
    expect(read.length).toBe(7);
    expect(exact.summary.isExact).toBe(true);
    // The content of the copied file was there before, in a folder that did not change.
    expect(quick.summary.added.dataBlobs - exact.summary.added.dataBlobs).toBe(1);
    expect(exact.lines).toEqual(quick.lines);
  });

  it('may be asked for one file or folder, also where only one side has it', async () => {
    expect((await diff('/word.txt')).lines).toEqual(['content /word.txt file']);
    expect((await diff('/zoo')).lines).toEqual(['added /zoo dir', 'added /zoo/z file']);
    expect((await diff('/thing/inside')).lines).toEqual(['removed /thing/inside file']);
    expect((await diff('/same/deep')).lines).toEqual([]);
    await expect(diff('/nowhere')).rejects.toMatchObject({ code: 'repository.path-not-found' });
  });

  it('of a restore point with itself is nothing, and exact', async () => {
    const summary = await diffPoints(
      repository,
      after,
      after,
      { path: '/', exact: false, onChange: () => undefined },
      signal,
    );
    expect(summary).toMatchObject({ changedFiles: 0, isExact: true, added: { bytes: 0 }, removed: { bytes: 0 } });
  });
});

describe('a search', () => {
  const search = async (request: Partial<FindRequest>): Promise<string[]> => {
    const found: string[] = [];
    read.length = 0;
    const whole: FindRequest = {
      repository: MAIN,
      patterns: ['*'],
      ids: [],
      ignoreCase: false,
      oldest: undefined,
      newest: undefined,
      restorePoints: [],
      filter: EVERY_POINT,
      ...request,
    };
    await find(
      repository,
      whole,
      {
        configured: NOTHING_CONFIGURED,
        onMatch: ({ restorePoint, path }) =>
          void found.push(`${restorePoint === before.id ? 'before' : 'after'} ${path}`),
      },
      signal,
    );
    return found;
  };

  it('reads a folder without a match once', async () => {
    expect(await search({ patterns: ['z'] })).toEqual(['after /zoo/z']);
    // Two roots, what differs, and the three folders that both share, once.
    expect(read.length).toBe(new Set(read).size);
    expect(await search({ patterns: ['b.log'] })).toEqual(
      expect.arrayContaining(['after /same/deep/inner/b.log', 'before /same/deep/inner/b.log']),
    );
  });

  it('finds a folder under another name although it was empty of matches under the first', async () => {
    const moved = await createTestRepository(createMemoryBackend());
    await backUp(moved, { wanted: { 'x.txt': 'x' } });
    await backUp(moved, { other: { 'x.txt': 'x' } });
    // Both ways round, since the order of the two is not ours to choose.
    for (const name of ['wanted', 'other']) {
      const found: string[] = [];
      const request = { repository: MAIN, ids: [], ignoreCase: false, oldest: undefined, newest: undefined };
      const whole = { ...request, patterns: [`${name}/*`], restorePoints: [], filter: EVERY_POINT };
      const summary = await find(
        moved,
        whole,
        { configured: NOTHING_CONFIGURED, onMatch: ({ path }) => void found.push(path) },
        signal,
      );
      expect(found).toEqual([`/${name}/x.txt`]);
      expect(summary).toEqual({ restorePoints: 2, matches: 1, unreadable: [] });
    }
  });

  it('names what needs a blob, a tree or a pack, by the start of its id', async () => {
    const content = blobIdOf(Buffer.from('b'));
    expect(await search({ patterns: [], ids: [content.slice(0, 8)], restorePoints: [after.id] })).toEqual([
      'after /copy.log',
      'after /same/deep/inner/b.log',
    ]);
    const top = (await repository.loadTree(after.tree, signal)).nodes;
    const same = top.find(({ name }) => name.toString() === 'same')?.subtree ?? content;
    expect(await search({ patterns: ['gone.txt'], ids: [same.toUpperCase()] })).toEqual(
      expect.arrayContaining(['after /same', 'before /same', 'before /gone.txt']),
    );
    const pack = repository.index.find('data', content)?.pack ?? '';
    expect(await search({ patterns: [], ids: [pack] })).toEqual(expect.arrayContaining(['before /word.txt']));
    expect(await search({ patterns: [], ids: [after.tree] })).toEqual(['after /']);
    await expect(search({ patterns: [], ids: ['ffffffff'] })).rejects.toThrow('No blob, tree or pack');
    await expect(search({ patterns: [], ids: ['abc'] })).rejects.toThrow('is not an id');
  });

  it('takes times for UTC where they say nothing else, whatever the zone of this machine', async () => {
    // Every file of these tests is of 2023-11-14 22:13:20.123456789 UTC.
    const isFound = async (range: Pick<Partial<FindRequest>, 'oldest' | 'newest'>): Promise<boolean> =>
      (await search({ patterns: ['z'], ...range })).length > 0;
    const zone = process.env['TZ'];
    for (const here of ['UTC', 'Asia/Tokyo', 'America/Lima']) {
      process.env['TZ'] = here;
      expect(await isFound({ oldest: '2023-11-14 22:13', newest: '2023-11-14T22:14' })).toBe(true);
      expect(await isFound({ oldest: '2023-11-14T22:13:21' })).toBe(false);
      expect(await isFound({ oldest: '2023-11-14', newest: '2023-11-15' })).toBe(true);
      expect(await isFound({ newest: '2023-11-14' })).toBe(false);
      expect(await isFound({ oldest: '2023-11-14T23:13:20+01:00' })).toBe(true);
      expect(await isFound({ oldest: '2023-11-14T23:13:21+01:00' })).toBe(false);
    }
    if (zone === undefined) delete process.env['TZ'];
    else process.env['TZ'] = zone;
  });

  it('refuses patterns and times that mean nothing', async () => {
    for (const pattern of ['[a-', '', '..', 'a\\']) {
      await expect(search({ patterns: [pattern] })).rejects.toMatchObject({ code: 'usage.invalid' });
    }
    for (const time of ['yesterday-ish', '2023-13-01', '14.11.2023', '2023']) {
      await expect(search({ oldest: time })).rejects.toMatchObject({ code: 'usage.invalid' });
    }
  });

  it('goes on after a restore point that is damaged, and names it', async () => {
    const backend = createMemoryBackend();
    const broken = await createTestRepository(backend);
    const whole = await backUp(broken, { 'whole.txt': 'w' });
    const hit = await backUp(broken, { folder: { 'hit.txt': 'h' } });
    const place = broken.index.find('tree', hit.tree);
    await backend.remove({ type: 'data', name: place?.pack ?? '' }, signal);
    const request = {
      repository: MAIN,
      patterns: ['*.txt'],
      ids: [],
      ignoreCase: false,
      oldest: undefined,
      newest: undefined,
    };
    const found: string[] = [];
    const { unreadable } = await find(
      broken,
      { ...request, restorePoints: [], filter: EVERY_POINT },
      { configured: NOTHING_CONFIGURED, onMatch: ({ path }) => void found.push(path) },
      signal,
    );
    expect(found).toEqual(['/whole.txt']);
    expect(unreadable.map(({ restorePoint }) => restorePoint)).toEqual([hit.id]);
    const counted = await stats(
      broken,
      { repository: MAIN, mode: 'raw-data', restorePoints: [whole.id], filter: EVERY_POINT },
      NOTHING_CONFIGURED,
      signal,
    );
    expect(counted.unreadable).toEqual([]);
    const all = await stats(
      broken,
      { repository: MAIN, mode: 'by-point', restorePoints: [whole.id], filter: EVERY_POINT },
      NOTHING_CONFIGURED,
      signal,
    );
    expect(all.unreadable.map(({ restorePoint }) => restorePoint)).toEqual([hit.id]);
  });
});

describe('patterns', () => {
  const fits = (pattern: string, path: string, ignoreCase = false): boolean => {
    const matcher = new PathMatcher([pattern], ignoreCase);
    return path
      .split('/')
      .slice(1)
      .reduce((state, name) => matcher.step(state, Buffer.from(name)), matcher.start).isMatch;
  };

  it.each([
    ['a', '/a', true],
    ['a', '/x/a/y', true],
    ['a', '/x/ab', false],
    ['a/b', '/x/a/b', true],
    ['a/b', '/a/x/b', false],
    ['a/**/b', '/a/b', true],
    ['a/**/b', '/x/a/1/2/b/c', true],
    ['/a', '/a/b', true],
    ['/a', '/x/a', false],
    ['/**/b', '/x/y/b', true],
    ['**', '/anything', true],
    ['a/a/b', '/a/a/a/b', true],
  ])('%s and %s: %s', (pattern, path, expected) => {
    expect(fits(pattern, path)).toBe(expected);
  });

  it('mean the same as those of excludes, for a path and all that lies above it', () => {
    const part = fc.constantFrom('a', 'b', 'ab', '*', 'a*', '?', '[ab]', '[^a]', '**');
    const pattern = fc
      .tuple(fc.boolean(), fc.array(part, { minLength: 1, maxLength: 4 }))
      .map(([isAnchored, parts]) => (isAnchored ? '/' : '') + parts.join('/'));
    const names = fc.array(fc.constantFrom('a', 'b', 'ab', 'ba', 'c'), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(pattern, names, (wanted, path) => {
        const excludes = compileExcludes([wanted]);
        const isIn = path.some((_, depth) => excludes.matches(Buffer.from(`/${path.slice(0, depth + 1).join('/')}`)));
        expect(fits(wanted, `/${path.join('/')}`)).toBe(isIn);
      }),
      { numRuns: 2000 },
    );
  });

  it('know upper and lower case only when asked', () => {
    expect([fits('A*', '/abc'), fits('A*', '/abc', true), fits('ä', '/Ä', true)]).toEqual([false, true, true]);
  });
});

describe('sets', () => {
  it('of digests hold what they were given, also when they grow', () => {
    const set = new DigestSet();
    const digests = Array.from({ length: 5000 }, (_, n) => Buffer.from(blobIdOf(Buffer.from(String(n))), 'hex'));
    for (const digest of [...digests, Buffer.alloc(32)]) expect(set.add(digest)).toBe(true);
    for (const digest of [...digests, Buffer.alloc(32)]) expect(set.add(digest)).toBe(false);
    expect(set.size).toBe(5001);
  });

  it('of blobs say when the index they belong to began anew', async () => {
    const set = new BlobSet(repository.index);
    expect([set.add('tree', after.tree), set.add('tree', after.tree), set.has('tree', after.tree)]).toEqual([
      true,
      false,
      true,
    ]);
    expect(set.add('tree', 'ab'.repeat(32) as BlobId)).toBeUndefined();
    await repository.reloadIndex(signal);
    expect(() => set.has('tree', after.tree)).toThrow('removed data from the repository in the meantime');
  });
});
