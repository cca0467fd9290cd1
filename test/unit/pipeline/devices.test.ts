/** Which block devices can be saved as images, and of each other one why not and what would help. */
import { describe, expect, test } from 'vitest';
import type { Mount } from '../../../shared/domain/host.ts';
import { coverDevices, notesOfDevices, type SourceDevice } from '../../../shared/pipeline/backup/devices.ts';
import type { SourceTree } from '../../../shared/pipeline/backup/source-tree.ts';
import type { BlockDevice } from '../../../shared/snapshot/block-devices.ts';
import { type DeviceLook, lookAtDevices } from '../../../shared/snapshot/look-at-devices.ts';
import type { Survey } from '../../../shared/snapshot/survey.ts';
import { zfs } from '../../../shared/snapshot/zfs/provider.ts';
import { zfsStorage } from '../../../shared/snapshot/zfs/storage.ts';
import {
  aMount,
  detectOnGuest,
  guestMounts,
  guestStorage,
  guestThinStorage,
  guestVolumes,
  parsed,
  volumeCalled,
} from '../snapshot/fixtures.ts';

const numberOf = (name: string): string => {
  const { lv_kernel_major: major, lv_kernel_minor: minor } = volumeCalled(name);
  return `${major}:${minor}`;
};
const lookAt = (path: string, facts: Partial<DeviceLook> = {}): DeviceLook => ({
  ...{ asked: Buffer.from(path), found: 'device', device: '8:16', sizeBytes: 1024 ** 3, content: '' },
  ...facts,
});
const files = lookAt('/dev/vg0/files', { device: numberOf('files'), content: 'xfs' });
const bare = (device: string, more: Partial<BlockDevice> = {}): [string, BlockDevice] => [
  device,
  {
    ...{ device, name: 'sdb', mapper: undefined, file: undefined, layer: undefined, below: [] },
    ...{ disk: undefined, isRemovable: false, ...more },
  },
];
const zfsHere = zfsStorage(zfs, { host: 'db1', mounts: [], hasPrograms: true, own: [], pools: [] });

interface Facts {
  readonly devices?: readonly [string, BlockDevice][];
  readonly mounts?: readonly Mount[];
  readonly trees?: readonly SourceTree[];
  readonly storages?: Survey['storages'];
  readonly isRoot?: boolean;
}

function cover(looks: readonly DeviceLook[], facts: Facts = {}): readonly SourceDevice[] {
  const { devices = [], mounts = guestMounts(), trees = [], isRoot = true } = facts;
  const storages = facts.storages ?? [guestStorage(), guestThinStorage(), zfsHere];
  const identity = { isRoot } as Survey['identity'];
  return coverDevices(looks, { mounts, storages, identity, devices: new Map(devices) }, { host: 'db1', trees });
}
function why(look: DeviceLook, facts: Facts = {}): string {
  try {
    cover([look], facts);
    return 'it can';
  } catch (error) {
    const { message, advice } = error as { message: string; advice: string };
    return `${message} ${advice}`;
  }
}

describe('a device can be saved as an image', () => {
  test.each(['xfs', 'ext4', 'crypto_LUKS', 'swap', ''])('of a thick volume with "%s" in it', (content) => {
    const [device] = cover([{ ...files, content }]);
    expect(device).toMatchObject({
      sizeBytes: 1024 ** 3,
      volume: { isRaw: true, places: [], volume: { label: 'vg0/files', usedBytes: 1024 ** 3 } },
    });
    expect(device?.volume.volume.snapshot).toEqual({ possible: true, provider: 'lvm-thick' });
  });

  test('of a thin volume', () => {
    const [device] = cover([lookAt('/dev/vg0/thin', { device: numberOf('thin'), content: 'ext4' })]);
    expect(device?.volume.volume.snapshot).toEqual({ possible: true, provider: 'lvm-thin' });
  });

  test('and where a file system in it is mounted, a note says what the image is', () => {
    const mounted = cover([files]);
    expect(mounted[0]?.volume.volume.mountpoints).toEqual(['/srv/files']);
    expect(notesOfDevices(mounted)).toEqual([expect.stringContaining('as after a power cut') as string]);
    expect(notesOfDevices(cover([files], { mounts: [] }))).toEqual([]);
  });
});

describe('a device is refused', () => {
  test.each<[string, RegExp]>([
    ['btrfs', /holds Btrfs.*name its folder under "paths"/],
    ['linux_raid_member', /a part of a RAID of the kernel.*lies on the RAID/],
    ['isw_raid_member', /RAID of the firmware/],
    ['ddf_raid_member', /RAID of the firmware/],
    ['bcache', /bcache/],
    ['zfs_member', /a part of a ZFS pool/],
    ['LVM2_member', /a physical volume of LVM.*from within that/],
    ['several', /several things at once.*wipefs \/dev\/vg0\/files/],
  ])('that holds %s, a copy of which the host could take for it', (content, words) => {
    expect(why({ ...files, content })).toMatch(words);
  });

  test('of which nobody can tell what it holds', () => {
    expect(why({ ...files, content: undefined })).toMatch(/cannot be told.*blkid -p \/dev\/vg0\/files.*util-linux/);
  });

  test('that is a part of a volume, a pool, or a snapshot', () => {
    const as = (facts: object): Facts => {
      const volumes = guestVolumes().map((each) => (each.lv_name === 'files' ? { ...each, ...facts } : each));
      return { storages: [guestStorage({ volumes }), guestThinStorage({ volumes })] };
    };
    expect(why(files, as({ lv_role: 'private,thin,pool,metadata' }))).toMatch(/a part of another logical volume/);
    expect(why(files, as({ segtype: 'thin-pool' }))).toMatch(/is of type thin-pool/);
    expect(why(files, as({ lv_attr: 'swi-a-s---' }))).toMatch(/is itself a snapshot/);
  });

  test('of which a part lies elsewhere', () => {
    const mounts = [aMount('/srv/files', { device: files.device, fsType: 'xfs', superOptions: ['logdev=/dev/sdc'] })];
    expect(why(files, { mounts })).toMatch(/has a part on another device/);
  });

  test('that lies on a volume, which is named', () => {
    const volume = bare('254:91', { name: 'dm-91', mapper: { name: 'vg0-files', uuid: `LVM-${'b'.repeat(64)}` } });
    const opened = { name: 'dm-9', mapper: { name: 'secret', uuid: 'CRYPT-LUKS2-a' }, below: ['254:91'] };
    const look = lookAt('/dev/mapper/secret', { device: '254:90' });
    expect(why(look, { devices: [bare('254:90', opened), volume] })).toMatch(
      /on top of the logical volume "vg0\/files".*Name "\/dev\/vg0\/files": its image is encrypted/,
    );
    const part = { ...opened, mapper: { name: 'vg0-files1', uuid: 'part1-LVM-b' } };
    expect(why(look, { devices: [bare('254:90', part), volume] })).toMatch(/Name "\/dev\/vg0\/files"\.$/);
  });

  test('that is a plain disk or partition, mounted or not', () => {
    const look = lookAt('/dev/sdb', { device: '8:16' });
    const devices = [bare('8:16')];
    expect(why(look, { devices })).toMatch(/its bytes change while they are read\. Set up LVM on a disk/);
    expect(why(look, { devices, mounts: [aMount('/data', { device: '8:16' })] })).toMatch(
      /name "\/data" under "paths"/,
    );
  });

  test('that shows a file', () => {
    const look = lookAt('/dev/loop0', { device: '7:0' });
    expect(why(look, { devices: [bare('7:0', { file: '/srv/a.img' })] })).toMatch(/Name "\/srv\/a\.img" under "paths"/);
  });

  test('that is one of ZFS', () => {
    const look = lookAt('/dev/zvol/tank/vm', { device: '230:0' });
    expect(why(look, { devices: [bare('230:0', { name: 'zd0' })] })).toMatch(/a zvol.*zfs send/);
  });

  test('where we are not root', () => {
    expect(why(files, { isRoot: false, storages: [] })).toMatch(/only root can make a snapshot/);
  });

  test('that is larger than a file can be', () => {
    expect(why({ ...files, sizeBytes: 5 * 1024 ** 4 })).toMatch(/larger than 4 TiB/);
  });

  test('that is not there, or is no device', () => {
    expect(why(lookAt('/dev/vg0/gone', { found: 'nothing' }))).toMatch(/There is no device.*lsblk -p/);
    expect(why(lookAt('/dev/null', { found: 'something-else' }))).toMatch(/is no block device.*"paths"/);
  });

  test('that is named twice, or whose files are saved in the same run', () => {
    expect(() => cover([files, { ...files, asked: Buffer.from('/dev/mapper/vg0-files') }])).toThrow(
      '"/dev/mapper/vg0-files" and "/dev/vg0/files" are the same device',
    );
    const volume = detectOnGuest(guestMounts()).find((each) => each.volume.label === 'vg0/files');
    if (volume === undefined) throw new Error('the fixture has it');
    const tree = { path: Buffer.from('/srv/files'), volume, isLive: false, pathInVolume: Buffer.from('/') };
    expect(why(files, { trees: [tree] })).toMatch(/what "\/srv\/files" is on.*source of its own/);
  });

  test('with all others, in one error', () => {
    const looks = ['/dev/a', '/dev/b'].map((path) => lookAt(path, { found: 'nothing' }));
    expect(() => cover([files, ...looks])).toThrow('2 devices of "db1" cannot be saved');
  });
});

test('a look at devices is read as it is printed, or not at all', () => {
  const paths = ['/dev/a', '/dev/b', '/dev/c', '/dev/d'].map((path) => Buffer.from(path));
  const text =
    'device\x008:1\x00512\x00ext4\x00nothing\x00\x000\x00\x00something-else\x00\x000\x00\x00device\x008:2\x001024\x00-\x00';
  expect(parsed(lookAtDevices(paths), text)).toEqual([
    { asked: paths[0], found: 'device', device: '8:1', sizeBytes: 512, content: 'ext4' },
    { asked: paths[1], found: 'nothing', device: '', sizeBytes: 0, content: undefined },
    { asked: paths[2], found: 'something-else', device: '', sizeBytes: 0, content: undefined },
    { asked: paths[3], found: 'device', device: '8:2', sizeBytes: 1024, content: undefined },
  ]);
  for (const wrong of [
    '',
    text.slice(0, -1),
    text.replace('8:1', 'x'),
    text.replace('512', 'y'),
    text.replace('ext4', 'a b'),
  ])
    expect(() => parsed(lookAtDevices(paths), wrong), wrong).toThrow('cannot be understood');
});
