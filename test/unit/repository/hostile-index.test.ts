/**
 * Index files that were made to cost time: ids that collide, one blob in very many places, entries that overlap. Work
 * that grows with the square of the entries would take minutes here.
 */
import { randomBytes } from 'node:crypto';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Finding } from '../../../shared/domain/finding.ts';
import type { Backend, ByteRange, FileRef } from '../../../shared/repository/backend/backend.ts';
import { checkRepository } from '../../../shared/repository/check/check.ts';
import { verifyRepository } from '../../../shared/repository/check/verify.ts';
import { encodeIndex, type IndexedPack } from '../../../shared/repository/format/index-file.ts';
import type { PackedBlob } from '../../../shared/repository/format/pack.ts';
import type { BlobId, PackId } from '../../../shared/repository/ids.ts';
import { BlobIndex } from '../../../shared/repository/index/blob-index.ts';
import { openRepository } from '../../../shared/repository/open-repository.ts';
import type { OpenedRepository } from '../../../shared/repository/opened-repository.ts';
import { planRepair } from '../../../shared/repository/repair/plan-repair.ts';
import type { RestorePoint } from '../../../shared/repository/restore-point.ts';
import { createMemoryBackend } from '../../support/stores/memory.ts';
import { backUp, createTestRepository, PASSWORD, testSignal } from '../../support/test-repository.ts';

const MANY = 150_000;
const HALF_MINUTE = 30_000;
let signal: AbortSignal;

beforeEach(() => {
  signal = testSignal();
});

function entry(id: string, offset: number, length = 100): PackedBlob {
  return { type: 'data', id: id as BlobId, offset, length, uncompressedLength: 0 };
}

function packOf(blobs: readonly PackedBlob[]): IndexedPack {
  return { id: randomBytes(32).toString('hex') as PackId, blobs };
}

const counted = (number: number, digits: number): string => number.toString(16).padStart(digits, '0');

describe('ids that collide', () => {
  it.each([
    ['in their first eight bytes', (n: number) => '0'.repeat(16) + counted(n, 48)],
    ['in all but their last four bytes', (n: number) => 'ab'.repeat(28) + counted(n, 8)],
    [
      'in all but their first four bytes, of which the low bits are equal',
      (n: number) => `${counted(n, 4)}0000${'1'.repeat(56)}`,
    ],
    ['in two words that grow together', (n: number) => counted(n, 8) + counted(n, 8) + '7'.repeat(48)],
  ])(
    '%s are found as quickly as any',
    (_, idOf) => {
      const index = new BlobIndex();
      const count = new Set(Array.from({ length: MANY }, (__, n) => idOf(n))).size;
      index.addPack(packOf(Array.from({ length: MANY }, (__, n) => entry(idOf(n % count), n * 100))));
      const wrong = Array.from({ length: count }, (__, n) => n).filter(
        (n) => index.find('data', idOf(n) as BlobId)?.offset !== n * 100,
      );
      expect(wrong).toEqual([]);
      expect(index.has('data', idOf(MANY + 1) as BlobId)).toBe(count < MANY);
      expect(index.has('tree', idOf(0) as BlobId)).toBe(false);
    },
    HALF_MINUTE,
  );
});

describe('one blob in very many places', () => {
  const id = randomBytes(32).toString('hex');

  it.each([
    ['of one pack, named at once', () => [packOf(Array.from({ length: MANY }, (_, n) => entry(id, n * 100)))]],
    [
      'of one pack, named one by one',
      () => {
        const pack = packOf([]).id;
        return Array.from({ length: MANY }, (_, n) => ({ id: pack, blobs: [entry(id, n * 100)] }));
      },
    ],
    ['of as many packs', () => Array.from({ length: MANY }, () => packOf([entry(id, 0)]))],
  ])(
    '%s',
    (_, packs) => {
      const index = new BlobIndex();
      const list = packs();
      for (const pack of list) index.addPack(pack);
      // Once more, as a second index file that says the same would.
      for (const pack of list) index.addPack(pack);
      expect(index.findAll('data', id as BlobId)).toHaveLength(MANY);
      expect(index.countDuplicates()).toEqual({ blobs: MANY - 1, bytes: (MANY - 1) * 100 });
      expect([...index.packs()].reduce((sum, { blobs }) => sum + blobs.length, 0)).toBe(MANY);
    },
    HALF_MINUTE,
  );
});

/** Counts what is read of packs. */
function counting(backend: Backend): Backend & { bytes: number } {
  return {
    bytes: 0,
    properties: backend.properties,
    packFolders: backend.packFolders?.bind(backend),
    async load(file: FileRef, range: ByteRange | undefined, abort: AbortSignal) {
      const content = await backend.load(file, range, abort);
      if (file.type === 'data') this.bytes += content.length;
      return content;
    },
    stat: (file, abort) => backend.stat(file, abort),
    list: (type, abort) => backend.list(type, abort),
    prepare: (abort) => backend.prepare(abort),
    save: (file, content, abort) => backend.save(file, content, abort),
    remove: (file, abort) => backend.remove(file, abort),
    close: () => Promise.resolve(),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

describe('entries that overlap', () => {
  const CONTENT = randomBytes(3 * 1024 * 1024);
  let point: RestorePoint;
  let store: Backend;
  let honest: BlobId;

  /** Adds an index file with entries for the pack of the content. */
  async function openWith(entries: (pack: IndexedPack, index: number) => readonly PackedBlob[], count: number) {
    const backend = counting(store);
    const repository = await openRepository(backend, PASSWORD, signal);
    await repository.loadIndex(signal);
    const place = repository.index.find('data', honest);
    const pack = [...repository.index.packs()].find(({ id }) => id === place?.pack) as IndexedPack;
    const runs = Array.from({ length: count }, (_, n) => ({ id: pack.id, blobs: entries(pack, n) }));
    const name = await repository.files.save('index', encodeIndex(runs), signal);
    await repository.loadIndex(signal);
    return Object.assign(repository, { backend, lie: () => repository.files.remove('index', name, signal) });
  }

  beforeAll(async () => {
    signal = testSignal();
    store = createMemoryBackend();
    const repository = await createTestRepository(store);
    point = await backUp(repository, { 'a.bin': CONTENT, 'b.txt': 'b' });
    const node = (await repository.loadTree(point.tree, signal)).nodes[0];
    honest = node?.content?.[0] as BlobId;
    await repository.close();
  });

  const kinds = [
    [
      'of one blob, each a byte further',
      (pack: IndexedPack, n: number) => [{ ...(pack.blobs[0] as PackedBlob), offset: n + 1 }],
      60_000,
    ],
    [
      'of other blobs, each as long as the pack',
      (_: IndexedPack, n: number) => [entry(counted(n, 64), n % 7, CONTENT.length)],
      20_000,
    ],
    [
      'that say other things of the same place',
      (pack: IndexedPack, n: number) => [{ ...(pack.blobs[0] as PackedBlob), id: counted(n, 64) as BlobId }],
      20_000,
    ],
  ] as const;

  it.each(kinds)('%s are damage with a name, and are not read one by one', async (_, entries, count) => {
    await using repository = await openWith(entries, count);
    try {
      for (const findings of await looks(repository)) {
        expect(findings.filter(({ severity }) => severity === 'damage').map(({ message }) => message)).toEqual([
          expect.stringMatching(new RegExp(`Blobs that overlap with others by the index: ${count}\\.`)),
        ]);
        // What is good stays good.
        expect(findings.flatMap(({ affects }) => affects)).toEqual([]);
      }
      expect(repository.backend.bytes).toBeLessThan(12 * CONTENT.length);
      expect((await repository.loadBlob('data', honest, signal)).equals(CONTENT)).toBe(true);
      for await (const { data } of repository.loadBlobs([honest], signal)) expect(data.equals(CONTENT)).toBe(true);
    } finally {
      await repository.lie();
    }
  });

  it.each(kinds)('%s are put right by a repair of the index', async (_, entries, count) => {
    await using repository = await openWith(entries, count);
    try {
      await using again = await openRepository(repository.backend, PASSWORD, signal);
      const options = { signal, onProgress: () => undefined };
      const { plan } = await planRepair(again, { part: 'index' }, options);
      expect(plan.writes.map(({ reason }) => reason)).toEqual([
        'names 2 packs with 3 blobs',
        expect.stringContaining('its header lists 2 blobs where the index has'),
      ]);
      expect(plan.lost).toEqual([]);
      await using third = await openRepository(repository.backend, PASSWORD, signal);
      const packs = await planRepair(third, { part: 'packs' }, options);
      expect(packs.plan.removes).toEqual([]);
      expect(packs.plan.notes.map(({ reason }) => reason)).toEqual([
        expect.stringContaining('is whole, but the index'),
      ]);
    } finally {
      await repository.lie();
    }
  });

  it('are refused one after the other where a file needs them, without reading the pack for each', async () => {
    const [, entries] = kinds[1];
    await using repository = await openWith(entries, 5000);
    try {
      for (let n = 0; n < 5000; n++) {
        await expect(repository.loadBlob('data', counted(n, 64) as BlobId, signal)).rejects.toThrow(
          /overlaps with others/,
        );
      }
      expect(repository.backend.bytes).toBeLessThan(CONTENT.length);
    } finally {
      await repository.lie();
    }
  });
});

async function looks(repository: OpenedRepository): Promise<readonly (readonly Finding[])[]> {
  const checked = await checkRepository(repository, signal);
  const verified = await verifyRepository(repository, { signal });
  return [checked.findings, verified.findings];
}
