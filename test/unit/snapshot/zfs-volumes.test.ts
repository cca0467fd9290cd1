import { describe, expect, test } from 'vitest';
import { toErrorRecord } from '../../../shared/base/errors.ts';
import type { Mount } from '../../../shared/domain/host.ts';
import { ownerId, runId } from '../../../shared/domain/names.ts';
import { detectVolumes } from '../../../shared/snapshot/detect.ts';
import type { DetectedVolume, Storage } from '../../../shared/snapshot/provider.ts';
import { createError } from '../../../shared/snapshot/zfs/errors.ts';
import { zfs } from '../../../shared/snapshot/zfs/provider.ts';
import { zfsStorage } from '../../../shared/snapshot/zfs/storage.ts';
import type { ZfsAnswer } from '../../../shared/snapshot/zfs/survey-command.ts';
import { aMount } from './fixtures.ts';
import { aDataset, aPool, mountOfDataset } from './zfs-facts.ts';

const GIB = 1024 ** 3;
const identity = { run: runId('0123abcd'), owner: ownerId('00112233aabb') };

function look(
  pools: ZfsAnswer['pools'],
  mounts: readonly Mount[],
  more: Partial<ZfsAnswer> = {},
): { readonly storage: Storage; readonly volumes: readonly DetectedVolume[] } {
  const storage = zfsStorage(zfs, { host: 'db1', mounts, hasPrograms: true, own: [], pools, ...more });
  return { storage, volumes: detectVolumes(mounts, new Map(), [storage]) };
}
const reasonOf = ({ volume }: DetectedVolume): string =>
  volume.snapshot.possible ? 'possible' : `${volume.snapshot.reason}. ${volume.snapshot.remedy}`;

describe('the volumes of ZFS', () => {
  test('are the datasets that are mounted, by the name that the kernel has for them, at all their places', () => {
    const blank = mountOfDataset('/srv/b', 'tank/a b');
    const { volumes } = look(
      [aPool([aDataset('tank'), aDataset('tank/a b'), aDataset('tank/legacy', { canMount: 'noauto' })])],
      [
        ...[mountOfDataset('/tank', 'tank'), blank, mountOfDataset('/srv/legacy', 'tank/legacy')],
        aMount('/srv/bound', { device: blank.device, fsType: 'zfs', source: blank.source, root: Buffer.from('/deep') }),
      ],
    );
    expect(volumes.map(({ volume }) => [volume.label, volume.mountpoints])).toEqual([
      ['tank', ['/tank']],
      ['tank/a b', ['/srv/b', '/srv/bound']],
      ['tank/legacy', ['/srv/legacy']],
    ]);
    expect(new Set(volumes.map(({ volume }) => volume.id)).size).toBe(3);
    expect(volumes.map(reasonOf)).toEqual(['possible', 'possible', 'possible']);
  });

  test.each<[string, ZfsAnswer['pools'], Partial<ZfsAnswer>, RegExp]>([
    ['a host without the programs', [], { hasPrograms: false }, /has not the programs.*Install zfsutils-linux/],
    ['a container', [], {}, /not among those of the host's pools.*In a container/],
    ['a dataset that was renamed just now', [aPool([aDataset('tank')])], {}, /not among those.*run again/],
    [
      'a pool that is suspended',
      [{ name: 'tank', why: 'state', said: 'SUSPENDED' }],
      {},
      /state SUSPENDED.*zpool clear/,
    ],
    [
      'an old ZFS',
      [{ name: 'tank', why: 'no-answer', said: "bad property list: invalid property 'keystatus'\n" }],
      {},
      /cannot be listed.*0\.8/,
    ],
    ['a ZFS that is not known', [{ name: 'tank', why: 'unknown-form', said: 'odd' }], {}, /cannot be understood: odd/],
    ['a pool that cannot be written', [aPool([aDataset('tank/x')], { isReadOnly: true })], {}, /imported read-only/],
  ])('of %s say why not', (_, pools, more, words) => {
    const { volumes } = look(pools, [mountOfDataset('/srv/x', 'tank/x')], more);
    expect(volumes.map(reasonOf)).toEqual([expect.stringMatching(words)]);
  });

  test('are no snapshots that somebody looks at', () => {
    const shown = mountOfDataset('/tank/.zfs/snapshot/old', 'tank@old');
    const { volumes } = look([aPool([aDataset('tank')])], [mountOfDataset('/tank', 'tank'), shown]);
    expect(volumes.map(({ volume }) => volume.kind)).toEqual(['zfs', 'pseudo']);
  });

  test('that are not mounted are known by their places, but for what is never mounted or has one that is taken', () => {
    const { storage } = look(
      [
        aPool(
          [
            ...[aDataset('tank'), aDataset('tank/on', { isMounted: false })],
            aDataset('tank/by-hand', { isMounted: false, canMount: 'noauto' }),
            aDataset('tank/locked', { isMounted: false, isKeyMissing: true }),
            aDataset('tank/off', { isMounted: false, canMount: 'off' }),
            aDataset('tank/other-root', { isMounted: false, canMount: 'noauto' }),
            aDataset('tank/nowhere', { isMounted: false }),
          ],
          {
            places: {
              ...{ 'tank/on': '/tank/on', 'tank/by-hand': '/tank/by-hand', 'tank/locked': '/tank/locked' },
              ...{ 'tank/off': '/tank/off', 'tank/other-root': '/' },
            },
          },
        ),
      ],
      [aMount('/'), mountOfDataset('/tank', 'tank')],
    );
    expect(storage.unmounted?.map(({ target, isExpected, what }) => [String(target), isExpected, what])).toEqual([
      ['/tank/on', true, 'ZFS datasets that are not mounted'],
      ['/tank/by-hand', false, 'ZFS datasets that are not mounted'],
      ['/tank/locked', true, 'encrypted ZFS datasets whose key is not loaded'],
    ]);
  });
});

describe('a plan for datasets', () => {
  const mounts = ['tank', 'tank/a', 'tank/b', 'pond'].map((name) => mountOfDataset(`/${name}`, name));
  const pools = (more: Partial<Parameters<typeof aDataset>[1]> = {}): ZfsAnswer['pools'] => [
    aPool([aDataset('tank'), aDataset('tank/a', more), aDataset('tank/b')]),
    aPool([aDataset('pond')], { name: 'pond', guid: '77' }),
  ];

  test('makes all of a pool by one command, which the first of them has', () => {
    const { storage, volumes } = look(pools(), mounts);
    const { items } = storage.plan(volumes, identity);
    expect(items.map(({ instant }) => instant)).toEqual(['zfs:99', 'zfs:99', 'zfs:99', 'zfs:77']);
    const names = items.map(({ planned }) => `${planned.volume}@${planned.snapshot}`);
    const [first, , , last] = items.map(({ create }) => create.args.map(String));
    for (const name of names.slice(0, 3)) expect(first).toContain(name);
    expect(first).not.toContain(names[3]);
    expect(last).toContain(names[3]);
    expect(items.map(({ lines }) => lines.create.startsWith('zfs snapshot'))).toEqual([true, false, false, true]);
  });

  test.each([
    [
      'little is left in the pool',
      { availableBytes: 2 * GIB, usedBytes: 98 * GIB },
      /2(\.0)? GiB of 100 GiB are left in "tank\/a"/,
    ],
    [
      'the quota is nearly used up',
      { availableBytes: GIB / 2, quotaBytes: 41 * GIB, usedBytes: 40.5 * GIB },
      /are left in "tank\/a"/,
    ],
    [
      'the quota is used up before the refquota',
      { refquotaBytes: 50 * GIB, quotaBytes: 41 * GIB, usedBytes: 40.5 * GIB },
      /of 41 GiB are left of the quota of "tank\/a"/,
    ],
  ])('is refused where %s', (_, more, words) => {
    const { storage, volumes } = look(pools(more), mounts);
    const error = (() => {
      try {
        storage.plan(volumes, identity);
      } catch (thrown) {
        return toErrorRecord(thrown);
      }
      return undefined;
    })();
    expect(error).toMatchObject({ code: 'snapshot.no-room', message: expect.stringMatching(words) as unknown });
  });

  test('is refused where little is left of a pool of which its dataset has but a small part', () => {
    const full = { availableBytes: GIB / 2, usedBytes: 99 * GIB };
    const { storage, volumes } = look(
      [aPool([aDataset('tank', full), aDataset('tank/a', { ...full, usedBytes: GIB / 10 })])],
      [mountOfDataset('/tank/a', 'tank/a')],
    );
    expect(() => storage.plan(volumes, identity)).toThrow(/512 MiB of 100 GiB are left in "tank"/);
  });

  test('does not mind a refquota that is used up, in which snapshots do not count', () => {
    const { storage, volumes } = look(pools({ availableBytes: 0, refquotaBytes: 10 * GIB }), mounts);
    expect(storage.plan(volumes, identity).items).toHaveLength(4);
  });

  test('of a pool of many terabytes wants an amount, and no share of it', () => {
    const large = { availableBytes: 100 * GIB, usedBytes: 20_000 * GIB };
    const { storage, volumes } = look(pools(large), mounts);
    expect(storage.plan(volumes, identity).items).toHaveLength(4);
  });

  test('tells of a pool that has lost a device', () => {
    const { storage, volumes } = look([aPool([aDataset('tank')], { health: 'DEGRADED' })], mounts.slice(0, 1));
    expect(storage.plan(volumes, identity).risks).toEqual([expect.stringContaining('without one of its devices')]);
  });

  test('names what a sweep will have removed, and nothing of others', () => {
    const own = ['0000aaaa', '0000bbbb'].map((run) => ({
      run,
      owner: '00112233aabb',
      id: `tank/a=b@sp_${run}_00000000`,
    }));
    const { storage } = look(pools(), mounts, {
      own: [...own, { run: '0000aaaa', owner: 'ffffffffffff', id: 'tank@sp_0000aaaa_11111111' }],
    });
    expect(storage.afterSweep(identity.owner, [runId('0000aaaa')]).removes).toEqual([
      'zfs destroy tank/a b@sp_0000aaaa_00000000',
    ]);
  });
});

describe('what ZFS says when it makes no snapshot', () => {
  const order = { dataset: 'tank/a', pool: 'tank', all: ['tank/a@sp'] } as never;

  test.each([
    [76, 'cannot create snapshots : out of space\n', 'snapshot.no-room', /no room for a snapshot/],
    [
      76,
      "cannot open 'tank/a': dataset does not exist\nusage:\n\tsnapshot [-r]\n",
      'snapshot.create-failed',
      /no longer where the plan found it.* It said: \S*cannot open 'tank\/a': dataset does not exist\S*\.$/,
    ],
    [76, 'cannot create snapshots : permission denied\n', 'snapshot.create-failed', /permission denied/],
    [78, '', 'snapshot.create-failed', /another one has its name/],
    [79, '', 'snapshot.create-failed', /does not answer any more/],
  ])('by code %i and "%s" is told', (exitCode, stderr, code, words) => {
    const error = toErrorRecord(createError({ part: 0, exitCode, stderr }, order, 'db1'));
    expect(error).toMatchObject({ code, message: expect.stringMatching(words) as unknown });
  });
});
