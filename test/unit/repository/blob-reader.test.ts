import { randomBytes } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { BlobId } from '../../../shared/repository/ids.ts';
import { openRepository } from '../../../shared/repository/open-repository.ts';
import type { OpenedRepository } from '../../../shared/repository/opened-repository.ts';
import { createMemoryBackend } from '../../support/stores/memory.ts';
import { createTestRepository, PASSWORD, testSignal } from '../../support/test-repository.ts';

const signal = testSignal();
const PIECE_BYTES = 128 * 1024;
/** Reading goes over to threads after a mebibyte; this is enough to see both. */
const PIECES = 32;

async function readAll(repository: OpenedRepository, ids: readonly BlobId[]): Promise<Map<BlobId, Buffer>> {
  const read = new Map<BlobId, Buffer>();
  for await (const { id, data } of repository.loadBlobs(ids, signal)) read.set(id, Buffer.from(data));
  return read;
}

describe('reading many blobs', () => {
  it('gives the same here, while threads start, and from threads', async () => {
    const backend = createMemoryBackend();
    const pieces = Array.from({ length: PIECES }, () => randomBytes(PIECE_BYTES));
    const ids: BlobId[] = [];
    {
      await using repository = await createTestRepository(backend);
      await using lock = await repository.lock('shared', signal);
      await using writer = await repository.openWriter(lock, { workers: 1 });
      for (const piece of pieces) ids.push((await (await writer.put('data', Buffer.from(piece), signal)).saved).id);
      await writer.flush(signal);
    }
    await using repository = await openRepository(backend, PASSWORD, signal);
    await repository.loadIndex(signal);
    for (const pauseMs of [0, 0, 500, 0]) {
      await wait(pauseMs);
      const read = await readAll(repository, ids);
      expect(read.size).toBe(PIECES);
      for (const [index, id] of ids.entries()) expect(read.get(id)?.equals(pieces[index] as Buffer)).toBe(true);
    }
  });

  it('tells of damage that a thread saw, after what lies before it', async () => {
    const backend = createMemoryBackend();
    const ids: BlobId[] = [];
    await using repository = await createTestRepository(backend);
    {
      await using lock = await repository.lock('shared', signal);
      await using writer = await repository.openWriter(lock, { workers: 1 });
      for (let piece = 0; piece < PIECES; piece += 1)
        ids.push((await (await writer.put('data', randomBytes(PIECE_BYTES), signal)).saved).id);
      await writer.flush(signal);
    }
    await repository.loadIndex(signal);
    await readAll(repository, ids);
    await wait(500);
    const victim = repository.index.findAll('data', ids[PIECES - 1] as BlobId)[0];
    if (victim === undefined) throw new Error('the blob has a place');
    const file = { type: 'data', name: victim.pack } as const;
    const bytes = Buffer.from(await backend.load(file, undefined, signal));
    bytes[victim.offset + 20] = (bytes[victim.offset + 20] ?? 0) ^ 1;
    await backend.remove(file, signal);
    await backend.save(file, [bytes], signal);
    const got: BlobId[] = [];
    const reading = async (): Promise<void> => {
      for await (const { id } of repository.loadBlobs(ids, signal)) got.push(id);
    };
    await expect(reading()).rejects.toMatchObject({ code: 'repository.damaged' });
    expect(got).not.toContain(ids[PIECES - 1]);
    expect(got.length).toBeGreaterThan(0);
  });
});
