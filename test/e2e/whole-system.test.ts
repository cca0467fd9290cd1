/**
 * A whole system: its root on a logical volume, /boot on a partition, the EFI partition. Nobody names them. restic brings all
 * of it back, and what tells of the disks makes the same partition table and the same volumes on others.
 */
import { createHash } from 'node:crypto';
import { lstat, mkdtemp, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ConsistencyEvidence } from '../../shared/domain/consistency.ts';
import type { BackupReport } from '../../shared/domain/verbs/backup.ts';
import { type Guest, startGuest } from '../lab/guest.ts';
import { reasonLabCannotRun } from '../lab/requirements.ts';
import { backupsOf, type GuestBackups, heardWarnings } from '../support/guest-backups.ts';
import { needing } from '../support/needing.ts';
import { NO_RESTIC, resticOk } from '../support/restic.ts';
import { eventually } from '../support/snapshot/paper-lvm.ts';

const LAYOUT = '.stillpoint-layout';
/** Its programs are those of the guest. */
const ORDER = { paths: ['/'], system: true, exclude: ['/usr'] };

describe('a whole system', needing(NO_RESTIC ?? (await reasonLabCannotRun())), () => {
  const signal = AbortSignal.timeout(280_000);
  const must = (script: string): Promise<string> => guest.must(script, { signal });
  const inSystem = (script: string): Promise<string> => guest.must(script, { signal, as: 'lab-bak' });
  let guest: Guest;
  let backups: GuestBackups;
  let saved: BackupReport;
  let restored: string;
  const { notes, emit } = heardWarnings();

  beforeAll(async () => {
    guest = await startGuest({}, signal);
    await must(await readFile(join(import.meta.dirname, '../lab/guest/whole-system.sh'), 'utf8'));
    backups = await backupsOf(guest, signal, { alias: 'lab-bak' });
    saved = await backups.save(ORDER, emit);
    const repository = join(guest.directory, 'repository');
    await backups.writeOut(repository);
    restored = await mkdtemp(join(guest.directory, 'restored-'));
    await resticOk(repository, 'restore', saved.restorePoint, '--target', restored);
  }, 300_000);
  afterAll(async () => await guest?.[Symbol.asyncDispose]());

  test('comes back with /boot and the EFI partition, and with empty folders for what is no data', async () => {
    const sums = await inSystem(`cd / &&
find . '(' -path ./usr -o -path ./etc/lvm -o ! -fstype ext4 ! -fstype vfat ')' -prune -o -type f -print0 > /tmp/names &&
xargs -0 sha256sum -z < /tmp/names > /tmp/sums && tr '\\0' '\\1' < /tmp/sums`);
    const lines = sums.split('\u0001').slice(0, -1);
    expect(lines.length).toBeGreaterThan(100);
    for (const line of lines) {
      const path = line.slice(66);
      const sum = createHash('sha256')
        .update(await readFile(join(restored, path)))
        .digest('hex');
      expect(sum, path).toBe(line.slice(0, 64));
    }
    expect(lines.map((line) => line.slice(66))).toEqual(
      expect.arrayContaining(['./boot/vmlinuz-7', './boot/efi/EFI/debian/grubx64.efi', './srv/a\nb', './etc/fstab']),
    );
    for (const folder of ['proc', 'sys', 'dev', 'run', 'tmp', 'media'])
      expect((await lstat(join(restored, folder))).isDirectory(), folder).toBe(true);
    expect((await lstat(join(restored, 'srv/hard'))).ino).toBe((await lstat(join(restored, 'srv/a\nb'))).ino);
  });

  test('says what was read live, and what is not in it', async () => {
    await using repository = await backups.open();
    const { extra, paths } = await repository.findRestorePoint(saved.restorePoint, signal);
    const { evidence } = (extra as { stillpoint: { evidence: ConsistencyEvidence } }).stillpoint;
    expect(paths).toEqual(['/']);
    expect(saved.consistency).toBe('fuzzy');
    expect(evidence.instants.map(({ volume }) => volume)).toEqual(['vg0/root']);
    expect(evidence.live?.map(({ path }) => path).toSorted()).toEqual(['/boot', '/boot/efi']);
    const told = notes.join('\n');
    expect(told).toContain('"/boot/efi" is read live');
    expect(told).toContain('"/proc" (proc) is in memory or belongs to the kernel');
    expect(told).toContain('"/var/gone" stands in /etc/fstab and is not mounted');
  });

  test('has a partition table that makes the same one on another disk', async () => {
    const table = await readFile(join(restored, LAYOUT, 'disks/loop0.sfdisk'), 'utf8');
    expect(table).toContain('name="EFI"');
    await must(`sfdisk -q /dev/loop1 <<'TABLE'\n${table}TABLE\nudevadm settle`);
    const [one, other] = [await must('sfdisk -d /dev/loop0'), await must('sfdisk -d /dev/loop1')];
    expect(other.replaceAll('loop1', 'loop0')).toBe(one);
    expect(one).toContain('size=      163840');
  });

  test('has the metadata of a group that make the same volumes on an empty disk', async () => {
    const metadata = await readFile(join(restored, LAYOUT, 'lvm/archive.vgcfg'), 'utf8');
    const [, uuid = ''] = /pv0 \{\s+id = "([^"]+)"/.exec(metadata) ?? [];
    const columns = 'lvs --noheadings -o lv_name,lv_uuid,lv_size,seg_start_pe archive';
    const before = await must(columns);
    await must(`vgchange -qq -an archive; wipefs -qa /dev/loop2; blkdiscard -z /dev/loop2
cat > /tmp/archive.vgcfg <<'END'\n${metadata}END
pvcreate -qq --uuid ${uuid} --restorefile /tmp/archive.vgcfg /dev/loop2
vgcfgrestore -qq -f /tmp/archive.vgcfg archive; vgchange -qq -ay archive`);
    expect(await must(columns)).toBe(before);
    expect(await readFile(join(restored, LAYOUT, 'README.txt'), 'utf8')).toContain('lvm/archive.vgcfg');
  });

  test('is mirrored, too, and leaves out what the host has under the name of our folder', async () => {
    await inSystem(`mkdir /${LAYOUT}; echo old > /${LAYOUT}/README.txt; echo old > /${LAYOUT}/older`);
    notes.length = 0;
    const folder = join(guest.directory, 'mirror');
    const { path, proved } = await backups.export(ORDER, { kind: 'mirror', folder }, emit);
    expect(notes.join('\n')).toContain(`"/${LAYOUT}" on the host is left out`);
    expect((await readdir(join(path, LAYOUT))).toSorted()).toEqual((await readdir(join(restored, LAYOUT))).toSorted());
    const text = await readFile(join(path, LAYOUT, 'README.txt'), 'utf8');
    expect(text).toMatch(/^This folder is no folder of the host/);
    expect(proved.files).toBeGreaterThan(100);
  });

  test('is left as it was', async () => {
    await eventually(async () => (await guest.traces({ signal })).length === 0, 'the host was as before');
    expect(await must('ls /tmp /run | grep -c stillpoint || :')).toBe('0\n');
  });
});
