/**
 * Folders of which it is remembered that they are stored as they are listed are passed over, and the tree, its counts and what is said
 * are those of a reading that looks at every entry.
 */
import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Clock } from '../../../shared/base/clock.ts';
import { systemClock } from '../../../shared/base/clock.ts';
import type { ListedEntry } from '../../../shared/pipeline/backup/listing.ts';
import type { NodeContext } from '../../../shared/pipeline/backup/node.ts';
import { Omissions } from '../../../shared/pipeline/backup/omissions.ts';
import { readTree } from '../../../shared/pipeline/backup/read-tree.ts';
import { BlobSink } from '../../../shared/pipeline/backup/repository-sink.ts';
import { type SpooledListing, spoolListing } from '../../../shared/pipeline/backup/spool.ts';
import { TreeCounts } from '../../../shared/pipeline/backup/tree-counts.ts';
import { contextDigest, RememberedFolders } from '../../../shared/pipeline/remembered/remembered-folders.ts';
import type { RemoteHost } from '../../../shared/remote/remote-host.ts';
import type { Node } from '../../../shared/repository/node.ts';
import type { OpenedRepository } from '../../../shared/repository/opened-repository.ts';
import type { RepositoryLock } from '../../../shared/repository/repository.ts';
import type { RestorePoint } from '../../../shared/repository/restore-point.ts';
import { lineOf } from '../../support/pipeline/listing-lines.ts';
import { entryOf, OLD_NS, type PaperFile, paperFiles } from '../../support/pipeline/paper-files.ts';
import { type Chance, chanceFrom } from '../../support/seeded.ts';
import { type TemporaryFolder, temporaryFolder } from '../../support/temporary-folder.ts';
import { createTestRepository, testSignal } from '../../support/test-repository.ts';

const CONTEXT: NodeContext = { users: new Map([[0, 'root']]), groups: new Map([[0, 'root']]), deviceId: 4711n };
const LATER_NS = OLD_NS + 10_000_000_000n;

interface World {
  readonly files: ReadonlyMap<string, PaperFile>;
  readonly entries: readonly ListedEntry[];
}

interface Reading {
  readonly world: World;
  readonly parent?: Node | undefined;
  readonly point?: string | undefined;
  readonly isRemembering?: boolean;
  readonly context?: NodeContext;
  readonly clock?: Clock;
  readonly believedBeforeNs?: bigint;
  readonly grafts?: ReadonlyMap<string, Node>;
  readonly indexFiles?: readonly string[];
}

interface Read {
  readonly node: Node;
  readonly counts: TreeCounts;
  readonly said: readonly string[];
  /** How many entries were looked at. */
  readonly looked: number;
  /** Makes it the parent of the next one. */
  save(): Promise<string>;
}

/** Three levels of folders with five files in each. */
function world(): World {
  const files: PaperFile[] = [];
  const folder = (path: string, depth: number): void => {
    files.push({ path, type: 'dir' });
    const at = (name: string): string => (path === '' ? name : `${path}/${name}`);
    for (let n = 0; n < 5; n += 1)
      files.push({ path: at(`file${n}`), type: 'file', content: Buffer.from(`${path} ${n}`) });
    files.push({ path: at('link'), type: 'symlink', target: 'file0' });
    if (depth > 0) for (let n = 0; n < 3; n += 1) folder(at(`folder${n}`), depth - 1);
  };
  folder('', 3);
  return {
    files: new Map(files.map((file) => [file.path, file])),
    entries: files.map((file, index) => entryOf(file, index)),
  };
}

/** One of the things that happen to files. Times of folders change with what is in them. */
function changed({ files, entries }: World, chance: Chance, round: number): World {
  const now = OLD_NS + BigInt(round) * 1000n;
  const index = 1 + chance.below(entries.length - 1);
  const chosen = entries[index] as ListedEntry;
  const path = chosen.path.toString();
  const folder = path.slice(0, Math.max(0, path.lastIndexOf('/')));
  const touched = (list: readonly ListedEntry[]): ListedEntry[] =>
    list.map((entry) => (entry.path.toString() === folder ? { ...entry, mtimeNs: now, ctimeNs: now } : entry));
  const isIn = (entry: ListedEntry): boolean => entry === chosen || entry.path.toString().startsWith(`${path}/`);
  switch (chance.pick(['goes', 'is written', 'is shut', 'comes', 'other order'])) {
    case 'goes':
      return { files, entries: touched(entries.filter((entry) => !isIn(entry))) };
    case 'is written': {
      if (chosen.type !== 'file') return { files, entries };
      const content = Buffer.from(`${path} in round ${round}`);
      const times = { mtimeNs: now, ctimeNs: now, size: content.length };
      return {
        files: new Map([...files, [path, { path, type: 'file' as const, content }]]),
        entries: entries.map((entry) => (entry === chosen ? { ...entry, ...times } : entry)),
      };
    }
    case 'is shut':
      return {
        files,
        entries: entries.map((entry) => (entry === chosen ? { ...entry, mode: 0o500, ctimeNs: now } : entry)),
      };
    case 'comes': {
      if (chosen.type === 'dir') return { files, entries };
      const twin = `${path}-${round}`;
      const file = { path: twin, type: 'file' as const, content: Buffer.from(twin) };
      const entry = entryOf(file, 10_000 + round, { mtimeNs: now, ctimeNs: now });
      return { files: new Map([...files, [twin, file]]), entries: touched(entries.toSpliced(index + 1, 0, entry)) };
    }
    default: {
      // A listing in the order of another kernel: the same files, in the folder of the chosen one.
      const next = entries[index + 1];
      if (chosen.type === 'dir' || next === undefined || next.type === 'dir') return { files, entries };
      if (next.path.toString().slice(0, Math.max(0, next.path.lastIndexOf('/'))) !== folder) return { files, entries };
      return { files, entries: entries.toSpliced(index, 2, next, chosen) };
    }
  }
}

describe('folders that are remembered', () => {
  let repository: OpenedRepository;
  let lock: RepositoryLock;
  let folder: TemporaryFolder;
  let file: string;

  beforeAll(async () => {
    repository = await createTestRepository();
    lock = await repository.lock('shared', testSignal());
    await repository.loadIndex(testSignal());
  });
  afterAll(async () => {
    await lock[Symbol.asyncDispose]();
    await repository.close();
  });
  beforeEach(async () => {
    folder = await temporaryFolder();
    file = join(folder.path, 'remembered');
  });
  afterEach(() => folder[Symbol.asyncDispose]());

  async function listed({ entries }: World, context: NodeContext): Promise<SpooledListing> {
    const host = {
      name: 'paper',
      stream: async () => ({
        // In pieces that end anywhere.
        output: Readable.from(cut(Buffer.concat(entries.map(lineOf)))),
        finished: Promise.resolve({ exitCode: 0, stderr: '', stderrIsWhole: true }),
        [Symbol.asyncDispose]: async () => undefined,
      }),
    } as unknown as RemoteHost;
    const order = { select: () => () => true, root: Buffer.from('/srv'), folderContext: contextDigest(context) };
    const command = { name: 'list-tree', script: '', args: [], needs: 'root' } as const;
    return await spoolListing(
      host,
      { ...order, command },
      join(folder.path, randomBytes(4).toString('hex')),
      testSignal(),
    );
  }

  async function read({ world: { files, entries }, parent, point, ...options }: Reading): Promise<Read> {
    const { context = CONTEXT, clock = systemClock, believedBeforeNs = LATER_NS, grafts = new Map() } = options;
    await using writer = await repository.openWriter(lock, { workers: 1 });
    await using listing = await listed({ files, entries }, context);
    const sink = new BlobSink(repository, writer);
    const { indexFiles } = options;
    const remembering =
      indexFiles === undefined ? sink.remembering : { ...sink.remembering, indexFiles: () => indexFiles };
    const counts = new TreeCounts();
    const said: string[] = [];
    const of = point === undefined ? undefined : ({ id: point } as RestorePoint);
    const remembered =
      options.isRemembering === false ? undefined : await RememberedFolders.open(file, remembering, clock, of);
    let looked = 0;
    const node = await readTree(
      {
        ...{ path: Buffer.from('/srv'), own: [], rootName: Buffer.from('.'), nodeName: Buffer.from('root') },
        content: { pack: () => ({ name: 'pack-files', script: '', args: [], needs: 'root' }) },
        entries(signal) {
          const reading = listing.read(signal);
          return {
            get folder() {
              return reading.folder;
            },
            skip: (skipped) => reading.skip(skipped),
            async *[Symbol.asyncIterator]() {
              for await (const entry of reading) {
                looked += 1;
                yield entry;
              }
            },
          };
        },
        remembered: listing.folders && remembered?.tree(listing.folders),
        ...{ grafts, context, parentRoot: parent, believedBeforeNs },
        probe: () => expect.fail('nothing comes short'),
      },
      {
        host: paperFiles([...files.values()]),
        ...{ sink, counts, onProgress: () => undefined, onDoubt: () => expect.fail('nothing is in doubt') },
        omissions: new Omissions((event) => {
          said.push(JSON.stringify(event));
        }),
      },
      testSignal(),
    );
    await writer.flush(testSignal());
    const save = async (): Promise<string> => {
      const id = randomBytes(32).toString('hex');
      await remembered?.save(id);
      return id;
    };
    return { node, counts, said, looked, save };
  }

  /** Whoever looks at every entry. */
  const careful = (order: Reading): Promise<Read> => read({ ...order, isRemembering: false });

  async function expectAsCareful(order: Reading): Promise<Read> {
    const [now, then] = [await read(order), await careful(order)];
    expect(now.node).toEqual(then.node);
    expect(countsOf(now)).toEqual(countsOf(then));
    expect(now.said).toEqual(then.said);
    return now;
  }

  test('are passed over from the second reading on, and it is the tree of a reading of everything', async () => {
    const chance = chanceFrom(41);
    let now = world();
    let last = await read({ world: now });
    let point = await last.save();
    let [looked, all] = [0, 0];
    for (let round = 1; round <= 40; round += 1) {
      for (let n = chance.below(3); n > 0; n -= 1) now = changed(now, chance, round);
      const order = { world: now, parent: last.node, point };
      last = await expectAsCareful(order);
      expect((await careful({ world: now })).node).toEqual(last.node);
      looked += last.looked;
      all += now.entries.length;
      point = await last.save();
    }
    expect(looked).toBeLessThan(all / 2);
  }, 120_000);

  /** Read once, and saved. */
  async function first(order: Partial<Reading> = {}): Promise<{ order: Reading; count: number }> {
    const of = { world: world(), ...order };
    const begun = await read(of);
    const point = await begun.save();
    return { order: { ...of, parent: begun.node, point }, count: of.world.entries.length };
  }

  test('are all of them, where nothing has changed: the root is looked at, and nothing else', async () => {
    const { order, count } = await first();
    const again = await expectAsCareful(order);
    expect(again.looked).toBe(1);
    expect(again.counts).toMatchObject({
      filesUnmodified: order.world.entries.filter(({ type }) => type === 'file').length,
    });
    expect(count).toBeGreaterThan(200);
  });

  test('are none of them with another parent, another context, a file of another key, a damaged file, or a week later', async () => {
    const { order, count } = await first();
    expect((await expectAsCareful({ ...order, point: randomBytes(32).toString('hex') })).looked).toBe(count);
    const others = { ...CONTEXT, users: new Map([[0, 'admin']]) };
    expect((await expectAsCareful({ ...order, context: others })).looked).toBe(count);
    expect((await read({ ...order, clock: inDays(6) })).looked).toBe(1);
    expect((await read({ ...order, clock: inDays(8) })).looked).toBe(count);
    expect((await read({ ...order, clock: inDays(-1) })).looked).toBe(count);
    const sealed = await readFile(file);
    expect(repository.vault.open(sealed)?.includes('folder1')).toBe(false);
    sealed[sealed.length - 40] = (sealed[sealed.length - 40] as number) ^ 1;
    await writeFile(file, sealed);
    expect((await expectAsCareful(order)).looked).toBe(count);
    await writeFile(file, '');
    expect((await expectAsCareful(order)).looked).toBe(count);
  });

  test('are compared again a week after the first of them was, however often they were passed over since', async () => {
    const { order, count } = await first();
    let point = order.point;
    for (const day of [2, 4, 6, 8]) {
      const again = await read({ ...order, point, clock: inDays(day) });
      expect(again.looked, `day ${day}`).toBe(day < 7 ? 1 : count);
      point = await again.save();
    }
  });

  test('are none of them when an index file of then is gone', async () => {
    const { order, count } = await first();
    const there = repository.indexFiles;
    expect(there.length).toBeGreaterThan(0);
    expect((await read({ ...order, indexFiles: there.slice(1) })).looked).toBe(count);
    expect((await read({ ...order, indexFiles: [...there, 'one more'] })).looked).toBe(1);
  });

  test('are not those with something that was changed just before the parent', async () => {
    const of = world();
    const fresh = of.entries.map((entry) =>
      entry.path.toString() === 'folder1/folder1/file2' ? { ...entry, ctimeNs: LATER_NS - 1_000_000_000n } : entry,
    );
    const { order } = await first({ world: { ...of, entries: fresh } });
    const again = await expectAsCareful(order);
    expect(again.looked).toBe(10 + 9 + 9 - 1 + 1);
  });

  test.each([2n ** 63n + 5n, 15_032_385_535_000_000_000n, 2n ** 62n * 1_000_000_000n, LATER_NS + 1n])(
    'are not those with a time of %i ns',
    async (ns) => {
      const of = world();
      const far = of.entries.map((entry) =>
        entry.path.toString() === 'folder1/folder1/file2' ? { ...entry, mtimeNs: ns } : entry,
      );
      const { order } = await first({ world: { ...of, entries: far } });
      expect((await expectAsCareful(order)).looked).toBe(10 + 9 + 9);
    },
  );

  test('are those with a time long ago', async () => {
    const of = world();
    const far = of.entries.map((entry) => ({ ...entry, mtimeNs: -(2n ** 62n), ctimeNs: 0n }));
    const { order } = await first({ world: { ...of, entries: far } });
    expect((await expectAsCareful(order)).looked).toBe(1);
  });

  test('are not those in which another tree has its place, also where that is new', async () => {
    const of = world();
    const isBelow = ({ path }: ListedEntry): boolean => path.toString().startsWith('folder1/folder2/');
    const { order } = await first({ world: { ...of, entries: of.entries.filter((entry) => !isBelow(entry)) } });
    expect((await expectAsCareful(order)).looked).toBe(1);
    const graft = { ...(await careful({ world: world() })).node, name: Buffer.from('folder2') };
    const grafted = { ...order, grafts: new Map([['folder1/folder2', graft]]) };
    const again = await expectAsCareful(grafted);
    const point = await again.save();
    const last = await expectAsCareful({ ...grafted, parent: again.node, point });
    expect(last.looked).toBe(10 + 9);
  });

  test('are not those with something in them that is left out, which is said each time', async () => {
    const of = world();
    const at = of.entries.findIndex(({ path }) => path.toString() === 'folder2/file1');
    const endless = of.entries.map((entry, index) => (index === at ? { ...entry, size: 2 ** 62 } : entry));
    const { order } = await first({ world: { ...of, entries: endless } });
    const again = await expectAsCareful(order);
    expect(again.said).toEqual([expect.stringContaining('4 TiB')]);
    expect(again.looked).toBe(10 + 9);
  });
});

const countsOf = ({ counts }: Read): object => Object.assign(new TreeCounts(), counts, { bytesReceived: 0 });

const inDays = (days: number): Clock => ({
  now: () => new Date(Date.now() + days * 86_400_000),
  monotonicMs: () => systemClock.monotonicMs(),
  sleep: () => expect.fail('nobody waits'),
});

function* cut(bytes: Buffer): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at += 1777) yield bytes.subarray(at, at + 1777);
}
