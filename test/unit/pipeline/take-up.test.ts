/**
 * A stream of content whose connection is lost, at any place and again and again: what came counts, what tar had said of it
 * counts, what did not come is asked for once more, and the tree is the one of a connection that held.
 */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { filledUp, partsFrom } from '../../../shared/pipeline/backup/content-rest.ts';
import type { ContentOrder } from '../../../shared/pipeline/backup/content-stream.ts';
import { Omissions } from '../../../shared/pipeline/backup/omissions.ts';
import { MOST_SAID_BYTES, readRanges } from '../../../shared/pipeline/backup/pack-files.ts';
import { readTree } from '../../../shared/pipeline/backup/read-tree.ts';
import { LIVE } from '../../../shared/pipeline/backup/reading-place.ts';
import { BlobSink } from '../../../shared/pipeline/backup/repository-sink.ts';
import { TreeCounts } from '../../../shared/pipeline/backup/tree-counts.ts';
import type { StreamCommand } from '../../../shared/remote/command.ts';
import type { Node } from '../../../shared/repository/node.ts';
import type { OpenedRepository } from '../../../shared/repository/opened-repository.ts';
import type { RepositoryLock } from '../../../shared/repository/repository.ts';
import {
  entryOf,
  type Loss,
  type PaperFile,
  type PaperHostOptions,
  paperFiles,
} from '../../support/pipeline/paper-files.ts';
import { createTestRepository, testSignal } from '../../support/test-repository.ts';

const MIB = 1024 * 1024;
const pack: StreamCommand = { name: 'pack-files', script: '', args: [], needs: 'root' };
const bytes = (length: number, seed: number): Buffer =>
  Buffer.from(Array.from({ length }, (_, at) => (at * 31 + (at >> 9) + seed) & 0xff));

const FILES: readonly PaperFile[] = [
  { path: '', type: 'dir' },
  { path: 'a', type: 'dir' },
  { path: 'a/large', type: 'file', content: bytes(2 * MIB + 17, 1) },
  { path: 'a/small', type: 'file', content: bytes(100, 2) },
  { path: 'a/zero', type: 'file', content: Buffer.alloc(0) },
  { path: 'b', type: 'dir' },
  { path: 'b/link', type: 'symlink', target: 'nowhere' },
  { path: 'b/other', type: 'file', content: bytes(200_000, 3) },
  { path: 'z', type: 'file', content: bytes(5_000, 4) },
];

describe('a stream of content that is lost', () => {
  let repository: OpenedRepository;
  let lock: RepositoryLock;
  let whole: Node;

  beforeAll(async () => {
    repository = await createTestRepository();
    lock = await repository.lock('shared', testSignal());
    await repository.loadIndex(testSignal());
    whole = (await read()).node;
  });
  afterAll(async () => {
    await lock[Symbol.asyncDispose]();
    await repository.close();
  });

  const read = async (
    options: PaperHostOptions & { readonly takeUp?: ContentOrder['takeUp'] | 'none'; readonly said?: string } = {},
  ) => {
    const counts = new TreeCounts();
    const omissions = new Omissions(() => undefined);
    await using writer = await repository.openWriter(lock, { workers: 1 });
    const takeUp: ContentOrder['takeUp'] = {
      again: async (): Promise<string> => options.said ?? '',
      rest: (name, ranges) => readRanges(LIVE, Buffer.from('/'), name, ranges),
    };
    const content: ContentOrder = {
      pack: () => pack,
      ...(options.takeUp === 'none' ? {} : { takeUp: options.takeUp ?? takeUp }),
    };
    const node = await readTree(
      {
        ...{ path: Buffer.from('/srv'), own: [], content, rootName: Buffer.from('.'), nodeName: Buffer.from('root') },
        entries: async function* (): AsyncGenerator<ReturnType<typeof entryOf>> {
          for (const [index, file] of FILES.entries()) yield entryOf(file, index);
        },
        probe: () => {
          throw new Error('nothing came short');
        },
        ...{ parentRoot: undefined, believedBeforeNs: 0n, grafts: new Map() },
        context: { users: new Map([[0, 'root']]), groups: new Map(), deviceId: 4711n },
      },
      {
        host: paperFiles(FILES, options),
        sink: new BlobSink(repository, writer),
        counts,
        omissions,
        onProgress: () => undefined,
        onDoubt: () => undefined,
      },
      testSignal(),
    );
    await writer.flush(testSignal());
    return { node, counts, omissions };
  };

  const inside = FILES.flatMap(({ content }, entries) =>
    content === undefined || content.length === 0 ? [] : [0, content.length - 1].map((at) => ({ entries, bytes: at })),
  );
  const cases: readonly Loss[] = [...FILES.map((_, entries) => ({ entries })), ...inside];

  test.each(cases)('at entry $entries, byte $bytes of it, is taken up', async (loss) => {
    const asked: string[] = [];
    const { node, counts, omissions } = await read({ losses: [loss], asked });
    expect(node).toEqual(whole);
    expect(omissions.items).toEqual([]);
    expect(counts).toMatchObject({ filesNew: 5, filesDone: 5 });
    // A file that was on its way is not packed a second time, and neither is one that came.
    const twice = asked.filter((name, at) => asked.indexOf(name) !== at);
    expect(twice).toEqual(loss.bytes === undefined ? [asked[loss.entries]] : []);
  });

  test('again and again, also while what is left of a file comes, is taken up each time', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ entries: fc.nat(8), bytes: fc.option(fc.nat(300_000), { nil: undefined }) }), {
          maxLength: 12,
        }),
        async (losses) => {
          const { node } = await read({ losses: losses as readonly Loss[] });
          expect(node).toEqual(whole);
        },
      ),
      { numRuns: 10 },
    );
  });

  test('ends all where it is not to be taken up', async () => {
    await expect(read({ losses: [{ entries: 3 }], takeUp: 'none' })).rejects.toMatchObject({
      code: 'ssh.connection-lost',
    });
    await expect(read({ losses: [{ entries: 2, bytes: 70_000 }], takeUp: 'none' })).rejects.toMatchObject({
      code: 'ssh.connection-lost',
    });
  });

  test('keeps what tar had said of what came: such a file is asked for again', async () => {
    const asked: string[] = [];
    const said = 'tar: ./a/large: File shrank by 100 bytes; padding with zeros\n';
    const { node } = await read({ losses: [{ entries: 5 }], said, asked }).catch((error: unknown) => ({ node: error }));
    // It is asked why, which this host does not know.
    expect(node).toMatchObject({ message: 'nothing came short' });
    const reason = 'tar: ./a/small: Read error at byte 0, while reading 100 bytes: Input/output error\n';
    const again = await read({ losses: [{ entries: 5 }], said: reason, asked });
    expect(asked.filter((name) => name === './a/small')).toHaveLength(3);
    expect(again.node).toEqual(whole);
  });

  test('forgets what was said of what is asked for again, and of its own end', async () => {
    const asked: string[] = [];
    const said =
      'tar: ./z: Cannot open: Input/output error\ntar: -: Cannot write: Broken pipe\ntar: Error is not recoverable: exiting now\n';
    const { node, omissions } = await read({ losses: [{ entries: 5 }], said, asked });
    expect(node).toEqual(whole);
    expect(omissions.items).toEqual([]);
    expect(asked.filter((name) => name === './a/small')).toHaveLength(1);
  });

  test('tells of attributes that were lost in it', async () => {
    const said = 'tar: ./a/small: Warning: Cannot llistxattrat: Argument list too long\n';
    const { omissions } = await read({ losses: [{ entries: 5 }], said });
    expect(omissions.items.map(({ path }) => path)).toEqual(['/srv/a/small']);
  });

  const ENDS: readonly (readonly [string, NonNullable<ContentOrder['takeUp']>['again'], object])[] = [
    [
      'tar said what explains nothing',
      () => Promise.resolve('tar: what is this\ntar trouble\n'),
      { code: 'ssh.connection-lost' },
    ],
    ['nobody knows what tar said', () => Promise.resolve(undefined), { code: 'ssh.connection-lost' }],
    [
      'tar said more than can be told apart',
      () => Promise.resolve(`${'x'.repeat(MOST_SAID_BYTES)}\n`),
      { code: 'read.unreadable' },
    ],
    ['the run is over', () => Promise.reject(new Error('over')), { message: 'over' }],
  ];
  test.each(ENDS)('ends all where %s', async (_, again, expected) => {
    const takeUp = { again, rest: () => pack };
    const error = await read({ losses: [{ entries: 3 }], takeUp }).catch((reason: unknown) => reason);
    expect(error).toMatchObject(expected);
  });
});

describe('what is left of a file', () => {
  const sparse = fc
    .array(fc.tuple(fc.nat(50), fc.integer({ min: 1, max: 50 })), { minLength: 1, maxLength: 40 })
    .map((gaps) => {
      const map: number[] = [];
      let at = 0;
      for (const [gap, length] of gaps) {
        // Parts that touch are one.
        at += gap + (map.length > 0 ? 1 : 0);
        map.push(at, length);
        at += length;
      }
      return { sparse: Float64Array.from(map), size: at + 3 };
    });

  test('is the stored bytes from where it was, whatever comes in which pieces', async () => {
    await fc.assert(
      fc.asyncProperty(sparse, fc.nat(2000), fc.integer({ min: 1, max: 70 }), async (file, seed, step) => {
        const content = bytes(file.size, seed);
        const stored = Buffer.concat(
          Array.from({ length: file.sparse.length / 2 }, (_, part) => {
            const [offset = 0, length = 0] = file.sparse.subarray(2 * part, 2 * part + 2);
            return content.subarray(offset, offset + length);
          }),
        );
        const came = seed % (stored.length + 1);
        const parts = partsFrom(file, came);
        const read = Buffer.concat(parts.ranges.map(({ offset, length }) => content.subarray(offset, offset + length)));
        const pieces = async function* (): AsyncGenerator<Buffer> {
          for (let at = 0; at < read.length; at += step) yield read.subarray(at, at + step);
        };
        const rest = Buffer.concat(
          await Array.fromAsync(filledUp(parts, pieces(), () => expect.fail('nothing misses'))),
        );
        expect(rest.equals(stored.subarray(came))).toBe(true);
      }),
    );
  });

  test('is read in no more parts than a command takes, with the largest holes left out', async () => {
    const map = Float64Array.from({ length: 20_000 }, (_, at) => (at % 2 === 0 ? at * 10 + (at === 4000 ? 5 : 0) : 7));
    const parts = partsFrom({ sparse: map, size: 300_000 }, 0);
    expect(parts.wanted).toHaveLength(10_000);
    expect(parts.ranges).toHaveLength(4096);
    expect(parts.ranges.some(({ offset }) => offset === 40_005)).toBe(true);
    const total = parts.ranges.reduce((sum, { length }) => sum + length, 0);
    expect(total).toBeLessThan(200_000);
    const content = bytes(300_000, 9);
    const read = parts.ranges.map(({ offset, length }) => content.subarray(offset, offset + length));
    const rest = Buffer.concat(await Array.fromAsync(filledUp(parts, all(read), () => expect.fail('nothing misses'))));
    const wanted = parts.wanted.map(({ offset, length }) => content.subarray(offset, offset + length));
    expect(rest.equals(Buffer.concat(wanted))).toBe(true);
  });

  test('is filled up where less comes, and its lack is told', async () => {
    const parts = partsFrom({ sparse: undefined, size: 200_000 }, 50_000);
    let lacks = 0;
    const rest = Buffer.concat(
      await Array.fromAsync(
        filledUp(parts, all([bytes(1000, 1)]), (missing) => {
          lacks = missing;
        }),
      ),
    );
    expect(rest).toHaveLength(150_000);
    expect(lacks).toBe(149_000);
    expect(rest.subarray(1000).every((byte) => byte === 0)).toBe(true);
  });
});

async function* all(chunks: readonly Buffer[]): AsyncGenerator<Buffer> {
  yield* chunks;
}
