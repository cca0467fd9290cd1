/** Copies near: they save reading, are never wrong, never in the way, and never more than they may be. */
import { hash, randomBytes } from 'node:crypto';
import { readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { never } from '../../../../shared/base/cancel.ts';
import { silentLogger } from '../../../../shared/base/log.ts';
import type { Backend, FileRef, FileType } from '../../../../shared/repository/backend/backend.ts';
import { withCache } from '../../../../shared/repository/backend/cache.ts';
import { createMemoryBackend } from '../../../../shared/repository/backend/memory.ts';
import { openRepository } from '../../../../shared/repository/open-repository.ts';
import { type TemporaryFolder, temporaryFolder } from '../../../support/temporary-folder.ts';
import { backUp, createTestRepository, PASSWORD } from '../../../support/test-repository.ts';

const MIB = 1024 ** 2;
const TREE = { offset: 100, length: 500, isKept: true } as const;

let folder: TemporaryFolder;
let store: Backend;
let loads: string[];

beforeEach(async () => {
  folder = await temporaryFolder();
  loads = [];
  const memory = createMemoryBackend();
  const load: Backend['load'] = (file, range, signal) => {
    loads.push(file.type);
    return memory.load(file, range, signal);
  };
  store = new Proxy(memory, {
    get: (target, key) => {
      if (key === 'load') return load;
      const value = Reflect.get(target, key, target) as unknown;
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
});
afterEach(() => folder[Symbol.asyncDispose]());

const cached = (maxBytes = 10 * MIB): Backend =>
  withCache(store, { folder: join(folder.path, 'near'), maxBytes }, silentLogger);

async function stored(type: FileType, size = 1000): Promise<{ file: FileRef; content: Buffer }> {
  const content = randomBytes(size);
  const file = { type, name: hash('sha256', content, 'hex') };
  await store.save(file, [content], never);
  return { file, content };
}

async function nearFiles(): Promise<string[]> {
  const entries = await readdir(join(folder.path, 'near'), { recursive: true, withFileTypes: true }).catch(() => []);
  const files = entries.filter((entry) => entry.isFile() && entry.name !== 'CACHEDIR.TAG');
  return files.map((entry) => join(entry.parentPath, entry.name)).toSorted((a, b) => (a < b ? -1 : 1));
}

describe('copies of a store near', () => {
  it.each(['index', 'snapshots'] as const)('are taken of %s, and read instead', async (type) => {
    const { file, content } = await stored(type);
    for (const _time of [1, 2, 3]) {
      expect((await cached().load(file, undefined, never)).equals(content)).toBe(true);
    }
    expect(loads).toEqual([type]);
  });

  it('are taken of the trees in packs, and of nothing else in them', async () => {
    const { file, content } = await stored('data');
    for (const _time of [1, 2]) {
      expect((await cached().load(file, TREE, never)).equals(content.subarray(100, 600))).toBe(true);
      await cached().load(file, { offset: 100, length: 500 }, never);
      await cached().load(file, undefined, never);
    }
    expect(loads.length).toBe(1 + 2 + 2);
    // Another length at the same place is something else.
    expect((await cached().load(file, { ...TREE, length: 7 }, never)).equals(content.subarray(100, 107))).toBe(true);
  });

  it('are never taken of keys, locks and the configuration', async () => {
    for (const type of ['keys', 'locks', 'config'] as const) {
      const { file } = await stored(type);
      await cached().load(file, undefined, never);
      await cached().load(file, undefined, never);
    }
    expect(loads.length).toBe(6);
    expect(await nearFiles()).toEqual([]);
  });

  it('are not believed when a bit of them changed, wherever', async () => {
    const { file, content } = await stored('index', 200);
    await cached().load(file, undefined, never);
    const [near = ''] = await nearFiles();
    const whole = await readFile(near);
    await fc.assert(
      fc.asyncProperty(fc.nat(whole.length - 1), fc.nat(7), fc.boolean(), async (at, bit, isCut) => {
        const changed = Buffer.from(isCut ? whole.subarray(0, at) : whole);
        if (!isCut) changed[at] = (changed[at] ?? 0) ^ (1 << bit);
        await writeFile(near, changed);
        const before = loads.length;
        expect((await cached().load(file, undefined, never)).equals(content)).toBe(true);
        expect(loads.length).toBe(before + 1);
      }),
    );
    expect((await readFile(near)).equals(whole)).toBe(true);
  });

  it('go when a listing no longer names what they are of, and stay when it broke off', async () => {
    const kept = await stored('index');
    const gone = await stored('index');
    const pack = await stored('data');
    for (const { file } of [kept, gone]) await cached().load(file, undefined, never);
    await cached().load(pack.file, TREE, never);
    expect((await nearFiles()).length).toBe(3);
    await store.remove(gone.file, never);
    await store.remove(pack.file, never);
    for await (const _first of cached().list('index', never)) break;
    expect((await nearFiles()).length).toBe(3);
    await Array.fromAsync(cached().list('index', never));
    expect((await nearFiles()).length).toBe(2);
    await Array.fromAsync(cached().list('data', never));
    expect((await nearFiles()).map((file) => file.includes(kept.file.name))).toEqual([true]);
  });

  it('are taken of what is saved, and go with what is removed', async () => {
    const content = randomBytes(100);
    const file = { type: 'snapshots', name: hash('sha256', content, 'hex') } as const;
    await cached().save(file, [content.subarray(0, 5), content.subarray(5)], never);
    expect((await cached().load(file, undefined, never)).equals(content)).toBe(true);
    expect(loads).toEqual([]);
    await cached().remove(file, never);
    await expect(cached().load(file, undefined, never)).rejects.toMatchObject({ code: 'backend.not-found' });
  });

  it('take no more room than they may, and give up the oldest', async () => {
    const backend = cached(MIB);
    const files = [];
    for (let count = 0; count < 60; count += 1) {
      files.push(await stored('index', 50_000));
      await backend.load(files.at(-1)?.file ?? raise(), undefined, never);
    }
    await backend.close();
    const sizes = await Promise.all((await nearFiles()).map(async (file) => (await stat(file)).size));
    const total = sizes.reduce((sum, size) => sum + size, 0);
    expect(total).toBeLessThan(1.2 * MIB);
    expect(total).toBeGreaterThan(0.5 * MIB);
    // One that is as large as a quarter of all is not worth its room.
    const large = await stored('index', MIB / 2);
    await backend.load(large.file, undefined, never);
    expect((await nearFiles()).some((file) => file.includes(large.file.name))).toBe(false);
  });

  it('may be used by several at once while somebody deletes them', async () => {
    const files = await Promise.all(Array.from({ length: 20 }, () => stored('index', 5000)));
    const reader = async (): Promise<void> => {
      const backend = cached(50_000);
      for (let count = 0; count < 100; count += 1) {
        const { file, content } = files[(count * 7) % files.length] ?? raise();
        if (!(await backend.load(file, undefined, never)).equals(content)) throw new Error('other bytes');
      }
      await backend.close();
    };
    const readers = Promise.all([reader(), reader(), reader()]);
    for (let count = 0; count < 10; count += 1) {
      await rm(join(folder.path, 'near'), { recursive: true, force: true, maxRetries: 5 });
    }
    await expect(readers).resolves.toBeDefined();
  });

  it('are done without where their folder cannot be used', async () => {
    await writeFile(join(folder.path, 'near'), 'a file in the way');
    const { file, content } = await stored('index');
    expect((await cached().load(file, undefined, never)).equals(content)).toBe(true);
    expect((await Array.fromAsync(cached().list('index', never))).length).toBe(1);
    await cached().remove(file, never);
  });

  it('can be read by their owner alone, and tell backup programs to leave them out', async () => {
    const { file } = await stored('index');
    await cached().load(file, undefined, never);
    const [near = ''] = await nearFiles();
    expect((await stat(near)).mode & 0o777).toBe(0o600);
    expect((await stat(join(folder.path, 'near'))).mode & 0o777).toBe(0o700);
    expect(await readFile(join(folder.path, 'near', 'CACHEDIR.TAG'), 'utf8')).toMatch(/^Signature: 8a477f597d28/);
  });

  it('spare a second look at a repository every index and tree', async () => {
    await backUp(await createTestRepository(store), { srv: { one: 'file', deep: { two: 'file' } } });
    const cache = { folder: join(folder.path, 'all'), maxBytes: MIB };
    const look = async (): Promise<number> => {
      loads = [];
      await using repository = await openRepository(store, PASSWORD, never, { cache });
      await repository.loadIndex(never);
      const [point] = (await repository.listRestorePoints(never)).points;
      const top = await repository.loadTree(point?.tree ?? raise(), never);
      for (const { subtree } of top.nodes) if (subtree !== undefined) await repository.loadTree(subtree, never);
      expect(await readdir(cache.folder)).toEqual([repository.id]);
      return loads.length;
    };
    const first = await look();
    const second = await look();
    // The configuration and the key; before, also an index, a restore point and two trees.
    expect([first, second]).toEqual([6, 2]);
  });
});

function raise(): never {
  throw new Error('the test has a hole');
}
