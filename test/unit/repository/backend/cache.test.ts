/** Copies near: they save reading, are never wrong, never in the way, and never more than they may be. */
import { hash, randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { never } from '../../../../shared/base/cancel.ts';
import { silentLogger } from '../../../../shared/base/log.ts';
import type { Backend, FileRef, FileType } from '../../../../shared/repository/backend/backend.ts';
import { withCache } from '../../../../shared/repository/backend/cache.ts';
import { openRepository } from '../../../../shared/repository/open-repository.ts';
import { createMemoryBackend } from '../../../support/stores/memory.ts';
import { type TemporaryFolder, temporaryFolder } from '../../../support/temporary-folder.ts';
import { backUp, createTestRepository, PASSWORD } from '../../../support/test-repository.ts';

const MIB = 1024 ** 2;
const TREE = { offset: 100, length: 500, near: 'keep' } as const;

let folder: TemporaryFolder;
let store: Backend;
let loads: string[];
/** A bit of the next answer of this type changes on its way. */
let flips: FileType | undefined;

beforeEach(async () => {
  folder = await temporaryFolder();
  loads = [];
  flips = undefined;
  const memory = createMemoryBackend();
  const load: Backend['load'] = async (file, range, signal) => {
    loads.push(file.type);
    const content = Buffer.from(await memory.load(file, range, signal));
    if (file.type !== flips) return content;
    flips = undefined;
    return flipped(content);
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

function flipped(content: Buffer): Buffer {
  const changed = Buffer.from(content);
  changed[20] = (changed[20] ?? 0) ^ 1;
  return changed;
}

/** As a copy lies in the folder: with a sum that is right. */
const asCopy = (content: Buffer): Buffer => Buffer.concat([hash('sha256', content, 'buffer'), content]);

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

  it.each(['index', 'snapshots'] as const)('are not taken of %s whose content does not fit its name', async (type) => {
    const { file, content } = await stored(type);
    flips = type;
    expect((await cached().load(file, undefined, never)).equals(content)).toBe(false);
    expect(await nearFiles()).toEqual([]);
    expect((await cached().load(file, undefined, never)).equals(content)).toBe(true);
    await cached().save(file, [flipped(content)], never);
    expect((await readFile((await nearFiles())[0] ?? '')).equals(asCopy(content))).toBe(true);
  });

  it('are not believed where they hold something else with a sum that is right', async () => {
    const { file, content } = await stored('index');
    const other = await stored('index');
    await cached().load(file, undefined, never);
    const [near = ''] = await nearFiles();
    for (const wrong of [other.content, flipped(content), Buffer.alloc(0)]) {
      await writeFile(near, asCopy(wrong));
      loads = [];
      for (const _time of [1, 2]) expect((await cached().load(file, undefined, never)).equals(content)).toBe(true);
      expect(loads).toEqual(['index']);
    }
  });

  it('of a piece of a pack are replaced where its reader says that they fail', async () => {
    const { file, content } = await stored('data');
    flips = 'data';
    const piece = content.subarray(100, 600);
    expect((await cached().load(file, TREE, never)).equals(piece)).toBe(false);
    expect((await cached().load(file, { ...TREE, near: 'renew' }, never)).equals(piece)).toBe(true);
    expect((await cached().load(file, TREE, never)).equals(piece)).toBe(true);
    expect(loads.length).toBe(2);
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

  it.each([
    ['a FIFO', (place: string) => execa('mkfifo', [place])],
    ['a folder', (place: string) => mkdir(join(place, 'deep'), { recursive: true })],
    ['a link', (place: string) => symlink('elsewhere', place)],
    ['a link to a device that never ends', (place: string) => symlink('/dev/zero', place)],
  ])('are fetched again where %s is in their place', async (_, put) => {
    const { file, content } = await stored('index');
    await cached().load(file, undefined, never);
    const [near = ''] = await nearFiles();
    for (const place of [near, join(folder.path, 'near', 'CACHEDIR.TAG')]) {
      await rm(place);
      await put(place);
      loads = [];
      expect((await cached().load(file, undefined, never)).equals(content)).toBe(true);
      // What is in the way of the tag stays there and does no harm.
      await rm(near, { recursive: true });
      expect((await cached().load(file, undefined, never)).equals(content)).toBe(true);
      expect(await nearFiles()).toEqual([near]);
    }
  });

  it('can be read by their owner alone, and tell backup programs to leave them out', async () => {
    const { file } = await stored('index');
    await cached().load(file, undefined, never);
    const [near = ''] = await nearFiles();
    expect((await stat(near)).mode & 0o777).toBe(0o600);
    expect((await stat(join(folder.path, 'near'))).mode & 0o777).toBe(0o700);
    expect(await readFile(join(folder.path, 'near', 'CACHEDIR.TAG'), 'utf8')).toMatch(/^Signature: 8a477f597d28/);
  });
});

describe('a repository read with copies near', () => {
  beforeEach(async () => {
    await backUp(await createTestRepository(store), { srv: { one: 'file', deep: { two: 'file' } } });
  });

  /** How often the store was read for a look at every tree. */
  async function look(): Promise<number> {
    loads = [];
    const cache = { folder: join(folder.path, 'near'), maxBytes: MIB };
    await using repository = await openRepository(store, PASSWORD, never, { cache });
    await repository.loadIndex(never);
    const { points, findings } = await repository.listRestorePoints(never);
    if (findings[0] !== undefined) throw new Error(findings[0].message);
    const top = await repository.loadTree(points[0]?.tree ?? raise(), never);
    for (const { subtree } of top.nodes) if (subtree !== undefined) await repository.loadTree(subtree, never);
    expect(await readdir(cache.folder)).toEqual([repository.id]);
    return loads.length;
  }

  it('is read once for every index and tree', async () => {
    // The configuration and the key; before, also an index, a restore point and two trees.
    expect([await look(), await look()]).toEqual([6, 2]);
  });

  it.each(['index', 'snapshots', 'data'] as const)('recovers from one bad answer of %s', async (type) => {
    flips = type;
    // What fails on the way is reported as long as it fails; a tree is asked for twice.
    if (type === 'data') expect(await look()).toBe(7);
    else await expect(look()).rejects.toThrow('does not match its name');
    expect(flips).toBe(undefined);
    await look();
    expect(await look()).toBe(2);
  });

  it('is read anew where copies were changed or took each other’s places, with sums that are right', async () => {
    await look();
    const names = await nearFiles();
    const whole = await Promise.all(names.map((name) => readFile(name)));
    const trees = names.filter((name) => name.includes('/data/'));
    expect([names.length, trees.length]).toEqual([4, 2]);
    const changes: ((at: number) => Buffer)[] = [
      (at) => asCopy(flipped((whole[at] ?? raise()).subarray(32))),
      (at) => whole[(at + 1) % whole.length] ?? raise(),
      (at) => asCopy(randomBytes((whole[at] ?? raise()).length - 32)),
    ];
    for (const change of changes) {
      await Promise.all(names.map((name, at) => writeFile(name, change(at))));
      expect([await look(), await look()]).toEqual([6, 2]);
    }
  });

  it('is damaged where the store is, however often the trees are asked for', async () => {
    for await (const { name } of store.list('data', never)) {
      const file = { type: 'data', name } as const;
      await store.save(file, [(await store.load(file, undefined, never)).fill(0)], never);
    }
    for (const _time of [1, 2]) await expect(look()).rejects.toMatchObject({ code: 'repository.damaged' });
  });
});

function raise(): never {
  throw new Error('the test has a hole');
}
