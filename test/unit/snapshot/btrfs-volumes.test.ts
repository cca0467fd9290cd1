import { describe, expect, test } from 'vitest';
import type { Mount } from '../../../shared/domain/host.ts';
import { ownerId, runId } from '../../../shared/domain/names.ts';
import { createError } from '../../../shared/snapshot/btrfs/errors.ts';
import { INNER_EXITS } from '../../../shared/snapshot/btrfs/private-namespace.ts';
import { btrfs } from '../../../shared/snapshot/btrfs/provider.ts';
import { btrfsStorage } from '../../../shared/snapshot/btrfs/storage.ts';
import type { Subvolume } from '../../../shared/snapshot/btrfs/subvolumes.ts';
import type { FileSystemFacts, Unseen } from '../../../shared/snapshot/btrfs/survey-command.ts';
import { detectVolumes } from '../../../shared/snapshot/detect.ts';
import type { DetectedVolume, Storage } from '../../../shared/snapshot/provider.ts';
import { aBtrfs, aSubvolume, uuidOf } from './btrfs-facts.ts';
import { aMount } from './fixtures.ts';

const identity = { run: runId('0123abcd'), owner: ownerId('00112233aabb') };
const at = (target: string, root: string, more: Partial<Mount> = {}): Mount =>
  aMount(target, {
    ...{ device: '0:40', fsType: 'btrfs', source: Buffer.from('/dev/sda2'), superOptions: ['rw'] },
    root: Buffer.from(root),
    ...more,
  });
const ROOT = at('/', '/@', { id: 1, parentId: 0 });
const inRoot = (target: string, root: string, more: Partial<Mount> = {}): Mount =>
  at(target, root, { id: target.length + 100, parentId: 1, ...more });

function look(
  subvolumes: readonly Subvolume[],
  mounts: readonly Mount[],
  more: Partial<FileSystemFacts> = {},
  swapFiles: readonly string[] = [],
): { readonly storage: Storage; readonly volumes: readonly DetectedVolume[] } {
  const storage = btrfsStorage(btrfs, {
    ...{ host: 'db1', mounts, fileSystems: [aBtrfs(subvolumes, more)] },
    swapFiles: swapFiles.map((path) => Buffer.from(path)),
  });
  return { storage, volumes: detectVolumes(mounts, new Map(), [storage]) };
}
const shown = (volumes: readonly DetectedVolume[]): readonly string[] =>
  volumes.map(
    ({ volume, places }) =>
      `${volume.label} at ${places.map((place) => `${place.target.toString()}=${place.root.toString()}`).join(' ')}`,
  );
const reasonOf = (volumes: readonly DetectedVolume[], label: string): string => {
  const snapshot = volumes.find(({ volume }) => volume.label === label)?.volume.snapshot;
  return snapshot?.possible === false ? snapshot.reason : 'possible';
};

describe('the volumes of a Btrfs', () => {
  test('are its subvolumes, each at all places where it is seen', () => {
    const { volumes } = look(
      [
        aSubvolume(256, '@'),
        aSubvolume(257, '@home'),
        aSubvolume(258, '@/var/lib/machines'),
        aSubvolume(259, '@home/ada/work'),
      ],
      [ROOT, inRoot('/home', '/@home'), inRoot('/mnt/ada', '/@home/ada'), inRoot('/mnt/docs', '/@home/ada/work/docs')],
    );
    expect(shown(volumes)).toEqual([
      '/dev/sda2:/@ at /=/',
      '/dev/sda2:/@home at /home=/ /mnt/ada=/ada',
      '/dev/sda2:/@/var/lib/machines at /var/lib/machines=/',
      '/dev/sda2:/@home/ada/work at /mnt/docs=/docs /home/ada/work=/ /mnt/ada/work=/',
    ]);
    expect(volumes.map(({ volume }) => volume.id)).toEqual([256, 257, 258, 259].map((each) => `btrfs:${uuidOf(each)}`));
  });

  test('are not seen where something else is mounted over them', () => {
    const { volumes } = look(
      [aSubvolume(256, '@'), aSubvolume(257, '@/srv'), aSubvolume(258, '@/srv/deep')],
      [ROOT, aMount('/srv', { id: 7, parentId: 1, fsType: 'tmpfs', device: '0:99' })],
    );
    expect(shown(volumes)).toEqual(['/dev/sda2:/@ at /=/', '/dev/sda1 at /srv=/']);
  });

  test('are also the top level, which knows where our folder is', () => {
    const { volumes } = look([aSubvolume(256, 'a')], [at('/data', '/', { id: 1, parentId: 0 })]);
    expect(shown(volumes)).toEqual(['/dev/sda2:/ at /data=/', '/dev/sda2:/a at /data/a=/']);
    expect(volumes[0]?.ours?.toString()).toBe('/.stillpoint');
    expect(volumes[1]?.ours).toBeUndefined();
  });

  test('without a UUID are called by their number', () => {
    const { volumes } = look([aSubvolume(256, 'a', { uuid: undefined })], [at('/data', '/')], {
      topLevelUuid: undefined,
    });
    expect(volumes.map(({ volume }) => volume.id)).toEqual([`btrfs:${uuidOf(1)}:5`, `btrfs:${uuidOf(1)}:256`]);
  });

  test('are no snapshots of ours, but what only lies in a folder of that name', () => {
    const own = `.stillpoint/sp_0123abcd_00000001.00112233aabb.${uuidOf(256)}/sp_0123abcd_00000001`;
    const { volumes } = look(
      [
        aSubvolume(256, 'a'),
        aSubvolume(257, own),
        aSubvolume(258, 'c/.stillpoint/work'),
        aSubvolume(260, '.stillpoint/work'),
        aSubvolume(259, `b/${own}`),
      ],
      [at('/data', '/')],
    );
    expect(volumes.map(({ volume }) => volume.label)).toEqual([
      ...['/dev/sda2:/', '/dev/sda2:/a', '/dev/sda2:/c/.stillpoint/work', `/dev/sda2:/b/${own}`],
    ]);
  });

  test.each([
    ['read-only, of one that is there', { isReadOnly: true, parentUuid: uuidOf(256) }, true],
    ['read-only, of the top level', { isReadOnly: true, parentUuid: uuidOf(5) }, true],
    ['read-only, of one that is gone', { isReadOnly: true, parentUuid: uuidOf(999) }, false],
    ['read-only, and no snapshot', { isReadOnly: true, parentUuid: undefined }, false],
    ['writable', { isReadOnly: false, parentUuid: uuidOf(256) }, false],
  ])('that are snapshots of others are set aside within another one: %s', (_, facts, isAside) => {
    const subvolumes = [aSubvolume(256, '@'), aSubvolume(300, '@/.snapshots/1/snapshot', facts)];
    const { volumes } = look(subvolumes, [ROOT]);
    expect(volumes[1]?.places[0].aside !== undefined).toBe(isAside);
    // One that somebody mounts is to be seen.
    const mounted = look(subvolumes, [ROOT, inRoot('/mnt/old', '/@/.snapshots/1/snapshot')]).volumes;
    expect(mounted[1]?.places[0]).toMatchObject({ target: Buffer.from('/mnt/old') });
    expect(mounted[1]?.places[0].aside).toBeUndefined();
  });
});

describe('a Btrfs of which no snapshot can be made', () => {
  test('is read-only as a whole; one that is only mounted so is well', () => {
    const [one] = [aSubvolume(256, '@')];
    expect(
      reasonOf(look([one], [at('/', '/@', { superOptions: ['ro', 'degraded'] })]).volumes, '/dev/sda2:/@'),
    ).toContain('is read-only');
    expect(reasonOf(look([one], [at('/', '/@', { options: ['ro'] })]).volumes, '/dev/sda2:/@')).toBe('possible');
  });

  test('holds a file that is swapped to, in that subvolume only', () => {
    const { volumes } = look([aSubvolume(256, '@'), aSubvolume(257, '@/swap')], [ROOT], {}, ['/swap/file']);
    expect(reasonOf(volumes, '/dev/sda2:/@')).toBe('possible');
    expect(reasonOf(volumes, '/dev/sda2:/@/swap')).toContain('holds the swap file "/swap/file"');
    expect(reasonOf(look([aSubvolume(256, '@')], [ROOT], {}, ['/swapfile']).volumes, '/dev/sda2:/@')).toContain(
      '"/swapfile"',
    );
  });

  test.each<[Unseen['why'], RegExp]>([
    ['no-device', /calls the device of "\/" "\/dev\/sda2"/],
    ['no-mount', /cannot be mounted; the host said: "permission denied"/],
    ['no-answer', /cannot be listed; the host said: "permission denied"/],
    ['unknown-form', /cannot be understood: permission denied/],
    ['changing', /all the time/],
  ])('could not be looked at (%s), and all that is mounted of it says so', (why, words) => {
    const mounts = [ROOT, inRoot('/home', '/@home')];
    const unseen: Unseen = { device: '0:40', source: Buffer.from('/dev/sda2'), why, said: 'permission denied' };
    const storage = btrfsStorage(btrfs, { host: 'db1', mounts, fileSystems: [unseen], swapFiles: [] });
    const volumes = detectVolumes(mounts, new Map(), [storage]);
    expect(shown(volumes)).toEqual(['/dev/sda2 at /=/@ /home=/@home']);
    expect(reasonOf(volumes, '/dev/sda2')).toMatch(words);
  });
});

describe('a plan of snapshots', () => {
  const planOf = (more: Partial<FileSystemFacts>) => {
    const { storage, volumes } = look(
      [aSubvolume(256, '@'), aSubvolume(257, '@home')],
      [ROOT, inRoot('/home', '/@home')],
      more,
    );
    return storage.plan(volumes, identity);
  };
  const usage = aBtrfs([]).usage;
  const full = { ...usage, unallocatedBytes: 0, metadata: { sizeBytes: 100, usedBytes: 76, isMixed: false } };

  test('names what would be made, and takes no room beforehand', () => {
    const { items, risks } = planOf({});
    expect(items.map(({ planned }) => planned)).toEqual([
      expect.objectContaining({ volume: '/dev/sda2:/@', sizeBytes: 0, mountpoint: '/' }),
      expect.objectContaining({ volume: '/dev/sda2:/@home', sizeBytes: 0, mountpoint: '/home' }),
    ]);
    expect(items[1]?.lines.create).toMatch(
      new RegExp(
        `^btrfs subvolume snapshot -r /@home \\.stillpoint/(sp_0123abcd_[0-9a-f]{8})\\.00112233aabb\\.${uuidOf(257)}/\\1 `,
      ),
    );
    expect(items[1]?.lines.mount('/x')).toMatch(
      /^mount -t btrfs -o ro,nosuid,nodev,noexec,noatime,subvol=\/\.stillpoint\/sp_/,
    );
    expect(risks).toEqual([]);
  });

  test('does not change with the read-only snapshots that others make and remove', () => {
    const idsOf = (subvolumes: readonly Subvolume[]) => {
      const numbersInside = new Map([[256, subvolumes.map(({ number }) => number)]]);
      const { storage, volumes } = look([aSubvolume(256, '@'), ...subvolumes], [ROOT], { numbersInside });
      const [item] = storage.plan(volumes.slice(0, 1), identity).items;
      return item?.create.args.at(-1);
    };
    const old = { inside: 256, isReadOnly: true, parentUuid: uuidOf(256) };
    expect(idsOf([aSubvolume(300, '@/a', { inside: 256 })])).toBe('300');
    expect(idsOf([aSubvolume(300, '@/a', { inside: 256 }), aSubvolume(301, '@/b', old)])).toBe('300');
  });

  test('is refused once for a file system whose metadata can hardly grow', () => {
    expect(() => planOf({ usage: full })).toThrow(
      expect.objectContaining({
        code: 'snapshot.no-room',
        message: expect.stringContaining('76 B of 100 B') as string,
      }) as Error,
    );
    expect(() => planOf({ usage: { ...full, unallocatedBytes: 1024 ** 3 } })).not.toThrow();
    expect(() => planOf({ usage: { ...full, metadata: { ...full.metadata, usedBytes: 75 } } })).not.toThrow();
    // Where data and metadata are mixed, all of it is theirs.
    const mixed = { sizeBytes: 100, usedBytes: 95, isMixed: true };
    expect(() => planOf({ usage: { ...full, metadata: mixed } })).not.toThrow();
    expect(() => planOf({ usage: { ...full, metadata: { ...mixed, usedBytes: 96 } } })).toThrow('96 B of 100 B');
    // A small one is not measured by the measure of a large one.
    expect(() => planOf({ usage: { ...full, sizeBytes: 1000, unallocatedBytes: 100 } })).not.toThrow();
  });

  test.each<[string, Partial<FileSystemFacts>, RegExp]>([
    ['a device is missing', { usage: { ...usage, missingBytes: 1 } }, /without one of its devices/],
    ['quotas are counted', { hasQuotas: true }, /counts quotas/],
    ['little is free', { usage: { ...usage, freeBytes: 1 } }, /has 1 B free; what is changed or removed/],
  ])('says what may go wrong where %s', (_, more, words) => {
    expect(planOf(more).risks).toEqual([expect.stringMatching(words)]);
  });

  test('counts what a sweep removes before', () => {
    const own = (run: string, owner: string) =>
      `.stillpoint/sp_${run}_00000001.${owner}.${uuidOf(256)}/sp_${run}_00000001`;
    const { storage } = look(
      [
        aSubvolume(256, own('0123abcd', '00112233aabb')),
        aSubvolume(257, own('ffffffff', '00112233aabb')),
        aSubvolume(258, own('0123abcd', 'ffffffffffff')),
      ],
      [ROOT],
    );
    expect(storage.afterSweep(identity.owner, [identity.run]).removes).toEqual([
      `btrfs subvolume delete -C ${own('0123abcd', '00112233aabb')}   # at the top level of /dev/sda2`,
    ]);
  });
});

describe('the verdict', () => {
  const [item] = (() => {
    const { storage, volumes } = look([aSubvolume(256, '@')], [ROOT]);
    return storage.plan(volumes, identity).items;
  })();
  const made = { sizeBytes: 0, seen: { uuid: 'u', parent: 'p' } };
  const judged = (mounted: Record<string, string>, observed: Record<string, string>) => () =>
    item?.judge(made, mounted, observed, 'db1');

  test('is good for the same read-only subvolume', () => {
    expect(judged({ uuid: 'u' }, { uuid: 'u', parent: 'p', flags: 'readonly' })).not.toThrow();
  });

  test.each([
    ['that is gone', { uuid: 'u' }, { uuid: '', parent: '', flags: '' }],
    ['that was replaced before it was mounted', { uuid: 'x' }, { uuid: 'u', parent: 'p', flags: 'readonly' }],
    ['that was replaced', { uuid: 'u' }, { uuid: 'x', parent: 'p', flags: 'readonly' }],
    ['of something else', { uuid: 'u' }, { uuid: 'u', parent: 'x', flags: 'readonly' }],
    ['that was made writable', { uuid: 'u' }, { uuid: 'u', parent: 'p', flags: '-' }],
  ])('is bad for one %s', (_, mounted, observed) => {
    expect(judged(mounted, observed)).toThrow(expect.objectContaining({ code: 'snapshot.identity-changed' }) as Error);
  });
});

test.each([
  [INNER_EXITS.failed, 'ERROR: cannot snapshot: Text file busy', 'snapshot.create-failed', /swapped to/],
  [INNER_EXITS.failed, 'mkdir: cannot create directory: No space left on device', 'snapshot.no-room', /no room/],
  [INNER_EXITS.failed, 'ERROR: cannot snapshot: Disk quota exceeded', 'snapshot.no-room', /no room/],
  [
    INNER_EXITS.failed,
    'mkdir: cannot create directory: Read-only file system',
    'snapshot.create-failed',
    /is read-only/,
  ],
  [INNER_EXITS.notOurs, '', 'snapshot.create-failed', /is not ours/],
  [INNER_EXITS.noOrigin, '', 'snapshot.create-failed', /no longer where the plan found it/],
  [INNER_EXITS.otherFileSystem, '', 'snapshot.create-failed', /cannot be mounted/],
  [INNER_EXITS.failed, 'ERROR: something new', 'snapshot.create-failed', /something new/],
])('exit code %i and "%s" are put into words', (exitCode, stderr, code, words) => {
  const error = createError({ part: 0, exitCode, stderr }, '/dev/sda2:/@', 'db1');
  expect(error).toMatchObject({ code, message: expect.stringMatching(words) as unknown });
  expect(error.advice).not.toBe('');
});
