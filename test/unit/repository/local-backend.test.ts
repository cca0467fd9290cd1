import { chmod, mkdir, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Backend } from '../../../shared/repository/backend/backend.ts';
import { createLocalBackend } from '../../../shared/repository/backend/local.ts';
import { needing, whyNotRoot } from '../../support/needing.ts';
import { type TemporaryFolder, temporaryFolder } from '../../support/temporary-folder.ts';
import { testSignal } from '../../support/test-repository.ts';

const signal = testSignal();
const PACK = { type: 'data', name: `ab${'0'.repeat(62)}` } as const;
const KEY = { type: 'keys', name: '1'.repeat(64) } as const;

describe('the local backend', () => {
  let folder: TemporaryFolder;
  let root: string;
  let backend: Backend;

  beforeEach(async () => {
    folder = await temporaryFolder();
    root = join(folder.path, 'repository');
    backend = createLocalBackend(root);
    await backend.prepare(signal);
  });
  afterEach(() => folder[Symbol.asyncDispose]());

  const modeOf = async (...names: string[]): Promise<string> =>
    ((await stat(join(root, ...names))).mode & 0o777).toString(8);

  it('has the layout and modes of restic', async () => {
    await backend.save(PACK, [Buffer.from('x')], signal);
    await backend.save(KEY, [Buffer.from('x')], signal);
    await backend.save({ type: 'config', name: '' }, [Buffer.from('x')], signal);
    expect((await readdir(root)).toSorted()).toEqual(['config', 'data', 'index', 'keys', 'locks', 'snapshots']);
    expect((await readdir(join(root, 'data'))).length).toBe(256);
    expect(await modeOf('data', 'ab', PACK.name)).toBe('400');
    expect(await modeOf('keys', KEY.name)).toBe('400');
    expect(await modeOf('config')).toBe('400');
    expect(await modeOf('data')).toBe('700');
  });

  it('lets the group in where the configuration does', async () => {
    await writeFile(join(root, 'config'), 'x');
    await chmod(join(root, 'config'), 0o640);
    await createLocalBackend(root).save(PACK, [Buffer.from('x')], signal);
    expect(await modeOf('data', 'ab', PACK.name)).toBe('440');
  });

  it('makes the folder of a pack again that a copy has lost', async () => {
    await rm(join(root, 'data'), { recursive: true });
    await mkdir(join(root, 'data'));
    await backend.save(PACK, [Buffer.from('x')], signal);
    expect((await backend.load(PACK, undefined, signal)).toString()).toBe('x');
  });

  it('does not make a repository out of a place that is not mounted', async () => {
    await rm(root, { recursive: true });
    await expect(backend.save(PACK, [Buffer.from('x')], signal)).rejects.toMatchObject({ code: 'backend.not-found' });
    await expect(stat(root)).rejects.toThrow('ENOENT');
  });

  it('says that a read-only place refuses it', needing(whyNotRoot('mounts')), async () => {
    await backend.save(KEY, [Buffer.from('x')], signal);
    await execa('mount', ['--bind', root, root]);
    try {
      await execa('mount', ['-o', 'remount,bind,ro', root]);
      await expect(backend.save(PACK, [Buffer.from('x')], signal)).rejects.toMatchObject({ code: 'backend.denied' });
      await expect(backend.remove(KEY, signal)).rejects.toMatchObject({ code: 'backend.denied' });
      expect((await backend.load(KEY, undefined, signal)).toString()).toBe('x');
    } finally {
      await execa('umount', [root]);
    }
  });

  it('leaves nothing under the name when the disk is full', needing(whyNotRoot('mounts')), async () => {
    await execa('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', join(root, 'keys')]);
    try {
      const attempt = backend.save(KEY, [Buffer.alloc(200_000, 1)], signal);
      await expect(attempt).rejects.toMatchObject({ code: 'backend.no-space' });
      expect(await readdir(join(root, 'keys'))).toEqual([]);
    } finally {
      await execa('umount', [join(root, 'keys')]);
    }
  });
});
