/**
 * Images of block devices: a thick volume whose file system is in use, and a thin one as a virtual machine has it. restic brings
 * them back with their holes, and what is written to another volume is a file system that mounts and is clean.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { BackupReport } from '../../shared/domain/verbs/backup.ts';
import { type Guest, startGuest } from '../lab/guest.ts';
import { reasonLabCannotRun } from '../lab/requirements.ts';
import { backupsOf, type GuestBackups, heardWarnings } from '../support/guest-backups.ts';
import { needing } from '../support/needing.ts';
import { newestRestic, resticWith } from '../support/newest-restic.ts';
import { eventually } from '../support/snapshot/paper-lvm.ts';

const MIB = 1024 * 1024;
const restic = await newestRestic();
const devices = ['/dev/vg0/shop', '/dev/mapper/vg0-machine'].map((path) => Buffer.from(path));
const FOLDER = '.stillpoint-devices/dev';

describe('images of devices', needing(restic.skip ?? (await reasonLabCannotRun())), () => {
  const signal = AbortSignal.timeout(280_000);
  const must = (script: string): Promise<string> => guest.must(script, { signal });
  const run = resticWith(restic.program);
  let guest: Guest;
  let backups: GuestBackups;
  let first: BackupReport;
  let second: BackupReport;
  let restored: string;
  const { notes, emit } = heardWarnings();

  beforeAll(async () => {
    guest = await startGuest({}, signal);
    await must(`lvcreate -qq -y -n shop -L 64m vg0; lvcreate -qq -y -n back -L 64m vg0
lvcreate -qq -y -n machine -V 48m --thinpool pool0 vg0
blkdiscard -z /dev/vg0/shop; mkfs.ext4 -q /dev/vg0/shop; mkdir -p /mnt/shop /mnt/back; mount /dev/vg0/shop /mnt/shop
head -c 3000000 /dev/urandom > /mnt/shop/quiet; sync
printf 'label: dos\\nstart=2048, type=83\\n' | sfdisk -q /dev/vg0/machine
head -c 5000000 /dev/urandom | dd of=/dev/vg0/machine bs=1M seek=8 status=none conv=fsync
systemd-run -q --unit=writer sh -c 'while :; do date >> /mnt/shop/log; cp /mnt/shop/log /mnt/shop/copy; sync; done'
until [ -s /mnt/shop/log ]; do sleep 0.1; done`);
    backups = await backupsOf(guest, signal);
    first = await backups.save({ paths: [], devices }, emit);
    await must(`systemctl stop writer; printf x | dd of=/dev/vg0/machine bs=1M seek=30 status=none conv=notrunc,fsync`);
    second = await backups.save({ paths: ['/srv/files'], devices: devices.slice(1) }, emit);
    const repository = join(guest.directory, 'repository');
    await backups.writeOut(repository);
    restored = join(guest.directory, 'restored');
    await run(repository, 'restore', first.restorePoint, '--sparse', '--target', restored);
  }, 300_000);
  afterAll(async () => await guest?.[Symbol.asyncDispose]());

  test('come back in their size, with holes where there was nothing', async () => {
    for (const [name, size] of [
      ['vg0/shop', 64 * MIB],
      ['mapper/vg0-machine', 48 * MIB],
    ] as const) {
      const found = await stat(join(restored, FOLDER, name));
      expect([found.size, found.mode & 0o777], name).toEqual([size, 0o600]);
      expect(found.blocks * 512, name).toBeLessThan(size / 2);
    }
    const hash = createHash('sha256');
    for await (const chunk of createReadStream(join(restored, FOLDER, 'mapper/vg0-machine')))
      hash.update(chunk as Buffer);
    await must('dd if=/dev/zero of=/dev/vg0/machine bs=1M seek=30 count=1 status=none conv=notrunc,fsync');
    expect(await must('sha256sum < /dev/vg0/machine')).toBe(`${hash.digest('hex')}  -\n`);
  });

  test('are of one instant each: what is written back mounts, is clean, and has what was there', async () => {
    await execa('ssh', ['-F', guest.sshConfigFile, 'lab', 'dd of=/dev/vg0/back bs=1M conv=fsync status=none'], {
      inputFile: join(restored, FOLDER, 'vg0/shop'),
    });
    await must(
      'mount /dev/vg0/back /mnt/back; cmp /mnt/shop/quiet /mnt/back/quiet; umount /mnt/back; e2fsck -fn /dev/vg0/back',
    );
    expect(first.consistency).toBe('crash-skewed');
    expect(notes.filter((note) => note.includes('as after a power cut'))).toHaveLength(1);
  });

  test('are read whole each time, and stored where they changed', () => {
    expect([first.bytesTotal, first.bytesReceived]).toEqual([112 * MIB, 112 * MIB]);
    expect(second.files).toMatchObject({ changed: 1 });
    // One piece, and the folders.
    expect(second.bytesStored).toBeLessThan(MIB);
  });

  test('leave the host as it was', async () => {
    await eventually(async () => (await guest.traces({ signal })).length === 0, 'the host was as before');
    expect(await must('lvs --noheadings -o lv_name vg0 | grep -c sp_ || :')).toBe('0\n');
  });
});
