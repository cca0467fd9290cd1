import { randomBytes } from 'node:crypto';
import process from 'node:process';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isStillpointError } from '../../../shared/base/errors.ts';
import type { Backend, FileType } from '../../../shared/repository/backend/backend.ts';
import { type BlobId, blobIdOf } from '../../../shared/repository/ids.ts';
import { openRepository } from '../../../shared/repository/open-repository.ts';
import type { OpenedRepository } from '../../../shared/repository/opened-repository.ts';
import type { RepositoryLock, RepositoryWriter, WriterOptions } from '../../../shared/repository/repository.ts';
import { timestampFromNs } from '../../../shared/repository/timestamp.ts';
import { FaultPlan, noSpace, withFaults } from '../../support/fault-plan.ts';
import { createMemoryBackend } from '../../support/stores/memory.ts';
import { backUp, createTestRepository, PASSWORD, testSignal } from '../../support/test-repository.ts';

const signal = testSignal();
const MIB = 1024 * 1024;

/** Notes the order in which files are saved. */
function recording(backend: Backend, saved: FileType[]): Backend {
  const save: Backend['save'] = async (file, content, stop) => {
    await backend.save(file, content, stop);
    saved.push(file.type);
  };
  return { ...withFaults(backend, new FaultPlan()), save };
}

describe('the writer', () => {
  let repository: OpenedRepository;
  let lock: RepositoryLock;
  let writer: RepositoryWriter;
  const saved: FileType[] = [];

  async function open(options: WriterOptions = {}, backend: Backend = createMemoryBackend()): Promise<void> {
    repository = await createTestRepository(recording(backend, saved));
    lock = await repository.lock('shared', signal);
    writer = await repository.openWriter(lock, { workers: 2, ...options });
  }

  async function put(data: Uint8Array, type: 'data' | 'tree' = 'data'): ReturnType<typeof savedOf> {
    return savedOf(type, data);
  }

  async function savedOf(type: 'data' | 'tree', data: Uint8Array) {
    return (await writer.put(type, data, signal)).saved;
  }

  beforeEach(() => {
    saved.length = 0;
  });
  afterEach(async () => {
    await writer[Symbol.asyncDispose]();
    await lock[Symbol.asyncDispose]();
    await repository.close();
  });

  it('gives blobs their SHA-256 as id and back their bytes', async () => {
    await open();
    const blobs = [0, 1, 100, 70_000, 300_000, MIB, 3 * MIB].map((size) => randomBytes(size));
    const compressible = Buffer.alloc(500_000, 'all work and no play ');
    for (const blob of [...blobs, compressible]) {
      expect(await put(Buffer.from(blob))).toMatchObject({ id: blobIdOf(blob), isNew: true });
    }
    await writer.flush(signal);
    for (const blob of [...blobs, compressible]) {
      expect((await repository.loadBlob('data', blobIdOf(blob), signal)).equals(blob)).toBe(true);
      expect(repository.blobSize('data', blobIdOf(blob))).toBe(blob.length);
    }
    const { bytesStored, bytesNew, dataBlobsNew } = writer.stats;
    expect(dataBlobsNew).toBe(8);
    expect(bytesNew - bytesStored).toBeGreaterThan(450_000);
  });

  it('stores a blob once: in one batch, under way, in an open pack, and after a flush', async () => {
    await open();
    const blob = randomBytes(1000);
    const first = await Promise.all(Array.from({ length: 20 }, () => put(Buffer.from(blob))));
    expect(first.filter(({ isNew }) => isNew).length).toBe(1);
    expect(writer.known('data', blobIdOf(blob))).toBe(true);
    expect(await put(Buffer.from(blob))).toMatchObject({ isNew: false, storedBytes: 0 });
    await writer.flush(signal);
    expect(await put(Buffer.from(blob))).toMatchObject({ isNew: false });
    expect((await writer.flush(signal)).packs).toBe(1);
    expect(await put(Buffer.from(blob), 'tree')).toMatchObject({ isNew: true });
  });

  it('finds what an earlier writer stored', async () => {
    const backend = createMemoryBackend();
    await open({}, backend);
    const blob = randomBytes(5000);
    await put(Buffer.from(blob));
    await writer.flush(signal);
    await writer[Symbol.asyncDispose]();
    writer = await repository.openWriter(lock, { workers: 1 });
    expect(await put(Buffer.from(blob))).toMatchObject({ isNew: false });
  });

  it('saves packs before the index that names them, and keeps trees and data apart', async () => {
    await open({ packSizeBytes: 100_000 });
    for (let n = 0; n < 30; n++) {
      await put(randomBytes(20_000));
      if (n % 10 === 0) await put(Buffer.from(`{"nodes":[]}${n}`), 'tree');
    }
    await writer.flush(signal);
    const files = saved.filter((type) => type === 'data' || type === 'index');
    expect(files.length).toBeGreaterThan(6);
    expect(files.indexOf('index')).toBe(files.length - 1);
    for (const { blobs } of repository.index.packs()) expect(new Set(blobs.map(({ type }) => type)).size).toBe(1);
  });

  it.each(['holes', 'bytes'])('takes megabytes of zeros as %s without storing them twice', async (told) => {
    await open();
    const ids = new Set<BlobId>();
    for (let n = 0; n < 20; n++) {
      using content = writer.openContent(5 * MIB);
      if (told === 'holes') await content.addZeros(5 * MIB, signal);
      else await content.add(Buffer.alloc(5 * MIB), signal);
      for (const id of await (await content.end(signal)).ids) ids.add(id);
    }
    expect([...ids]).toEqual([blobIdOf(Buffer.alloc(MIB / 2))]);
    const stats = await writer.flush(signal);
    expect(stats).toMatchObject({ dataBlobsNew: 1, bytesPut: 100 * MIB, bytesNew: MIB / 2 });
    expect(stats.bytesStored).toBeLessThan(1000);
  });

  it('moves a large buffer and leaves its owner nothing to change', async () => {
    await open();
    const blob = Buffer.alloc(MIB, 1);
    await put(blob);
    expect(blob.length).toBe(0);
  });

  it('copies a piece of somebody else\u2019s buffer', async () => {
    await open();
    const whole = randomBytes(2 * MIB);
    const piece = whole.subarray(5, 5 + MIB);
    const copy = Buffer.from(piece);
    const pending = await writer.put('data', piece, signal);
    expect(whole.length).toBe(2 * MIB);
    expect((await pending.saved).id).toBe(blobIdOf(copy));
  });

  it.each([
    ['off', 'data', false],
    ['off', 'tree', true],
    ['auto', 'data', true],
    ['max', 'data', true],
  ] as const)('with compression %s a %s blob is compressed: %s', async (compression, type, isCompressed) => {
    await open({ compression });
    const blob = Buffer.alloc(100_000, 'compress me ');
    const { id, storedBytes } = await put(Buffer.from(blob), type);
    await writer.flush(signal);
    expect(storedBytes < blob.length).toBe(isCompressed);
    expect(repository.index.find(type, id)?.uncompressedLength).toBe(isCompressed ? blob.length : 0);
    expect((await repository.loadBlob(type, id, signal)).equals(blob)).toBe(true);
  });

  it('takes any number of tiny blobs of both types: packs that wait for more never use up its room', async () => {
    await open({ packSizeBytes: MIB });
    const count = 60_000;
    for (let n = 0; n < count; n++) await writer.put(n % 20 === 0 ? 'tree' : 'data', Buffer.from(`blob ${n}`), signal);
    const { dataBlobsNew, treeBlobsNew } = await writer.flush(signal);
    expect(dataBlobsNew + treeBlobsNew).toBe(count);
  });

  it('makes callers wait instead of holding everything in memory', async () => {
    const gate = Promise.withResolvers<void>();
    const memory = createMemoryBackend();
    const slow: Backend = {
      ...withFaults(memory, new FaultPlan()),
      save: async (file, content, stop) => {
        if (file.type === 'data') await gate.promise;
        await memory.save(file, content, stop);
      },
    };
    await open({ packSizeBytes: MIB }, slow);
    let accepted = 0;
    const filling = (async () => {
      for (let n = 0; n < 64; n++) {
        await writer.put('data', randomBytes(MIB), signal);
        accepted += 1;
      }
    })();
    const stuck = new Promise<void>((resolve) => {
      let last = -1;
      const timer = setInterval(() => {
        if (accepted > 0 && accepted === last) {
          clearInterval(timer);
          resolve();
        }
        last = accepted;
      }, 300);
    });
    await stuck;
    expect(accepted).toBeLessThan(30);
    gate.resolve();
    await filling;
    expect((await writer.flush(signal)).dataBlobsNew).toBe(64);
  });

  it('ends with the first failure and tells it to everybody', async () => {
    const plan = new FaultPlan().add({ on: 'save', where: ({ type }) => type === 'data', error: noSpace() });
    await open({ packSizeBytes: 50_000 }, withFaults(createMemoryBackend(), plan));
    await put(randomBytes(100_000)).catch(() => undefined);
    await expect(writer.flush(signal)).rejects.toSatisfy((error) => isStillpointError(error, 'backend.no-space'));
    await expect(put(randomBytes(10))).rejects.toSatisfy((error) => isStillpointError(error, 'backend.no-space'));
    await expect(writer.flush(signal)).rejects.toSatisfy((error) => isStillpointError(error, 'backend.no-space'));
    expect(saved).not.toContain('index');
  });

  it('does not deduplicate against packs that a failed writer stored and no index names', async () => {
    const plan = new FaultPlan().add({ on: 'save', where: ({ type }) => type === 'index', error: noSpace() });
    await open({}, withFaults(createMemoryBackend(), plan));
    const blob = randomBytes(1000);
    await put(Buffer.from(blob));
    await expect(writer.flush(signal)).rejects.toThrow('no room');
    await expect(put(Buffer.from(blob))).rejects.toThrow('no room');
    expect(saved).not.toContain('index');
    await writer[Symbol.asyncDispose]();
    writer = await repository.openWriter(lock, { workers: 1 });
    expect(await put(Buffer.from(blob))).toMatchObject({ isNew: true });
    await writer.flush(signal);
    expect(saved.filter((type) => type === 'index').length).toBe(1);
    const fresh = await openRepository(repository.parts.backend, PASSWORD, signal);
    await fresh.loadIndex(signal);
    expect((await fresh.loadBlob('data', blobIdOf(blob), signal)).equals(blob)).toBe(true);
  });

  it('does not deduplicate against what somebody pruned since the index was read', async () => {
    const backend = createMemoryBackend();
    await open({}, backend);
    const blob = randomBytes(1000);
    await put(Buffer.from(blob));
    await writer.flush(signal);
    await writer[Symbol.asyncDispose]();
    await lock[Symbol.asyncDispose]();
    for (const type of ['index', 'data'] as const) {
      for await (const { name } of backend.list(type, signal)) await backend.remove({ type, name }, signal);
    }
    lock = await repository.lock('shared', signal);
    writer = await repository.openWriter(lock, { workers: 1 });
    expect(await put(Buffer.from(blob))).toMatchObject({ isNew: true });
    await writer.flush(signal);
    expect((await repository.loadBlob('data', blobIdOf(blob), signal)).equals(blob)).toBe(true);
  });

  it('has to be flushed before a restore point is saved', async () => {
    await open();
    const { id } = await put(Buffer.from('{"nodes":[]}\n'), 'tree');
    const draft = { time: timestampFromNs(0n), tree: id, paths: ['/'] };
    await expect(repository.saveRestorePoint(draft, lock, signal)).rejects.toThrow('was flushed before');
    await writer.flush(signal);
    await put(randomBytes(10));
    await expect(repository.saveRestorePoint(draft, lock, signal)).rejects.toThrow('was flushed before');
    await writer.flush(signal);
    expect((await repository.saveRestorePoint(draft, lock, signal)).tree).toBe(id);
  });

  it('refuses to go on when the lock is gone', async () => {
    await open();
    await lock[Symbol.asyncDispose]();
    await expect(put(randomBytes(10))).rejects.toSatisfy((error) => isStillpointError(error, 'repository.lock-lost'));
  });

  it('fails waiting blobs when a worker dies', async () => {
    const broken = new URL(`data:text/javascript,${encodeURIComponent('throw new Error("broken worker")')}`);
    await open({ workerUrl: broken, workers: 1 });
    const blobs = await Promise.allSettled(Array.from({ length: 6 }, () => put(randomBytes(MIB))));
    expect(blobs.at(-1)).toMatchObject({ reason: { message: expect.stringContaining('broken worker') as string } });
    await expect(writer.flush(signal)).rejects.toThrow('broken worker');
  });

  it('starts threads where there is much to do, and none for little', async () => {
    let threads = 0;
    const count = (): void => void (threads += 1);
    process.on('worker', count);
    try {
      await open();
      await Promise.all(Array.from({ length: 50 }, () => put(randomBytes(20_000))));
      await Promise.all(Array.from({ length: 2 }, () => put(randomBytes(MIB))));
      await writer.flush(signal);
      expect(threads).toBe(0);
      await put(randomBytes(2 * MIB));
      await writer.flush(signal);
      expect(threads).toBe(1);
      await Promise.all(Array.from({ length: 12 }, () => put(randomBytes(MIB))));
      await writer.flush(signal);
      expect(threads).toBe(2);
    } finally {
      process.off('worker', count);
    }
  });

  it('stops where the caller cancels, and stores nothing after its end', async () => {
    await open();
    const reason = new Error('cancelled');
    await expect(writer.put('data', randomBytes(10), AbortSignal.abort(reason))).rejects.toBe(reason);
    const pending = await writer.put('data', randomBytes(10), signal);
    await writer[Symbol.asyncDispose]();
    await pending.saved.catch(() => undefined);
    expect(saved.filter((type) => type === 'data' || type === 'index')).toEqual([]);
    await expect(put(randomBytes(10))).rejects.toThrow('closed');
  });

  it('is the only one of its repository', async () => {
    await open();
    await expect(repository.openWriter(lock)).rejects.toThrow('open writer already');
  });

  it('writes version 1 without compression', async () => {
    await open();
    const old = await createTestRepository(createMemoryBackend(), 1);
    const point = await backUp(old, { a: 'x'.repeat(10_000) });
    expect([...old.index.packs()].flatMap(({ blobs }) => blobs).every((blob) => blob.uncompressedLength === 0)).toBe(
      true,
    );
    expect((await old.loadTree(point.tree, signal)).nodes.length).toBe(1);
  });
});
