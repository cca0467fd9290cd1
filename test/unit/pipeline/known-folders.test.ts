/** What of a tree is as the parent restore point has it is not made again, and the tree is the one that a reading without a parent makes. */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ListedEntry } from '../../../shared/pipeline/backup/listing.ts';
import type { NodeContext } from '../../../shared/pipeline/backup/node.ts';
import { Omissions } from '../../../shared/pipeline/backup/omissions.ts';
import { readTree } from '../../../shared/pipeline/backup/read-tree.ts';
import { BlobSink } from '../../../shared/pipeline/backup/repository-sink.ts';
import { TreeCounts } from '../../../shared/pipeline/backup/tree-counts.ts';
import { encodeTree } from '../../../shared/repository/format/tree.ts';
import type { BlobId } from '../../../shared/repository/ids.ts';
import type { Node } from '../../../shared/repository/node.ts';
import type { OpenedRepository } from '../../../shared/repository/opened-repository.ts';
import type { RepositoryLock } from '../../../shared/repository/repository.ts';
import { entryOf, OLD_NS, type PaperFile, paperFiles } from '../../support/pipeline/paper-files.ts';
import { createTestRepository, testSignal } from '../../support/test-repository.ts';

const CONTEXT: NodeContext = { users: new Map([[0, 'root']]), groups: new Map([[0, 'root']]), deviceId: 4711n };
const AFTER_ALL_NS = OLD_NS + 3_000_000_000n;

/** In folders "f" and files "c", as a listing has them: a folder before what is in it, and that in one piece. */
interface Folder {
  readonly folders: readonly Folder[];
  readonly files: readonly string[];
}

const anyFolder: fc.Memo<Folder> = fc.memo((depth) =>
  fc.record({
    folders: depth > 1 ? fc.array(anyFolder(), { maxLength: 3 }) : fc.constant([]),
    files: fc.array(fc.string({ maxLength: 3 }), { maxLength: 4 }),
  }),
);

function listed({ folders, files }: Folder, path = ''): PaperFile[] {
  const at = (name: string): string => (path === '' ? name : `${path}/${name}`);
  return [
    { path, type: 'dir' },
    ...files.map((content, index) => ({ path: at(`c${index}`), type: 'file' as const, content: Buffer.from(content) })),
    ...folders.flatMap((folder, index) => listed(folder, at(`f${index}`))),
  ];
}

/** What can happen to an entry that is chosen by `at`. Of a folder, what is in it goes with it. */
const anyChange = fc.record({
  at: fc.nat(),
  kind: fc.constantFrom('goes', 'is written', 'has another mode', 'is another inode', 'comes'),
});

function changed(entries: readonly ListedEntry[], { at, kind }: { at: number; kind: string }): readonly ListedEntry[] {
  const index = 1 + (at % Math.max(1, entries.length - 1));
  const chosen = entries[index];
  if (chosen === undefined) return entries;
  const path = chosen.path.toString();
  const isIn = (entry: ListedEntry): boolean => entry === chosen || entry.path.toString().startsWith(`${path}/`);
  if (kind === 'goes') return entries.filter((entry) => !isIn(entry));
  const times = { mtimeNs: OLD_NS + 1n, ctimeNs: OLD_NS + 1n };
  const facts = {
    'is written': times,
    'has another mode': { mode: 0o600, ctimeNs: OLD_NS + 1n },
    'is another inode': { inode: 1_000_000n + BigInt(index) },
  }[kind];
  if (facts !== undefined) return entries.map((entry) => (entry === chosen ? { ...entry, ...facts } : entry));
  if (chosen.type === 'dir' || entries.some(({ path: other }) => other.toString() === `${path}-twin`)) return entries;
  const twin = { ...chosen, inode: 2_000_000n + BigInt(index), path: Buffer.from(`${path}-twin`), size: 0 };
  return entries.toSpliced(index + 1, 0, twin);
}

describe('a tree with a parent', () => {
  let repository: OpenedRepository;
  let lock: RepositoryLock;

  beforeAll(async () => {
    repository = await createTestRepository();
    lock = await repository.lock('shared', testSignal());
    await repository.loadIndex(testSignal());
  });
  afterAll(async () => {
    await lock[Symbol.asyncDispose]();
    await repository.close();
  });

  async function read(
    files: readonly PaperFile[],
    entries: readonly ListedEntry[],
    { parent, context = CONTEXT }: { parent?: Node; context?: NodeContext } = {},
  ): Promise<{ readonly node: Node; readonly made: number; readonly counts: TreeCounts }> {
    await using writer = await repository.openWriter(lock, { workers: 1 });
    const counts = new TreeCounts();
    const sink = new BlobSink(repository, writer);
    let made = 0;
    const putTree = sink.putTree.bind(sink);
    sink.putTree = (...call) => {
      made += 1;
      return putTree(...call);
    };
    const known = new Set(files.map(({ path }) => path));
    const twins = entries.filter(({ path }) => !known.has(path.toString()));
    const onHost = [
      ...files,
      ...twins.map(({ path }) => ({ path: path.toString(), type: 'file' as const, content: Buffer.alloc(0) })),
    ];
    const node = await readTree(
      {
        ...{
          path: Buffer.from('/srv'),
          own: [],
          content: { pack: () => ({ name: 'pack-files', script: '', args: [], needs: 'root' }) },
        },
        async *entries() {
          yield* entries;
        },
        ...{ rootName: Buffer.from('.'), nodeName: Buffer.from('root'), grafts: new Map(), context },
        probe: () => never(),
        ...{ parentRoot: parent, believedBeforeNs: AFTER_ALL_NS },
      },
      {
        host: paperFiles(onHost),
        sink,
        counts,
        omissions: new Omissions(() => undefined),
        onProgress: () => undefined,
        onDoubt: () => never(),
      },
      testSignal(),
    );
    await writer.flush(testSignal());
    return { node, made, counts };
  }

  async function stored(nodes: readonly Node[]): Promise<BlobId> {
    await using writer = await repository.openWriter(lock, { workers: 1 });
    const { saved } = await writer.put('tree', encodeTree(nodes), testSignal());
    await writer.flush(testSignal());
    return (await saved).id;
  }

  const facts = (folder: Folder): { readonly files: PaperFile[]; readonly entries: ListedEntry[] } => {
    const files = listed(folder);
    return { files, entries: files.map((file, index) => entryOf(file, index)) };
  };

  test('is what a reading without it makes, whatever has changed, and only folders with a change in them are made', async () => {
    await fc.assert(
      fc.asyncProperty(anyFolder(3), fc.array(anyChange, { maxLength: 4 }), async (folder, changes) => {
        const { files, entries } = facts(folder);
        const parent = (await read(files, entries)).node;
        const now = changes.reduce(changed, entries);
        const alone = await read(files, now);
        const again = await read(files, now, { parent });
        expect(again.node).toEqual(alone.node);
        const before = new Map(entries.map((entry) => [entry.path.toString(), entry]));
        const isNew = (entry: ListedEntry): boolean => before.get(entry.path.toString()) !== entry;
        const gone = entries.filter((entry) => !now.some(({ path }) => path.equals(entry.path)));
        const touched = [...now.filter(isNew), ...gone].map(({ path }) => path.toString());
        const folders = now.filter(({ type }) => type === 'dir').map(({ path }) => path.toString());
        const below = (path: string): string => (path === '' ? '' : `${path}/`);
        expect(again.made).toBe(
          folders.filter((path) => touched.some((one) => one !== path && one.startsWith(below(path)))).length,
        );
      }),
      { numRuns: 150 },
    );
  });

  const SMALL: Folder = {
    folders: [
      { folders: [], files: ['x', ''] },
      { folders: [], files: [] },
    ],
    files: ['y'],
  };

  test('makes nothing again where nothing changed, and counts all the same', async () => {
    const { files, entries } = facts(SMALL);
    const first = await read(files, entries);
    const again = await read(files, entries, { parent: first.node });
    expect([first.made, again.made]).toEqual([3, 0]);
    expect(again.counts).toMatchObject({ filesUnmodified: 3, folders: 3, bytesTotal: 2 });
  });

  test('follows names of users that have changed on the host', async () => {
    const { files, entries } = facts(SMALL);
    const first = await read(files, entries);
    const context = { ...CONTEXT, users: new Map([[0, 'admin']]) };
    const again = await read(files, entries, { parent: first.node, context });
    expect(again.node).toEqual((await read(files, entries, { context })).node);
    expect(again.node.subtree).not.toBe(first.node.subtree);
  });

  test('takes nothing over that we would have written in another way', async () => {
    const { files, entries } = facts({ folders: [], files: ['x'] });
    const first = await read(files, entries);
    const find = await repository.treeByName(first.node.subtree ?? never(), testSignal());
    const ours = find(Buffer.from('c0')) ?? never();
    for (const foreign of [
      { ...ours, atime: '2001-01-01T00:00:00Z' as Node['atime'] },
      { ...ours, extra: { later: true } },
      { ...ours, links: 7 },
    ]) {
      const parent = { ...first.node, subtree: await stored([foreign]) };
      expect((await read(files, entries, { parent })).node.subtree).toBe(first.node.subtree);
    }
  });

  test('does not keep a folder of which the parent has nothing that can be read', async () => {
    const { files, entries } = facts({ folders: [{ folders: [], files: [] }], files: [] });
    const lost = 'f'.repeat(64) as BlobId;
    const first = await read(files, entries);
    const again = await read(files, entries, { parent: { ...first.node, subtree: lost } });
    expect(again.node.subtree).toBe(first.node.subtree);
  });
});

function never(): never {
  throw new Error('this is not expected');
}
