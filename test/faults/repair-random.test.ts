/**
 * Damage by chance: bits flipped in packs, packs cut or gone, index files gone, in any combination. The model knows
 * from the bytes alone what can be brought back; the repairs have to bring back exactly that.
 */
import fc from 'fast-check';
import { beforeAll, expect, it } from 'vitest';
import type { IndexedPack } from '../../shared/repository/format/index-file.ts';
import { decodeIndex } from '../../shared/repository/format/index-file.ts';
import type { BlobType, PackId } from '../../shared/repository/ids.ts';
import type { RestorePoint } from '../../shared/repository/restore-point.ts';
import { copyOf } from '../support/crashing-backend.ts';
import { DamageLab, openLab, type Shelf, shelve } from '../support/damage/damage-lab.ts';
import { contents, repairAll } from '../support/damage/repair-lab.ts';
import { testSignal } from '../support/test-repository.ts';

interface Hit {
  /** Which pack, as a share of all. */
  readonly pack: number;
  readonly what: 'flip' | 'cut' | 'remove';
  /** Where, as a share of the pack. */
  readonly at: number;
}

const hits = fc.array(
  fc.record({
    pack: fc.double({ min: 0, max: 0.999, noNaN: true }),
    what: fc.constantFrom('flip', 'flip', 'flip', 'cut', 'remove'),
    at: fc.double({ min: 0, max: 0.999, noNaN: true }),
  }) as fc.Arbitrary<Hit>,
  { minLength: 1, maxLength: 4 },
);

let shelf: Shelf;
/** The packs as they were, and which index file names which. */
let packs: readonly IndexedPack[];
let namedBy: ReadonlyMap<string, readonly PackId[]>;
beforeAll(async () => {
  shelf = await shelve(2);
  const lab = await openLab(shelf);
  const repository = await lab.open();
  await repository.loadIndex(lab.signal);
  packs = [...repository.index.packs()];
  const named = new Map<string, readonly PackId[]>();
  for (const name of await lab.names('index')) {
    named.set(
      name,
      [...decodeIndex(await repository.files.load('index', name, lab.signal), name)].map(({ id }) => id),
    );
  }
  namedBy = named;
});

/** What is left of a pack: its length and the bytes that changed. */
interface Remains {
  length: number;
  readonly flipped: Set<number>;
}

async function strike(
  lab: DamageLab,
  chosen: readonly Hit[],
  lostIndexes: readonly string[],
): Promise<ReadonlySet<string>> {
  const remains = new Map<PackId, Remains>();
  const sizes = new Map<PackId, number>();
  for (const { id } of packs) {
    const { length } = await lab.load({ type: 'data', name: id });
    sizes.set(id, length);
    remains.set(id, { length, flipped: new Set() });
  }
  for (const { pack, what, at } of chosen) {
    const { id } = packs[Math.floor(pack * packs.length)] as IndexedPack;
    const left = remains.get(id) as Remains;
    const offset = Math.floor(at * left.length);
    const isFlip = what === 'flip' && left.length > 0;
    // Twice is as never.
    if (isFlip && !left.flipped.delete(offset)) left.flipped.add(offset);
    if (!isFlip) left.length = what === 'cut' ? offset : -1;
  }
  for (const [id, { length, flipped }] of remains) {
    const file = { type: 'data', name: id } as const;
    if (length < 0) await lab.remove(file);
    else if (length < (sizes.get(id) ?? 0)) await lab.cut(file, length);
    for (const at of flipped) if (at < length) await lab.flip(file, at);
  }
  for (const name of lostIndexes) await lab.remove({ type: 'index', name });
  const stillNamed = new Set([...namedBy].filter(([name]) => !lostIndexes.includes(name)).flatMap(([, ids]) => ids));

  const good = new Set<string>();
  for (const { id, blobs } of packs) {
    const { length, flipped } = remains.get(id) as Remains;
    const end = blobs.reduce((sum, blob) => Math.max(sum, blob.offset + blob.length), 0);
    const isIntact = (from: number, to: number): boolean =>
      to <= length && ![...flipped].some((at) => at >= from && at < to);
    const isFindable = stillNamed.has(id) || (length === sizes.get(id) && isIntact(end, length));
    if (!isFindable) continue;
    for (const { type, id: blob, offset, length: bytes } of blobs)
      if (isIntact(offset, offset + bytes)) good.add(type + blob);
  }
  return good;
}

/** Everything that the model says is left, walked over the trees as they were. */
async function expected(good: ReadonlySet<string>): Promise<ReadonlySet<string>> {
  const lab = await openLab(shelf);
  const repository = await lab.open();
  await repository.loadIndex(lab.signal);
  const has = (type: BlobType, id: string): boolean => good.has(type + id);
  const left = new Set<string>();
  const walk = async (point: RestorePoint, tree: RestorePoint['tree'], path: string): Promise<void> => {
    for (const node of (await repository.loadTree(tree, lab.signal)).nodes) {
      const name = `${path}/${node.name.toString()}`;
      if (node.subtree !== undefined || node.content?.every((id) => has('data', id)) === true)
        left.add(`${point.id.slice(0, 8)}:${name}`);
      if (node.subtree !== undefined && has('tree', node.subtree)) await walk(point, node.subtree, name);
    }
  };
  for (const point of shelf.points) {
    if (!has('tree', point.tree)) continue;
    left.add(`${point.id.slice(0, 8)}:/`);
    await walk(point, point.tree, '');
  }
  return left;
}

it('by chance is repaired to exactly what the bytes that are left allow', async () => {
  const runs = fc.asyncProperty(hits, fc.subarray([0, 1, 2]), async (chosen, gone) => {
    const lab = new DamageLab(await copyOf(shelf.backend, testSignal()), shelf.points);
    const before = await contents(lab.backend);
    const lostIndexes = [...namedBy.keys()].filter((_, index) => gone.includes(index));
    const wanted = await expected(await strike(lab, chosen, lostIndexes));
    await repairAll(lab.backend);
    const after = await contents(lab.backend);
    expect([...after.keys()].toSorted()).toEqual([...wanted].toSorted());
    for (const [object, content] of after) expect(content, object).toBe(before.get(object));
    expect((await lab.look('verify')).filter(({ severity }) => severity === 'damage')).toEqual([]);
  });
  await fc.assert(runs, { numRuns: process.env['STILLPOINT_KILL'] === 'all' ? 300 : 20 });
});
