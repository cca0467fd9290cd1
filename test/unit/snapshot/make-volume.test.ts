/** What is refused before a volume is made, and what a plan says: everything that is found, and sizes that come true. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isStillpointError, type StillpointError } from '../../../shared/base/errors.ts';
import { hostName } from '../../../shared/domain/names.ts';
import type { NewVolumeRequest } from '../../../shared/domain/new-volume.ts';
import type { RemoteHost } from '../../../shared/remote/remote-host.ts';
import { lvmMaker } from '../../../shared/snapshot/lvm/make/maker.ts';
import { sizesOf } from '../../../shared/snapshot/lvm/make/sizes.ts';
import { workOn } from '../../../shared/snapshot/lvm/make/work.ts';

const NEVER = new AbortController().signal;
const GIB = 2 ** 30;

/** As `look-at-device` prints them, in its order. */
const EMPTY = {
  ...{
    path: '/dev/sdb',
    number: '8:16',
    sectors: String((4 * GIB) / 512),
    sequence: '7',
    readOnly: '0',
    removable: '0',
  },
  ...{
    mapper: '',
    file: '',
    model: ' QEMU HARDDISK ',
    serial: 'QM3',
    partitions: '',
    holders: '',
    mounts: '',
    swap: '0',
  },
  ...{ probe: 'nothing', signatures: '\n', atStart: 'zeros', atEnd: 'zeros', refusal: '', taken: '0', missing: '' },
};

const GROUP =
  '{"vg_name":"vg0","vg_uuid":"9qfo14-wkiW-HA2Z-lyyA-rbtK-pUGi-Uvln66","vg_attr":"ATTR","vg_size":"8585740288","vg_extent_size":"4194304","vg_free_count":"1217","vg_tags":""}';

function paperHost(device: Partial<typeof EMPTY> | 'absent', attributes = 'wz--n-', limits = ''): RemoteHost {
  const answers: Readonly<Record<string, string>> = {
    'look-at-device': device === 'absent' ? '' : `${Object.values({ ...EMPTY, ...device }).join('\0')}\0`,
    'list-volume-groups': `{"report":[{"vg":[${GROUP.replace('ATTR', attributes)}]}]}`,
    'read-lvm-limits': `${limits}\0  9qfo14-wkiW-HA2Z-lyyA-rbtK-pUGi-Uvln66\n\0\0`,
  };
  return {
    name: 'db1',
    run: async (command) => {
      const stdout = answers[command.name];
      if (stdout === undefined) throw new Error(`not expected: ${command.name}`);
      return command.parse({ stdout: Buffer.from(stdout), stderr: '', exitCode: 0 });
    },
    stream: async () => expect.fail('nothing is streamed'),
    [Symbol.asyncDispose]: async () => {},
  };
}

const NEW = {
  kind: 'volume',
  group: 'data',
  volume: 'files',
  fileSystem: 'xfs',
  size: { reservePercent: 20 },
} as const;
const asked = (wanted: NewVolumeRequest['wanted'] = NEW): NewVolumeRequest => ({
  ...{ host: hostName('db1'), device: '/dev/disk/by-id/x', wanted },
});

async function refusal(request: NewVolumeRequest, host: RemoteHost): Promise<StillpointError> {
  const error: unknown = await lvmMaker.plan(request, host, NEVER).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (isStillpointError(error)) return error;
  throw new Error(`it was not refused: ${String(error)}`);
}

const FINDINGS: readonly (readonly [found: Partial<typeof EMPTY>, said: string])[] = [
  [{ mounts: '/mnt /srv ' }, 'mounted at "/mnt", "/srv"'],
  [{ swap: '1' }, 'swap'],
  [{ partitions: 'sdb1 sdb2 ' }, 'partitions "sdb1", "sdb2"'],
  [{ holders: 'dm-3 ' }, '"dm-3" lies on it'],
  [{ probe: 'found', signatures: 'TYPE=ext4\nUUID=1\n' }, 'marks of TYPE=ext4, UUID=1'],
  [{ signatures: 'TYPE=linux_raid_member\n' }, 'linux_raid_member'],
  [{ probe: 'ambivalent' }, 'contradict'],
  [{ atStart: 'data' }, 'first 16 MiB'],
  [{ atEnd: 'data' }, 'last 16 MiB'],
  [{ atStart: 'data', atEnd: 'data' }, 'first and last 16 MiB'],
  [{ atStart: 'unreadable' }, 'cannot be read'],
  [{ atEnd: 'unreadable' }, 'cannot be read'],
  [{ readOnly: '1' }, 'cannot be written'],
  [{ removable: '1' }, 'taken out'],
  [{ path: '/dev/loop3', file: '/var/disk.img' }, 'the file "/var/disk.img"'],
  [{ path: '/dev/zram0' }, 'in memory'],
  [{ mapper: 'LVM-abc' }, 'made by LVM'],
  [{ mapper: 'VERITY-x' }, 'made by device-mapper'],
  [{ sectors: '65536' }, 'is the least'],
  [{ refusal: 'Cannot open exclusively.\n  Mounted filesystem?' }, 'Mounted filesystem?'],
];

test.for(FINDINGS)('a device with %j is refused', async ([found, said]) => {
  const { code, message } = await refusal(asked(), paperHost(found));
  expect({ code, message }).toEqual({ code: 'host.device-in-use', message: expect.stringContaining(said) as unknown });
});

test('all that is found is said at once', async () => {
  const all = Object.assign({}, ...FINDINGS.slice(0, 5).map(([found]) => found)) as Partial<typeof EMPTY>;
  const { message } = await refusal(asked(), paperHost(all));
  for (const [, said] of FINDINGS.slice(0, 5)) expect(message).toContain(said);
});

test.for(['mpath-3600', 'part1-mpath-3600', 'CRYPT-LUKS2-abc'])(
  'a whole device of device-mapper, %s, is taken',
  async (mapper) => {
    const { plan } = await lvmMaker.plan(asked(), paperHost({ mapper }), NEVER);
    expect(plan.device.path).toBe('/dev/sdb');
  },
);

test.for([
  [{ ...NEW, group: 'vg0' }, {}, 'a group named "vg0"'],
  [NEW, { taken: '1' }, 'something in /dev'],
  [{ ...NEW, group: 'a b' }, {}, 'cannot be the name of a group'],
  [{ ...NEW, group: '-g' }, {}, 'cannot be the name of a group'],
  [{ ...NEW, volume: '..' }, {}, 'cannot be the name of a volume'],
  [{ ...NEW, volume: 'snapshot1' }, {}, 'cannot be the name of a volume'],
  [{ ...NEW, volume: 'x_rmeta_0' }, {}, 'cannot be the name of a volume'],
  [{ ...NEW, volume: 'sp_0123abcd_01234567' }, {}, 'cannot be the name of a volume'],
  [{ ...NEW, size: { bytes: 4 * GIB } }, {}, 'no room for snapshots'],
  [{ ...NEW, size: { bytes: 0 } }, {}, 'none for the volume'],
  [{ kind: 'more-room', group: 'other' }, {}, 'no group "other"'],
] as const)('%j is refused with %j', async ([wanted, found, said]) => {
  const { code, message } = await refusal(asked(wanted), paperHost(found));
  expect({ code, message }).toEqual({ code: 'usage.invalid', message: expect.stringContaining(said) as unknown });
});

test.for([
  ['rz--n-', 'read-only'],
  ['wzx-n-', 'exported'],
  ['wz-pn-', 'lacks one of its disks'],
  ['wz--nc', 'shared'],
  ['wz--ns', 'shared'],
])('a group with %s gets no more room: %s', async ([attributes, said]) => {
  const { message } = await refusal(asked({ kind: 'more-room', group: 'vg0' }), paperHost({}, attributes));
  expect(message).toContain(said);
});

test('other hosts than those that are meant are told', async () => {
  expect((await refusal(asked(), paperHost('absent'))).code).toBe('host.path-not-found');
  expect(await refusal(asked(), paperHost({ missing: 'mkfs.xfs wipefs ' }))).toMatchObject({
    code: 'remote.tool-missing',
    message: '"db1" lacks mkfs.xfs, wipefs.',
  });
  expect((await refusal(asked(), paperHost({}, 'wz--n-', 'test=1'))).message).toContain('global/test=1');
  expect((await refusal(asked(), paperHost({ probe: 'blkid ended with 1' }))).code).toBe('remote.unreadable-output');
});

test('a plan says what is meant and what will be, and another disk gives another plan', async () => {
  const plan = async (found: Partial<typeof EMPTY> = {}) =>
    (await lvmMaker.plan(asked(), paperHost(found), NEVER)).plan;
  const { id, device, volume, groupBytes, freeBytes, steps } = await plan();
  expect(device).toEqual({ path: '/dev/sdb', number: '8:16', sizeBytes: 4 * GIB, says: 'QEMU HARDDISK QM3' });
  expect(groupBytes - freeBytes).toBe(volume?.sizeBytes);
  expect(steps[0]?.does).toEqual([
    'pvcreate /dev/sdb',
    'vgcreate -s 4m data /dev/sdb',
    'lvcreate -n files -l 818 data',
    'mkfs.xfs -q /dev/data/files',
  ]);
  expect((await plan()).id).toBe(id);
  for (const found of [{ serial: 'QM4' }, { sequence: '8' }, { number: '8:32' }, { sectors: '8388616' }])
    expect((await plan(found)).id).not.toBe(id);
});

test('a volume never takes the whole of its group, and a reserve is at least what was asked for', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 64 * 2048, max: 2 ** 40 }),
      fc.integer({ min: 1, max: 90 }),
      (sectors, reservePercent) => {
        const { groupExtents, volumeExtents } = sizesOf({ size: { reservePercent } }, sectors * 512);
        expect(volumeExtents).toBeLessThan(groupExtents);
        expect((groupExtents - volumeExtents) / groupExtents).toBeGreaterThanOrEqual(reservePercent / 100);
        expect(groupExtents * 4 * 2 ** 20).toBeLessThanOrEqual(sectors * 512 - 2 ** 20);
      },
    ),
  );
});

test('what a failed step left is said as it is', () => {
  const work = workOn({
    ...{ host: 'db1', sequence: '7', group: 'data', volume: { name: 'files', extents: 8, fileSystem: 'ext4' } },
    device: { path: '/dev/sdb', number: '8:16', sizeBytes: GIB, says: '' },
  });
  const said = (stdout: string): string => {
    try {
      return String(work.parse({ stdout: Buffer.from(stdout), stderr: 'why', exitCode: 0 }));
    } catch (error) {
      return (error as Error).message;
    }
  };
  expect(said('done\x00uuid\0')).toBe('uuid');
  expect(said('look\0\0')).toContain('Nothing was changed');
  expect(said('mkfs\0\0')).toContain('What was made before was taken back');
  expect(said('mkfs\0 lv vg\0')).toContain('the volume data/files, the group data could not be taken back');
  expect(said('')).toContain('cannot be understood');
  expect(said('other\0\0')).toContain('cannot be understood');
});
