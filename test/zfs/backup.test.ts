/**
 * Real backups of real ZFS: what is nested, mounted by whatever, named in hostile ways, encrypted, on several pools and beside
 * LVM; what is not mounted; what comes and goes while it is saved. Run it with: npm run test:zfs
 */

import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { systemClock } from '../../shared/base/clock.ts';
import { toErrorRecord } from '../../shared/base/errors.ts';
import { hostName } from '../../shared/domain/names.ts';
import { inspect } from '../../shared/pipeline/inspect.ts';
import { reasonLabCannotRun } from '../lab/requirements.ts';
import { needing } from '../support/needing.ts';
import { warningsOf } from '../support/restoring.ts';
import { makePool } from '../support/snapshot/zfs-host.ts';
import { inBetween, registryWith, startZfsWorld, type ZfsWorld } from '../support/snapshot/zfs-world.ts';

const MINUTE = 60_000;

/** A dataset of each kind, with data that is different in each; one more pool has its place within them. */
const SETUP = `${makePool('tank', 512)}
${makePool('other', 256)}
zfs create tank/files
zfs create tank/files/nested
zfs create 'tank/files/with blank'
zfs create -o canmount=off tank/files/container; zfs create tank/files/container/inner
zfs create -o canmount=noauto tank/files/manual; mkdir -p /srv/tank/files/manual; zfs mount tank/files/manual
zfs create -o mountpoint=legacy tank/fstab; mkdir /srv/tank/files/legacy; mount -t zfs tank/fstab /srv/tank/files/legacy
zfs create tank/files/asleep; zfs create -o canmount=noauto tank/files/never
for name in secret locked; do
  echo 'correct horse' | zfs create -o encryption=on -o keyformat=passphrase tank/files/$name
done
zfs snapshot tank/files/nested@older; zfs set snapdir=visible tank/files/nested
zfs clone -o mountpoint=legacy tank/files/nested@older tank/clone
zfs set mountpoint=/srv/tank/files/elsewhere other
for each in /srv/tank/files /srv/tank/files/*/ /srv/tank/files/container/inner; do
  cd "$each"; head -c 200000 /dev/urandom > large; echo "$each" > whose; ln -s whose link
  setfattr -n user.of -v "$each" whose; mkdir -p "$(printf 'line\\nbreak')" ./-rf; echo x > "./-rf/$(printf '\\377')"
done
cd /; echo asleep > /srv/tank/files/asleep/whose
zfs unmount tank/files/asleep; zfs unmount tank/files/locked; zfs unload-key tank/files/locked`;

/** All that a tree is, one line each, whatever file system holds it: folders have sizes of their own there. */
const DESCRIBE = `find . -name .zfs -prune -o -type d -printf '%P %y %m %U:%G %T@\\0' -o -printf '%P %y %m %U:%G %T@ %s %n %l\\0' | sort -z | tr '\\0\\n' '\\n?'
find . -name .zfs -prune -o -type f -print0 | sort -z > /tmp/lab-files
xargs -0 sha256sum < /tmp/lab-files
xargs -0 getfattr -h -d -m - -e hex < /tmp/lab-files; rm /tmp/lab-files`;

describe('ZFS', needing(await reasonLabCannotRun()), () => {
  let world: ZfsWorld;
  const signal = AbortSignal.timeout(100 * MINUTE);
  const errorOf = (work: Promise<unknown>) => work.then(() => undefined, toErrorRecord);
  const labels = (of: { readonly snapshots: readonly { readonly volume: string }[] }): readonly string[] =>
    of.snapshots.map(({ volume }) => volume).toSorted();
  const IN_FILES = [
    ...['tank/files', 'tank/files/container/inner', 'tank/files/manual', 'tank/files/nested', 'tank/files/secret'],
    ...['tank/files/with blank', 'tank/fstab'],
  ];

  beforeAll(async () => {
    world = await startZfsWorld(SETUP, signal);
  }, 15 * MINUTE);
  afterAll(() => world?.[Symbol.asyncDispose]());
  afterEach(async () => {
    const left = await world?.must(
      'zfs list -H -t snapshot -o name | grep @sp_ || :; ls -A /run/stillpoint 2>/dev/null || :',
    );
    if (left !== undefined && left !== '') throw new Error(`the host is not as it was: ${left}`);
  });

  test(
    'is saved with what is nested in it, by whatever it is mounted, and comes back byte for byte',
    async () => {
      // Not yet on the disk when the snapshots are made: where its holes are must be told rightly all the same.
      const write =
        'cd /srv/tank/files/nested; dd if=/dev/urandom of=sparse bs=64k count=1 seek=400 status=none; dd if=/dev/urandom of=sparse bs=64k count=1 seek=10 conv=notrunc status=none';
      const { report, events } = await world.save(['/srv/tank/files'], { hooks: [inBetween(write)] });
      expect(labels(report)).toEqual(['other', ...IN_FILES]);
      expect(report.missingCount).toBe(0);
      // The clock of a machine that is emulated beside other work may go wrong, which is told of, too.
      const notes = events.filter((event) => event.type === 'warning' && event.code === 'source.note');
      expect(warningsOf(notes).toSorted()).toEqual([
        '"/srv/tank/files/asleep" and 1 more are places of ZFS datasets that are not mounted, so nothing of them is in the restore point; what is seen there now is saved.',
        '"/srv/tank/files/locked" is the place of one of the encrypted ZFS datasets whose key is not loaded, so nothing of them is in the restore point; what is seen there now is saved.',
      ]);
      const target = join(await world.restored(), 'srv/tank/files');
      const real = await world.must(`cd /srv/tank/files; ${DESCRIBE}`);
      const { stdout: saved } = await execa('sh', ['-c', DESCRIBE], { cwd: target, env: { LC_ALL: 'C' } });
      expect(saved.trimEnd().split('\n')).toEqual(real.trimEnd().split('\n'));
      expect(saved).toContain('sparse');
      expect(saved).toContain('container/inner/large');
    },
    10 * MINUTE,
  );

  test(
    'has one instant for all datasets of a pool, as the plan says, and one more for another pool',
    async () => {
      const exclude = ['/srv/tank/files/elsewhere'];
      expect((await world.plan(['/srv/tank/files'], exclude)).consistency).toBe('crash');
      const { report } = await world.save(['/srv/tank/files'], { exclude });
      expect(report).toMatchObject({ consistency: 'crash', skewMs: 0 });
      expect(labels(report)).toEqual(IN_FILES);
      expect((await world.plan(['/srv/tank/files'])).consistency).toBe('crash-skewed');
    },
    10 * MINUTE,
  );

  test(
    'is snapshotted in one critical section with a thick and a thin volume of LVM',
    async () => {
      const { report } = await world.save(['/srv/files', '/srv/thin', '/srv/tank/files/nested']);
      expect(labels(report)).toEqual(['tank/files/nested', 'vg0/files', 'vg0/thin']);
      expect(report.consistency).toBe('crash-skewed');
      const target = await world.restored();
      for (const path of ['srv/files/documents/note.txt', 'srv/tank/files/nested/whose']) {
        const { stdout } = await execa('cat', [join(target, path)]);
        expect(`${stdout}\n`).toBe(await world.must(`cat /${path}`));
      }
    },
    10 * MINUTE,
  );

  test.each([
    ['was renamed', 'zfs rename tank/files/nested tank/files/moved', 'zfs rename tank/files/moved tank/files/nested'],
    [
      'was replaced by another one of its name',
      'zfs rename tank/files/nested tank/aside; zfs create tank/files/nested',
      'zfs destroy tank/files/nested; zfs rename tank/aside tank/files/nested',
    ],
    ['went with its pool', 'zpool export other', 'zpool import -d /root other'],
  ])(
    'fails where a dataset %s after the plan, and leaves nothing',
    async (_, script, back) => {
      const points = await world.points();
      const error = await errorOf(
        world.save(['/srv/tank/files'], { hooks: [inBetween(`{ ${script}; } >/dev/null 2>&1`)] }),
      );
      await world.must(back);
      expect(error).toMatchObject({
        code: 'snapshot.create-failed',
        message: expect.stringMatching(
          /no longer (where|the dataset that) the plan found|does not answer any more/,
        ) as unknown,
      });
      expect(await world.points()).toBe(points);
    },
    10 * MINUTE,
  );

  test(
    'tells of a dataset that came after the plan',
    async () => {
      const made = inBetween('zfs create tank/files/nested/new; echo lost > /srv/tank/files/nested/new/note');
      const { events } = await world.save(['/srv/tank/files/nested'], { hooks: [made] });
      expect(warningsOf(events)).toContain(
        '"/srv/tank/files/nested/new" became a volume of its own when the backup had begun; it is an empty folder in this restore point.',
      );
      await world.must('zfs destroy tank/files/nested/new');
    },
    10 * MINUTE,
  );

  test(
    'cannot be taken away by others while it is read',
    async () => {
      const attempts = `zfs snapshot tank/files/nested@between
zfs rollback -r tank/files/nested@older > /root/said 2>&1
# What fails here has unmounted the pool before.
zpool export other >> /root/said 2>&1 && exit 1; zfs mount other
for name in $(zfs list -H -t snapshot -o name tank/files/nested | grep @sp_); do
  zfs destroy "$name" >> /root/said 2>&1 && exit 1
done; zfs destroy tank/files/nested@between 2>/dev/null || :`;
      const { report } = await world.save(['/srv/tank/files/nested', '/srv/tank/files/elsewhere'], {
        atPhase: { read: attempts },
      });
      expect(labels(report)).toEqual(['other', 'tank/files/nested']);
      const said = await world.must('cat /root/said');
      expect(said).toMatch(/cannot (destroy|rollback).*nested@sp_.*busy/);
      expect(said).toMatch(/cannot (export|unmount).*other.*busy/);
    },
    10 * MINUTE,
  );

  test.each(['read', 'end-check'])(
    'gives no restore point where its snapshot is taken away by force before "%s"',
    async (phase) => {
      const points = await world.points();
      const force = `set -- $(cat /run/stillpoint/*/keeper); nsenter --mount=/proc/$1/ns/mnt umount -l /run/stillpoint/*/mnt/0
name=$(zfs list -H -t snapshot -o name tank/files/nested | grep @sp_); tag=$(zfs holds -H "$name" | cut -f 2)
zfs release "$tag" "$name"; i=0
until zfs destroy "$name" 2>/dev/null; do i=$((i + 1)); [ $i -lt 60 ] || exit 1; sleep 1; done`;
      const error = await errorOf(world.save(['/srv/tank/files/nested'], { atPhase: { [phase]: force } }));
      expect(error).toMatchObject({
        code: expect.stringMatching(/^(snapshot\.identity-changed|read\.|remote\.)/) as unknown,
      });
      expect(await world.points()).toBe(points);
    },
    10 * MINUTE,
  );

  test.each([
    ['/srv/tank/files/locked', /key is not loaded/, /zfs load-key tank\/files\/locked/],
    ['/srv/tank/files/asleep', /not mounted/, /zfs mount tank\/files\/asleep/],
  ])(
    'is refused where a source names "%s", with what would help',
    async (path, message, advice) => {
      expect(await errorOf(world.plan([path]))).toMatchObject({
        code: 'host.path-not-snapshottable',
        message: expect.stringMatching(message) as unknown,
        advice: expect.stringMatching(advice) as unknown,
      });
    },
    5 * MINUTE,
  );

  test(
    'is not read through what a look into ".zfs/snapshot" has the kernel mount',
    async () => {
      await world.must(
        'ls /srv/tank/files/nested/.zfs/snapshot/older/. >/dev/null; grep -F .zfs/snapshot/older /proc/self/mountinfo',
      );
      const { report } = await world.save(['/srv/tank/files/nested']);
      expect(labels(report)).toEqual(['tank/files/nested']);
      await world.must('umount /srv/tank/files/nested/.zfs/snapshot/older');
    },
    10 * MINUTE,
  );

  test(
    'of a file system on a zvol says why not',
    async () => {
      await world.must(`zfs create -s -V 64m tank/block; udevadm settle; mkfs.ext4 -q /dev/zvol/tank/block
mkdir /srv/block; mount /dev/zvol/tank/block /srv/block`);
      expect(await errorOf(world.plan(['/srv/block']))).toMatchObject({
        code: 'host.path-not-snapshottable',
        message: expect.stringMatching(/block device of ZFS \(a zvol\)/) as unknown,
      });
      await world.must('umount /srv/block; zfs destroy tank/block');
    },
    5 * MINUTE,
  );

  test(
    'of a pool that is imported read-only says why not',
    async () => {
      await world.must('zpool export other; zpool import -o readonly=on -d /root other');
      expect(await errorOf(world.plan(['/srv/tank/files/elsewhere']))).toMatchObject({
        code: 'host.path-not-snapshottable',
        message: expect.stringMatching(/imported read-only/) as unknown,
      });
      await world.must('zpool export other; zpool import -d /root other');
    },
    5 * MINUTE,
  );

  test(
    'is shown with its datasets and its pools',
    async () => {
      const { volumes, pools } = await inspect(
        hostName('lab'),
        world.host,
        { clock: systemClock, registry: registryWith() },
        signal,
      );
      expect(volumes.find(({ label }) => label === 'tank/files/with blank')).toMatchObject({
        ...{ fsType: 'zfs', kindWords: 'ZFS dataset', mountpoints: ['/srv/tank/files/with blank'] },
        snapshot: { possible: true, provider: 'zfs' },
      });
      expect(
        pools
          .filter(({ kindWords }) => kindWords === 'ZFS pool')
          .map(({ name }) => name)
          .toSorted(),
      ).toEqual(['other', 'tank']);
    },
    5 * MINUTE,
  );
});
