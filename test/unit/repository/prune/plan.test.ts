import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { isStillpointError } from '../../../../shared/base/errors.ts';
import { changesNothing, type PruneOptions } from '../../../../shared/domain/prune-plan.ts';
import type { Backend } from '../../../../shared/repository/backend/backend.ts';
import type { PackId } from '../../../../shared/repository/ids.ts';
import { planPrune } from '../../../../shared/repository/prune/plan.ts';
import { copyOf } from '../../../support/crashing-backend.ts';
import { contentOf, damageIn, open, prune, usedRepository } from '../../../support/prune-lab.ts';
import { createMemoryBackend } from '../../../support/stores/memory.ts';
import { backUp, createTestRepository, testSignal } from '../../../support/test-repository.ts';

const signal = testSignal();

async function planOf(backend: Backend, options: PruneOptions = { maxUnused: '0%' }, without?: ReadonlySet<string>) {
  const more = without === undefined ? {} : { without };
  return (await planPrune(await open(backend), { ...options, ...more }, signal)).plan;
}

async function packOf(backend: Backend, path: string, tree: string): Promise<PackId> {
  const repository = await open(backend);
  await repository.loadIndex(signal);
  const { nodes } = await repository.loadTree(tree as never, signal);
  const node = nodes.find(({ name }) => name.toString() === path);
  const place = repository.index.find('data', node?.content?.[0] ?? ('' as never));
  if (place === undefined) throw new Error('the file is stored');
  return place.pack;
}

describe('a plan of a prune', () => {
  it('finds what is unused, stored twice, unreferenced and partly used', async () => {
    const { backend } = await usedRepository(2);
    const { figures, unreferenced, repack, unused } = await planOf(backend);
    // Of the forgotten point: six files in six folders, the six folders that held these, and the root.
    expect(figures.blobs.unused).toBe(19);
    expect(figures.blobs.duplicates).toBeGreaterThanOrEqual(5);
    expect(unreferenced).toEqual(['ab'.repeat(32)]);
    expect(repack.length).toBeGreaterThan(0);
    expect(unused.length).toBeGreaterThan(0);
    const { stored, freed } = figures.bytes;
    expect(freed).toBeGreaterThan(6 * 6000 + 4 * 6000 + 500);

    const { plan, outcome } = await prune(backend);
    expect(plan.figures).toEqual(figures);
    expect(outcome.packsDeleted).toBe(repack.length + unused.length + 1);
    const after = await planOf(backend);
    expect(after.figures.bytes.unused).toBe(0);
    expect(changesNothing(after)).toBe(true);
    // Headers of packs make the last difference.
    expect(Math.abs(stored - freed - after.figures.bytes.stored)).toBeLessThan(2000);
  });

  it('is the same however often it is made, and another one when anything has changed', async () => {
    const { backend, points } = await usedRepository(2);
    const { id } = await planOf(backend);
    for (let round = 0; round < 5; round++) expect((await planOf(backend)).id).toBe(id);
    expect((await planOf(backend, { maxUnused: '5%' })).id).not.toBe(id);
    const without = await planOf(backend, { maxUnused: '0%' }, new Set([points[0]?.id ?? '']));
    expect(without.id).not.toBe(id);
    expect(without.figures.blobs.unused).toBeGreaterThan(19);
    await backUp(await open(backend), { new: 'file' });
    expect((await planOf(backend)).id).not.toBe(id);
  });

  it('keeps unused data within the limit, and rewrites no more than it may', async () => {
    const { backend, points } = await usedRepository(2);
    const none = await planOf(backend);
    const some = await planOf(backend, { maxUnused: 'unlimited' });
    // The packs of this test are small, and small packs are put together whatever they hold.
    expect(some.repack).toEqual(none.repack);
    const bounded = await planOf(backend, { maxUnused: '0%', maxRepackBytes: 50_000 });
    expect(bounded.repack.length).toBeGreaterThan(0);
    expect(bounded.repack.length).toBeLessThan(none.repack.length);
    expect(bounded.figures.bytes.unusedAfter).toBeGreaterThan(0);
    expect((await planOf(backend, { maxUnused: '0%', maxRepackBytes: 0 })).repack).toEqual([]);
    await prune(backend, { maxUnused: '0%', maxRepackBytes: 50_000 });
    expect(await damageIn(backend, 'verify')).toEqual([]);
    await Promise.all(points.map((point) => contentOf(backend, point)));
  });

  it('of a large pack looks at the limit of unused data', async () => {
    const backend = createMemoryBackend();
    await createTestRepository(backend);
    const big = { a: randomBytes(900_000), b: randomBytes(100_000) };
    const gone = await backUp(await open(backend), big);
    await backUp(await open(backend), { a: big.a });
    await (await open(backend)).files.remove('snapshots', gone.id, signal);
    for (const [maxUnused, repacked] of [
      ['0%', 1],
      ['5%', 1],
      ['10K', 1],
      ['11%', 0],
      ['110K', 0],
      ['unlimited', 0],
    ] as const) {
      const { figures } = await planOf(backend, { maxUnused });
      expect([maxUnused, figures.packs.repack]).toEqual([maxUnused, repacked]);
      expect(figures.bytes.unusedAfter).toBe(repacked === 1 ? 0 : 100_032);
    }
  });

  it.each(['-1%', '100%', '5 %', 'all', '', '1.5G'])('refuses the limit "%s"', async (maxUnused) => {
    const backend = createMemoryBackend();
    await createTestRepository(backend);
    await expect(planOf(backend, { maxUnused })).rejects.toMatchObject({ code: 'usage.invalid' });
  });
});

describe('a prune refuses, and changes nothing,', () => {
  /** The words of the refusal, and what has changed. */
  async function refusal(backend: Backend): Promise<string> {
    const before = await listing(backend);
    const error = await prune(backend).then(
      () => 'pruned',
      (reason: unknown) => (isStillpointError(reason, 'repository.damaged') ? reason.message : String(reason)),
    );
    return (await listing(backend)).join() === before.join() ? error : `changed: ${error}`;
  }

  async function listing(backend: Backend): Promise<string[]> {
    const names: string[] = [];
    for (const type of ['index', 'snapshots', 'data'] as const) {
      for await (const { name, sizeBytes } of backend.list(type, signal)) names.push(`${type}/${name} ${sizeBytes}`);
    }
    return names.toSorted();
  }

  it('where a needed pack is not there, and says which', async () => {
    const { backend, points } = await usedRepository(2);
    const pack = await packOf(backend, 'text', points[0]?.tree ?? '');
    await backend.remove({ type: 'data', name: pack }, signal);
    expect(await refusal(backend)).toMatch(
      new RegExp(
        `^Nothing can be pruned: restore points need packs that are damaged: pack ${pack.slice(0, 8)} \\(is not there\\)`,
      ),
    );
  });

  it('where a needed pack is too short', async () => {
    const { backend, points } = await usedRepository(2);
    const file = { type: 'data', name: await packOf(backend, 'text', points[0]?.tree ?? '') } as const;
    const content = await backend.load(file, undefined, signal);
    await backend.save(file, [content.subarray(0, -1)], signal);
    expect(await refusal(backend)).toMatch(/has the wrong size/);
  });

  it('where a tree cannot be read', async () => {
    const { backend, points } = await usedRepository(2);
    const repository = await open(backend);
    await repository.loadIndex(signal);
    for (const { pack, offset } of repository.index.findAll('tree', points[0]?.tree as never)) {
      const content = await backend.load({ type: 'data', name: pack }, undefined, signal);
      content[offset + 20] = (content[offset + 20] ?? 0) ^ 1;
      await backend.save({ type: 'data', name: pack }, [content], signal);
    }
    expect(await refusal(backend)).toMatch(/tree blob .* cannot be read: pack .* its seal is broken/);
  });

  it('where a blob that is to be rewritten is damaged in its only copy', async () => {
    const { backend } = await usedRepository(2);
    for (const name of (await planOf(backend)).repack) {
      const content = await backend.load({ type: 'data', name }, undefined, signal);
      // Trees are read for the plan already.
      if (content.length > 20_000)
        await backend.save({ type: 'data', name }, [content.fill(0, 0, content.length - 200)], signal);
    }
    await expect(prune(backend)).rejects.toMatchObject({ code: 'repository.damaged' });
    expect((await damageIn(backend, 'check')).filter((line) => line.startsWith('damage'))).toEqual([]);
  });

  it('where an index file is damaged or lost', async () => {
    for (const lose of [true, false]) {
      const { backend } = await usedRepository(2);
      for await (const { name } of backend.list('index', signal)) {
        const file = { type: 'index', name } as const;
        if (lose) await backend.remove(file, signal);
        else await backend.save(file, [(await backend.load(file, undefined, signal)).fill(0, 30, 40)], signal);
        break;
      }
      expect(await refusal(backend)).toMatch(
        lose ? /need .* blobs that no index names/ : /The file of index .* does not match/,
      );
    }
  });

  it('where a restore point cannot be read', async () => {
    const { backend, points } = await usedRepository(2);
    const file = { type: 'snapshots', name: points[1]?.id ?? '' } as const;
    await backend.save(file, [Buffer.from('nonsense')], signal);
    expect(await refusal(backend)).toMatch(/a restore point cannot be read: /);
  });

  it.each([
    ['are gone', ['snapshots'], []],
    ['are gone with the index', ['snapshots', 'index'], []],
    ['are gone and stood to be forgotten', ['snapshots'], ['without']],
  ] as const)('where packs are stored and all restore points %s', async (_, types, wishes) => {
    const { backend, points } = await usedRepository(2);
    for (const type of types) {
      for await (const { name } of backend.list(type, signal)) await backend.remove({ type, name }, signal);
    }
    const without = wishes.length > 0 ? new Set(points.map(({ id }) => id)) : undefined;
    await expect(planOf(backend, { maxUnused: '0%' }, without)).rejects.toThrow(/no restore point is seen/);
    expect(await refusal(backend)).toMatch(/^Nothing can be pruned: no restore point is seen .* which holds \d+ packs/);
  });

  it('where the copy that would stay of a blob is damaged and another one may be good', async () => {
    const backend = createMemoryBackend();
    await createTestRepository(backend);
    // Large packs, so that nothing is rewritten and the copy that stays is only believed.
    const tree = { big: randomBytes(900_000) };
    const [one, other] = [await open(backend), await open(backend)];
    await using lock = await one.lock('shared', signal);
    await one.openWriter(lock, { workers: 1 }).then((writer) => writer[Symbol.asyncDispose]());
    await backUp(other, tree);
    await using writer = await one.openWriter(lock, { workers: 1 });
    await writer.put('data', Buffer.from(tree.big), signal);
    await writer.flush(signal);
    await lock[Symbol.asyncDispose]();
    const { unused, figures } = await planOf(backend);
    expect([figures.blobs.duplicates, unused.length]).toEqual([1, 1]);
    const whole = await open(backend);
    await whole.loadIndex(signal);
    const stays = [...whole.index.packs()].find(({ id, blobs }) => blobs[0]?.type === 'data' && !unused.includes(id));
    const content = await backend.load({ type: 'data', name: stays?.id ?? '' }, undefined, signal);
    content[5000] = (content[5000] ?? 0) ^ 1;
    await backend.save({ type: 'data', name: stays?.id ?? '' }, [content], signal);
    expect(await refusal(backend)).toMatch(/holds a damaged copy of the blob/);
  });
});

describe('a prune', () => {
  it('of a damaged blob with a good copy keeps the good one or stops', async () => {
    const { backend, points } = await usedRepository(2);
    const twins = points[2];
    if (twins === undefined) throw new Error('there are three points');
    const repository = await open(backend);
    await repository.loadIndex(signal);
    const { nodes } = await repository.loadTree(twins.tree, signal);
    const folder = nodes.find(({ name }) => name.toString() === 'twice')?.subtree;
    const files = await repository.loadTree(folder ?? twins.tree, signal);
    const places = repository.index.findAll('data', files.nodes[0]?.content?.[0] ?? ('' as never));
    expect(places.length).toBe(2);
    const expected = await contentOf(backend, twins);
    let done = 0;
    for (const { pack, offset } of places) {
      const copy = await copyOf(backend, signal);
      const content = await copy.load({ type: 'data', name: pack }, undefined, signal);
      content[offset + 20] = (content[offset + 20] ?? 0) ^ 1;
      await copy.save({ type: 'data', name: pack }, [content], signal);
      const isDone = await prune(copy).then(
        () => true,
        (error: unknown) => {
          expect(String(error)).toContain('holds a damaged copy');
          return false;
        },
      );
      if (isDone) expect(await damageIn(copy, 'verify')).toEqual([]);
      expect(await contentOf(copy, twins)).toEqual(expected);
      done += Number(isDone);
    }
    expect(done).toBeGreaterThan(0);
  });

  it('of a repository that holds nothing finds nothing, and one whose last points are forgotten with it deletes all', async () => {
    const empty = createMemoryBackend();
    await createTestRepository(empty);
    expect(changesNothing(await planOf(empty))).toBe(true);
    const { backend, points } = await usedRepository(2);
    const { figures } = await planOf(backend, { maxUnused: '0%' }, new Set(points.map(({ id }) => id)));
    expect([figures.packs.keep, figures.bytes.freed]).toEqual([0, figures.bytes.stored]);
  });

  it('forgets missing packs that nobody needs', async () => {
    const { backend } = await usedRepository(2);
    const { unused } = await planOf(backend);
    await backend.remove({ type: 'data', name: unused[0] ?? '' }, signal);
    const { plan } = await prune(backend);
    expect(plan.missing).toEqual([unused[0]]);
    expect(await damageIn(backend, 'verify')).toEqual([]);
  });

  it('and a backup keep each other out', async () => {
    const { backend } = await usedRepository(2);
    const repository = await open(backend);
    {
      await using _backup = await repository.lock('shared', signal);
      await expect(prune(backend)).rejects.toMatchObject({ code: 'repository.locked' });
    }
    await using _prune = await repository.lock('exclusive', signal);
    await expect(backUp(await open(backend), { file: 'x' })).rejects.toMatchObject({ code: 'repository.locked' });
  });
});
