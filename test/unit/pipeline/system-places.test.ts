/** What of the mounts of a host is a part of its system, and what is not and is told. */
import { describe, expect, test } from 'vitest';
import { compileExcludes } from '../../../shared/domain/exclude-patterns.ts';
import type { Mount } from '../../../shared/domain/host.ts';
import { type Coverage, coverPaths } from '../../../shared/pipeline/backup/paths.ts';
import { notesOfUnmountedPlaces, readFstab } from '../../../shared/pipeline/backup/system-places.ts';
import type { BlockDevice } from '../../../shared/snapshot/block-devices.ts';
import { detectVolumes } from '../../../shared/snapshot/detect.ts';
import { aMount, guestStorage, guestThinStorage, parsed, poolsWith } from '../snapshot/fixtures.ts';

const storages = [guestStorage({}), guestThinStorage({ pools: poolsWith('1/10') })];
/** vg0/files of the guest is "/" here. */
const root = aMount('/', { id: 1, parentId: 0, device: '254:1', fsType: 'xfs' });
const disk = (device: string, more: Partial<BlockDevice> = {}): BlockDevice => ({
  ...{ device, name: `d${device}`, mapper: undefined, file: undefined, layer: undefined, below: [] },
  ...{ disk: undefined, isRemovable: false, ...more },
});

function cover(mounts: readonly Mount[], devices: readonly BlockDevice[] = [], mayReadLive = false): Coverage {
  const known = new Map(devices.map((each) => [each.device, each]));
  const all = [root, ...mounts];
  const volumes = detectVolumes(all, known, storages);
  return coverPaths(
    [{ asked: Buffer.from('/'), real: Buffer.from('/') }],
    { mounts: all, volumes, storages, devices: known },
    { exclude: compileExcludes([]), host: 'db1', mayReadLive, isSystem: true },
  );
}
const trees = ({ trees: all }: Coverage): string[] =>
  all.map(({ path, isLive }) => `${path.toString()}${isLive ? ' live' : ''}`).toSorted();

describe('of a system', () => {
  test('what the boot loader and the firmware read is read live, without being asked for', () => {
    const boot = aMount('/boot', { id: 2, device: '8:2' });
    const efi = aMount('/boot/efi', { parentId: 2, device: '8:1', fsType: 'vfat' });
    const coverage = cover([boot, efi]);
    expect(trees(coverage)).toEqual(['/', '/boot live', '/boot/efi live']);
    expect(coverage.notes.join('\n')).toMatch(/"\/boot" is read live.*\n.*"\/boot\/efi" is read live/);
  });

  test('another file system without snapshots stops it, as with any source', () => {
    expect(() => cover([aMount('/data', { device: '8:3' })])).toThrow('"/data" on "db1" cannot be snapshotted');
    expect(trees(cover([aMount('/data', { device: '8:3' })], [], true))).toEqual(['/', '/data live']);
    expect(() => cover([aMount('/win', { device: '8:3', fsType: 'fuseblk' })])).toThrow('cannot be snapshotted');
  });

  test.each<[string, Partial<Mount>, string]>([
    ['/mnt/nas', { device: '0:50', fsType: 'nfs4' }, 'are on the network'],
    ['/home/a/remote', { device: '0:51', fsType: 'fuse.sshfs' }, 'are provided by programs'],
    ['/var/lib/docker/merged', { device: '0:52', fsType: 'overlay' }, 'are put together of folders'],
    ['/snap/core', { device: '7:1', fsType: 'squashfs' }, 'are read-only images'],
  ])('%s is left out and told, whether it may read live or not', (target, facts, why) => {
    for (const mayReadLive of [false, true]) {
      const coverage = cover([aMount(target, facts)], [], mayReadLive);
      expect(trees(coverage)).toEqual(['/']);
      expect(coverage.emptyPlaces.map(String)).toEqual([target]);
      expect(coverage.notes.join('\n')).toContain(`Left out of the system, because they ${why}`);
    }
  });

  test('hundreds of one kind are one note', () => {
    const many = Array.from({ length: 300 }, (_, index) =>
      aMount(`/o/${index}`, { device: `0:${index + 100}`, fsType: 'overlay' }),
    );
    expect(cover(many).notes.filter((note) => note.includes('and 297 more'))).toHaveLength(1);
  });

  test('a removable disk is left out, unless the system itself runs from it', () => {
    const stick = [disk('8:16', { isRemovable: true }), disk('8:17', { disk: '8:16' }), disk('8:18', { disk: '8:16' })];
    const photos = aMount('/media/photos', { device: '8:17' });
    const coverage = cover([photos], stick);
    expect(trees(coverage)).toEqual(['/']);
    expect(coverage.notes.join('\n')).toContain('because they are on removable disks: "/media/photos"');
    expect(() => cover([photos], [disk('8:16'), disk('8:17', { disk: '8:16' })])).toThrow('cannot be snapshotted');
    const boot = aMount('/boot', { device: '8:18' });
    expect(trees(cover([photos, boot], stick, true))).toEqual(['/', '/boot live', '/media/photos live']);
  });

  test('what is not asked for as a system is as it was', () => {
    const mounts = [root, aMount('/boot', { device: '8:2' })];
    const volumes = detectVolumes(mounts, new Map(), storages);
    const terms = { exclude: compileExcludes([]), host: 'db1', mayReadLive: false };
    const paths = [{ asked: Buffer.from('/'), real: Buffer.from('/') }];
    expect(() => coverPaths(paths, { mounts, volumes, storages }, terms)).toThrow('"/boot" on "db1" cannot be');
  });
});

describe('the table of file systems', () => {
  test('names the local ones, whatever its form', () => {
    const text = `# a comment
UUID=1 / ext4 defaults 0 1
/dev/sda1\t/boot  ext4 noauto 0 2
LABEL=x /srv/a\\040b/ xfs defaults
nas:/x /mnt/nas nfs4 _netdev 0 0
tmpfs /tmp tmpfs size=1g 0 0
/swap none swap sw 0 0
/dev/sr0 /media/cdrom udf,iso9660 user,noauto 0 0
odd`;
    expect(parsed(readFstab, text).map(String)).toEqual(['/boot', '/srv/a b']);
    expect(parsed(readFstab, '')).toEqual([]);
  });

  test('tells what is not mounted; an idle automount is not', () => {
    const mounts = [aMount('/boot'), aMount('/efi', { fsType: 'autofs' })];
    const notes = notesOfUnmountedPlaces(
      ['/boot', '/efi', '/x', '/x'].map((each) => Buffer.from(each)),
      mounts,
    );
    expect(notes.map((note) => note.slice(0, 10))).toEqual(['"/efi" sta', '"/x" stand']);
  });
});
