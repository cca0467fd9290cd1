/** A restore point as a file system to be read: names of bytes, parts of files, and errors that say where. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { OpenedPoint } from '../../../shared/pipeline/open-point.ts';
import { findShownPath } from '../../../shared/pipeline/shown-path.ts';
import { encodeTree } from '../../../shared/repository/format/tree.ts';
import type { BlobId } from '../../../shared/repository/ids.ts';
import type { Node } from '../../../shared/repository/node.ts';
import type { OpenedRepository } from '../../../shared/repository/opened-repository.ts';
import type { PointReader } from '../../../shared/repository/point-reader.ts';
import type { RestorePoint } from '../../../shared/repository/restore-point.ts';
import { timestampFromNs } from '../../../shared/repository/timestamp.ts';
import { createMemoryBackend } from '../../support/stores/memory.ts';
import { backUp, createTestRepository, type TestTree, testSignal } from '../../support/test-repository.ts';

const signal = testSignal();
const PIECES = ['the first, ', 'the second, ', '', 'the first, ', 'and the last'].map((text) => Buffer.from(text));
const WHOLE = Buffer.concat(PIECES);
const TREE: TestTree = { etc: { 'my.cnf': '[mysqld]\n', pieces: PIECES, empty: '' }, 'note.txt': 'a note' };

const pathOf = (text: string): Buffer[] => text.split('/').map((name) => Buffer.from(name));

async function opened(tree: TestTree = TREE): Promise<{ repository: OpenedRepository; point: OpenedPoint }> {
  const repository = await createTestRepository();
  return { repository, point: new OpenedPoint(repository, await backUp(repository, tree)) };
}

async function namesIn(parts: AsyncIterable<readonly Node[]>): Promise<string[]> {
  return (await Array.fromAsync(parts)).flat().map(({ name }) => name.toString('latin1'));
}

async function bytesOf(parts: AsyncIterable<Buffer>): Promise<Buffer> {
  return Buffer.concat(await Array.fromAsync(parts));
}

describe('a path', () => {
  it('leads to an entry, and the top has none', async () => {
    const { point } = await opened();
    const file = await point.stat(pathOf('etc/my.cnf'), signal);
    expect([file.node?.type, file.node?.size, file.tree]).toEqual(['file', 9, undefined]);
    const folder = await point.stat(pathOf('etc'), signal);
    expect([folder.node?.type, folder.tree]).toEqual(['dir', folder.node?.subtree]);
    expect(await point.stat([], signal)).toEqual({ node: undefined, tree: point.point.tree });
  });

  it.each(['none', 'etc/none', 'etc/my.cnf/deeper', 'none/deeper'])('that is not there is named: %s', async (path) => {
    const { point } = await opened();
    const missing = path === 'etc/my.cnf/deeper' ? 'deeper' : 'none';
    await expect(point.stat(pathOf(path), signal)).rejects.toMatchObject({
      code: 'repository.path-not-found',
      message: `The restore point ${point.point.id.slice(0, 8)} does not hold "/${path}".`,
      details: { path: `/${path}`, missing },
    });
  });

  it('below what is no folder is told so', async () => {
    const repository = await createTestRepository();
    const link = { ...aPipe(Buffer.from('www')), type: 'symlink', linkTarget: Buffer.from('/srv/www') } as const;
    const point = await pointOf(repository, [
      { ...aPipe(Buffer.from('plain')), type: 'file', size: 0, content: [] },
      aPipe(Buffer.from('pipe')),
      link,
    ]);
    for (const [path, advice] of [
      ['plain/x', '"plain" is a file, so nothing is below it.'],
      ['pipe/x', '"pipe" is a pipe, so nothing is below it.'],
      ['www/x', '"www" is a symbolic link to "/srv/www", which is not followed: name the path that it leads to.'],
      [
        'pla*',
        '"pla*" is not there. List the folder that should hold it to see what is. Names are taken as they are; "stillpoint find" takes patterns.',
      ],
      ['none/x', '"none" is not there. List the folder that should hold it to see what is.'],
    ] as const) {
      await expect(point.stat(pathOf(path), signal)).rejects.toMatchObject({ advice });
      await expect(findShownPath(point, `/${path}`, signal)).rejects.toMatchObject({ advice });
    }
  });

  it('is made of bytes, so two names that are shown alike are two', async () => {
    const repository = await createTestRepository();
    const raw = Buffer.from('caf\xe9', 'latin1');
    const shown = Buffer.from(String.raw`caf\xe9`);
    const point = await pointOf(repository, [aFolder(raw, [aPipe(Buffer.from('in raw'))]), aPipe(shown)]);
    expect(await namesIn(point.list([raw], signal))).toEqual(['in raw']);
    expect((await point.stat([shown], signal)).node?.type).toBe('fifo');
    await expect(point.stat([raw, Buffer.from('\xff', 'latin1')], signal)).rejects.toThrow(
      String.raw`does not hold "/caf\xe9/\xff"`,
    );
  });
});

describe('a folder', () => {
  it('is listed in the order of its names; anything else is itself', async () => {
    const { point } = await opened();
    expect(await namesIn(point.list([], signal))).toEqual(['etc', 'note.txt']);
    expect(await namesIn(point.list(pathOf('etc'), signal))).toEqual(['empty', 'my.cnf', 'pieces']);
    expect(await namesIn(point.list(pathOf('etc/my.cnf'), signal))).toEqual(['my.cnf']);
  });

  it('is asked for part by part, and no further than it is taken', async () => {
    let given = 0;
    const reader = {
      ...NO_READER,
      async *treeParts() {
        for (;;) {
          given += 1;
          yield [aPipe(Buffer.from(`pipe ${given}`))];
        }
      },
    };
    const point = new OpenedPoint(reader, { id: 'f'.repeat(64), tree: 'endless' } as unknown as RestorePoint);
    for await (const [node] of point.list([], signal)) if (node?.name.toString() === 'pipe 3') break;
    expect(given).toBe(3);
    expect((await point.stat([Buffer.from('pipe 5')], signal)).node?.name.toString()).toBe('pipe 5');
    expect(given).toBe(5);
  });

  it('that is damaged is named, with its restore point', async () => {
    const repository = await createTestRepository();
    const lost = { ...aFolder(Buffer.from('lost'), []), subtree: 'ab'.repeat(32) as BlobId };
    const point = await pointOf(repository, [aFolder(Buffer.from('srv'), [lost])]);
    const error = await namesIn(point.list(pathOf('srv/lost'), signal)).catch((reason: unknown) => reason);
    expect(error).toMatchObject({
      code: 'repository.damaged',
      details: { restorePoint: point.point.id, path: '/srv/lost' },
    });
    expect(String(error)).toContain(`"/srv/lost" of the restore point ${point.point.id.slice(0, 8)} cannot be read. `);
    await expect(point.stat(pathOf('srv/lost/below'), signal)).rejects.toThrow('"/srv/lost" of the restore point');
  });

  it('that could not be asked for, because the store failed, is not called damaged', async () => {
    const failure = new Error('the store is away');
    const treeParts = () => ({ [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(failure) }) });
    const point = new OpenedPoint({ ...NO_READER, treeParts }, { id: 'f', tree: 't' } as unknown as RestorePoint);
    await expect(namesIn(point.list([], signal))).rejects.toBe(failure);
  });
});

describe('a file', () => {
  it('gives any part of itself, and what there is of one that ends beyond it', async () => {
    const { point } = await opened();
    const size = fc.integer({ min: 0, max: WHOLE.length + 5 });
    await fc.assert(
      fc.asyncProperty(size, size, async (offset, length) => {
        const found = await bytesOf(point.read(pathOf('etc/pieces'), { offset, length }, signal));
        expect(found.toString()).toBe(WHOLE.subarray(offset, offset + length).toString());
      }),
    );
    const whole = { offset: 0, length: Number.MAX_SAFE_INTEGER };
    expect(await bytesOf(point.read(pathOf('etc/empty'), whole, signal))).toHaveLength(0);
  });

  it('is read no further than is asked for, a window ahead of who takes it', async () => {
    const blob = 1024 * 1024;
    const content = Array.from({ length: 1000 }, (_, index) => String(index).padStart(64, '0') as BlobId);
    let loaded = 0;
    const reader: typeof NO_READER = {
      ...NO_READER,
      treeParts: async function* () {
        yield [{ ...aPipe(Buffer.from('image')), type: 'file', size: 1000 * blob, content }];
      },
      blobSize: () => blob,
      loadBlobs: async function* (ids) {
        for (const id of ids) {
          loaded += 1;
          yield { id, data: Buffer.alloc(blob, Number(id)) };
        }
      },
    };
    const point = new OpenedPoint(reader, { id: 'f', tree: 't' } as unknown as RestorePoint);
    const image = [Buffer.from('image')];
    const part = { offset: 500 * blob + 10, length: 2 * blob };
    const pieces = await Array.fromAsync(point.read(image, part, signal));
    expect(pieces.map(({ length }) => length)).toEqual([blob - 10, blob, 10]);
    expect(pieces.map(([first]) => first)).toEqual([500 % 256, 501 % 256, 502 % 256]);
    expect(loaded).toBe(3);
    loaded = 0;
    for await (const _piece of point.read(image, { offset: 0, length: 1000 * blob }, signal)) break;
    expect(loaded).toBeLessThanOrEqual(20);
  });

  it('that is none is refused', async () => {
    const { point } = await opened();
    for (const path of [[], pathOf('etc')]) {
      await expect(bytesOf(point.read(path, { offset: 0, length: 1 }, signal))).rejects.toMatchObject({
        code: 'usage.invalid',
        message: `"/${path.map(String).join('/')}" of the restore point ${point.point.id.slice(0, 8)} is not a file.`,
      });
    }
  });

  it('is named where its content is damaged, after what comes before', async () => {
    const backend = createMemoryBackend();
    const repository = await createTestRepository(backend);
    const point = new OpenedPoint(repository, await backUp(repository, TREE));
    const { node } = await point.stat(pathOf('etc/pieces'), signal);
    const place = repository.index.find('data', node?.content?.[1] ?? raise()) ?? raise();
    const file = { type: 'data', name: place.pack } as const;
    const stored = Buffer.from(await backend.load(file, undefined, signal));
    stored[place.offset + 20] = (stored[place.offset + 20] ?? 0) ^ 1;
    await backend.save(file, [stored], signal);
    const came: string[] = [];
    const reading = async (): Promise<void> => {
      const whole = { offset: 0, length: WHOLE.length };
      for await (const piece of point.read(pathOf('etc/pieces'), whole, signal)) came.push(piece.toString());
    };
    await expect(reading()).rejects.toMatchObject({
      code: 'repository.damaged',
      details: { restorePoint: point.point.id, path: '/etc/pieces' },
    });
    expect(came).toEqual([PIECES[0]?.toString()]);
  });

  it('is named where the repository lacks a blob of it', async () => {
    const repository = await createTestRepository();
    const content = ['cd'.repeat(32) as BlobId];
    const name = Buffer.from('gap');
    const point = await pointOf(repository, [{ ...aPipe(name), type: 'file', size: 3, content }]);
    await expect(bytesOf(point.read([name], { offset: 0, length: 3 }, signal))).rejects.toThrow(
      `"/gap" of the restore point ${point.point.id.slice(0, 8)} cannot be read. The repository lacks its blob cdcdcdcd.`,
    );
  });
});

const WHEN = timestampFromNs(1_700_000_000_123_456_789n);
const META = { mtime: WHEN, atime: WHEN, ctime: WHEN, uid: 0, gid: 0, mode: 0o755 } as const;

const aPipe = (name: Buffer): Node => ({ ...META, name, type: 'fifo' });

interface Folder extends Node {
  readonly inside: readonly Node[];
}

const aFolder = (name: Buffer, inside: readonly Node[]): Folder => ({ ...META, name, type: 'dir', inside });

function raise(): never {
  throw new Error('this is not asked for');
}

/** Nothing in it but what a test gives it. */
const NO_READER: Pick<PointReader, 'treeParts' | 'blobSize' | 'loadBlob' | 'loadBlobs'> = {
  treeParts: () => raise(),
  blobSize: () => raise(),
  loadBlob: () => raise(),
  loadBlobs: () => raise(),
};

/** A restore point of nodes as they are; those that say what is inside them get a tree of it, unless they have one. */
async function pointOf(repository: OpenedRepository, nodes: readonly Node[]): Promise<OpenedPoint> {
  await using lock = await repository.lock('shared', signal);
  await repository.loadIndex(signal);
  await using writer = await repository.openWriter(lock, { workers: 1 });
  const store = async (inside: readonly (Node | Folder)[]): Promise<BlobId> => {
    const stored: Node[] = [];
    for (const node of inside) {
      if (!('inside' in node)) stored.push(node);
      else {
        const { inside: below, ...rest } = node;
        stored.push({ ...rest, subtree: rest.subtree ?? (await store(below)) });
      }
    }
    return (await (await writer.put('tree', encodeTree(stored), signal)).saved).id;
  };
  const tree = await store(nodes);
  await writer.flush(signal);
  const point = await repository.saveRestorePoint({ time: WHEN, tree, paths: ['/'], hostname: 'db1' }, lock, signal);
  return new OpenedPoint(repository, point);
}
