/**
 * One tree from its listing and a stream of content to stored trees, with a real repository in memory: what is stored
 * for it, and that a stream that fails, wherever and however it does, ends everything with that error and no hang.
 */
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { RunEventBody } from '../../../shared/domain/events.ts';
import { Omissions } from '../../../shared/pipeline/backup/omissions.ts';
import { readTree } from '../../../shared/pipeline/backup/read-tree.ts';
import { BlobSink } from '../../../shared/pipeline/backup/repository-sink.ts';
import { TreeCounts } from '../../../shared/pipeline/backup/tree-counts.ts';
import type { TreeToRead } from '../../../shared/pipeline/backup/tree-to-read.ts';
import type { StreamCommand } from '../../../shared/remote/command.ts';
import type { BlobId } from '../../../shared/repository/ids.ts';
import type { Node } from '../../../shared/repository/node.ts';
import type { OpenedRepository } from '../../../shared/repository/opened-repository.ts';
import type { RepositoryLock, RepositoryWriter } from '../../../shared/repository/repository.ts';
import { failingContent } from '../../support/failing-content.ts';
import {
  entryOf,
  type Fault,
  OLD_NS,
  type PaperFile,
  type PaperHostOptions,
  paperFiles,
} from '../../support/pipeline/paper-files.ts';
import { createTestRepository, testSignal } from '../../support/test-repository.ts';
import { walkTree } from '../../support/walk-tree.ts';

const MIB = 1024 * 1024;
const pack: StreamCommand = { name: 'pack-files', script: '', args: [], needs: 'root' };
const large = Buffer.from(Array.from({ length: 2 * MIB + 17 }, (_, at) => (at * 31 + (at >> 9)) & 0xff));

const FILES: readonly PaperFile[] = [
  { path: '', type: 'dir' },
  { path: 'a', type: 'dir' },
  { path: 'a/b', type: 'dir' },
  { path: 'a/b/c', type: 'dir' },
  { path: 'a/b/c/deep', type: 'file', content: Buffer.from('deep') },
  { path: 'a/b/empty', type: 'dir' },
  { path: 'a/large', type: 'file', content: large },
  { path: 'a/zero', type: 'file', content: Buffer.alloc(0) },
  { path: 'link', type: 'symlink', target: 'a/large' },
  { path: 'one', type: 'file', content: Buffer.from('linked'), inode: 77, links: 2 },
  { path: 'other', type: 'dir' },
  { path: 'other/two', type: 'file', content: Buffer.from('linked'), inode: 77, links: 2 },
  { path: 'pipe', type: 'fifo' },
  { path: 'socket', type: 'socket' },
  { path: 'zz', type: 'dir' },
];

const unhandled: unknown[] = [];
const note = (reason: unknown): void => void unhandled.push(reason);

describe('reading a tree', () => {
  let repository: OpenedRepository;
  let lock: RepositoryLock;

  beforeAll(async () => {
    process.on('unhandledRejection', note);
    repository = await createTestRepository();
    lock = await repository.lock('shared', testSignal());
    await repository.loadIndex(testSignal());
  });
  afterAll(async () => {
    await lock[Symbol.asyncDispose]();
    await repository.close();
    process.off('unhandledRejection', note);
  });

  interface Outcome {
    readonly node: Node;
    readonly counts: TreeCounts;
    readonly omissions: Omissions;
    readonly events: readonly RunEventBody[];
  }

  const read = async (
    files: readonly PaperFile[],
    options: PaperHostOptions &
      Partial<TreeToRead> & { writer?: RepositoryWriter; signal?: AbortSignal; doubts?: string[] } = {},
  ): Promise<Outcome> => {
    const counts = new TreeCounts();
    const events: RunEventBody[] = [];
    const omissions = new Omissions((event) => void events.push(event));
    await using own = options.writer === undefined ? await repository.openWriter(lock, { workers: 1 }) : undefined;
    const writer = options.writer ?? own;
    if (writer === undefined) throw new Error('there is no writer');
    const node = await readTree(
      {
        path: Buffer.from('/srv'),
        entries: () => listed(files),
        own: [],
        content: { pack: () => pack },
        rootName: Buffer.from('.'),
        nodeName: Buffer.from('root'),
        probe: () => {
          throw new Error('nothing came short');
        },
        parentRoot: undefined,
        believedBeforeNs: 0n,
        grafts: new Map(),
        context: { users: new Map([[0, 'root']]), groups: new Map(), deviceId: 4711n },
        ...options,
      },
      {
        host: paperFiles(files, options),
        sink: new BlobSink(repository, writer),
        counts,
        omissions,
        onProgress: () => undefined,
        onDoubt: (path, reason) => options.doubts?.push(`${path.toString()}: ${reason}`),
      },
      options.signal ?? testSignal(),
    );
    await writer.flush(testSignal());
    return { node, counts, omissions, events };
  };

  async function* listed(files: readonly PaperFile[]): AsyncGenerator<ReturnType<typeof entryOf>> {
    for (const [index, file] of files.entries()) yield entryOf(file, index);
  }

  const stored = async (tree: BlobId | undefined): Promise<Map<string, Node>> => {
    const found = new Map<string, Node>();
    if (tree === undefined) throw new Error('the root is no folder');
    for await (const { path, node } of walkTree(repository, tree, testSignal())) found.set(path.join('/'), node);
    return found;
  };

  test('stores every entry at its place, with its content', async () => {
    const asked: string[] = [];
    const { node, counts } = await read(FILES, { asked });
    expect(node).toMatchObject({ type: 'dir', name: Buffer.from('root') });
    const nodes = await stored(node.subtree);
    expect([...nodes.keys()].toSorted()).toEqual(
      FILES.map((file) => file.path)
        .filter((path) => path !== '')
        .toSorted(),
    );
    for (const file of FILES) {
      const found = nodes.get(file.path);
      if (file.path === '' || found === undefined) continue;
      expect(found.type).toBe(file.type);
      if (file.content === undefined) continue;
      const pieces = [];
      for (const id of found.content ?? []) pieces.push(await repository.loadBlob('data', id, testSignal()));
      expect(Buffer.concat(pieces).equals(file.content), file.path).toBe(true);
    }
    expect(nodes.get('link')?.linkTarget?.toString()).toBe('a/large');
    expect(nodes.get('one')?.deviceId).toBe(4711n);
    expect(nodes.get('other/two')?.content).toEqual(nodes.get('one')?.content);
    expect(counts).toMatchObject({ filesNew: 5, folders: 7, others: 3 });
    expect(asked).not.toContain('./other/two');
    expect(asked).not.toContain('./socket');
    expect(asked[0]).toBe('.');
  });

  test('keeps no access times: that of the last change stands in their place', async () => {
    const { node } = await read(FILES);
    const nodes = [...(await stored(node.subtree)).values()];
    expect(nodes.length).toBeGreaterThan(5);
    expect(nodes.filter(({ atime, mtime }) => atime !== mtime)).toEqual([]);
  });

  test('leaves out what nobody could store or open, says so, and goes on', async () => {
    const name = 'n'.repeat(240);
    const way = Array.from({ length: 17 }, (_, depth) => Array.from({ length: depth + 1 }, () => name).join('/'));
    const long = way.pop() ?? '';
    const files: readonly PaperFile[] = [
      { path: '', type: 'dir' },
      { path: 'after', type: 'file', content: Buffer.from('after') },
      { path: 'endless', type: 'file', size: 2 ** 62 },
      ...way.map((path) => ({ path, type: 'dir' as const })),
      { path: long, type: 'dir' },
      { path: `${long}/below`, type: 'file', content: Buffer.from('below') },
      { path: 'z', type: 'file', content: Buffer.from('z') },
    ];
    const { node, omissions, events } = await read(files);
    expect([...(await stored(node.subtree)).keys()]).toEqual(['after', ...way, 'z']);
    expect(omissions.items).toEqual([
      { path: '/srv/endless', reason: 'it is larger than 4 TiB, holes counted' },
      { path: `/srv/${long}`, reason: expect.stringContaining('4095') as string },
    ]);
    expect(events.map(({ type }) => type)).toEqual(['item-skipped', 'item-skipped']);
    expect(omissions.attributesMissing).toBe(false);
  });

  test('tells what tar complains of though it ends well', async () => {
    const stderr = 'noise\ntar: ./a/large: Warning: Cannot llistxattrat: Argument list too long\ntar: what else\n';
    const { omissions } = await read(FILES, { stderr });
    expect(omissions).toMatchObject({
      attributesMissing: true,
      items: [
        {
          path: '/srv/a/large',
          reason: 'saved without all of its attributes: Argument list too long',
        },
        { path: '/srv', reason: 'saved, but tar said: what else' },
      ],
    });
  });

  test('names the one file that a source is, where tar complains of it', async () => {
    const only: PaperFile = { path: '', type: 'file', content: Buffer.from('only') };
    const stderr = 'tar: ./one: Warning: Cannot flistxattr: Argument list too long\n';
    const { omissions } = await read([only], { path: Buffer.from('/srv/one'), rootName: Buffer.from('./one'), stderr });
    expect(omissions.items.map((item) => item.path)).toEqual(['/srv/one']);
  });

  test('asks the host for nothing where nothing changed', async () => {
    const first = await read(FILES);
    const asked: string[] = [];
    const again = await read(FILES, { asked, parentRoot: first.node, believedBeforeNs: OLD_NS + 3_000_000_000n });
    expect(asked).toEqual([]);
    expect(again.node.subtree).toBe(first.node.subtree);
    expect(again.counts).toMatchObject({
      filesUnmodified: 5,
      filesNew: 0,
      filesChanged: 0,
      bytesRead: 0,
      bytesReceived: 0,
    });
  });

  test('a large file of which the changed parts cannot be told comes whole, and counts once', async () => {
    const was = Buffer.alloc(17 * MIB, large);
    const is = Buffer.from(was).fill(1, 9 * MIB, 9 * MIB + 5);
    const filesWith = (content: Buffer): readonly PaperFile[] => [
      { path: '', type: 'dir' },
      { path: 'large', type: 'file', content },
    ];
    const first = await read(filesWith(was));
    const doubts: string[] = [];
    // A tar that gives this file whole gives more than the head that it was asked for.
    const changed = { head: () => ({ ...pack, name: 'head-of-file' }), parts: () => pack };
    const again = await read(filesWith(is), { parentRoot: first.node, content: { pack: () => pack, changed }, doubts });
    expect(doubts).toEqual([expect.stringContaining('/srv/large: ')]);
    expect((await stored(again.node.subtree)).get('large')?.content).toEqual(
      (await stored((await read(filesWith(is))).node.subtree)).get('large')?.content,
    );
    expect(again.counts).toMatchObject({ filesDone: 1, bytesDone: is.length, bytesRead: is.length, bytesEqual: 0 });
  });

  test('puts a nested tree at its place, and notices one that has no place', async () => {
    const inner: Node = { ...(await read(FILES.slice(0, 1))).node, name: Buffer.from('empty') };
    const grafts = new Map([['a/b/empty', inner]]);
    const { node } = await read(FILES, { grafts });
    expect((await stored(node.subtree)).get('a/b/empty')?.inode).toBe(inner.inode);
    await expect(read(FILES, { grafts: new Map([['a/nowhere', inner]]) })).rejects.toMatchObject({
      code: 'internal.invariant',
    });
  });

  test('a source that is one file has that file as its root', async () => {
    const only: PaperFile = { path: '', type: 'file', content: Buffer.from('only') };
    const { node } = await read([only], { rootName: Buffer.from('.') });
    expect(node).toMatchObject({ type: 'file', size: 4, name: Buffer.from('root') });
    expect(node.content).toHaveLength(1);
  });

  const requested = FILES.filter((file) => file.type !== 'socket' && file.path !== 'other/two');
  const faults: readonly Fault[] = [
    'broken stream',
    'cut without a trailer',
    'another name',
    'another type',
    'end too early',
  ];
  const cases = faults
    .flatMap((kind) => requested.map((file, at) => ({ kind, at, path: file.path, type: file.type })))
    // The other type is "fifo".
    .filter(({ kind, type }) => kind !== 'another type' || type !== 'fifo');

  test.each(cases)('$kind at "$path" ends it all with that error', async ({ kind, at }) => {
    const error = await read(FILES, { fault: { kind, at } }).then(
      () => undefined,
      (reason: unknown) => reason as Error,
    );
    if (kind === 'broken stream') expect(error?.message).toBe('the line was cut');
    else expect(error).toMatchObject({ code: 'read.incomplete' });
    await wait(0);
    expect(unhandled).toEqual([]);
  });

  test.each(requested.flatMap((file, at) => (file.type === 'file' ? [{ at, path: file.path }] : [])))(
    'a file that came with another size than was listed is not stored: "$path"',
    async ({ at }) => {
      await expect(read(FILES, { fault: { kind: 'another size', at } })).rejects.toMatchObject({
        code: 'read.incomplete',
      });
    },
  );

  test('an exit code that is a failure fails it, although every entry came', async () => {
    await expect(read(FILES, { fault: { kind: 'exit code 2', at: -1 } })).rejects.toThrow('tar left with 2');
    expect(unhandled).toEqual([]);
  });

  test('a listing that fails in the middle fails it', async () => {
    for (const length of [0, 1, 3, 7, FILES.length]) {
      async function* broken(): AsyncGenerator<ReturnType<typeof entryOf>> {
        yield* listed(FILES.slice(0, length));
        throw new Error('the listing broke');
      }
      await expect(read(FILES, { entries: broken })).rejects.toThrow('the listing broke');
    }
    expect(unhandled).toEqual([]);
  });

  test('a cancel ends it with its reason', async () => {
    for (const after of [0, 2, 6]) {
      const controller = new AbortController();
      async function* cancelling(): AsyncGenerator<ReturnType<typeof entryOf>> {
        yield* listed(FILES.slice(0, after));
        controller.abort(new Error('enough'));
        yield* listed(FILES.slice(after));
      }
      await expect(read(FILES, { entries: cancelling, signal: controller.signal })).rejects.toThrow('enough');
    }
    expect(unhandled).toEqual([]);
  });

  test.each(['data', 'tree'])('a repository that takes no %s blob fails it with its own error', async (type) => {
    await using real = await repository.openWriter(lock, { workers: 1 });
    const full = new Error('the disk is full');
    const writer: RepositoryWriter = {
      adopt: () => Promise.resolve(0),
      put: async (blobType, data, signal) => {
        if (blobType !== type) return await real.put(blobType, data, signal);
        const saved = Promise.reject(full);
        saved.catch(() => undefined);
        return { saved };
      },
      reseal: () => Promise.reject(new Error('nobody reseals here')),
      known: () => false,
      openContent: (size) => (type === 'data' ? failingContent(full) : real.openContent(size)),
      openChanged: (size) => real.openChanged(size),
      flush: (signal) => real.flush(signal),
      stats: real.stats,
      [Symbol.asyncDispose]: async () => undefined,
    };
    await expect(read(FILES, { writer })).rejects.toBe(full);
    await wait(0);
    expect(unhandled).toEqual([]);
  });

  test('goes through ten thousand folders and files without waiting for itself', async () => {
    const files: PaperFile[] = [{ path: '', type: 'dir' }];
    for (let folder = 0; folder < 5000; folder += 1) {
      files.push(
        { path: `f${folder}`, type: 'dir' },
        { path: `f${folder}/x`, type: 'file', content: Buffer.from(`${folder}`) },
      );
    }
    const { counts } = await read(files);
    expect(counts).toMatchObject({ folders: 5001, filesNew: 5000 });
  }, 60_000);
});
