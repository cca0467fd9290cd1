/** Random repositories: blobs in packs at will, some in several, mixed or apart, compressed or not, indexed more than once. */
import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import type { Backend } from '../../shared/repository/backend/backend.ts';
import { encodeIndex, type IndexedPack } from '../../shared/repository/format/index-file.ts';
import { encodeTree } from '../../shared/repository/format/tree.ts';
import { type BlobId, blobIdOf } from '../../shared/repository/ids.ts';
import type { Node } from '../../shared/repository/node.ts';
import type { RestorePoint } from '../../shared/repository/restore-point.ts';
import { timestampFromNs } from '../../shared/repository/timestamp.ts';
import { open, type Plain, storePack } from './prune-lab.ts';
import { createMemoryBackend } from './stores/memory.ts';
import { createTestRepository, testSignal } from './test-repository.ts';

const WHEN = timestampFromNs(1_700_000_000_000_000_000n);
const META = { mtime: WHEN, atime: WHEN, ctime: WHEN, uid: 0, gid: 0 } as const;

export const repositoryShape = fc.record({
  version: fc.constantFrom<1 | 2>(1, 2),
  /** Sizes of data blobs; large ones make packs that are not small. */
  blobs: fc.array(fc.constantFrom(50, 3000, 20_000, 400_000, 700_000), { minLength: 2, maxLength: 14 }),
  /** Of each restore point: which blobs its files hold, and in how many folders they lie. */
  points: fc.array(
    fc.record({ holds: fc.array(fc.nat(13), { maxLength: 8 }), depth: fc.nat(3), stays: fc.boolean() }),
    {
      minLength: 1,
      maxLength: 5,
    },
  ),
  /** Packs as lists of numbers of blobs; what lies in none gets one of its own. */
  packs: fc.array(fc.array(fc.nat(60), { minLength: 1, maxLength: 6 }), { maxLength: 8 }),
  /** Whether a blob may lie in several packs. */
  copies: fc.boolean(),
  indexes: fc.integer({ min: 1, max: 4 }),
  overlap: fc.boolean(),
  unreferenced: fc.nat(2),
  options: fc.record({
    maxUnused: fc.constantFrom('0%', '5%', '50%', '100K', 'unlimited'),
    maxRepackBytes: fc.constantFrom(undefined, 0, 30_000, 500_000),
  }),
});
export type RepositoryShape = typeof repositoryShape extends fc.Arbitrary<infer T> ? T : never;

export async function buildRepository(
  scope: RepositoryShape,
): Promise<{ readonly backend: Backend; readonly points: readonly RestorePoint[] }> {
  const backend = createMemoryBackend();
  const repository = await createTestRepository(backend, scope.version);
  const signal = testSignal();
  const blobs: Plain[] = scope.blobs.map((size) => ({ type: 'data', data: randomBytes(size) }));
  const roots = scope.points.map(({ holds, depth }) => {
    const held = holds.map((number) => (blobs[number % scope.blobs.length] as Plain).data);
    const content = held.map(blobIdOf);
    const size = held.reduce((sum, data) => sum + data.length, 0);
    let tree = addTree(blobs, [
      { ...META, name: Buffer.from('file'), type: 'file', mode: 0o644, size, links: 1, content },
    ]);
    for (let level = 0; level < depth; level++) {
      tree = addTree(blobs, [{ ...META, name: Buffer.from('dir'), type: 'dir', mode: 0o755, subtree: tree }]);
    }
    return tree;
  });
  const given = scope.copies ? scope.packs : withoutCopies(scope.packs, blobs.length);
  const packed = new Set(given.flat().map((number) => number % blobs.length));
  const lists = [...given, ...[...blobs.keys()].filter((number) => !packed.has(number)).map((number) => [number])];
  const packs: IndexedPack[] = [];
  for (const list of lists) {
    const chosen = [...new Set(list.map((number) => blobs[number % blobs.length] as Plain))];
    packs.push(await storePack(repository, chosen, ({ data }) => data.length % 3 !== 0));
  }
  for (let index = 0; index < scope.indexes; index++) {
    const named = packs.filter((_, place) => place % scope.indexes === index || (scope.overlap && place % 3 === 0));
    await repository.files.save('index', encodeIndex(named), signal);
  }
  for (let count = 0; count < scope.unreferenced; count++) {
    await backend.save({ type: 'data', name: randomBytes(32).toString('hex') }, [randomBytes(999)], signal);
  }
  await using lock = await (await open(backend)).lock('shared', signal);
  const points: RestorePoint[] = [];
  for (const [number, tree] of roots.entries()) {
    if (scope.points[number]?.stays !== true) continue;
    const fresh = await open(backend);
    points.push(await fresh.saveRestorePoint({ time: WHEN, tree, paths: [`/${number}`] }, lock, signal));
  }
  return { backend, points };
}

function withoutCopies(packs: readonly (readonly number[])[], blobs: number): number[][] {
  const seen = new Set<number>();
  const isNew = (number: number): boolean => !seen.has(number % blobs) && seen.add(number % blobs).size > 0;
  return packs.map((list) => list.filter(isNew)).filter((list) => list.length > 0);
}

function addTree(blobs: Plain[], nodes: readonly Node[]): BlobId {
  const data = encodeTree(nodes);
  const id = blobIdOf(data);
  if (!blobs.some((blob) => blobIdOf(blob.data) === id)) blobs.push({ type: 'tree', data });
  return id;
}
