/** Trees that are read before they are asked for: how many, how often, and what their faults do. */
import { describe, expect, test } from 'vitest';
import { never } from '../../../shared/base/cancel.ts';
import { Outcome } from '../../../shared/pipeline/restore/outcome.ts';
import { type WalkStart, walkSelected } from '../../../shared/pipeline/restore/walk.ts';
import { checkRepository } from '../../../shared/repository/check/check.ts';
import type { BlobId } from '../../../shared/repository/ids.ts';
import type { OpenedRepository } from '../../../shared/repository/opened-repository.ts';
import { Trees } from '../../../shared/repository/read/trees.ts';
import { createMemoryBackend } from '../../support/stores/memory.ts';
import { backUp, createTestRepository, type TestTree } from '../../support/test-repository.ts';

const EMPTY = Buffer.from('{"nodes":[]}\n');
const IDS = Array.from({ length: 40 }, (_, index) => `tree-${index}` as BlobId);

/** Trees come when they are let; `underWay` is who waits. */
function aStore(sizeOf: (id: BlobId) => number | undefined = () => EMPTY.length) {
  const underWay = new Map<BlobId, PromiseWithResolvers<Buffer>>();
  const asked: BlobId[] = [];
  const trees = new Trees({
    sizeOf,
    nameOf: (id) => id,
    load: (id) => {
      asked.push(id);
      const coming = Promise.withResolvers<Buffer>();
      underWay.set(id, coming);
      return coming.promise.finally(() => underWay.delete(id));
    },
  });
  return { trees, underWay, asked };
}

describe('trees that are expected', () => {
  test('are read in their order, eight at a time, and no more before some have come', async () => {
    const { trees, underWay, asked } = aStore();
    trees.expect(IDS, never);
    trees.expect(IDS, never);
    expect(asked).toEqual(IDS.slice(0, 8));
    underWay.get('tree-3' as BlobId)?.resolve(EMPTY);
    await expect(trees.load('tree-3' as BlobId, never)).resolves.toEqual({ nodes: [] });
    trees.expect(IDS, never);
    expect(asked).toEqual(IDS.slice(0, 9));
  });

  test('are not read again by who asks for them meanwhile, or later', async () => {
    const { trees, underWay, asked } = aStore();
    trees.expect(IDS.slice(0, 2), never);
    const loading = [trees.load(IDS[1] as BlobId, never), trees.load(IDS[1] as BlobId, never)];
    for (const coming of underWay.values()) coming.resolve(EMPTY);
    await Promise.all(loading);
    await trees.load(IDS[0] as BlobId, never);
    expect(asked).toEqual(IDS.slice(0, 2));
  });

  test('and are too long, or not known, are read when they are asked for', () => {
    const sizes = new Map([
      [IDS[0], 100],
      [IDS[1], 2 * 1024 ** 2],
      [IDS[3], 100],
    ]);
    const { trees, asked } = aStore((id) => sizes.get(id));
    trees.expect(IDS.slice(0, 4), never);
    expect(asked).toEqual(['tree-0', 'tree-3']);
  });

  test('and fail are read once more by who asks for them, who hears of it', async () => {
    const { trees, underWay, asked } = aStore();
    trees.expect(IDS.slice(0, 1), never);
    underWay.get(IDS[0] as BlobId)?.reject(new Error('a passing fault'));
    const loading = trees.load(IDS[0] as BlobId, never);
    await expect.poll(() => asked.length).toBe(2);
    underWay.get(IDS[0] as BlobId)?.reject(new Error('a lasting fault'));
    await expect(loading).rejects.toThrow('a lasting fault');
  });

  test('are not waited for after a cancel, and no others are begun', async () => {
    const { trees, asked } = aStore();
    const stop = new AbortController();
    trees.expect(IDS.slice(0, 2), stop.signal);
    const loading = trees.load(IDS[0] as BlobId, stop.signal);
    stop.abort(new Error('enough'));
    await expect(loading).rejects.toThrow('enough');
    trees.expect(IDS, stop.signal);
    expect(asked).toHaveLength(2);
  });
});

/** A thousand kilometres away: each read takes a moment, and is counted. */
async function farRepository(tree: TestTree) {
  const backend = createMemoryBackend();
  const repository = await createTestRepository(backend);
  const point = await backUp(repository, tree);
  const load = backend.load.bind(backend);
  const seen = { most: 0, now: 0, total: 0 };
  backend.load = async (file, range, signal) => {
    if (file.type !== 'data') return await load(file, range, signal);
    seen.total += 1;
    seen.most = Math.max(seen.most, (seen.now += 1));
    await new Promise((resolve) => setTimeout(resolve, 2));
    seen.now -= 1;
    return await load(file, range, signal);
  };
  return { repository, point, seen };
}

const WIDE: TestTree = Object.fromEntries(
  Array.from({ length: 30 }, (_, index) => [
    `folder-${index}`,
    { below: { file: `${index}` }, other: { file: `x${index}` } },
  ]),
);
const TREES = 1 + 30 * 3;

async function walkAll(repository: OpenedRepository, tree: BlobId): Promise<string[]> {
  const start: WalkStart = { tree, selection: 'all', way: [], node: undefined };
  const outcome = new Outcome(start, () => undefined);
  const paths: string[] = [];
  for await (const { path } of walkSelected(repository, start, outcome, { signal: never })) paths.push(path.toString());
  return paths;
}

describe('of a store that is far away', () => {
  test('a walk for a restore has several trees on their way, each once, and gives the entries in their order', async () => {
    const { repository, point, seen } = await farRepository(WIDE);
    await using _ = { [Symbol.asyncDispose]: () => repository.close() };
    const paths = await walkAll(repository, point.tree);
    expect(paths).toEqual(
      Object.keys(WIDE)
        .toSorted()
        .flatMap((name) => [name, `${name}/below`, `${name}/below/file`, `${name}/other`, `${name}/other/file`]),
    );
    expect(seen.total).toBe(TREES);
    expect(seen.most).toBeGreaterThan(4);
    expect(seen.most).toBeLessThanOrEqual(9);
  });

  test('a check has several trees on their way, each once', async () => {
    const { repository, seen } = await farRepository(WIDE);
    await using _ = { [Symbol.asyncDispose]: () => repository.close() };
    expect((await checkRepository(repository, never)).findings).toEqual([]);
    expect(seen.total).toBe(TREES);
    expect(seen.most).toBeGreaterThan(4);
    expect(seen.most).toBeLessThanOrEqual(9);
  });
});
