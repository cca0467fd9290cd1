/** What a listing leaves out is not lost: no check says so, and no repair, prune or copy acts on it. */
import { mkdir, mkdtemp, readdir, rename, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { never } from '../../../shared/base/cancel.ts';
import { systemClock } from '../../../shared/base/clock.ts';
import type { RepairScope } from '../../../shared/domain/repair-plan.ts';
import { assertTargetPacks } from '../../../shared/pipeline/copy/target-packs.ts';
import type { Backend, FileRef } from '../../../shared/repository/backend/backend.ts';
import { createThrottle } from '../../../shared/repository/backend/limit.ts';
import { createLocalBackend } from '../../../shared/repository/backend/local.ts';
import { createRestBackend } from '../../../shared/repository/backend/rest.ts';
import { checkRepository } from '../../../shared/repository/check/check.ts';
import { planPrune } from '../../../shared/repository/prune/plan.ts';
import { repair } from '../../support/damage/repair-lab.ts';
import { open } from '../../support/prune-lab.ts';
import { createMemoryBackend } from '../../support/stores/memory.ts';
import { NO_RCLONE, startRclone } from '../../support/stores/rclone.ts';
import { backUp, createTestRepository } from '../../support/test-repository.ts';

/** As a proxy that cuts a list short, or a server that does not follow links; what is asked for by name is there. */
function hide(backend: Backend, isHidden: (file: FileRef) => boolean): Backend {
  return new Proxy(backend, {
    get(target, key) {
      if (key === 'list')
        return async function* (type: FileRef['type'], signal: AbortSignal) {
          for await (const file of target.list(type, signal)) if (!isHidden({ type, name: file.name })) yield file;
        };
      const value: unknown = Reflect.get(target, key, target);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}

async function filled(backend: Backend, rounds = 3): Promise<void> {
  const repository = await createTestRepository(backend);
  for (let round = 0; round < rounds; round += 1) {
    const files = Object.fromEntries(Array.from({ length: 8 }, (_, n) => [`file-${n}`, `${round} ${n}`.repeat(2000)]));
    await backUp(repository, { [`round-${round}`]: files }, { packSizeBytes: 1 }, never);
  }
}

const inFolder = (packs: readonly string[], start: string): string[] => packs.filter((name) => name.startsWith(start));

const planOf = async (backend: Backend) => planPrune(await open(backend), { maxUnused: '0%' }, never);

async function names(backend: Backend, type: FileRef['type']): Promise<string[]> {
  const found: string[] = [];
  for await (const { name } of backend.list(type, never)) found.push(name);
  return found.toSorted();
}

async function damageIn(backend: Backend): Promise<string[]> {
  const { findings } = await checkRepository(await open(backend), never);
  return findings.filter(({ severity }) => severity === 'damage').map(({ message }) => message);
}

const REPAIRS: readonly RepairScope[] = [
  { part: 'index' },
  { part: 'index', readAll: true },
  { part: 'index', giveUpFolders: true },
  { part: 'points', forget: true },
];

describe('packs that a listing leaves out', () => {
  it.each<[what: string, isHidden: (name: string, all: readonly string[]) => boolean]>([
    ['one', (name, all) => name === all[0]],
    ['all behind the thousandth, or here the fifth', (name, all) => all.indexOf(name) >= 5],
    ['those of one folder', (name, all) => name.startsWith(all[0]?.slice(0, 2) ?? '')],
  ])('(%s) are found by their names, by check and by every repair', async (_what, isHidden) => {
    const store = createMemoryBackend();
    await filled(store);
    const all = await names(store, 'data');
    const before = await Promise.all((['index', 'snapshots', 'data'] as const).map((type) => names(store, type)));
    const backend = hide(store, ({ type, name }) => type === 'data' && isHidden(name, all));
    const { findings } = await checkRepository(await open(backend), never);
    expect(findings.map(({ severity }) => severity)).toEqual(['warning']);
    expect(findings[0]?.message).toContain('missing from the listing');
    for (const scope of REPAIRS) {
      const { writes, removes, lost } = await repair(backend, scope);
      expect([scope, writes, removes, lost]).toEqual([scope, [], [], []]);
    }
    await assertTargetPacks(await loaded(backend), never);
    const { plan } = await planOf(backend);
    expect(plan.missing).toEqual([]);
    const after = await Promise.all((['index', 'snapshots', 'data'] as const).map((type) => names(store, type)));
    expect(after).toEqual(before);
  });

  async function loaded(backend: Backend) {
    const repository = await open(backend);
    await repository.loadIndex(never);
    return repository;
  }

  it('do not end in damage where the store does not answer', async () => {
    const store = createMemoryBackend();
    await filled(store, 1);
    const [first = ''] = await names(store, 'data');
    const backend = hide(store, ({ name }) => name === first);
    const failing = new Proxy(backend, {
      get: (target, key) =>
        key === 'stat' ? () => Promise.reject(new Error('no answer')) : (Reflect.get(target, key) as unknown),
    });
    await expect(checkRepository(await open(failing), never)).rejects.toThrow('no answer');
    await expect(repair(failing, { part: 'index' })).rejects.toThrow('no answer');
  });
});

describe('a restore point that a listing leaves out', () => {
  it('and that another one names as its parent keeps a prune from deleting its data', async () => {
    const store = createMemoryBackend();
    const repository = await createTestRepository(store);
    const parent = await backUp(repository, { a: 'a'.repeat(5000) }, {}, never);
    {
      await using lock = await repository.lock('shared', never);
      const { time, tree, paths } = await backUp(repository, { b: 'b'.repeat(5000) }, {}, never);
      const draft = { time, tree, paths, parent: parent.id, hostname: 'db2' };
      await repository.saveRestorePoint(draft, lock, never);
    }
    const backend = hide(store, ({ name }) => name === parent.id);
    await expect(planOf(backend)).rejects.toMatchObject({
      code: 'repository.damaged',
      message: expect.stringContaining(`leaves out ${parent.id.slice(0, 8)}, which is there`) as string,
    });
    await store.remove({ type: 'snapshots', name: parent.id }, never);
    expect((await planOf(store)).plan.unused.length).toBeGreaterThan(0);
  });
});

describe('folders of packs that are missing as a whole', () => {
  let folder: string;
  let root: string;
  let other: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'stillpoint-folders-'));
    root = join(folder, 'repository');
    other = join(folder, 'other');
    await mkdir(other);
    await filled(createLocalBackend(root));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  async function usedFolders(): Promise<string[]> {
    const packs = await names(createLocalBackend(root), 'data');
    return [...new Set(packs.map((name) => name.slice(0, 2)))].toSorted();
  }

  it.each<[what: string, move: (name: string) => Promise<void>]>([
    ['moved away', (name) => rename(join(root, 'data', name), join(other, name))],
    [
      'behind a link that leads nowhere',
      async (name) => {
        await rm(join(root, 'data', name), { recursive: true });
        await symlink(join(other, 'not mounted'), join(root, 'data', name));
      },
    ],
  ])('(%s) are not given up', async (_what, move) => {
    const [first = '', second = ''] = await usedFolders();
    for (const name of [first, second]) await move(name);
    const backend = createLocalBackend(root);
    const refused = { message: expect.stringMatching(new RegExp(`data/(${first}|${second})`)) as string };
    for (const scope of [{ part: 'index' }, { part: 'points', forget: true }, { part: 'packs' }] as const)
      await expect(repair(backend, scope)).rejects.toMatchObject(refused);
    await expect(planOf(backend)).rejects.toMatchObject(refused);
    expect(await names(backend, 'snapshots')).toHaveLength(3);
  });

  it('are named by check, and given up when a person says so', async () => {
    const [first = ''] = await usedFolders();
    await rename(join(root, 'data', first), join(other, first));
    const backend = createLocalBackend(root);
    const { findings } = await checkRepository(await open(backend), never);
    const advice = findings.filter(({ severity }) => severity === 'damage').map((finding) => finding.advice);
    expect(new Set(advice)).toEqual(new Set([expect.stringContaining('The whole folder is missing')]));
    await expect(repair(backend, { part: 'index' })).rejects.toMatchObject({
      advice: expect.stringContaining('--give-up-folders') as string,
    });
    expect((await repair(backend, { part: 'index', giveUpFolders: true })).writes.length).toBeGreaterThan(1);
    // Back again, and the next repair takes it in.
    await rename(join(other, first), join(root, 'data', first));
    await repair(backend, { part: 'index' });
    expect(await damageIn(backend)).toEqual([]);
  });

  it('that another folder stands for are seen, here and by a server that lists no links', async ({ skip }) => {
    for (const name of await usedFolders()) {
      await rename(join(root, 'data', name), join(other, name));
      await symlink(join(other, name), join(root, 'data', name));
    }
    const local = createLocalBackend(root);
    expect(await damageIn(local)).toEqual([]);
    expect((await repair(local, { part: 'index' })).writes).toEqual([]);
    expect((await repair(local, { part: 'points', forget: true })).removes).toEqual([]);

    skip(NO_RCLONE !== undefined, NO_RCLONE);
    await using server = await startRclone(folder);
    const throttle = createThrottle({}, systemClock);
    const options = { user: undefined, password: undefined, connections: 5, throttle };
    await using rest = createRestBackend(server.locationOf('repository'), options);
    expect(await names(rest, 'data'), 'rclone skips links').toEqual([]);
    // Nothing at all in a listing looks like a place that is not mounted; each pack is asked for all the same.
    expect(await damageIn(rest)).toEqual([]);
    for (const scope of REPAIRS) expect((await repair(rest, scope)).removes).toEqual([]);
    expect(await readdir(join(root, 'snapshots'))).toHaveLength(3);
  });

  it('in a store without folders are told by how many packs they had', async () => {
    const store = createMemoryBackend();
    const repository = await createTestRepository(store);
    const tree = Object.fromEntries(Array.from({ length: 1500 }, (_, n) => [`file-${n}`, `${n}`.padEnd(100)]));
    await backUp(repository, tree, { packSizeBytes: 1 }, never);
    const packs = await names(store, 'data');
    const start = packs.map((name) => name.slice(0, 2)).find((two) => inFolder(packs, two).length >= 4) ?? '';
    const lost = inFolder(packs, start);
    for (const name of lost.slice(1)) await store.remove({ type: 'data', name }, never);
    // Some of a folder may be lost; all of it at once hardly.
    const { findings } = await checkRepository(await open(store), never);
    expect(findings[0]?.advice).toContain('repair index');
    await store.remove({ type: 'data', name: lost[0] ?? '' }, never);
    await expect(repair(store, { part: 'index' })).rejects.toMatchObject({
      message: expect.stringContaining(`data/${start}`) as string,
    });
  });
});
