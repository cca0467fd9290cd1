import { describe, expect, test } from 'vitest';
import { BARE_KINDS } from '../../../shared/domain/host.ts';
import { detectVolumes, holdsData } from '../../../shared/snapshot/detect.ts';
import { type DetectedVolume, placeOfMount, type Storage } from '../../../shared/snapshot/provider.ts';
import { aMount, detectOnGuest as detect, guestMounts, guestStorage } from './fixtures.ts';

const at = (detected: readonly DetectedVolume[], target: string): DetectedVolume => {
  const found = detected.find((each) => each.volume.mountpoints.includes(target));
  if (found === undefined) throw new Error(`nothing is mounted on ${target}`);
  return found;
};
const reasonOf = ({ volume }: DetectedVolume): string =>
  volume.snapshot.possible ? 'possible' : volume.snapshot.reason;

describe('the volumes of a host', () => {
  const volumes = detect(guestMounts());

  test('are found by the number of their device', () => {
    expect(at(volumes, '/srv/files').volume).toMatchObject({
      kind: 'lvm-thick',
      label: 'vg0/files',
      fsType: 'xfs',
      id: 'lvm:5jNQA0-XiAS-4Y4L-NT0W-RlTj-HE2f-rfNCfQ',
      snapshot: { possible: true },
    });
    expect(at(volumes, '/var/lib/mysql').volume.snapshot.possible).toBe(true);
    expect(at(volumes, '/srv/thin').volume).toMatchObject({
      kind: 'lvm-thin',
      label: 'vg0/thin',
      snapshot: { possible: true, provider: 'lvm-thin' },
    });
  });

  test('say why there is no snapshot of them, and what would help', () => {
    expect(reasonOf(at(volumes, '/'))).toContain('a plain device');
    expect(at(volumes, '/run').volume.kind).toBe('pseudo');
    for (const { volume } of volumes) if (!volume.snapshot.possible) expect(volume.snapshot.remedy).not.toBe('');
  });

  test('without data are only those of the kernel', () => {
    expect(volumes.filter(holdsData).map(({ volume }) => volume.mountpoints[0])).toEqual([
      '/',
      '/var/lib/mysql',
      '/srv/files',
      '/srv/thin',
    ]);
  });

  test('are one each, however often they are mounted; the whole one comes first', () => {
    const bind = aMount('/mnt/part', { device: '254:1', root: Buffer.from('/documents'), fsType: 'xfs' });
    const whole = aMount('/mnt/whole', { device: '254:1', fsType: 'xfs' });
    const [only, ...more] = detect([bind, whole]);
    expect(more).toEqual([]);
    expect(only?.volume.mountpoints).toEqual(['/mnt/whole', '/mnt/part']);
  });

  test('are those of the first provider that claims them', () => {
    const mount = aMount('/srv/files', { device: '254:1' });
    const claiming = (word: string): Storage => ({
      ...guestStorage(),
      claim: () => [{ ...claim, id: `${word}:1` }],
    });
    const silent: Storage = { ...guestStorage(), claim: () => [] };
    const claim = {
      ...{ id: '', kind: BARE_KINDS.plain, label: 'a', sizeBytes: undefined, usedBytes: undefined },
      snapshot: { possible: true, provider: 'lvm-thick' } as const,
      places: [placeOfMount(mount)] as const,
    };
    const found = detectVolumes([mount], new Map(), [silent, claiming('first'), claiming('second')]);
    expect(found.map(({ volume }) => volume.id)).toEqual(['first:1']);
  });

  test('are not seen through what lies between them and the file system', () => {
    // LUKS, a partition or RAID on a volume has a device number of its own.
    const crypt = aMount('/secret', { device: '254:77', source: Buffer.from('/dev/mapper/files-crypt') });
    expect(detect([crypt])[0]).toMatchObject({
      volume: { kind: 'plain', snapshot: { possible: false } },
    });
  });

  test.each([
    ['btrfs', '254:1', 'must not be snapshotted below'],
    ['overlay', '0:42', 'overlay'],
    ['fuse.sshfs', '0:43', 'a program'],
    ['nfs4', '0:44', 'on the network'],
    ['tmpfs', '0:45', 'no data of its own'],
    ['vfat', '8:1', 'a plain device'],
  ])('%s on %s cannot be snapshotted', (fsType, device, words) => {
    expect(detect([aMount('/x', { fsType, device })]).map(reasonOf)).toEqual([
      expect.stringContaining(words) as unknown,
    ]);
  });
});
