/**
 * Real backups of a real Btrfs: what is nested, mounted, named in hostile ways or left out, what comes and goes while it is
 * saved, and what lies where our folder should be.
 */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../shared/base/clock.ts';
import { toErrorRecord } from '../../shared/base/errors.ts';
import { silentLogger } from '../../shared/base/log.ts';
import type { RunEventBody } from '../../shared/domain/events.ts';
import { hostName, newRunId, ownerId, repositoryName, sourceName } from '../../shared/domain/names.ts';
import type { BackupReport } from '../../shared/domain/verbs/backup.ts';
import { backup } from '../../shared/pipeline/backup.ts';
import { inspect } from '../../shared/pipeline/inspect.ts';
import { planBackup } from '../../shared/pipeline/plan-backup.ts';
import type { Hook } from '../../shared/quiesce/hook.ts';
import { createLocalBackend } from '../../shared/repository/backend/local.ts';
import { openRepository } from '../../shared/repository/open-repository.ts';
import { btrfs } from '../../shared/snapshot/btrfs/provider.ts';
import { lookForTraces, sweepHost } from '../../shared/snapshot/host/commands.ts';
import { createRegistry } from '../../shared/snapshot/registry.ts';
import { describeTree } from '../support/describe-tree.ts';
import { mountFilesystem } from '../support/loop-filesystem.ts';
import { needing, whyNoProgram } from '../support/needing.ts';
import { noRuns } from '../support/pipeline/no-runs.ts';
import { restoreFrom, warningsOf } from '../support/restoring.ts';
import { type BtrfsHost, startBtrfsHost, whyNoBtrfsHost } from '../support/snapshot/btrfs-host.ts';
import { type TemporaryFolder, temporaryFolder } from '../support/temporary-folder.ts';
import { createTestRepository, PASSWORD } from '../support/test-repository.ts';

const owner = ownerId('00112233aabb');
const signal = AbortSignal.timeout(280_000);

/** Runs sh while the applications are held still: between the look at the host and the snapshots. */
const inBetween = (script: string): Hook => ({
  onHost: { kind: 'in-between', script: 'sp_in_between_thaw() { :; }' },
  programs: {},
  plan: () => [
    {
      ...{ kind: 'in-between', id: 'x', label: 'a moment', guarantees: 'application', holds: 'until-snapshots' },
      turns: [],
      deadlineSeconds: 30,
      freeze: { name: 'do-something', script, args: [], fields: 0, parse: () => undefined },
      prove: { name: 'prove-nothing', script: ':', args: [], fields: 0, parse: () => ({}) },
    },
  ],
});

/** Lines that say of others what they are, as names. */
const HOSTILE = String.raw`$'line\nID 256 gen 9 parent 5 top level 5 parent_uuid - uuid 00000000-0000-4000-8000-000000000000 path @other'`;

const SETUP = `cd /mnt
btrfs -q subvolume create @files; btrfs -q subvolume create @other
mkdir -p @files/deep @files/mounted @files/.snapshots; btrfs -q subvolume create @files/deep/unmounted
btrfs -q subvolume create @files/deep/unmounted/inner; btrfs -q subvolume create @files/${HOSTILE}
for each in @files @files/deep/unmounted @files/deep/unmounted/inner @files/${HOSTILE} @other; do
  head -c 300000 /dev/urandom > "$each/large"; echo "$each" > "$each/whose"; ln -s whose "$each/link"
  setfattr -n user.of -v "$each" "$each/whose"
done
for each in 1 2 3; do btrfs -q subvolume snapshot -r @files @files/.snapshots/$each; done
btrfs -q subvolume create @files/archive; echo kept > @files/archive/note; btrfs property set @files/archive ro true
cd /; mkdir /run/files; mount -o subvol=@files $disk /run/files; mount -o subvol=@other $disk /run/files/mounted`;

describe('Btrfs', needing(await whyNoBtrfsHost(), whyNoProgram('setfattr'), whyNoProgram('getfattr')), () => {
  let world: BtrfsHost;
  let folder: TemporaryFolder;
  let events: RunEventBody[];
  /** What is done before a phase goes on. */
  const atPhase = new Map<string, () => void>();

  beforeEach(async () => {
    folder = await temporaryFolder();
    world = await startBtrfsHost(SETUP);
    events = [];
    atPhase.clear();
    await (await createTestRepository(createLocalBackend(join(folder.path, 'repository')))).close();
  });
  afterEach(async () => {
    await world[Symbol.asyncDispose]();
    await folder[Symbol.asyncDispose]();
  });

  const request = (paths: readonly string[], exclude: readonly string[] = []) => ({
    source: {
      ...{ name: sourceName('s'), host: hostName('paper'), repository: repositoryName('main'), exclude },
      paths: paths.map((path) => Buffer.from(path)),
    },
    host: {
      ...{ name: hostName('paper'), ssh: 'paper', sudo: 'none' as const, sshConfigFile: undefined },
      ...{ leaseSeconds: 600, maxClockSkewSeconds: 86_400 },
    },
  });
  const registryOf = (hooks: readonly Hook[]) => createRegistry([btrfs], hooks);
  const save = (
    asked: ReturnType<typeof request>,
    hooks: readonly Hook[] = [],
    store = join(folder.path, 'repository'),
  ): Promise<BackupReport> =>
    backup(
      { ...asked, plan: undefined, acceptClockSkew: false },
      {
        openHost: () => Promise.resolve(world.connect()),
        openRepository: (open) => openRepository(createLocalBackend(store), PASSWORD, open),
        ...{ registry: registryOf(hooks), owner, runs: noRuns(), clock: systemClock, logger: silentLogger },
        emit: (event) => {
          events.push(event);
          if (event.type === 'phase-started') atPhase.get(event.phase)?.();
        },
        workFolder: folder.path,
      },
      signal,
    );
  const plan = (asked: ReturnType<typeof request>) =>
    planBackup(asked, { owner, dead: [] }, { host: world.host, clock: systemClock, registry: registryOf([]) }, signal);
  const restored = async (store = join(folder.path, 'repository')): Promise<string> => {
    const target = join(folder.path, 'restored');
    const { error } = await restoreFrom(store, target);
    expect(error).toBeUndefined();
    return target;
  };
  const errorOf = (work: Promise<unknown>) => work.then(() => undefined, toErrorRecord);
  const live = (path: string): string => `${world.root}${path}`;
  const sources = (): Promise<string> => world.sh('grep btrfs /proc/self/mountinfo | cut -d " " -f 4-');

  test('is saved with what is nested in it, mounted or not, and comes back byte for byte', async () => {
    const before = await sources();
    expect((await plan(request(['/run/files']))).risks).toContainEqual(
      expect.stringContaining('"/run/files/.snapshots/1" and 2 more are left out'),
    );
    const report = await save(request(['/run/files']));
    expect(report.consistency).toBe('crash-skewed');
    expect(report.snapshots.map(({ volume }) => volume.replace(/^[^:]*:/, '')).toSorted()).toEqual([
      '/@files',
      '/@files/archive',
      '/@files/deep/unmounted',
      '/@files/deep/unmounted/inner',
      String.raw`/@files/line\nID 256 gen 9 parent 5 top level 5 parent_uuid - uuid 00000000-0000-4000-8000-000000000000 path @other`,
      '/@other',
    ]);
    expect(warningsOf(events)).toEqual([
      '"/run/files/.snapshots/1" and 2 more are left out, as read-only snapshots of subvolumes that are still there; each is an empty folder in the restore point. To save one, name its path under "paths".',
    ]);
    const target = await restored();
    const [saved, real] = await Promise.all([
      describeTree(join(target, 'run/files')),
      describeTree(live('/run/files')),
    ]);
    const isLeftOut = (path: string): boolean => /^\.snapshots\/\d/.test(path);
    const plain = (tree: typeof saved) => Object.fromEntries([...tree].filter(([path]) => !isLeftOut(path)));
    expect(plain(saved)).toEqual(plain(real));
    expect([...saved.keys()].filter(isLeftOut).toSorted()).toEqual(['.snapshots/1', '.snapshots/2', '.snapshots/3']);
    // The host is as it was: no folder of ours, and its devices are called what they were called.
    expect(await world.atTop('ls -A')).not.toContain('stillpoint');
    expect(await sources()).toBe(before);
  }, 60_000);

  test('is the one of this host, whatever tests beside it mount on this machine', async () => {
    await using foreign = await mountFilesystem('btrfs', folder.path, 128 * 1024 ** 2);
    await using second = await startBtrfsHost(SETUP);
    expect(await second.sh('cat /proc/self/mountinfo')).not.toContain(foreign.path);
    expect(await second.atTop('ls')).toContain('@files');
  }, 60_000);

  test('is saved from its top level without the folder that is ours', async () => {
    await world.sh(`mkdir /run/top; mount -o subvolid=5 ${world.source} /run/top; echo top > /run/top/note`);
    await save(request(['/run/top'], ['/run/top/@files']));
    const target = await restored();
    expect([...(await describeTree(join(target, 'run/top'))).keys()].toSorted()).toEqual(
      ['.', '@other', '@other/large', '@other/link', '@other/whose', 'note'].toSorted(),
    );
  }, 60_000);

  test('is saved without the repository into which the backup goes, which is told', async () => {
    await world.sh('mkdir -p /run/files/deep/backup /run/files/decoy');
    const store = live('/run/files/deep/backup/repo');
    await (await createTestRepository(createLocalBackend(store))).close();
    // The same name and size, and another content.
    await world.sh(`head -c $(stat -c %s /run/files/deep/backup/repo/config) /dev/urandom > /run/files/decoy/config`);
    const first = await save(request(['/run/files']), [], store);
    expect(warningsOf(events)).toContain(
      '"/run/files/deep/backup/repo" is the repository into which this backup goes, so it is left out.',
    );
    const again = await save(request(['/run/files']), [], store);
    // What the first one stored is no part of the second one.
    expect(again.bytesTotal).toBe(first.bytesTotal);
    const saved = await describeTree(join(await restored(store), 'run/files'));
    expect([saved.has('deep/backup'), saved.has('deep/backup/repo'), saved.has('decoy/config')]).toEqual([
      true,
      false,
      true,
    ]);
    const progress = events.filter((event) => event.type === 'progress' && event.phase === 'read').at(-1);
    expect(progress).toMatchObject({ filesDone: expect.any(Number) as number });
    events.length = 0;
    await save(request(['/run/files'], ['/run/files/deep/backup']), [], store);
    expect(warningsOf(events).filter((text) => text.includes('repository'))).toEqual([]);
  }, 60_000);

  test('gives a snapshot of somebody where a source names it', async () => {
    const report = await save(request(['/run/files', '/run/files/.snapshots/2'], ['deep', 'mounted', 'line*']));
    expect(report.snapshots.map(({ volume }) => volume)).toContain(`${world.source}:/@files/.snapshots/2`);
    expect(warningsOf(events)).toEqual([expect.stringContaining('"/run/files/.snapshots/1" and 1 more are left out')]);
    const target = await restored();
    expect((await describeTree(join(target, 'run/files/.snapshots/2'))).get('whose')).toMatchObject({ type: 'f' });
  }, 60_000);

  test('is looked at through a bind mount of a folder in it', async () => {
    await world.sh('mkdir /run/bound; mount --bind /run/files/deep /run/bound');
    const report = await save(request(['/run/bound']));
    expect(report.snapshots.map(({ volume }) => volume.replace(/^[^:]*:/, '')).toSorted()).toEqual([
      '/@files',
      '/@files/deep/unmounted',
      '/@files/deep/unmounted/inner',
    ]);
    const [saved, real] = await Promise.all([
      describeTree(join(await restored(), 'run/bound')),
      describeTree(live('/run/bound')),
    ]);
    expect(saved).toEqual(real);
  }, 60_000);

  test('tells of a subvolume that came after the plan, unless it is left out', async () => {
    const made = inBetween(
      'btrfs subvolume create /run/files/deep/new >/dev/null; btrfs subvolume create /run/files/deep/left >/dev/null; btrfs subvolume snapshot -r /run/files /run/files/deep/old >/dev/null; echo lost > /run/files/deep/new/note',
    );
    await save(request(['/run/files'], ['/run/files/deep/left']), [made]);
    expect(warningsOf(events)).toContain(
      '"/run/files/deep/new" became a volume of its own when the backup had begun; it is an empty folder in this restore point.',
    );
    expect(warningsOf(events).filter((text) => text.includes('became a volume'))).toHaveLength(1);
  }, 60_000);

  test.each([
    ['went', 'btrfs subvolume delete /run/files/deep/unmounted/inner >/dev/null'],
    ['was moved', 'mv /run/files/deep/unmounted /run/files/elsewhere'],
    [
      'was replaced',
      'btrfs subvolume delete /run/files/deep/unmounted/inner >/dev/null; btrfs subvolume create /run/files/deep/unmounted/inner >/dev/null',
    ],
  ])(
    'fails where a subvolume %s after the plan, and leaves nothing',
    async (_, script) => {
      const error = await errorOf(save(request(['/run/files']), [inBetween(script)]));
      expect(error).toMatchObject({
        code: 'snapshot.create-failed',
        message: expect.stringContaining('is no longer where the plan found it') as unknown,
        advice: expect.stringContaining('Run the backup again') as unknown,
      });
      expect(await world.atTop('ls -A')).not.toContain('stillpoint');
    },
    60_000,
  );

  test.each([
    ['a link to a folder of root', 'mkdir -m 700 /run/elsewhere; ln -s /run/elsewhere .stillpoint'],
    ['a link into the same file system', 'mkdir -m 700 @other/private; ln -s @other/private .stillpoint'],
    ['a folder of somebody else', 'mkdir -m 700 .stillpoint; chown 1000 .stillpoint'],
    ['a folder that others may read', 'mkdir -m 755 .stillpoint'],
    ['a file', 'echo > .stillpoint'],
    ['a subvolume that others may use', 'btrfs -q subvolume create .stillpoint; chmod 777 .stillpoint'],
  ])(
    'is not snapshotted into %s',
    async (_, script) => {
      await world.atTop(script);
      const before = await world.atTop('find . /run/elsewhere 2>/dev/null | sort || :');
      const error = await errorOf(save(request(['/run/files/mounted'])));
      expect(error).toMatchObject({
        code: 'snapshot.create-failed',
        message: expect.stringContaining('".stillpoint" at the top level') as unknown,
      });
      expect(await world.atTop('find . /run/elsewhere 2>/dev/null | sort || :')).toBe(before);
    },
    60_000,
  );

  test.each(['list', 'read', 'end-check'])(
    'gives no restore point where its snapshot is removed before "%s", although what is left can be read',
    async (phase) => {
      const remove = `mount -o subvolid=5 ${world.source} /mnt; btrfs -q subvolume delete /mnt/.stillpoint/*/*`;
      atPhase.set(phase, () => {
        execFileSync('nsenter', [...world.enter, '--', 'unshare', '-m', 'sh', '-c', remove], { stdio: 'ignore' });
      });
      const error = await errorOf(save(request(['/run/files/mounted'])));
      expect(error).toMatchObject({ code: 'snapshot.identity-changed' });
      await using repository = await openRepository(
        createLocalBackend(join(folder.path, 'repository')),
        PASSWORD,
        signal,
      );
      expect((await repository.listRestorePoints(signal)).points).toEqual([]);
      expect(await world.atTop('ls -A')).not.toContain('stillpoint');
    },
    60_000,
  );

  test('is left alone by a sweep where it is not what its folder says', async () => {
    const run = newRunId();
    const uuid = (path: string) =>
      world.atTop(`btrfs subvolume show ${path} | sed -n "s/^[[:blank:]]*UUID:[[:blank:]]*//p"`);
    const [files, other] = [(await uuid('@files')).trim(), (await uuid('@other')).trim()];
    const name = (end: string): string => `sp_${run}_0000000${end}`;
    const folderOf = (end: string, origin: string, whose: string = owner): string =>
      `.stillpoint/${name(end)}.${whose}.${origin}`;
    await world.atTop(`mkdir -m 700 .stillpoint; mkdir ${folderOf('1', files)} ${folderOf('2', other)} ${folderOf('3', files)} ${folderOf('4', files, 'ffffffffffff')} ${folderOf('5', files)}
# Writable; of another origin; no subvolume; of another owner; ours.
btrfs -q subvolume snapshot @files ${folderOf('1', files)}/${name('1')}
btrfs -q subvolume snapshot -r @files ${folderOf('2', other)}/${name('2')}
mkdir ${folderOf('3', files)}/${name('3')}
btrfs -q subvolume snapshot -r @files ${folderOf('4', files, 'ffffffffffff')}/${name('4')}
btrfs -q subvolume snapshot -r @files ${folderOf('5', files)}/${name('5')}`);
    const { scripts } = registryOf([]);
    const foreseen = await world.host.run(lookForTraces(scripts, owner, []), signal);
    const swept = await world.host.run(sweepHost(scripts, owner, []), signal);
    expect(foreseen).toEqual(swept);
    const id = (end: string): string => `${world.uuid}/${name(end)}`;
    expect(swept.removed).toEqual([id('5')]);
    expect(swept.kept.toSorted((a, b) => a.object.localeCompare(b.object))).toEqual([
      { object: id('1'), reason: 'it does not bear our mark' },
      { object: id('2'), reason: 'it does not bear our mark' },
      { object: id('3'), reason: 'it does not bear our mark' },
      { object: id('4'), reason: 'it belongs to another Stillpoint' },
    ]);
    expect((await world.ours()).filter((path) => path.endsWith(name('5')))).toEqual([]);
  }, 60_000);

  test('that is read-only is refused, with what would help', async () => {
    await world.sh('mount -o remount,ro /run/files');
    const error = await errorOf(plan(request(['/run/files/mounted'])));
    expect(error).toMatchObject({
      code: 'host.path-not-snapshottable',
      message: expect.stringContaining('is read-only') as unknown,
    });
  }, 60_000);

  test('is shown with its volumes and not with the snapshots of others', async () => {
    const { volumes, pools, warnings } = await inspect(
      hostName('paper'),
      world.host,
      { clock: systemClock, registry: registryOf([]) },
      signal,
    );
    const shown = volumes.filter(({ kind }) => kind === 'btrfs');
    expect(shown.map(({ label }) => label)).not.toContain(`${world.source}:/@files/.snapshots/1`);
    expect(shown.find(({ mountpoints }) => mountpoints.includes('/run/files'))).toMatchObject({
      ...{ label: `${world.source}:/@files`, fsType: 'btrfs', kindWords: 'Btrfs subvolume' },
      snapshot: { possible: true, provider: 'btrfs' },
    });
    expect(pools).toContainEqual(expect.objectContaining({ name: world.source, sizeBytes: 512 * 1024 ** 2 }));
    expect(warnings).toContain(
      '3 read-only snapshots of subvolumes that are still there are not listed; backups leave them out, except one that a source names.',
    );
  }, 60_000);
});
