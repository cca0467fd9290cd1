/**
 * Trees that no host has: folders ten thousand deep, and folders that hold the next one twice, so that forty of
 * them are a trillion paths. Whoever calls himself for each folder runs out of stack on the first, and whoever goes down
 * every path never ends on the second.
 */
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../shared/base/clock.ts';
import { Pauses } from '../../../shared/base/pauses.ts';
import type { DiffChange } from '../../../shared/domain/diff.ts';
import type { FindMatch, FindRequest } from '../../../shared/domain/find.ts';
import { repositoryName } from '../../../shared/domain/names.ts';
import { EVERY_POINT } from '../../../shared/domain/point-filter.ts';
import type { StatsRequest } from '../../../shared/domain/stats.ts';
import { listFolder } from '../../../shared/pipeline/browse.ts';
import { copy } from '../../../shared/pipeline/copy.ts';
import { diffPoints } from '../../../shared/pipeline/diff.ts';
import { find } from '../../../shared/pipeline/find.ts';
import { OpenedPoint } from '../../../shared/pipeline/open-point.ts';
import { stats } from '../../../shared/pipeline/stats.ts';
import { checkRepository } from '../../../shared/repository/check/check.ts';
import type { BlobId } from '../../../shared/repository/ids.ts';
import { openRepository } from '../../../shared/repository/open-repository.ts';
import type { OpenedRepository } from '../../../shared/repository/opened-repository.ts';
import { planPrune } from '../../../shared/repository/prune/plan.ts';
import { planRepair } from '../../../shared/repository/repair/plan-repair.ts';
import type { RestorePoint } from '../../../shared/repository/restore-point.ts';
import { NOTHING_CONFIGURED } from '../../support/configured-names.ts';
import { nodeText, storeBlobs, storeFolders, storePoint, treeText } from '../../support/hostile-files.ts';
import { createMemoryBackend } from '../../support/stores/memory.ts';
import { createTestRepository, PASSWORD, testSignal } from '../../support/test-repository.ts';

const MAIN = repositoryName('main');
const MINUTE = 60_000;
const REQUEST: FindRequest = {
  repository: MAIN,
  patterns: [],
  ids: [],
  ignoreCase: false,
  oldest: undefined,
  newest: undefined,
  restorePoints: [],
  filter: EVERY_POINT,
};

let signal: AbortSignal;

beforeEach(() => {
  signal = testSignal();
});

interface Shape {
  readonly repository: OpenedRepository;
  readonly one: RestorePoint;
  /** As the first one, but for what is at the bottom. */
  readonly other: RestorePoint;
}

const linked = (name: string): string =>
  nodeText(name, 'file', ',"size":0,"links":2,"inode":7,"device_id":1,"content":[]');

async function shapeOf(depth: number, names: readonly string[], change: string): Promise<Shape> {
  const repository = await createTestRepository(createMemoryBackend());
  const bottom = (more: string): Buffer => treeText(linked('a'), nodeText('z.txt', 'file', `,"content":[]${more}`));
  const one = await storePoint(repository, await storeFolders(repository, depth, names, bottom('')));
  const other = await storePoint(repository, await storeFolders(repository, depth, names, bottom(change)));
  return { repository, one, other };
}

const SHAPES = [
  ['1,500 folders, each in the one before', 1500, ['d']],
  ['12,000 folders, each in the one before', 12_000, ['d']],
  ['40 folders that hold the next one twice', 40, ['a', 'b']],
  ['200 folders that hold the next one three times', 200, ['a', 'b', 'c']],
] as const;

describe.each(SHAPES)('%s', (_, depth, names) => {
  let shape: Shape;
  const paths = names.length ** depth;

  beforeAll(async () => {
    // A change that no difference tells: when the entry was read.
    shape = await shapeOf(depth, names, ',"device_id":99');
  }, MINUTE);

  const open = async (): Promise<OpenedRepository> => {
    const repository = await openRepository(shape.repository.parts.backend, PASSWORD, signal);
    await repository.loadIndex(signal);
    return repository;
  };

  it(
    'are sound to check, and needed wholly by prune',
    async () => {
      const checked = await checkRepository(await open(), signal);
      expect(checked.findings).toEqual([]);
      const { plan } = await planPrune(await open(), { maxUnused: '5%' }, signal);
      expect(plan.figures.blobs).toMatchObject({ used: 2 * (depth + 1), unused: 0 });
    },
    MINUTE,
  );

  it(
    'are searched, where nothing is found',
    async () => {
      const matches: FindMatch[] = [];
      const request = { ...REQUEST, patterns: ['*.pdf', '/d/d/nothing'] };
      await find(
        await open(),
        request,
        { configured: NOTHING_CONFIGURED, onMatch: (match) => void matches.push(match) },
        signal,
      );
      expect(matches).toEqual([]);
    },
    MINUTE,
  );

  it(
    'are compared, where nothing differs that is told',
    async () => {
      const changes: DiffChange[] = [];
      for (const exact of [false, true]) {
        const options = { path: '/', exact, onChange: (change: DiffChange) => void changes.push(change) };
        const summary = await diffPoints(await open(), shape.one, shape.other, options, signal);
        expect(summary.added.treeBlobs).toBe(depth + 1);
      }
      expect(changes).toEqual([]);
    },
    MINUTE,
  );

  it.each(['restore-size', 'raw-data', 'unique-files', 'by-point'] as const)(
    'are counted: %s',
    async (mode) => {
      const request: StatsRequest = { repository: MAIN, mode, restorePoints: [], filter: EVERY_POINT };
      const { stats: counted, unreadable } = await stats(await open(), request, NOTHING_CONFIGURED, signal);
      expect(unreadable).toEqual([]);
      if (counted.mode === 'restore-size') expect(counted.files).toBe(Math.min(4 * paths, Number.MAX_SAFE_INTEGER));
      if (counted.mode === 'raw-data') expect(counted.treeBlobs).toBe(2 * (depth + 1));
    },
    MINUTE,
  );

  it(
    'are copied',
    async () => {
      const target = createMemoryBackend();
      await createTestRepository(target);
      const report = await copy(
        { points: [], filter: EVERY_POINT, configured: NOTHING_CONFIGURED, from: 'a', to: 'b' },
        {
          openSource: open,
          openTarget: () => openRepository(target, PASSWORD, signal),
          clock: { ...systemClock, sleep: async () => undefined },
          emit: () => undefined,
          workers: 1,
        },
        signal,
      );
      expect(report.failed).toEqual([]);
      expect(report.copied).toHaveLength(2);
    },
    3 * MINUTE,
  );

  it(
    'are browsed to the bottom',
    async () => {
      const path = `/${names[0]}`.repeat(depth);
      const listing = await listFolder(
        new OpenedPoint(await open(), shape.one),
        { path, limit: 10, cursor: undefined },
        signal,
      );
      expect(listing.entries.map(({ name }) => name)).toEqual(['a', 'z.txt']);
    },
    MINUTE,
  );

  it(
    'are hit wholly by one lost file at the bottom, and repaired',
    async () => {
      const repository = await open();
      const gone = 'ab'.repeat(32);
      const bottom = treeText(nodeText('lost', 'file', `,"size":1,"content":["${gone}"]`), nodeText('z', 'fifo'));
      const point = await storePoint(repository, await storeFolders(repository, depth, names, bottom));
      const { findings } = await checkRepository(await open(), signal);
      const [finding] = findings;
      expect(findings).toHaveLength(1);
      expect(finding?.affects).toHaveLength(Math.min(paths, 101));
      expect(finding?.affects[0]).toMatch(new RegExp(`^${point.id.slice(0, 8)}:(/${names[0]})*.*/lost$`));
      if (paths > 101) expect(finding?.affects.at(-1)).toMatch(/^and (very many|\d+) more$/);
      const options = { signal, onProgress: () => undefined };
      const { plan } = await planRepair(await open(), { part: 'points' }, options);
      expect(plan.writes).toHaveLength(1);
      expect(plan.lost[0]?.affects.length).toBe(Math.min(paths, 10_001));
      await repository.files.remove('snapshots', point.id, signal);
    },
    2 * MINUTE,
  );
});

describe('results without end', () => {
  it(
    'are given no quicker than they are taken, and end with the signal',
    async () => {
      const { repository, one, other } = await shapeOf(40, ['a', 'b'], ',"mode":420');
      const ends = new AbortController();
      const full = { matches: 0, changes: 0 };
      const take = (kind: keyof typeof full) => (): Promise<void> => {
        full[kind] += 1;
        return full[kind] < 5 ? Promise.resolve() : new Promise(() => undefined);
      };
      const nobody = async (): Promise<void> => {
        await find(
          repository,
          { ...REQUEST, patterns: ['z.txt'] },
          { configured: NOTHING_CONFIGURED, onMatch: take('matches') },
          signal,
        );
      };
      void nobody();
      void diffPoints(repository, one, other, { path: '/', exact: false, onChange: take('changes') }, signal);
      await expect.poll(() => full).toEqual({ matches: 5, changes: 5 });
      await new Promise((resolve) => setTimeout(resolve, 100));
      expect(full).toEqual({ matches: 5, changes: 5 });

      // Whoever takes all is not heard before the next turn, if nobody makes a pause.
      setTimeout(() => ends.abort(new Error('enough')), 50);
      let count = 0;
      const counting = find(
        repository,
        { ...REQUEST, patterns: ['z.txt'] },
        { configured: NOTHING_CONFIGURED, onMatch: () => void (count += 1) },
        ends.signal,
      );
      await expect(counting).rejects.toThrow('enough');
      expect(count).toBeGreaterThan(0);
      setTimeout(() => ends.abort(new Error('enough')), 50);
      const comparing = diffPoints(
        repository,
        one,
        other,
        { path: '/', exact: false, onChange: () => undefined },
        ends.signal,
      );
      await expect(comparing).rejects.toThrow('enough');
    },
    MINUTE,
  );

  it('a pause lets timers and signals through', async () => {
    const ends = new AbortController();
    const pauses = new Pauses(ends.signal);
    setTimeout(() => ends.abort(new Error('enough')), 20);
    const busy = async (): Promise<void> => {
      for (;;) await pauses.pause();
    };
    await expect(busy()).rejects.toThrow('enough');
  });
});

describe('very many causes of damage', () => {
  it(
    'are named up to a number, and counted',
    async () => {
      const repository = await createTestRepository(createMemoryBackend());
      const count = 12_000;
      const trees = Array.from({ length: count }, (_, n) => treeText(nodeText(`d${n}`, 'dir')));
      const ids = await storeBlobs(repository, 'tree', trees);
      const top = treeText(
        ...ids.map((id: BlobId, n) => nodeText(String(n).padStart(5, '0'), 'dir', `,"subtree":"${id}"`)),
      );
      const [tree] = await storeBlobs(repository, 'tree', [top]);
      await storePoint(repository, tree as BlobId);
      const { findings } = await checkRepository(repository, signal);
      expect(findings).toHaveLength(10_001);
      expect(findings.at(-1)?.message).toBe('Further findings: 2000. They are not listed.');
      expect(findings.slice(0, -1).every(({ affects }) => affects.length === 1)).toBe(true);
    },
    MINUTE,
  );

  it(
    'of one kind in one folder are one finding with their number',
    async () => {
      const repository = await createTestRepository(createMemoryBackend());
      const links = Array.from({ length: 5000 }, (_, n) =>
        nodeText(String(n).padStart(5, '0'), 'symlink', `,"linktarget":"/etc","subtree":"${'0'.repeat(64)}"`),
      );
      const [tree] = await storeBlobs(repository, 'tree', [treeText(...links)]);
      await storePoint(repository, tree as BlobId);
      const { findings } = await checkRepository(repository, signal);
      expect(findings).toHaveLength(1);
      expect(findings[0]?.message).toMatch(/^The entry "00000" of tree \w{8} is of the type "symlink" .* 4999 more/);
      expect(findings[0]?.affects).toHaveLength(101);
      expect(findings[0]?.affects.at(-1)).toBe('and 4900 more');
    },
    MINUTE,
  );
});
