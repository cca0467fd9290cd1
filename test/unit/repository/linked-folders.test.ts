/** Folders and files of a repository that were moved to another disk and linked, here and on another host. */
import { chmod, mkdir, mkdtemp, rename, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { execa } from 'execa';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { never } from '../../../shared/base/cancel.ts';
import { silentLogger } from '../../../shared/base/log.ts';
import type { Backend, FileType } from '../../../shared/repository/backend/backend.ts';
import { withCache } from '../../../shared/repository/backend/cache.ts';
import { withChanges } from '../../../shared/repository/backend/changes.ts';
import { withConnections } from '../../../shared/repository/backend/limit.ts';
import { createLocalBackend } from '../../../shared/repository/backend/local.ts';
import { PATIENCE } from '../../../shared/repository/backend/patience.ts';
import { withRetries } from '../../../shared/repository/backend/retry.ts';
import { createSftpBackend } from '../../../shared/repository/backend/sftp.ts';
import { sftpServers, whyNoSftpServer } from '../../support/remote/sftp-server.ts';
import { TestClock } from '../../support/test-clock.ts';

const signal = never;
const TYPES: readonly FileType[] = ['keys', 'index', 'snapshots', 'locks', 'data'];
const NAMES = ['aa', 'ab', 'ac', 'bb'].map((start) => start.padEnd(64, '0'));

const noServer = whyNoSftpServer();

describe.each<[kind: string, whyNot: string | undefined, open: (root: string) => Backend]>([
  ['on this machine', undefined, createLocalBackend],
  [
    'over SFTP',
    noServer,
    (root) => createSftpBackend({ folder: root, location: `sftp:here:${root}` }, sftpServers().pool),
  ],
  [
    'over SFTP, with all that belongs round it',
    noServer,
    (root) => {
      const inner = createSftpBackend({ folder: root, location: `sftp:here:${root}` }, sftpServers().pool);
      const tried = withRetries(withConnections(inner, 2), {
        clock: new TestClock(),
        logger: silentLogger,
        policy: PATIENCE.job,
      });
      const watched = withChanges(tried, () => undefined);
      return withCache(watched, { folder: `${root}-near`, maxBytes: 1024 ** 2 }, silentLogger);
    },
  ],
])('a repository %s', (_kind, whyNot, open) => {
  let folder: string;
  let root: string;
  let other: string;
  let backend: Backend;

  beforeEach(async ({ skip }) => {
    skip(whyNot !== undefined, whyNot);
    folder = await mkdtemp(join(tmpdir(), 'stillpoint-links-'));
    root = join(folder, 'repository');
    other = join(folder, 'other disk');
    await mkdir(other);
    backend = open(root);
    await backend.prepare(signal);
    for (const type of TYPES)
      for (const name of NAMES) await backend.save({ type, name }, [Buffer.from(`${type} ${name}`)], signal);
  });
  afterEach(async () => {
    await backend?.close();
    if (root !== undefined) await chmod(join(root, 'data/aa'), 0o700).catch(() => undefined);
    if (folder !== undefined) await rm(folder, { recursive: true, force: true });
  });

  async function listed(type: FileType): Promise<[string, number][]> {
    const files: [string, number][] = [];
    for await (const { name, sizeBytes } of backend.list(type, signal)) files.push([name, sizeBytes]);
    return files.toSorted(([left], [right]) => (left < right ? -1 : 1));
  }
  const whole = (type: FileType): [string, number][] => NAMES.map((name) => [name, type.length + 65]);

  /** To the other disk, with a link where it was. */
  async function move(name: string): Promise<string> {
    const away = join(other, name.replaceAll('/', '-'));
    await rename(join(root, name), away);
    await symlink(away, join(root, name));
    return away;
  }

  it.each(['data/aa', 'data', 'index', 'snapshots', 'locks', 'keys'])(
    'lists what lies behind the link %s',
    async (name) => {
      await move(name);
      for (const type of TYPES) expect([type, await listed(type)]).toEqual([type, whole(type)]);
      expect((await backend.packFolders?.(signal))?.size).toBe(256);
      const file = { type: 'data', name: `aa${'1'.repeat(62)}` } as const;
      await backend.save(file, [Buffer.from('new')], signal);
      expect(await listed('data')).toContainEqual([file.name, 3]);
      await backend.remove(file, signal);
      expect(await listed('data')).toEqual(whole('data'));
    },
  );

  it('lists single files behind links, and behind links to links, with the size of the file', async () => {
    for (const name of [`data/ab/${NAMES[1]}`, `index/${NAMES[0]}`, `snapshots/${NAMES[2]}`]) await move(name);
    await rename(join(root, 'data/bb'), join(other, 'bb'));
    await symlink(join(other, 'bb'), join(other, 'link'));
    await symlink('../../other disk/link', join(root, 'data/bb'));
    for (const type of TYPES) expect([type, await listed(type)]).toEqual([type, whole(type)]);
  });

  it.each<[what: string, name: string, break_: (away: string) => Promise<void>]>([
    ['a folder of packs', 'data/ac', (away) => rename(away, `${away} unmounted`)],
    [
      'a folder of packs, whose disk is a file now',
      'data/ac',
      async (away) => {
        await rm(away, { recursive: true });
        await symlink(join(away, '..', 'nothing'), away);
      },
    ],
    ['a pack', `data/ab/${NAMES[1]}`, (away) => rm(away)],
    ['a restore point', `snapshots/${NAMES[0]}`, (away) => rm(away)],
    ['an index file', `index/${NAMES[0]}`, (away) => rm(away)],
  ])('refuses a listing without %s behind a link that leads nowhere, and names it', async (_what, name, breakIt) => {
    await breakIt(await move(name));
    const type = name.split('/')[0] as FileType;
    await expect(listed(type)).rejects.toMatchObject({
      code: 'backend.failed',
      retry: 'never',
      message: expect.stringContaining(`"${name}" in`) as string,
      advice: expect.stringContaining('Mount the disk') as string,
    });
  });

  it('refuses a listing with a link that leads to itself', async () => {
    await rm(join(root, 'data/aa'), { recursive: true });
    await symlink('aa', join(root, 'data/aa'));
    await expect(listed('data')).rejects.toMatchObject({ code: 'backend.failed', retry: 'never' });
  });

  it('passes over links that are none of its own, and counts no pack twice', async () => {
    await symlink('nowhere', join(root, 'data/lost+found'));
    await symlink('nowhere', join(root, 'index/.nfs0001'));
    await symlink('..', join(root, 'data/up'));
    await rm(join(root, 'data/ff'), { recursive: true });
    await symlink('aa', join(root, 'data/ff'));
    for (const type of TYPES) expect([type, await listed(type)]).toEqual([type, whole(type)]);
  });

  it('knows which folders of packs are there', async () => {
    await rm(join(root, 'data/aa'), { recursive: true });
    await move('data/bb');
    const folders = await backend.packFolders?.(signal);
    expect([folders?.has('aa'), folders?.has('bb'), folders?.size]).toEqual([false, true, 255]);
  });

  it('names a folder of packs that may not be read', async ({ skip }) => {
    skip(process.getuid?.() === 0 && _kind !== 'on this machine', 'root may read all');
    await chmod(join(root, 'data/aa'), 0);
    if (process.getuid?.() !== 0) {
      await expect(listed('data')).rejects.toMatchObject({ code: 'backend.denied' });
      return;
    }
    await execa('chown', ['-R', '65534:65534', folder]);
    const program = `
      import { createLocalBackend } from ${JSON.stringify(import.meta.resolve('../../../shared/repository/backend/local.ts'))};
      process.setgroups([]);
      process.setgid(65534);
      process.setuid(65534);
      try {
        for await (const _ of createLocalBackend(process.argv[1]).list('data', new AbortController().signal));
      } catch (error) {
        console.log(error.code, error.message);
      }
    `;
    const { stdout } = await execa(process.execPath, ['--input-type=module', '--eval', program, root]);
    expect(stdout).toBe(
      `backend.denied The folder "data/aa" could not be listed in ${root}: access is refused (EACCES).`,
    );
  });
});
