/**
 * After each kind of damage the repairs bring back all that can be brought back, give up what is lost and nothing else,
 * and leave a repository that restic calls sound. Dying at any write or removal loses nothing more, and the next
 * repair completes.
 */
import { randomBytes } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { StillpointError } from '../../shared/base/errors.ts';
import { wholenessOf } from '../../shared/domain/wholeness.ts';
import type { FileRef } from '../../shared/repository/backend/backend.ts';
import { verifyRepository } from '../../shared/repository/check/verify.ts';
import { blobIdOf } from '../../shared/repository/ids.ts';
import { copyOf, crashAfter } from '../support/crashing-backend.ts';
import { DamageLab, openLab, type Shelf, shelve, TREES } from '../support/damage/damage-lab.ts';
import { PLANTS } from '../support/damage/plants.ts';
import { contents, repair, repairAll, victimsIn, WISHES } from '../support/damage/repair-lab.ts';
import { type Fault, FaultPlan, flippedBit, shortRead, withFaults } from '../support/fault-plan.ts';
import { copyAll } from '../support/repository-copies.ts';
import { resticFinds } from '../support/restic.ts';
import { createMemoryBackend } from '../support/stores/memory.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { backUp, createTestRepository, type TestTree, testSignal } from '../support/test-repository.ts';
import { writeOut } from '../support/write-out.ts';

let shelf: Shelf;
beforeAll(async () => {
  shelf = await shelve(2);
});

/** Files below a folder or point that is given up go with it. */
function isGivenUp(object: string, victims: readonly string[]): boolean {
  return victims.some((victim) => object === victim || object.startsWith(victim.endsWith('/') ? victim : `${victim}/`));
}

/** A folder whose tree is lost stays, empty. */
function isFolder(content: string | undefined): boolean {
  return content?.startsWith('dir') === true;
}

function expectKept(
  before: ReadonlyMap<string, string>,
  after: ReadonlyMap<string, string>,
  victims: readonly string[],
): void {
  for (const [object, content] of before) {
    if (!isGivenUp(object, victims) || isFolder(after.get(object))) expect(after.get(object), object).toBe(content);
    else expect(after.get(object), object).toBeUndefined();
  }
}

const repairable = PLANTS.filter((plant) => plant.repair !== 'stays');

describe('repairing', () => {
  it.each(repairable)('$name: what was hit $repair', async ({ plant, repair: outcome }) => {
    const lab = await openLab(shelf);
    const before = await contents(lab.backend);
    const expected = await plant(lab);
    const victims = outcome === 'comes back' ? [] : expected.flatMap((one) => one.victims ?? []);
    const plans = await repairAll(lab.backend);
    expect(plans.some(({ writes, removes }) => writes.length + removes.length > 0)).toBe(true);
    expectKept(before, await contents(lab.backend), victims);
    const findings = await lab.look('verify');
    expect(findings.filter(({ severity }) => severity === 'damage')).toEqual([]);
    for (const plan of await repairAll(lab.backend)) expect([...plan.writes, ...plan.removes]).toEqual([]);

    await using folder = await temporaryFolder();
    await writeOut(lab.backend, folder.path, lab.signal);
    expect(await resticFinds(folder.path, '--read-data')).toEqual([]);
  });

  it('is completed by a new backup: what the host still has comes back under the same names', async () => {
    const lab = await openLab(shelf);
    const before = await contents(lab.backend);
    await lab.flip(await lab.pack(0, '/shared/two.txt'), 20);
    await repair(lab.backend, WISHES.packs);
    expect(await victimsIn(lab.backend)).not.toEqual([]);
    await backUp(await lab.open(), TREES[0] as TestTree);
    expect(await victimsIn(lab.backend)).toEqual([]);
    for (const [object, content] of before) expect((await contents(lab.backend)).get(object), object).toBe(content);
  });

  it('gets back from a second repository what it lost, as the page about damage says it', async () => {
    const lab = await openLab(shelf);
    const before = await contents(lab.backend);
    const offsite = createMemoryBackend();
    await createTestRepository(offsite);
    await copyAll(lab.backend, offsite);
    await lab.remove(await lab.pack(1, '/docs/b.txt'));
    await repair(lab.backend, WISHES.index);
    // The damaged one counts as copied as long as it is there.
    expect((await copyAll(offsite, lab.backend)).copied).toEqual([]);
    await repair(lab.backend, WISHES.points);
    expect((await copyAll(offsite, lab.backend)).copied).toHaveLength(1);
    expect(await victimsIn(lab.backend)).toEqual([]);
    const { points } = await (await lab.open()).listRestorePoints(lab.signal);
    const repaired = points.filter(({ tags }) => tags?.includes('repaired'));
    expect(repaired).toHaveLength(1);
    for (const { id } of repaired) await lab.remove({ type: 'snapshots', name: id });
    expect(await contents(lab.backend)).toEqual(before);
  });

  it('keeps the damaged restore points unless it is told to forget them', async () => {
    const lab = await openLab(shelf);
    await lab.remove(await lab.pack(1, '/docs/b.txt'));
    await repair(lab.backend, WISHES.index);
    const count = (await lab.names('snapshots')).length;
    const { writes, removes, lost } = await repair(lab.backend, { part: 'points' });
    expect({ writes: writes.length, removes }).toEqual({ writes: 1, removes: [] });
    expect(lost.flatMap(({ affects }) => affects)).toEqual([lab.victim(1, '/docs/b.txt')]);
    expect((await lab.names('snapshots')).length).toBe(count + 1);
    const { points } = await (await lab.open()).listRestorePoints(lab.signal);
    const copy = points.find(({ tags }) => tags !== undefined);
    expect(copy).toMatchObject({ original: lab.points[1]?.id, tags: ['repaired'], time: lab.points[1]?.time });
    expect(copy && wholenessOf(copy)).toEqual({
      state: 'repaired',
      missing: [{ path: '/docs/b.txt', reason: '' }],
      missingCount: 1,
    });
    // What is left damaged is named as before, with what ends that.
    const { findings } = await verifyRepository(await lab.open(), { signal: lab.signal });
    expect(findings.flatMap(({ affects }) => affects)).toEqual([lab.victim(1, '/docs/b.txt')]);
    expect(findings[0]?.advice).toContain('with --forget it removes the damaged ones');
    // A copy that is there is not made again.
    const again = await repair(lab.backend, { part: 'points' });
    expect(again.writes).toEqual([]);
    expect(again.notes).toContainEqual({
      object: `restore point ${lab.points[1]?.id.slice(0, 8)}`,
      reason: expect.stringContaining('stays beside its repaired copy; --forget removes it') as string,
    });
    await repair(lab.backend, WISHES.points);
    expect((await lab.names('snapshots')).length).toBe(count);
  });

  it('makes one copy of a damaged restore point and the copies of it that lost the same', async () => {
    const before = await contents((await openLab(shelf)).backend);
    const lab = await openLab(shelf);
    const shared = await lab.place(0, '/shared/two.txt');
    const own = await lab.place(0, '/only-a.txt');
    await lab.remove(await lab.pack(1, '/docs/b.txt'));
    await repair(lab.backend, WISHES.index);
    expect((await repair(lab.backend, { part: 'points' })).writes).toHaveLength(1);

    // All three lose a file, and the one that has a copy already loses it there too.
    await lab.flip({ type: 'data', name: shared.pack }, shared.offset + 2);
    await repair(lab.backend, WISHES.packs);
    const { writes, lost } = await repair(lab.backend, { part: 'points' });
    expect({ writes: writes.length, lost: lost.length }).toEqual({ writes: 3, lost: 4 });
    expect(await lab.names('snapshots')).toHaveLength(7);
    expect((await repair(lab.backend, { part: 'points' })).writes).toEqual([]);

    const { pack, offset } = await lab.placeOf('data', own.id);
    await lab.flip({ type: 'data', name: pack }, offset + 2);
    await repair(lab.backend, WISHES.packs);
    const last = await repair(lab.backend, WISHES.points);
    expect({ writes: last.writes.length, removes: last.removes.length }).toEqual({ writes: 1, removes: 5 });
    expect(await lab.names('snapshots')).toHaveLength(3);
    const victims = [lab.victim(1, '/docs/b.txt'), lab.victim(0, '/only-a.txt')];
    expectKept(before, await contents(lab.backend), [
      ...victims,
      ...[0, 1, 2].map((n) => lab.victim(n, '/shared/two.txt')),
    ]);
    expect(await victimsIn(lab.backend)).toEqual([]);
  });

  describe('where the trees of a repaired copy were damaged since', () => {
    const original = 1;
    const victim = '/docs/b.txt';

    /** The original lacks a file, a copy without it is there, and `breakIt` has hit the packs of the copy's own trees. */
    async function openDamagedCopy(breakIt: (lab: DamageLab, file: FileRef) => Promise<void>): Promise<DamageLab> {
      const lab = await openLab(shelf);
      await lab.remove(await lab.pack(original, victim));
      await repair(lab.backend, WISHES.index);
      const packs = new Set(await lab.names('data'));
      await repair(lab.backend, { part: 'points' });
      const ofCopy = (await lab.names('data')).filter((name) => !packs.has(name));
      expect(ofCopy).toHaveLength(1);
      for (const name of ofCopy) await breakIt(lab, { type: 'data', name });
      return lab;
    }

    it('they are written again, and only then the original goes', async () => {
      const before = await contents((await openLab(shelf)).backend);
      const lab = await openDamagedCopy((broken, file) => broken.remove(file));
      await repair(lab.backend, WISHES.index);
      const { writes, removes, lost } = await repair(lab.backend, WISHES.points);
      expect(writes).toEqual([expect.objectContaining({ reason: expect.stringContaining('again') as string })]);
      expect(removes).toHaveLength(1);
      expect(lost.flatMap(({ affects }) => affects)).toEqual([lab.victim(original, victim)]);
      expectKept(before, await contents(lab.backend), [lab.victim(original, victim)]);
      expect(await victimsIn(lab.backend)).toEqual([]);
    });

    it('the original stays while the index still names the damaged ones', async () => {
      const before = await contents((await openLab(shelf)).backend);
      const lab = await openDamagedCopy((broken, file) => broken.flip(file, 20));
      const names = await lab.names('snapshots');
      await expect(repair(lab.backend, WISHES.points)).rejects.toThrow('is not whole');
      expect(await lab.names('snapshots')).toEqual(names);
      await repair(lab.backend, WISHES.packs);
      await repair(lab.backend, WISHES.points);
      expectKept(before, await contents(lab.backend), [lab.victim(original, victim)]);
      expect(await victimsIn(lab.backend)).toEqual([]);
    });
  });

  it('stores the tree of an empty folder again, which costs no restore point anything', async () => {
    const backend = createMemoryBackend();
    const repository = await createTestRepository(backend);
    const lab = new DamageLab(backend, [await backUp(repository, { empty: {}, 'file.txt': 'content' })]);
    const before = await contents(backend);
    const { pack, offset } = await lab.place(0, '/empty', 'tree');
    await lab.flip({ type: 'data', name: pack }, offset + 3);
    await repair(backend, WISHES.packs);
    expect(await victimsIn(backend)).toEqual([lab.victim(0, '/empty')]);
    const { writes, removes, lost } = await repair(backend, WISHES.points);
    expect({ writes: writes.length, removes, lost }).toEqual({ writes: 1, removes: [], lost: [] });
    expect(await victimsIn(backend)).toEqual([]);
    expect(await contents(backend)).toEqual(before);
  });

  it('gives up no restore point while the index may be what is wrong', async () => {
    for (const name of ['a missing index file', 'an index file that was cut', 'a wrong offset in the index']) {
      const lab = await openLab(shelf);
      await PLANTS.find((plant) => plant.name === name)?.plant(lab);
      await expect(repair(lab.backend, WISHES.points), name).rejects.toMatchObject({
        advice: expect.stringContaining('stillpoint repair index') as string,
      });
    }
  });

  it('gives up nothing where no pack is there at all, as in a folder that is not mounted', async () => {
    const lab = await openLab(shelf);
    for (const name of await lab.names('data')) await lab.remove({ type: 'data', name });
    const before = await Promise.all((['index', 'snapshots'] as const).map((type) => lab.names(type)));
    for (const scope of Object.values(WISHES))
      await expect(repair(lab.backend, scope)).rejects.toThrow('no pack at all');
    expect(await Promise.all((['index', 'snapshots'] as const).map((type) => lab.names(type)))).toEqual(before);
  });

  it('gives up no pack that cannot be read now, or that reads otherwise the second time', async () => {
    const lab = await openLab(shelf);
    const pack = await lab.pack(0, '/shared/one.bin');
    const error = new StillpointError('backend.failed', 'EIO: i/o error', { advice: 'Look.', cause: undefined });
    const where = ({ name }: FileRef): boolean => name === pack.name;
    const failing = new FaultPlan().add({ on: 'load', where, times: Number.POSITIVE_INFINITY, error });
    const { writes, removes, notes } = await repair(withFaults(lab.backend, failing), WISHES.packs);
    expect({ writes, removes }).toEqual({ writes: [], removes: [] });
    expect(notes.map(({ reason }) => reason).join()).toContain('EIO');

    const flipped = (content: Buffer): Buffer => {
      const changed = Buffer.from(content);
      changed[40] = (changed[40] ?? 0) ^ 1;
      return changed;
    };
    const once = new FaultPlan().add({ on: 'load', where, change: flipped });
    await expect(repair(withFaults(lab.backend, once), WISHES.packs)).rejects.toThrow('changes from one time');
    expect(await lab.look('verify')).toEqual([]);
  });

  it.each([
    ['is not there', (lab: DamageLab, file: FileRef) => lab.remove(file)],
    ['cannot be read', () => Promise.resolve()],
  ])(
    'saves what is good in a damaged pack without an index where the pack that the index names %s',
    async (how, hit) => {
      const lab = await openLab(shelf);
      const [bad, good, other] = [randomBytes(500), randomBytes(400), randomBytes(300)];
      const blobs = [bad, good].map((plain) => ({ type: 'data' as const, plain }));
      const unnamed = await lab.writePack(blobs);
      await lab.flip({ type: 'data', name: unnamed.id }, 20);
      const named = await lab.writePack([...blobs, { type: 'data', plain: other }]);
      await lab.writeIndex([named]);
      const file: FileRef = { type: 'data', name: named.id };
      await hit(lab, file);
      const error = new StillpointError('backend.failed', 'EIO: i/o error', { advice: 'Look.', cause: undefined });
      const faults = new FaultPlan().add({
        on: 'load',
        where: ({ name }) => how === 'cannot be read' && name === named.id,
        times: Number.POSITIVE_INFINITY,
        error,
        mayStayIdle: how !== 'cannot be read',
      });
      const { writes, notes } = await repair(withFaults(lab.backend, faults), WISHES.packs);
      expect(writes).toHaveLength(1);
      expect(notes).toEqual([expect.objectContaining({ object: `pack ${named.id.slice(0, 8)}` })]);
      if (how === 'cannot be read') await lab.remove(file);
      await repair(lab.backend, WISHES.index);
      const repository = await lab.open();
      await repository.loadIndex(lab.signal);
      expect(await repository.loadBlob('data', blobIdOf(good), lab.signal)).toEqual(good);
    },
  );

  describe('gives up no restore point for a bad answer that does not come again', () => {
    const notFound = new StillpointError('backend.not-found', 'Not there.', { advice: 'Look.', cause: undefined });
    const answers: readonly (readonly [string, Partial<Fault>])[] = [
      ['flipped', { change: flippedBit }],
      ['short', { change: shortRead }],
      ['empty', { change: () => Buffer.alloc(0) }],
      ['not there', { error: notFound }],
    ];

    /** What a repair comes to where these faults are in the way; that nothing is lost is seen to here. */
    async function repairWith(
      lab: DamageLab,
      fault: Partial<Fault>,
      where: (file: FileRef) => boolean,
    ): Promise<unknown> {
      const faults = new FaultPlan().add({ on: 'load', where, ...fault });
      const names = await lab.names('snapshots');
      const outcome = await repair(withFaults(lab.backend, faults), WISHES.points).catch((error: unknown) => error);
      expect(await lab.names('snapshots')).toEqual(names);
      expect((await lab.look('verify')).filter(({ severity }) => severity === 'damage')).toEqual([]);
      return outcome;
    }
    const refusal = expect.objectContaining({
      code: 'backend.failed',
      message: expect.stringContaining('changes from one time to the next') as string,
      advice: expect.stringContaining('is not reliable') as string,
    }) as unknown;

    it.each(answers)('of its file: %s', async (_, fault) => {
      const lab = await openLab(shelf);
      const { name } = lab.pointFile(1);
      const isFile = (file: FileRef): boolean => file.name === name;
      for (const times of [1, 2]) expect(await repairWith(lab, { ...fault, times }, isFile)).toEqual(refusal);
    });

    it.each(answers)('of its trees: %s', async (_, fault) => {
      const lab = await openLab(shelf);
      const { name } = await lab.pack(1, '/', 'tree');
      const isPack = (file: FileRef): boolean => file.name === name;
      // The first tree of it that is read is the root, the second that of a folder. Each is asked for twice, and each
      // answer that fails its proof once more.
      const often = fault.error === undefined ? 4 : 2;
      for (const after of [0, 1]) {
        const once = await repairWith(lab, { ...fault, after }, isPack);
        expect(once).toMatchObject({ writes: [], removes: [], lost: [] });
        expect(await repairWith(lab, { ...fault, after, times: often }, isPack)).toEqual(refusal);
      }
    });
  });

  it('changes nothing in a sound repository, also when it reads all headers', async () => {
    const lab = await openLab(shelf);
    for (const scope of [...Object.values(WISHES), { part: 'index' } as const]) {
      const { writes, removes, lost, notes } = await repair(lab.backend, scope);
      expect([...writes, ...removes, ...lost, ...notes]).toEqual([]);
    }
  });

  it('of named packs reads these alone, and refuses a name that fits none', async () => {
    const lab = await openLab(shelf);
    const one = await lab.pack(0, '/shared/one.bin');
    await lab.flip(one, 40);
    await lab.flip(await lab.pack(1, '/docs/b.txt'), 40);
    const { removes } = await repair(lab.backend, { part: 'packs', packs: [one.name.slice(0, 12)] });
    expect(removes.map(({ object }) => object).filter((object) => object.startsWith('pack'))).toEqual([
      `pack ${one.name.slice(0, 8)}`,
    ]);
    await expect(repair(lab.backend, { part: 'packs', packs: ['0000000000'] })).rejects.toThrow('fits no pack');
  });
});

describe('a repair that dies', () => {
  const usual = ['a flipped bit in a data blob', 'a missing index file'];
  const more = [
    'a pack that was cut short in its last blob',
    'a missing data pack',
    'an index file that was flipped',
    'a blob that its index leaves out',
    'a flipped bit in a tree',
  ];
  const isDue = (name: string): boolean => usual.includes(name) || process.env['STILLPOINT_KILL'] === 'all';

  it.for(PLANTS.filter(({ name }) => [...usual, ...more].includes(name)))(
    'at any write or removal loses nothing more: $name',
    async ({ name, plant, repair: outcome }, { skip }) => {
      if (!isDue(name)) skip('one of its kind is struck already; STILLPOINT_KILL=all strikes all');
      const lab = await openLab(shelf);
      const before = await contents(lab.backend);
      const expected = await plant(lab);
      const planted = new Set((await victimsIn(lab.backend)).map(pathOf));
      const victims = outcome === 'comes back' ? [] : expected.flatMap((one) => one.victims ?? []);
      let survived = 0;
      for (; ; survived += 1) {
        const copy = await copyOf(lab.backend, testSignal());
        const dying = crashAfter(copy, survived);
        await repairAll(dying).catch(() => undefined);
        const where = `after ${survived} writes and removals`;
        // Copies of what is hit may be hit; nothing else is.
        const now = (await victimsIn(copy)).map(pathOf);
        expect(
          now.filter((path) => !planted.has(path)),
          where,
        ).toEqual([]);
        await unlockAll(copy);
        await repairAll(copy);
        expectKept(before, await contents(copy), victims);
        expect(await victimsIn(copy), where).toEqual([]);
        if (!dying.hasCrashed) break;
      }
      expect(survived).toBeGreaterThan(6);
    },
  );
});

/** Without the id of the restore point. */
const pathOf = (victim: string): string => victim.slice(8);

async function unlockAll(backend: Awaited<ReturnType<typeof copyOf>>): Promise<void> {
  for await (const { name } of backend.list('locks', testSignal()))
    await backend.remove({ type: 'locks', name }, testSignal());
}
