/** Why a volume cannot be snapshotted: each case has a reason of its own and a remedy that fits it. */
import { describe, expect, test } from 'vitest';
import { BARE_KINDS, type Mount } from '../../../shared/domain/host.ts';
import {
  type BlockDevice,
  type BlockDevices,
  layersOf,
  listBlockDevices,
} from '../../../shared/snapshot/block-devices.ts';
import { logicalVolumeOf } from '../../../shared/snapshot/lvm/layers.ts';
import { mayActivate, readLvmLimits } from '../../../shared/snapshot/lvm/limits.ts';
import { withoutProvider } from '../../../shared/snapshot/without-provider.ts';
import { aMount, guestGroups, guestStorage, noLimits, parsed, volumeCalled } from './fixtures.ts';
import { judge, verdict } from './origin-facts.ts';

const files = volumeCalled('files');
const unreadable = expect.objectContaining({ code: 'remote.unreadable-output' }) as Error;

describe('a logical volume', () => {
  test.each(['linear', 'striped', 'raid1', 'raid6_zr', 'raid10', 'linear,striped'])('of type %s can', (segtype) => {
    expect(judge({ volume: { ...files, segtype } })).toEqual({ possible: true, provider: 'lvm-thick' });
  });

  test.each([
    ['thin', /thin volume/],
    ['cache', /cached on a faster disk.*lvconvert --splitcache vg0\/files/],
    ['linear,cache', /cached/],
    ['writecache', /write cache.*--splitcache/],
    ['vdo', /VDO/],
    ['integrity', /checksums.*--raidintegrity n vg0\/files/],
    ['mirror', /mirror of the old kind.*lvconvert --type raid1 vg0\/files/],
    ['error', /is of type error/],
    ['zero', /is of type zero/],
    ['', /is of type/],
  ])('of type "%s" cannot, and the reason fits', (segtype, words) => {
    // LVM names a pool for cached volumes, too: that alone does not make one thin.
    expect(verdict({ volume: { ...files, segtype, pool_lv: '[fast]' } })).toMatch(words);
  });

  test.each([
    ['swi-aos---', /itself a snapshot.*Back up its origin/],
    ['Swi-aos---', /being merged into/],
    ['Owi-aos---', /put back to the state of a snapshot.*merge is over/],
    ['cwi-aor---', /being converted/],
    ['owI-aos---', /pvmove.*move_pv/],
    ['-wC-ao----', /pvmove/],
    ['-wi-so----', /suspended.*lvchange --refresh vg0\/files/],
    ['-wi-So----', /suspended/],
  ])('with the attributes %s cannot', (lv_attr, words) => {
    expect(verdict({ volume: { ...files, lv_attr } })).toMatch(words);
  });

  test.each(['rwi-aor---', 'Rwi-aor-r-', 'owi-aos---', '-wc-ao----'])('with the attributes %s can', (lv_attr) => {
    expect(verdict({ volume: { ...files, lv_attr } })).toBe('possible');
  });

  test('that is a RAID with checksums in its images cannot; one beside such a RAID can', () => {
    const image = { ...files, lv_name: '[files_rimage_0]', segtype: 'integrity' };
    const volume = { ...files, segtype: 'raid1' };
    expect(verdict({ volume, volumes: [volume, image] })).toMatch(/checksums/);
    expect(verdict({ volume, volumes: [volume, { ...image, lv_name: 'files2_rimage_0' }] })).toBe('possible');
    expect(verdict({ volume, volumes: [volume, { ...image, vg_uuid: 'another' }] })).toBe('possible');
  });

  test.each(['ext2', 'ext3', 'ext4', 'xfs'])('that holds %s can', (fsType) => {
    expect(verdict({ mount: { fsType, superOptions: ['rw'] } })).toBe('possible');
  });

  test.each([
    ['btrfs', [], /Btrfs/],
    ['zfs', [], /does not know how/],
    ['f2fs', [], /holds f2fs/],
    ['squashfs', [], /holds squashfs/],
    ['xfs', ['rw', 'logdev=/dev/sdb1'], /part on another device \(logdev=\/dev\/sdb1\)/],
    ['xfs', ['rtdev=/dev/sdc'], /part on another device/],
  ])('that holds %s %j cannot', (fsType, superOptions, words) => {
    expect(verdict({ mount: { fsType, superOptions } })).toMatch(words);
  });

  test('whose journal is on another device cannot', () => {
    const mount = { fsType: 'ext4', superOptions: ['rw'] };
    expect(verdict({ mount, hasExternalJournal: true })).toMatch(/journal on another device.*tune2fs/);
    expect(verdict({ mount })).toBe('possible');
  });
});

describe('a volume group', () => {
  const [group] = guestGroups();
  const withAttr = (vg_attr: string): string => verdict({ group: group && { ...group, vg_attr } });

  test.each([
    ['rz--n-', /read-only/],
    ['wzx-n-', /exported.*vgimport vg0/],
    ['wz-pn-', /a disk of.*missing.*vgreduce --removemissing vg0/],
    ['wz--nc', /shared by several machines/],
    ['wz--ns', /shared by several machines/],
    ['w---n-', /possible/],
  ])('with the attributes %s', (attr, words) => {
    expect(withAttr(attr)).toMatch(words);
  });

  test('of another machine, with a disk twice, or that nobody reports', () => {
    expect(verdict({ group: undefined })).toMatch(/does not report/);
    expect(verdict({ limits: { ...noLimits, ownGroups: new Set() } })).toMatch(/another machine.*system ID/);
    expect(verdict({ limits: { ...noLimits, duplicateGroups: noLimits.ownGroups } })).toMatch(
      /visible twice.*pv_duplicate/,
    );
  });
});

describe('the settings of LVM', () => {
  test.each([
    [['vg1', 'vg2/files'], [], /does not let LVM activate.*Add "@stillpoint" or "vg0"/],
    [['vg0/files'], [], /does not let LVM activate/],
    [['@prod'], ['dev'], /does not let LVM activate/],
    [[], [], /does not let LVM activate/],
    [['vg1', 'vg0'], [], /^possible$/],
    [['@stillpoint'], [], /^possible$/],
    [['@prod'], ['prod'], /^possible$/],
    [['@*'], [], /^possible$/],
  ])('volume_list %j, tags of the group %j', (volumeList, vg_tags, words) => {
    const [group] = guestGroups();
    const limits = { ...noLimits, volumeList };
    expect(verdict({ limits, group: group && { ...group, vg_tags } })).toMatch(words);
    expect(mayActivate(limits, 'vg0', vg_tags)).toBe(words.test('possible'));
  });

  test('that make LVM do nothing are named', () => {
    for (const forbiddenBy of ['global/test=1', 'global/metadata_read_only=1', 'global/activation=0'] as const) {
      expect(verdict({ limits: { ...noLimits, forbiddenBy } })).toContain(forbiddenBy);
    }
  });

  test('are read as LVM prints them, or not at all', () => {
    const [own, twice] = ['RWoQzf-skQD-p60E-GmPY-85Jl-5DSO-l59HCc', 'aaaaaa-bbbb-cccc-dddd-eeee-ffff-gggggg'];
    const disks = `0|${own}\n1|${twice}\n0|\n-1|${own}\n|\n`;
    const settings = 'test=0\nactivation=1\nvolume_list=["vg0","@tag","a\\"b"]\n';
    expect(parsed(readLvmLimits, `${settings}\0${own}\n${twice}\n\0${disks}\0`)).toEqual({
      ownGroups: new Set([own, twice]),
      duplicateGroups: new Set([twice]),
      volumeList: ['vg0', '@tag', 'a"b'],
      forbiddenBy: undefined,
    });
    expect(parsed(readLvmLimits, '\0\0\0')).toMatchObject({ volumeList: undefined, forbiddenBy: undefined });
    expect(parsed(readLvmLimits, 'volume_list=[]\0\0\0').volumeList).toEqual([]);
    expect(parsed(readLvmLimits, 'volume_list="vg0"\ntest=1\0\0\0')).toMatchObject({
      volumeList: ['vg0'],
      forbiddenBy: 'global/test=1',
    });
    for (const text of ['', '\0\0', '\0{"report"\0\0', `\0\0yes|${own}\0`, `\0${own.slice(1)}\0\0`, '\0\0\0more']) {
      expect(() => parsed(readLvmLimits, text), text).toThrow(unreadable);
    }
  });
});

describe('what is on no logical volume', () => {
  const device = (number: string, more: Partial<BlockDevice> = {}): BlockDevice => ({
    ...{ device: number, name: `dev${number}`, mapper: undefined, file: undefined, layer: undefined, below: [] },
    ...{ disk: undefined, isRemovable: false },
    ...more,
  });
  const lvm = (name: string): BlockDevice['mapper'] => ({ name, uuid: `LVM-${'a'.repeat(64)}` });
  const crypt: BlockDevice['mapper'] = { name: 'secret', uuid: 'CRYPT-LUKS2-0123456789abcdef-secret' };
  const stack = (...devices: BlockDevice[]): BlockDevices => new Map(devices.map((each) => [each.device, each]));
  const why = (devices: BlockDevices, mount: Partial<Mount> = {}): string => {
    const device = '9:9';
    const place = {
      device,
      mounts: [aMount('/data', { device, ...mount })],
      layers: layersOf(device, devices),
    } as const;
    const answer = withoutProvider(BARE_KINDS.plain, place, [guestStorage()]);
    return answer.possible ? 'possible' : `${answer.reason} / ${answer.remedy}`;
  };

  test.each<[string, BlockDevices, RegExp]>([
    [
      'encryption on a logical volume',
      stack(device('9:9', { mapper: crypt, below: ['9:8'] }), device('9:8', { mapper: lvm('vg--0-my--data') })),
      /encrypted \(dm-crypt\) on top of the logical volume "vg-0\/my-data".*encryption below LVM/,
    ],
    [
      'encryption on a partition',
      stack(device('9:9', { mapper: crypt, below: ['8:1'] }), device('8:1')),
      /encrypted device that nothing can snapshot.*LVM on LUKS/,
    ],
    [
      'a partition inside a logical volume',
      stack(
        device('9:9', { mapper: { name: 'vg0-disk1', uuid: `part1-LVM-${'a'.repeat(64)}` }, below: ['9:8'] }),
        device('9:8', { mapper: lvm('vg0-disk') }),
      ),
      /lies on top of the logical volume "vg0\/disk".*without a partition table/,
    ],
    [
      'a loop device on a logical volume',
      stack(device('9:9', { file: '/dev/vg0/disk', below: ['9:8'] }), device('9:8', { mapper: lvm('vg0-disk') })),
      /lies on top of the logical volume "vg0\/disk"/,
    ],
    [
      'a logical volume that LVM hides',
      stack(device('9:9', { mapper: lvm('vg0-data'), below: ['8:1'] }), device('8:1')),
      /logical volume "vg0\/data", which LVM on this host does not report.*filter/,
    ],
    ['a file', stack(device('9:9', { file: '/srv/disk.img' })), /comes from the file "\/srv\/disk.img"/],
    [
      'a RAID',
      stack(device('9:9', { layer: 'md', below: ['8:1'] }), device('8:1')),
      /a RAID of the kernel that nothing can snapshot.*Set up LVM on this device/,
    ],
    ['bcache', stack(device('9:9', { layer: 'bcache' })), /cache \(bcache\) that nothing can snapshot/],
    [
      'multipath',
      stack(device('9:9', { mapper: { name: 'mpatha', uuid: 'mpath-3600' } })),
      /multipath device that nothing can snapshot.*Set up LVM on this device/,
    ],
    ['a partition', stack(device('9:9')), /a plain device.*Set up LVM on a disk/],
    ['a device that the kernel does not list', new Map(), /a plain device/],
  ])('%s', (_what, devices, words) => {
    expect(why(devices)).toMatch(words);
  });

  test('images that are never written to are not told to move', () => {
    for (const fsType of ['squashfs', 'iso9660', 'erofs']) {
      const text = why(stack(device('9:9', { file: '/var/lib/snapd/snaps/core.snap' })), { fsType });
      expect(text).toMatch(/read-only image.*exclude.*\/var\/lib\/snapd\/snaps\/core.snap/);
      expect(text).not.toContain('LVM');
    }
    expect(why(new Map(), { fsType: 'iso9660' })).toMatch(/read-only image/);
  });

  test('what the firmware reads cannot be moved', () => {
    const efi = (target: string): string => why(new Map(), { fsType: 'vfat', target: Buffer.from(target) });
    expect(efi('/boot/efi')).toMatch(/firmware.*exclude/);
    expect(efi('/efi')).toMatch(/firmware/);
    expect(efi('/mnt/stick')).toMatch(/a plain device/);
  });

  test('devices are read as the kernel lists them, or not at all', () => {
    const record = (...fields: string[]): string => fields.map((field) => `${field}\0`).join('');
    const text =
      record('254:3', 'dm-3', 'vg0-files', `LVM-${'b'.repeat(64)}`, '', '', ' 8:1 8:2', '', '') +
      record('8:1', 'sda1', '', '', '', '', '', '8:0', '') +
      record('8:0', 'sda', '', '', '', '', '', '', '1') +
      record('7:0', 'loop0', '', '', '/a b', '', '', '', '');
    const devices = parsed(listBlockDevices, text);
    expect(layersOf('254:3', devices).map(({ name }) => name)).toEqual(['dm-3', 'sda1']);
    const top = devices.get('254:3');
    expect(top && logicalVolumeOf(top)).toBe('vg0/files');
    expect(devices.get('7:0')?.file).toBe('/a b');
    expect(devices.get('8:1')).toMatchObject({ disk: '8:0', isRemovable: false });
    expect(devices.get('8:0')).toMatchObject({ disk: undefined, isRemovable: true });
    expect(parsed(listBlockDevices, '').size).toBe(0);
    for (const wrong of [text.slice(0, -1), record('x', 'sda', '', '', '', '', '', '', ''), 'x\0']) {
      expect(() => parsed(listBlockDevices, wrong)).toThrow(unreadable);
    }
  });

  test('layers that lead in a circle end', () => {
    const circle = stack(device('9:9', { below: ['9:8'] }), device('9:8', { below: ['9:9'] }));
    expect(layersOf('9:9', circle)).toHaveLength(2);
  });
});
