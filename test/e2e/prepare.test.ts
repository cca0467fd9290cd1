/**
 * Volumes made out of empty devices of a real host, by a person at a real terminal: only of what is empty and unused, only
 * as it was shown, and whole or not at all.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { HostInventory } from '../../shared/domain/host.ts';
import { type Guest, startGuest } from '../lab/guest.ts';
import { reasonLabCannotRun } from '../lab/requirements.ts';
import { atTerminal, type Dialogue } from '../support/at-terminal.ts';
import { type InstalledUser, installedUser } from '../support/installed-user.ts';
import { needing } from '../support/needing.ts';

const signalOf = (): AbortSignal => AbortSignal.timeout(200_000);
const QUESTION = /Type the name of the device[^\n]*: $/;
const MIB = 1024 * 1024;

/** A partition table with one partition of 10 MiB, by hand: the guest has no program for it. */
const dosTable = (disk: string): string =>
  `printf '\\000\\000\\000\\000\\203\\000\\000\\000\\000\\010\\000\\000\\000\\120\\000\\000' | dd of=${disk} bs=1 seek=446 conv=notrunc
printf '\\125\\252' | dd of=${disk} bs=1 seek=510 conv=notrunc; blockdev --rereadpt ${disk}`;

describe('an empty device of a host', needing(await reasonLabCannotRun()), () => {
  let guest: Guest;
  let user: InstalledUser;
  /** Kernel names of the spare disks. */
  let disks: readonly string[];
  const sh = (script: string): Promise<string> => guest.must(script, { signal: signalOf() });
  const typing = (words: readonly string[], answers: Dialogue['answers']) =>
    atTerminal(user, ['prepare', 'lab', ...words], { question: QUESTION, answers }, signalOf());
  const refusal = async (words: readonly string[]): Promise<string> => {
    const { exitCode, stderr, stdout } = await user.run(['prepare', 'lab', ...words, '--dry-run'], signalOf());
    expect(exitCode, stdout).not.toBe(0);
    return stderr;
  };
  /** What would be seen of any change. */
  const state = (disk: string): Promise<string> => sh(`pvs --noheadings; vgs --noheadings; sha256sum ${disk}`);

  /** The script of the plan, and what it says with other arguments. */
  const plannedWork = async (disk: string) => {
    const { plan } = (await user.ask(['prepare', 'lab', disk, '--group', 'late', '--dry-run'], signalOf())) as {
      plan: { steps: { command: { script: string; args: string[] } }[] };
    };
    const { script = '', args = [] } = plan.steps[0]?.command ?? {};
    const quoted = (text: string): string => `'${text.replaceAll("'", String.raw`'\''`)}'`;
    const run = (changed: readonly string[]): Promise<string> =>
      sh(
        `sh -c ${quoted(`body() {\n${script}\n}; body "$@"`)} sh ${changed.map(quoted).join(' ')} 2>&1 | tr '\\000' '|'`,
      );
    return { args, run };
  };

  beforeAll(async () => {
    guest = await startGuest({ spareDisksMiB: [256, 128, 72] }, AbortSignal.timeout(280_000));
    user = await installedUser();
    await user.configure({ hosts: { lab: { ssh: 'lab', sshConfigFile: guest.sshConfigFile } } });
    disks = (await sh('for d in /dev/ubd[c-e] /dev/vd[c-e]; do [ ! -b $d ] || echo $d; done')).trim().split('\n');
  }, 300_000);
  afterAll(async () => {
    await user?.[Symbol.asyncDispose]();
    await guest?.[Symbol.asyncDispose]();
  });

  test('is left alone where another name is typed, or none', async () => {
    const [disk = ''] = disks;
    const before = await state(disk);
    const words = [disk, '--group', 'data'];
    for (const [answer, exitCode] of [
      [`${disk.slice(0, -1)}b\r`, 2],
      ['\u0003', 130],
    ] as const) {
      const ended = await typing(words, [answer]);
      expect({ answer, exitCode: ended.exitCode }, ended.screen).toEqual({ answer, exitCode });
    }
    expect(await state(disk)).toBe(before);
  });

  test('becomes a group with a reserve, a volume and a file system, of which a snapshot can be taken', async () => {
    const [disk = ''] = disks;
    const link = '/dev/disk/by-id/lab-spare';
    await sh(`mkdir -p /dev/disk/by-id; ln -s ${disk} ${link}`);
    const words = [link, '--group', 'my-data', '--volume', 'fresh', '--reserve', '25%'];
    const { plan } = (await user.ask(['prepare', 'lab', ...words, '--dry-run'], signalOf())) as {
      plan: { device: { path: string }; groupBytes: number; freeBytes: number; volume: { sizeBytes: number } };
    };
    expect(plan.device.path).toBe(disk);
    const { screen, exitCode, unasked } = await typing(words, [`${disk}\r`]);
    expect(exitCode, screen).toBe(0);
    expect(unasked).toBe(0);
    const figures = await sh(
      'vgs --noheadings --units b --nosuffix -o vg_size,vg_free my-data; lvs --noheadings --units b --nosuffix -o lv_size my-data/fresh',
    );
    const [group, free, volume] = figures.trim().split(/\s+/).map(Number);
    expect([group, free, volume]).toEqual([plan.groupBytes, plan.freeBytes, plan.volume.sizeBytes]);
    expect(free).toBeGreaterThanOrEqual(256 * MIB * 0.22);
    const lines = screen.slice(screen.indexOf('Next, as root')).split('\r\n').slice(1, 4);
    expect(lines).toHaveLength(3);
    await sh(`set -e\n${lines.join('\n')}\nfindmnt -n -o SOURCE /srv/fresh | tail -1 | grep -q my`);
    const { inventory } = (await user.ask(['inspect', 'lab'], signalOf())) as { inventory: HostInventory };
    expect(inventory.volumes.find(({ label }) => label === 'my-data/fresh')?.snapshot.possible).toBe(true);
  });

  test('gives a group more room, and no second time', async () => {
    const [, disk = ''] = disks;
    const freeOf = async () => Number(await sh('vgs --noheadings --units b --nosuffix -o vg_free vg0'));
    const before = await freeOf();
    const words = [disk, '--add-to', 'vg0'];
    const { screen, exitCode } = await typing(words, [`${disk}\r`]);
    expect(exitCode, screen).toBe(0);
    expect((await freeOf()) - before).toBe(124 * MIB);
    expect(await refusal(words)).toContain('LVM2_member');
  });

  test('is refused with everything that is found on it', async () => {
    const [first = '', , third = ''] = disks;
    const clean = `umount ${third} 2>/dev/null; swapoff ${third} 2>/dev/null; dmsetup remove --retry held 2>/dev/null; dd if=/dev/zero of=${third} bs=1M 2>/dev/null; blockdev --setrw ${third}; blockdev --rereadpt ${third} 2>/dev/null; udevadm settle`;
    const cases: readonly (readonly [setup: string, ...says: string[]])[] = [
      [`mkfs.ext4 -q ${third}; mount -o ro ${third} /mnt`, 'mounted at "/mnt"', 'TYPE=ext4'],
      [`mkswap ${third}; swapon ${third}`, 'swap'],
      [dosTable(third), 'PTTYPE=dos'],
      [`dmsetup create held --table "0 2048 linear ${third} 0"`, 'dm-'],
      [`printf database | dd of=${third} bs=1M seek=3 conv=notrunc`, 'first 16 MiB'],
      [`printf tail | dd of=${third} bs=1 seek=$((72 * 1024 * 1024 - 4)) conv=notrunc`, 'last 16 MiB'],
    ];
    for (const [setup, ...says] of cases) {
      await sh(`${clean}; set -e; ${setup}; udevadm settle`);
      const before = await state(third);
      const said = await refusal([third, '--group', 'other']);
      for (const each of says) expect(said, setup).toContain(each);
      expect(said, setup).toContain('[host.device-in-use]');
      expect(await state(third)).toBe(before);
    }
    await sh(clean);
    expect(await refusal([first, '--group', 'other'])).toContain('LVM2_member');
    expect(await refusal(['/dev/vg0/files', '--group', 'other'])).toContain('made by LVM');
    expect(await refusal(['/dev/nothing', '--group', 'other'])).toContain('[host.path-not-found]');
    expect(await refusal([third, '--group', 'vg0'])).toContain('a group named "vg0"');
  });

  test('is refused where it cannot be read at one of its ends, and nothing is changed', async () => {
    const [, , disk = ''] = disks;
    const SECTORS = 72 * 2048;
    /** The disk, but for one mebibyte where it fails. */
    const failingAt = (sector: number): string => {
      const after = sector + 2048;
      return `0 ${sector} linear ${disk} 0\n${sector} 2048 error\n${after} ${SECTORS - after} linear ${disk} ${after}\n`;
    };
    const load = (table: string): string => `printf '${table.replaceAll('\n', String.raw`\n`)}'`;
    const before = await state(disk);
    await sh(`${load(`0 ${SECTORS} linear ${disk} 0\n`)} | dmsetup create failing; udevadm settle`);
    try {
      const { args, run } = await plannedWork('/dev/mapper/failing');
      // Where blkid and LVM do not look themselves.
      for (const [end, sector] of [
        ['first', 8192],
        ['last', SECTORS - 8192],
      ] as const) {
        await sh(
          `set -e; dmsetup suspend failing; ${load(failingAt(sector))} | dmsetup reload failing; dmsetup resume failing; echo 3 > /proc/sys/vm/drop_caches`,
        );
        // Not all can be read, and what can is nothing but zeros.
        expect(
          await sh(`dd if=/dev/mapper/failing of=/tmp/rest bs=4096 conv=noerror 2>/dev/null || :
tr -d '\\000' < /tmp/rest | wc -c; stat -c %s /tmp/rest; rm /tmp/rest`),
        ).toBe(`0\n${(SECTORS - 2048) * 512}\n`);
        const said = await refusal(['/dev/mapper/failing', '--group', 'other']);
        expect(said).toContain('[host.device-in-use]');
        expect(said).toContain(`its ${end} 16 MiB cannot be read`);
        expect(said).not.toContain('not zero');
        // It may fail only after the plan.
        if (end === 'first') expect(await run(args)).toContain(' cannot be read\nlook||');
      }
    } finally {
      await sh('dmsetup remove --retry failing');
    }
    expect(await state(disk)).toBe(before);
  });

  test('is as it was where a step fails, and where another device has come to its name', async () => {
    const [, , disk = ''] = disks;
    const before = await state(disk);
    // The file system cannot be made: everything before it is taken back.
    await sh('mkdir -p /run/lab; mount --bind /bin/false "$(command -v mkfs.ext4)"');
    const failed = await typing([disk, '--group', 'late'], [`${disk}\r`]);
    await sh('umount "$(command -v mkfs.ext4)"');
    expect(failed.exitCode, failed.screen).not.toBe(0);
    expect(failed.screen).toContain('[host.volume-not-made]');
    expect(failed.screen).toContain('mkfs failed. What was made before was taken back');
    expect(await state(disk)).toBe(before);
    // Between the look and the answer somebody else uses it.
    const meanwhile = async (): Promise<string> => {
      await sh(`mkfs.ext4 -q ${disk}`);
      return `${disk}\r`;
    };
    const late = await typing([disk, '--group', 'late'], [meanwhile]);
    expect(late.exitCode, late.screen).not.toBe(0);
    expect(late.screen).toContain('TYPE=ext4');
    await sh(`blkid -p ${disk} | grep -q ext4; dd if=/dev/zero of=${disk} bs=1M 2>/dev/null || :`);
  });

  test('that another has taken since the plan is refused by the script itself', async () => {
    const [, , disk = ''] = disks;
    const { args, run } = await plannedWork(disk);
    const other = (index: number, value: string): readonly string[] => args.with(index, value);
    const before = await state(disk);
    for (const changed of [other(1, '7:0'), other(2, '2048'), other(3, '999999')])
      expect(await run(changed)).toContain('another device than it was\nlook||');
    await sh(`printf x | dd of=${disk} bs=1M seek=5 conv=notrunc 2>/dev/null`);
    expect(await run(args)).toContain('not empty any more\nlook||');
    await sh(`printf '\\000' | dd of=${disk} bs=1M seek=5 conv=notrunc 2>/dev/null`);
    expect(await state(disk)).toBe(before);
  });

  test('becomes a volume also where the connection ends in the middle', async () => {
    const [, , disk = ''] = disks;
    // The connection is cut while the file system is made.
    await sh(`cp "$(command -v mkfs.ext4)" /run/mkfs.ext4
printf '#!/bin/sh\\npkill -KILL -f "sshd: root@notty"; sleep 2; exec /run/mkfs.ext4 "$@"\\n' > /run/slow-mkfs
chmod 755 /run/slow-mkfs; mount --bind /run/slow-mkfs "$(command -v mkfs.ext4)"`);
    const cut = await typing([disk, '--group', 'late'], [`${disk}\r`]);
    expect(cut.exitCode, cut.screen).not.toBe(0);
    expect(cut.screen).toContain('[ssh.connection-lost]');
    await expect.poll(() => sh('blkid -p -o value -s TYPE /dev/late/data || :')).toBe('ext4\n');
    await sh('umount "$(command -v mkfs.ext4)"; fsck.ext4 -fn /dev/late/data');
  });
});
