/**
 * Files that change while they are read live, on a host that has nothing but ext4: each fault falls in the middle of a
 * reading, and is seen to fall. What is saved is whole or is named, and whatever ends a run, nothing of it is left.
 */
import { randomBytes } from 'node:crypto';
import {
  appendFileSync,
  closeSync,
  openSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { chmod, mkdir, mkdtemp, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { cancelled, never } from '../../../shared/base/cancel.ts';
import { BACKUP } from '../../../shared/domain/verbs/backup.ts';
import { wholenessOf } from '../../../shared/domain/wholeness.ts';
import { createLocalBackend } from '../../../shared/repository/backend/local.ts';
import { openRepository } from '../../../shared/repository/open-repository.ts';
import type { RestorePoint } from '../../../shared/repository/restore-point.ts';
import { type BackedUp, type BackupOrder, backUpHere, makeRepository } from '../../support/backing-up.ts';
import { describeTree } from '../../support/describe-tree.ts';
import { type MountedFilesystem, mountFilesystem } from '../../support/loop-filesystem.ts';
import { needing, whyNotRoot } from '../../support/needing.ts';
import { asNobody } from '../../support/remote/as-nobody.ts';
import { type MidReadStriker, strikeMidRead } from '../../support/remote/striking.ts';
import { restoreFrom, said, warningsOf } from '../../support/restoring.ts';
import { type NamespaceHost, startNamespaceHost } from '../../support/snapshot/namespace-host.ts';
import { type TemporaryFolder, temporaryFolder } from '../../support/temporary-folder.ts';
import { PASSWORD } from '../../support/test-repository.ts';

const MIB = 1 << 20;
/** What was changed later than this before a backup is read again by it. */
const AT_REST_MS = 2_500;
const WAIT = { timeout: 200_000 };
/**
 * What is there beside the programs of a host at rest. Its LVM, which was asked for its volumes, has its lock there; its
 * first program reaps nobody, so what has ended stays as a zombie.
 */
const LEFT = `ls -A /run | grep -vx lock || :
for each in /proc/[0-9]*; do
  grep -qs '^State:.[ZX]' $each/status || cat $each/comm 2>/dev/null || :
done | grep -vxE 'bash|sleep|grep|cat' || :`;

interface Scene {
  /** In it `target`, of several mebibytes, and others of a few bytes. */
  readonly files: string;
  /** Of its own: `striker` stands in the way of its connection. */
  save(striker?: MidReadStriker, order?: Partial<BackupOrder>): Promise<BackedUp>;
  restored(): Promise<string>;
  points(): Promise<readonly RestorePoint[]>;
}

type Fault = (files: string, reading: number) => void;

function overwrite(files: string): void {
  const file = openSync(join(files, 'target'), 'r+');
  writeSync(file, randomBytes(4096), 0, 4096, 4 * MIB);
  closeSync(file);
}

function replace(files: string): void {
  writeFileSync(join(files, '.new'), randomBytes(6 * MIB));
  renameSync(join(files, '.new'), join(files, 'target'));
}

const FAULTS: Readonly<Record<string, Fault>> = {
  'is written over': overwrite,
  grows: (files) => appendFileSync(join(files, 'target'), randomBytes(MIB)),
  shrinks: (files, reading) => truncateSync(join(files, 'target'), (6 - reading) * MIB),
  'is replaced': replace,
  'gets another name': (files, reading) => {
    const [from = '', to = ''] = reading % 2 === 1 ? ['target', 'other'] : ['other', 'target'];
    renameSync(join(files, from), join(files, to));
  },
};
const vanish: Fault = (files) => rmSync(join(files, 'target'));

const WHO = [
  ['root', (inner) => inner],
  ['an ordinary user', asNobody],
] as const satisfies readonly (readonly [string, MidReadStriker['wrap']])[];

describe.each(WHO)('what %s reads live while it changes', needing(whyNotRoot('mounts and namespaces')), (_, hands) => {
  let folder: TemporaryFolder;
  let disk: MountedFilesystem;
  let host: NamespaceHost;

  beforeAll(async () => {
    folder = await temporaryFolder();
    await chmod(folder.path, 0o755);
    disk = await mountFilesystem('ext4', folder.path, 512 * MIB);
    host = await startNamespaceHost('', folder.path);
  });
  afterAll(async () => {
    await host?.[Symbol.asyncDispose]();
    await disk?.[Symbol.asyncDispose]();
    await folder?.[Symbol.asyncDispose]();
  });

  async function scene(on: NamespaceHost = host): Promise<Scene> {
    const own = await mkdtemp(join(folder.path, 'scene-'));
    const files = await mkdtemp(join(disk.path, 'files-'));
    await chmod(files, 0o755);
    await mkdir(join(files, 'deep'));
    await writeFile(join(files, 'target'), randomBytes(6 * MIB));
    for (const name of ['first', 'deep/steady']) await writeFile(join(files, name), `${name}\n`.repeat(1000));
    const repository = join(own, 'repository');
    await makeRepository(repository);
    await sleep(AT_REST_MS);
    return {
      files,
      async save(striker, order = {}) {
        const workFolder = await mkdtemp(join(own, 'work-'));
        const openHost = async () => on.connect((inner) => (striker?.wrap ?? ((same) => same))(hands(inner)));
        const saved = await backUpHere({ repository, workFolder, paths: [files], openHost, ...order });
        expect(await readdir(workFolder)).toEqual([]);
        return saved;
      },
      async restored() {
        const target = await mkdtemp(join(own, 'restored-'));
        expect(said((await restoreFrom(repository, target)).error)).toBe('');
        return join(target, files.slice(1));
      },
      async points() {
        const opened = await openRepository(createLocalBackend(repository), PASSWORD, never);
        try {
          return (await opened.listRestorePoints(never)).points;
        } finally {
          await opened.close();
        }
      },
    };
  }

  const skipped = ({ files }: Scene, { report }: BackedUp): readonly string[] =>
    (report?.skipped ?? []).map(({ path, reason }) => `${path.slice(files.length + 1)}: ${reason}`);

  describe('once', { concurrent: true, ...WAIT }, () => {
    test.for([...Object.entries(FAULTS), ['vanishes', vanish]] as const)(
      'a file that %s is saved as it was last',
      async ([, fault]) => {
        const at = await scene();
        const striker = strikeMidRead((reading) => void (reading === 1 && fault(at.files, reading)));
        const saved = await at.save(striker);
        expect(said(saved.error)).toBe('');
        // What is still there was read again.
        expect(striker.strikes()).toBeGreaterThanOrEqual(fault === vanish ? 1 : 2);
        expect(saved.report).toMatchObject({ consistency: 'fuzzy', missingCount: 0 });
        expect(skipped(at, saved)).toEqual([]);
        expect(await describeTree(await at.restored())).toEqual(await describeTree(at.files));
      },
    );

    test('a file that appears is in the next restore point, and no lack of this one', async () => {
      const at = await scene();
      const before = await describeTree(join(at.files, 'deep'));
      const striker = strikeMidRead(() => writeFileSync(join(at.files, 'deep', 'new'), 'here I am'));
      const saved = await at.save(striker);
      expect(said(saved.error)).toBe('');
      expect(striker.strikes()).toBe(1);
      expect(skipped(at, saved)).toEqual([]);
      expect(Object.keys(before)).not.toContain('new');
      expect(await readdir(join(await at.restored(), 'deep'))).toEqual(['steady']);
      await sleep(AT_REST_MS);
      expect(said((await at.save()).error)).toBe('');
      expect(await describeTree(await at.restored())).toEqual(await describeTree(at.files));
    });
  });

  describe('each time', { concurrent: true, ...WAIT }, () => {
    test.for(Object.entries(FAULTS))(
      'a file that %s is read four times, saved and named as torn',
      async ([name, fault]) => {
        const at = await scene();
        const striker = strikeMidRead((reading) => fault(at.files, reading));
        const saved = await at.save(striker);
        expect(said(saved.error)).toBe('');
        expect(striker.strikes()).toBe(4);
        const [torn, why] =
          name === 'gets another name'
            ? ['other', 'it got another name while it was being read']
            : ['target', 'it changed each time that it was read'];
        expect(skipped(at, saved)).toEqual([`${torn}: saved, but perhaps torn: ${why}`]);
        const { report } = saved;
        expect(report).toMatchObject({ consistency: 'fuzzy', missingCount: 1 });
        expect(report && BACKUP.isPartial?.(report)).toBe(true);
        const [point] = await at.points();
        expect(point && wholenessOf(point)).toMatchObject({
          ...{ state: 'partial', missingCount: 1 },
          missing: [{ path: join(at.files, torn) }],
        });
        const back = await at.restored();
        expect((await readdir(back)).toSorted()).toEqual(['deep', 'first', torn].toSorted());
        for (const steady of ['first', 'deep/steady'])
          expect(await readFile(join(back, steady))).toEqual(await readFile(join(at.files, steady)));
      },
    );

    test('a file that vanishes in the end is saved as what was read of it, and named', async () => {
      const at = await scene();
      const striker = strikeMidRead((reading) => (reading < 4 ? overwrite : vanish)(at.files, reading));
      const saved = await at.save(striker);
      expect(said(saved.error)).toBe('');
      expect(striker.strikes()).toBe(4);
      expect(skipped(at, saved)).toEqual(['target: saved, but perhaps torn: it vanished while it was being read']);
      expect((await readFile(join(await at.restored(), 'target'))).length).toBe(6 * MIB);
    });
  });

  test('is saved by two at once', WAIT, async () => {
    const at = await scene();
    const both = await Promise.all([at.save(), at.save()]);
    expect(both.map(({ error }) => said(error))).toEqual(['', '']);
    for (const { report } of both) expect(report).toMatchObject({ consistency: 'fuzzy', missingCount: 0 });
    expect(new Set((await at.points()).map(({ id }) => id))).toEqual(
      new Set(both.map(({ report }) => report?.restorePoint)),
    );
    expect(await describeTree(await at.restored())).toEqual(await describeTree(at.files));
  });

  test('tells of what is mounted below: what is in memory is not saved, another file system is', WAIT, async () => {
    await using other = await mountFilesystem('ext4', folder.path, 64 * MIB);
    await writeFile(join(other.path, 'inside'), 'of another file system');
    const top = join(disk.path, 'mounts');
    for (const name of ['memory', 'other']) await mkdir(join(top, name), { recursive: true });
    await writeFile(join(top, 'memory', 'hidden'), 'by a mount');
    await using mounted = await startNamespaceHost(
      `mount -t tmpfs tmpfs ${join(top, 'memory')}
echo x > ${join(top, 'memory', 'passing')}; mount --bind ${other.path} ${join(top, 'other')}`,
      folder.path,
    );
    const at = await scene(mounted);
    const saved = await at.save(undefined, { paths: [top] });
    expect(said(saved.error)).toBe('');
    const told = warningsOf(saved.events).join('\n');
    expect(told).toContain(
      `"${join(top, 'memory')}" (tmpfs) is in memory or belongs to the kernel; what is in it is not`,
    );
    for (const place of [top, join(top, 'other')]) expect(told).toContain(`"${place}" is read live`);
    const back = join((await at.restored()).slice(0, -at.files.length), top);
    expect(await readdir(join(back, 'memory'))).toEqual([]);
    expect(await readFile(join(back, 'other', 'inside'), 'utf8')).toBe('of another file system');
  });

  test('commits nothing where the host dies in the middle, and the next one is whole', WAIT, async () => {
    await using mortal = await startNamespaceHost('', folder.path);
    const at = await scene(mortal);
    const striker = strikeMidRead(() => mortal.kill());
    const { error } = await at.save(striker);
    expect(striker.strikes()).toBe(1);
    expect(said(error)).toMatch(/^(ssh|remote|read)\./);
    expect(await at.points()).toEqual([]);
    const again = await at.save(undefined, { openHost: async () => host.connect(hands) });
    expect(again.report).toMatchObject({ consistency: 'fuzzy', missingCount: 0 });
    expect(await describeTree(await at.restored())).toEqual(await describeTree(at.files));
  });

  test('is left alone by a cancel in the middle: no process, no file, no restore point', WAIT, async () => {
    await using quiet = await startNamespaceHost('', folder.path);
    const at = await scene(quiet);
    const stop = new AbortController();
    const striker = strikeMidRead(() => stop.abort(cancelled('It')));
    const before = await describeTree(at.files);
    const { error } = await at.save(striker, { signal: stop.signal });
    expect(striker.strikes()).toBe(1);
    expect(said(error)).toMatch(/cancelled/);
    await expect.poll(() => quiet.sh(LEFT), { timeout: 30_000 }).toBe('');
    expect(await describeTree(at.files)).toEqual(before);
    expect(await at.points()).toEqual([]);
  });

  test('never leaves anything on the host', async () => {
    await expect.poll(() => host.sh(LEFT), { timeout: 30_000 }).toBe('');
  });
});
