/**
 * Files that no snapshot can hold, read where they lie on this machine, while they change: what the restore point holds is
 * whole or named.
 */
import { chmod, chown, mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { execa } from 'execa';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  type BackedUp,
  type BackupOrder,
  backUpHere,
  inspectHere,
  makeRepository,
  planHere,
} from '../../support/backing-up.ts';
import { describeTree } from '../../support/describe-tree.ts';
import { restoreFrom, said, warningsOf } from '../../support/restoring.ts';
import { type TemporaryFolder, temporaryFolder } from '../../support/temporary-folder.ts';

const NOBODY = 65534;

describe('a live backup', () => {
  let folder: TemporaryFolder;
  let files: string;

  beforeEach(async ({ skip }) => {
    skip(process.getuid?.() !== 0, 'needs root, to be another user');
    folder = await temporaryFolder();
    await chmod(folder.path, 0o755);
    files = join(folder.path, 'files');
    await mkdir(join(files, 'deep', 'er'), { recursive: true });
    for (const name of ['a', 'deep/b', 'deep/er/c']) await writeFile(join(files, name), `${name}\n`.repeat(1000));
    await symlink('../a', join(files, 'deep', 'link'));
    await mkdir(join(folder.path, 'work'));
    await makeRepository(join(folder.path, 'repository'));
  });
  afterEach(() => folder?.[Symbol.asyncDispose]());

  const places = () => ({
    ...{ repository: join(folder.path, 'repository'), workFolder: join(folder.path, 'work'), paths: [files] },
  });
  const save = (order: Partial<BackupOrder> = {}): Promise<BackedUp> => backUpHere({ ...places(), ...order });
  const restored = async (): Promise<string> => {
    const target = join(folder.path, 'restored');
    const { error } = await restoreFrom(join(folder.path, 'repository'), target);
    expect(said(error)).toBe('');
    return join(target, files.slice(1));
  };
  const skipped = ({ report }: BackedUp): readonly string[] =>
    (report?.skipped ?? []).map(({ path, reason }) => `${path.slice(files.length + 1)}: ${reason}`);

  test('is refused unless the source asks for it, and says how', async () => {
    const { error } = await save({ withoutSnapshot: 'refuse' });
    expect(said(error)).toContain('cannot be snapshotted');
    expect(error).toMatchObject({ advice: expect.stringContaining('"read-live"') as string });
  });

  test('of files at rest is whole, called fuzzy, and leaves nothing on the host', async () => {
    const runs = (): Promise<readonly string[]> => readdir('/run/stillpoint').catch(() => []);
    const before = await runs();
    // What was changed just before a backup is read again by the next.
    await new Promise((resolve) => setTimeout(resolve, 2_500));
    const saved = await save();
    expect(said(saved.error)).toBe('');
    expect(saved.report).toMatchObject({ consistency: 'fuzzy', snapshots: [], missingCount: 0, files: { new: 3 } });
    expect(warningsOf(saved.events).join('\n')).toContain(`"${files}" is read live, while it may be changing`);
    expect(await describeTree(await restored())).toEqual(await describeTree(files));
    expect(await runs()).toEqual(before);
    // The next one reads nothing.
    const again = await save();
    expect(again.report).toMatchObject({ consistency: 'fuzzy', bytesRead: 0 });
  });

  test('by an ordinary user holds what that one may read, and names the rest', async () => {
    await writeFile(join(files, 'secret'), 'root alone');
    await chmod(join(files, 'secret'), 0o600);
    await mkdir(join(files, 'closed'), { mode: 0o700 });
    const saved = await save({ asNobody: true });
    expect(said(saved.error)).toBe('');
    expect(saved.report).toMatchObject({ consistency: 'fuzzy', missingCount: 2 });
    expect(skipped(saved)).toEqual([
      expect.stringMatching(/^closed: not saved, or not with all that is in it.*Permission denied/),
      expect.stringMatching(/^secret: not saved, because it cannot be read: Permission denied/),
    ]);
    expect((await readdir(await restored())).sort()).toEqual(['a', 'closed', 'deep']);
  });

  test('is planned as what it is, without a script that changes the host', async () => {
    const plan = await planHere({ ...places(), asNobody: true });
    expect(plan).toMatchObject({
      ...{ consistency: 'fuzzy', snapshots: [] },
      steps: [{ does: [`read "${files}" where it lies, while it may be changing`] }],
    });
    expect(plan.risks.join()).toContain('we are not root there');
    expect(plan.estimate.bytesOnVolumes).toBeUndefined();
  });

  test('that stops services is refused an ordinary user by the plan, and not when it has begun', async () => {
    await expect(planHere({ ...places(), asNobody: true, stop: ['shop'] })).rejects.toMatchObject({
      code: 'remote.sudo-refused',
      message: 'Only root can stop the service "shop" on "here", and we are not root there.',
    });
  });

  test('is foreseen by an ordinary user, who sees all volumes and why none can be snapshotted', async () => {
    const { volumes } = await inspectHere({ asNobody: true });
    expect(volumes.length).toBeGreaterThan(0);
    for (const { snapshot } of volumes) {
      expect(snapshot).toMatchObject({ possible: false, reason: expect.stringContaining('not root') as string });
    }
    expect(said((await save({ asNobody: true, withoutSnapshot: 'refuse' })).error)).toContain(
      'This needs root on "here"',
    );
  });

  test('names each file that is torn, and no other', async () => {
    // Each of the writer's files holds one number, many times; one is never at rest.
    const writer = execa(
      'sh',
      [
        '-c',
        'n=0; echo ready; while [ -e "$1" ]; do n=$((n + 1)); for f in restless slow-$((n % 7)); do yes "$n" | head -c 3000000 > "$1/$f"; done; done',
        'sh',
        files,
      ],
      { reject: false },
    );
    try {
      await new Promise((resolve) => writer.stdout.once('data', resolve));
      await new Promise((resolve) => setTimeout(resolve, 1000));
      const saved = await save();
      expect(said(saved.error)).toBe('');
      const named = (saved.report?.skipped ?? []).map(({ path }) => path.slice(files.length + 1));
      expect(named).toContain('restless');
      expect(saved.report?.missingCount).toBe(named.length);
      const back = await restored();
      for (const name of await readdir(back)) {
        if (!name.startsWith('slow-') || named.includes(name)) continue;
        const lines = new Set(
          (await readFile(join(back, name), 'latin1')).slice(0, 2_999_990).split('\n').slice(0, -1),
        );
        expect([name, lines.size]).toEqual([name, 1]);
      }
    } finally {
      writer.kill('SIGKILL');
      await writer;
    }
  });

  test('does not take the content of a file of root for that of a user who puts a link in the way', async () => {
    const outside = join(folder.path, 'outside');
    await mkdir(outside, { mode: 0o700 });
    await writeFile(join(outside, 'key'), 'SECRET OF ROOT');
    const home = join(files, 'home');
    await mkdir(join(home, 'box'), { recursive: true });
    for (const path of [home, join(home, 'box')]) await chown(path, NOBODY, NOBODY);
    await writeFile(join(home, 'box', 'key'), 'mine, and long');
    await chown(join(home, 'box', 'key'), NOBODY, NOBODY);
    const attacker = execa(
      'setpriv',
      [
        ...[`--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups', 'sh', '-c'],
        'cd "$1" || exit; echo ready; while :; do mv box kept && ln -s "$2" box; sleep 0.02; rm box; mv kept box; sleep 0.02; done',
        ...['sh', home, outside],
      ],
      { reject: false },
    );
    try {
      await new Promise((resolve) => attacker.stdout.once('data', resolve));
      for (let turn = 0; turn < 2; turn += 1) {
        const saved = await save();
        expect(said(saved.error)).toBe('');
        const target = join(folder.path, `turn-${turn}`);
        await restoreFrom(join(folder.path, 'repository'), target);
        const { stdout } = await execa('grep', ['-rl', 'SECRET OF ROOT', target], { reject: false });
        expect(stdout).toBe('');
      }
    } finally {
      attacker.kill('SIGKILL');
      await attacker;
    }
  });

  test.for([
    ['mysql/ibdata1', 'MySQL or MariaDB', 'x'],
    ['pg/global/pg_control', 'PostgreSQL', 'x'],
    ['openldap/data.mdb', 'LMDB', Buffer.concat([Buffer.alloc(16), Buffer.from('dec0efbe', 'hex')])],
    ['app.sqlite-wal', 'SQLite', Buffer.from('377f0682002de218', 'hex')],
    ['Cookies-journal', 'SQLite', Buffer.from('d9d505f920a163d7', 'hex')],
    ['machines/web.qcow2', 'a disk of a virtual machine', Buffer.from('514649fb00000003', 'hex')],
    [
      'machines/web.vdi',
      'a disk of a virtual machine',
      Buffer.concat([Buffer.alloc(64), Buffer.from('7f10dabe', 'hex')]),
    ],
    ['machines/web.RAW', 'a disk of a virtual machine', Buffer.concat([Buffer.alloc(510), Buffer.from('55aa', 'hex')])],
  ] as const)('refuses %s, and says what does work', async ([name, what, content]) => {
    await mkdir(join(files, name, '..'), { recursive: true });
    await writeFile(join(files, name), content);
    const refused = await save();
    expect(said(refused.error)).toMatch(/^read\.unsafe-live: /);
    expect(said(refused.error)).toContain(what);
  });

  test('saves what only has the name of such a file', async () => {
    const names = ['travel-journal', 'photo.raw', 'plan.img', 'data.mdb', 'notes-wal', 'empty.qcow2'];
    for (const name of names)
      await writeFile(join(files, name), name === 'empty.qcow2' ? '' : 'Dear diary, '.repeat(100));
    const saved = await save();
    expect(said(saved.error)).toBe('');
    expect(saved.report?.files.new).toBe(3 + names.length);
  });

  test('holds the rest where such a file is excluded', async () => {
    await writeFile(join(files, 'ibdata1'), 'x');
    const rest = await save({ exclude: [join(files, 'ibdata1')] });
    expect(said(rest.error)).toBe('');
    expect(rest.report?.files.new).toBe(3);
  });

  test('of one file is of that file', async () => {
    const saved = await save({ paths: [join(files, 'deep', 'b')] });
    expect(said(saved.error)).toBe('');
    expect(saved.report).toMatchObject({ files: { new: 1 }, missingCount: 0 });
  });
});
