/**
 * Copying between repositories in memory: what is read, what is stored, what is proved, and what is reported when it
 * is not.
 */
import { randomBytes } from 'node:crypto';
import { beforeEach, describe, expect, it } from 'vitest';
import { StillpointError } from '../../../../shared/base/errors.ts';
import { EVERY_POINT, type PointFilter } from '../../../../shared/domain/point-filter.ts';
import { selectPoints } from '../../../../shared/pipeline/select-points.ts';
import type { Backend } from '../../../../shared/repository/backend/backend.ts';
import { checkRepository } from '../../../../shared/repository/check/check.ts';
import { verifyRepository } from '../../../../shared/repository/check/verify.ts';
import { OVERHEAD_BYTES } from '../../../../shared/repository/crypto/aes-poly1305.ts';
import { decodeIndex, encodeIndex } from '../../../../shared/repository/format/index-file.ts';
import { encodeHeaderLength, encodePackHeader } from '../../../../shared/repository/format/pack.ts';
import { blobIdOf, type PackId } from '../../../../shared/repository/ids.ts';
import { createRepository, openRepository } from '../../../../shared/repository/open-repository.ts';
import type { OpenedRepository } from '../../../../shared/repository/opened-repository.ts';
import type { RestorePointDraft } from '../../../../shared/repository/restore-point.ts';
import { timestampFromNs } from '../../../../shared/repository/timestamp.ts';
import { NOTHING_CONFIGURED } from '../../../support/configured-names.ts';
import { FaultPlan, withFaults } from '../../../support/fault-plan.ts';
import { contentsOf, copyAll, counting, hastyClock } from '../../../support/repository-copies.ts';
import { createMemoryBackend } from '../../../support/stores/memory.ts';
import { backUp, CHEAP_KEY, PASSWORD, putTree, type TestTree, testSignal } from '../../../support/test-repository.ts';

const signal = testSignal();
const shared = {
  'big.bin': [randomBytes(900_000), randomBytes(700_000)],
  notes: { 'a.txt': 'a'.repeat(5000), empty: '' },
};
const FIRST: TestTree = { srv: { ...shared, 'old.txt': 'old' } };
const SECOND: TestTree = { srv: { ...shared, 'new.txt': 'new', 'more.bin': randomBytes(300_000) } };

async function create(backend: Backend, version: 1 | 2 = 2): Promise<OpenedRepository> {
  return createRepository(backend, PASSWORD, signal, { keyCost: CHEAP_KEY, version, clock: hastyClock });
}

async function save(repository: OpenedRepository, tree: TestTree, facts: Partial<RestorePointDraft>): Promise<string> {
  await using lock = await repository.lock('shared', signal);
  await using writer = await repository.openWriter(lock, { workers: 1 });
  const top = await putTree(writer, tree, signal);
  await writer.flush(signal);
  const draft = { time: '2026-01-01T00:00:00Z', paths: ['/srv'], hostname: 'db1', ...facts, tree: top };
  return (await repository.saveRestorePoint(draft as RestorePointDraft, lock, signal)).id;
}

async function points(backend: Backend): Promise<readonly string[]> {
  const repository = await openRepository(backend, PASSWORD, signal, { clock: hastyClock });
  return (await repository.listRestorePoints(signal)).points.map(({ id }) => id);
}

async function damage(backend: Backend, how: typeof checkRepository): Promise<string[]> {
  const repository = await openRepository(backend, PASSWORD, signal, { clock: hastyClock });
  const { findings } = await how(repository, signal);
  return findings.filter(({ severity }) => severity === 'damage').map(({ message }) => message);
}
const verify: typeof checkRepository = (repository, stop) => verifyRepository(repository, { signal: stop });

async function flipBit(
  backend: Backend,
  place: { readonly pack: PackId; readonly offset: number } | undefined,
): Promise<void> {
  if (place === undefined) throw new Error('it was stored');
  const file = { type: 'data', name: place.pack } as const;
  const content = await backend.load(file, undefined, signal);
  content[place.offset + 20] = (content[place.offset + 20] ?? 0) ^ 1;
  await backend.save(file, [content], signal);
}

describe('a copy', () => {
  let from: Backend;
  let to: Backend;
  beforeEach(() => {
    from = createMemoryBackend();
    to = createMemoryBackend();
  });

  it.each([
    [1, 1],
    [1, 2],
    [2, 1],
    [2, 2],
  ] as const)('from format %i to %i is whole, and the second copy does nothing', async (one, two) => {
    const source = await create(from, one);
    const ids = [await save(source, FIRST, {}), await save(source, SECOND, { time: '2026-02-01T00:00:00Z' as never })];
    await create(to, two);
    const report = await copyAll(from, to);
    expect(report.failed).toEqual([]);
    expect(report.copied.map(({ source: id }) => id)).toEqual(ids);
    expect(await damage(to, verify)).toEqual([]);
    for (const { source: id, copy } of report.copied)
      expect(await contentsOf(to, copy)).toEqual(await contentsOf(from, id));

    const reading = counting(from);
    const again = await copyAll(reading.backend, to);
    expect(again).toMatchObject({ copied: [], alreadyThere: 2, failed: [], bytesRead: 0, bytesStored: 0, blobsNew: 0 });
    expect(reading.packBytes()).toBe(0);
    expect((await points(to)).length).toBe(2);
  });

  it('of format 2 keeps what was compressed as it is, and reads nothing that is there', async () => {
    const source = await create(from);
    await save(source, FIRST, {});
    const target = await create(to);
    await copyAll(from, to);
    await target.loadIndex(signal);
    let compressed = 0;
    for (const { blobs } of source.index.packs()) {
      for (const { type, id, length, uncompressedLength } of blobs) {
        if (type === 'data') expect(target.index.find(type, id)).toMatchObject({ length, uncompressedLength });
        if (uncompressedLength > 0) compressed += 1;
      }
    }
    expect(compressed).toBeGreaterThan(0);

    await save(source, SECOND, { time: '2026-02-01T00:00:00Z' as never });
    const reading = counting(from);
    const report = await copyAll(reading.backend, to);
    expect(report.copied.length).toBe(1);
    // The new file of 300 kB, and trees; not the megabyte and a half that both restore points share.
    expect(reading.packBytes()).toBeLessThan(330_000);
  });

  it('of format 1 is compressed for format 2', async () => {
    await save(await create(from, 1), { 'a.txt': 'a'.repeat(100_000) }, {});
    await create(to, 2);
    const { bytesRead, bytesStored } = await copyAll(from, to);
    expect(bytesRead).toBeGreaterThan(100_000);
    expect(bytesStored).toBeLessThan(5000);
  });

  it('keeps everything that the restore point says, and what it is a copy of, through generations', async () => {
    const source = await create(from);
    const facts = {
      tags: ['stillpoint', 'source=shop'],
      username: 'ada',
      uid: 1000,
      excludes: ['*.tmp'],
      programVersion: 'stillpoint 0.1.0',
      extra: { run: '7f3c01ab' },
    };
    const id = await save(source, FIRST, { ...facts, parent: 'ab'.repeat(32) as never });
    await create(to);
    await copyAll(from, to);
    const third = createMemoryBackend();
    await create(third);
    await copyAll(to, third);
    for (const backend of [to, third]) {
      const repository = await openRepository(backend, PASSWORD, signal, { clock: hastyClock });
      const [point] = (await repository.listRestorePoints(signal)).points;
      expect(point).toMatchObject({ ...facts, original: id, time: '2026-01-01T00:00:00Z' });
      expect(point?.parent).toBeUndefined();
    }
    // Straight from the first one, and back to it: nothing to do, all three hold the same restore point.
    expect(await copyAll(from, third)).toMatchObject({ copied: [], alreadyThere: 1 });
    expect(await copyAll(third, from)).toMatchObject({ copied: [], alreadyThere: 1 });
  });

  it('takes the restore points that are named, or those that fit', async () => {
    const source = await create(from);
    const first = await save(source, FIRST, { tags: ['keep', 'shop'] });
    const second = await save(source, SECOND, {
      hostname: 'web',
      time: '2026-02-01T00:00:00Z' as never,
      tags: ['keep'],
    });
    const third = await save(source, FIRST, { paths: ['/srv', '/etc'], time: '2026-03-01T00:00:00Z' as never });
    const chosen = async (named: readonly string[], filter: Partial<PointFilter> = {}): Promise<string[]> => {
      const selection = { points: named, filter: { ...EVERY_POINT, ...filter }, configured: NOTHING_CONFIGURED };
      return (await selectPoints(source, selection, signal)).points.map(({ id }) => id);
    };
    expect(await chosen([second.slice(0, 10), second])).toEqual([second]);
    expect(await chosen(['latest', first])).toEqual([first, third]);
    expect(await chosen([], { hostnames: ['db1'] })).toEqual([first, third]);
    expect(await chosen([], { tags: [['keep', 'shop']] })).toEqual([first]);
    expect(await chosen([], { tags: [['shop'], ['']] })).toEqual([first, third]);
    expect(await chosen([], { paths: ['/srv', '/etc'] })).toEqual([third]);
    expect(await chosen(['latest'], { hostnames: ['web'] })).toEqual([second]);
    await expect(chosen([first], { hostnames: ['web'] })).rejects.toMatchObject({
      code: 'usage.invalid',
      message: `Restore point ${first.slice(0, 8)} is of the host "db1", not of the host "web".`,
    });
    await expect(chosen([], { tags: [['keep', 'shpo']] })).rejects.toMatchObject({ code: 'usage.unknown-name' });
    await expect(chosen(['ffffffff'])).rejects.toMatchObject({ code: 'repository.unknown-point' });
  });

  it('leans on no pack of the target that its index names and that is gone', async () => {
    const source = await create(from);
    await save(source, FIRST, {});
    await create(to);
    await copyAll(from, to);
    await save(source, SECOND, { time: '2026-02-01T00:00:00Z' as never });
    const target = await openRepository(to, PASSWORD, signal, { clock: hastyClock });
    const [gone = ''] = await target.files.listNames('data', signal);
    await to.remove({ type: 'data', name: gone }, signal);
    const before = await points(to);
    await expect(copyAll(from, to)).rejects.toMatchObject({
      code: 'repository.damaged',
      message: expect.stringContaining(gone.slice(0, 8)) as string,
      advice: expect.stringContaining('stillpoint repair index') as string,
    });
    expect(await points(to)).toEqual(before);
  });

  it.each(['cut short', 'too long'])('leans on no pack of the target that is %s', async (fault) => {
    const source = await create(from);
    await save(source, FIRST, {});
    await create(to);
    await copyAll(from, to);
    await save(source, SECOND, { time: '2026-02-01T00:00:00Z' as never });
    const target = await openRepository(to, PASSWORD, signal, { clock: hastyClock });
    const [hit = '', gone = ''] = await target.files.listNames('data', signal);
    const file = { type: 'data', name: hit } as const;
    const content = await to.load(file, undefined, signal);
    await to.save(file, fault === 'too long' ? [content, Buffer.alloc(1)] : [content.subarray(0, -1)], signal);
    const before = await points(to);
    await expect(copyAll(from, to)).rejects.toMatchObject({
      code: 'repository.damaged',
      message: expect.stringMatching(new RegExp(`says\\. Of another size: 1 \\(${hit.slice(0, 8)}\\)\\.$`)) as string,
      advice: expect.stringContaining('stillpoint check') as string,
    });
    await to.remove({ type: 'data', name: gone }, signal);
    await expect(copyAll(from, to)).rejects.toMatchObject({
      message: expect.stringMatching(/says\. Gone: 1 \(\w{8}\)\. Of another size: 1 \(\w{8}\)\.$/) as string,
      details: { packs: [gone], resized: [hit] },
    });
    expect(await points(to)).toEqual(before);
  });

  it('proves each blob: one that was changed is not copied, and the others are', async () => {
    const source = await create(from);
    const hit = await save(source, { 'hit.bin': randomBytes(50_000) }, {});
    const whole = await save(source, { 'whole.bin': randomBytes(50_000) }, { time: '2026-02-01T00:00:00Z' as never });
    const [node] = (await source.loadTree((await source.findRestorePoint(hit, signal)).tree, signal)).nodes;
    await flipBit(from, source.index.find('data', node?.content?.[0] ?? ('' as never)));

    await create(to);
    const report = await copyAll(from, to);
    expect(report.copied.map(({ source: id }) => id)).toEqual([whole]);
    expect(report.failed).toEqual([
      {
        restorePoint: hit,
        reason: expect.stringMatching(/data blob \w{8} cannot be read: .*its seal is broken/) as string,
      },
    ]);
    expect(await damage(to, verify)).toEqual([]);
    expect((await points(to)).length).toBe(1);
  });

  it('proves the content: a blob that was sealed as something else is not taken', async () => {
    const source = await create(from);
    const id = await save(source, { 'a.bin': randomBytes(50_000) }, {});
    const [node] = (await source.loadTree((await source.findRestorePoint(id, signal)).tree, signal)).nodes;
    const blob = source.index.find('data', node?.content?.[0] ?? ('' as never));
    if (blob === undefined) throw new Error('it was stored');
    // Sealed by who has the key, in a pack that says what it should: only the content itself gives it away.
    const lie = { ...blob, offset: 0, length: 50_000 + OVERHEAD_BYTES, uncompressedLength: 0 };
    const sealed = source.parts.sealer.seal(randomBytes(50_000));
    const header = source.parts.sealer.seal(encodePackHeader([lie]));
    const pack = Buffer.concat([sealed, header, encodeHeaderLength(header.length)]);
    const name = blobIdOf(pack) as string as PackId;
    await from.save({ type: 'data', name }, [pack], signal);
    for await (const index of from.list('index', signal)) {
      const json = await source.files.load('index', index.name, signal);
      const packs = [...decodeIndex(json, 'index')].map((one) =>
        one.id === blob.pack ? { id: name, blobs: [lie] } : one,
      );
      await from.remove({ type: 'index', name: index.name }, signal);
      await source.files.save('index', encodeIndex(packs), signal);
    }
    await create(to);
    const report = await copyAll(from, to);
    expect(report).toMatchObject({ copied: [], failed: [{ restorePoint: id }] });
    expect(report.failed[0]?.reason).toContain('does not match its id');
    expect(await damage(to, verify)).toEqual([]);
  });

  it('does not believe in what is below a tree because the tree is there', async () => {
    const source = await create(from);
    const id = await save(source, FIRST, {});
    const target = await create(to);
    {
      await using lock = await target.lock('shared', signal);
      await using writer = await target.openWriter(lock, { workers: 1 });
      for (const { blobs } of source.index.packs()) {
        for (const blob of blobs) {
          if (blob.type === 'tree') await writer.put('tree', await source.loadBlob('tree', blob.id, signal), signal);
        }
      }
      await writer.flush(signal);
    }
    const report = await copyAll(from, to);
    expect(report.copied.map(({ source: point }) => point)).toEqual([id]);
    expect(await damage(to, verify)).toEqual([]);
    expect(await contentsOf(to, 'latest')).toEqual(await contentsOf(from, id));
  });

  it.each(['changed', 'lost'])('of a pack that is %s takes the blobs from their second places', async (fault) => {
    const first = await create(from);
    const second = await openRepository(from, PASSWORD, signal, { clock: hastyClock });
    const tree = { 'a.bin': randomBytes(50_000), 'b.txt': 'b'.repeat(5000) };
    await using lock = await first.lock('shared', signal);
    await using other = await second.lock('shared', signal);
    // Two writers who do not know of each other store the same.
    await using one = await first.openWriter(lock, { workers: 1 });
    await using two = await second.openWriter(other, { workers: 1 });
    const top = await putTree(one, tree, signal);
    await putTree(two, tree, signal);
    await Promise.all([one.flush(signal), two.flush(signal)]);
    const draft: RestorePointDraft = { time: timestampFromNs(0n), paths: ['/srv'], tree: top };
    const point = await first.saveRestorePoint(draft, lock, signal);

    const fresh = await openRepository(from, PASSWORD, signal);
    await fresh.loadIndex(signal);
    const [node] = (await fresh.loadTree(top, signal)).nodes;
    const places = fresh.index.findAll('data', node?.content?.[0] ?? ('' as never));
    expect(places.length).toBe(2);
    const file = { type: 'data', name: places[0]?.pack ?? '' } as const;
    const content = await from.load(file, undefined, signal);
    if (fault === 'lost') await from.remove(file, signal);
    else await from.save(file, [Buffer.alloc(content.length, 1)], signal);
    await create(to);
    const report = await copyAll(from, to);
    expect(report).toMatchObject({ failed: [], copied: [{ source: point.id }] });
    expect(await damage(to, verify)).toEqual([]);
    expect(await contentsOf(to, 'latest')).toEqual(await contentsOf(from, point.id));
  });

  it('of restore points that share a damaged tree names each of them', async () => {
    const source = await create(from);
    const inner = { deep: { 'x.txt': 'x' } };
    const ids = [
      await save(source, { ...inner, one: '1' }, {}),
      await save(source, { ...inner, two: '2' }, { time: '2026-02-01T00:00:00Z' as never }),
    ];
    const top = await source.loadTree((await source.findRestorePoint(ids[0] ?? '', signal)).tree, signal);
    await flipBit(from, source.index.find('tree', top.nodes[0]?.subtree ?? ('' as never)));
    await create(to);
    const report = await copyAll(from, to);
    expect(report.copied).toEqual([]);
    expect(report.failed.map(({ restorePoint }) => restorePoint)).toEqual(ids);
    expect(await damage(to, verify)).toEqual([]);
  });

  it('names each restore point that needs a damaged blob, in whichever group it is', async () => {
    const source = await create(from);
    const inner = { shared: { 'hit.bin': randomBytes(5000) } };
    const hit = await save(source, inner, {});
    const { id: _id, ...draft } = await source.findRestorePoint(hit, signal);
    const victims = [hit];
    {
      await using lock = await source.lock('shared', signal);
      // More than a group; they share the folder, or all of it.
      for (let second = 1; second <= 105; second += 1) {
        const time = timestampFromNs(BigInt(Date.UTC(2026, 1, 1, 0, 0, second)) * 1_000_000n);
        victims.push((await source.saveRestorePoint({ ...draft, time }, lock, signal)).id);
      }
    }
    victims.push(await save(source, { ...inner, one: '1' }, { time: '2026-03-01T00:00:00Z' as never }));
    const whole = await save(source, { two: '2' }, { time: '2026-04-01T00:00:00Z' as never });
    const folder = (await source.loadTree(draft.tree, signal)).nodes[0]?.subtree ?? ('' as never);
    const [node] = (await source.loadTree(folder, signal)).nodes;
    await flipBit(from, source.index.find('data', node?.content?.[0] ?? ('' as never)));

    await create(to);
    const report = await copyAll(from, to);
    expect(report.failed.map(({ restorePoint }) => restorePoint)).toEqual(victims);
    expect(report.copied.map(({ source: id }) => id)).toEqual([whole]);
    expect((await points(to)).length).toBe(1);
    expect(await damage(to, verify)).toEqual([]);
  });

  it.each(['data', 'index', 'snapshots'] as const)(
    'that cannot save %s fails, and the next one goes on',
    async (type) => {
      await save(await create(from), SECOND, {});
      await create(to);
      const error = new StillpointError('backend.no-space', 'There is no room.', {
        advice: 'Make some.',
        cause: undefined,
      });
      const plan = new FaultPlan().add({ on: 'save', where: (file) => file.type === type, error });
      await expect(copyAll(from, withFaults(to, plan))).rejects.toMatchObject({ code: 'backend.no-space' });
      expect(await points(to)).toEqual([]);
      expect(await damage(to, checkRepository)).toEqual([]);
      const reading = counting(from);
      const { copied, bytesRead } = await copyAll(reading.backend, to);
      expect(copied.length).toBe(1);
      // The index was written before the restore point could not be: nothing of the content is read again.
      expect(bytesRead === 0).toBe(type === 'snapshots');
      expect(await damage(to, verify)).toEqual([]);
    },
  );

  it('holds a shared lock on both repositories, and stops when one is lost', async () => {
    await save(await create(from), FIRST, {});
    await create(to);
    const locks = async (backend: Backend): Promise<number> =>
      (await Array.fromAsync(backend.list('locks', signal))).length;
    const seen: number[][] = [];
    await copyAll(from, to, {
      emit: (event) => {
        if (event.type === 'progress') void Promise.all([locks(from), locks(to)]).then((counts) => seen.push(counts));
      },
    });
    expect(seen[0]).toEqual([1, 1]);
    expect([await locks(from), await locks(to)]).toEqual([0, 0]);
  });

  it('of nothing is no failure', async () => {
    await create(from);
    await create(to);
    expect(await copyAll(from, to)).toMatchObject({ copied: [], alreadyThere: 0, failed: [] });
  });

  it('into the same repository finds all of it there', async () => {
    await backUp(await create(from), FIRST, {}, signal);
    expect(await copyAll(from, from)).toMatchObject({ copied: [], alreadyThere: 1, bytesStored: 0 });
  });
});
