import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { PlannedSnapshot } from '../../../shared/domain/backup-plan.ts';
import { ownerId, runId } from '../../../shared/domain/names.ts';
import { takeSnapshots } from '../../../shared/snapshot/critical-section.ts';
import { armLease, releaseLease, renewLease, sweepHost } from '../../../shared/snapshot/host/commands.ts';
import { type HostIdentity, identifyHost } from '../../../shared/snapshot/identify-host.ts';
import { mountOptions } from '../../../shared/snapshot/lvm/mount.ts';
import { deviceMapperName } from '../../../shared/snapshot/lvm/names.ts';
import { createSnapshot, lvcreateLine } from '../../../shared/snapshot/lvm/thick/create.ts';
import { thickItem } from '../../../shared/snapshot/lvm/thick/item.ts';
import { measureMounts } from '../../../shared/snapshot/measure.ts';
import { mountSnapshots } from '../../../shared/snapshot/mounting.ts';
import { lackOf } from '../../../shared/snapshot/programs.ts';
import type { DetectedVolume } from '../../../shared/snapshot/provider.ts';
import { REGISTRY } from '../../../shared/snapshot/registry.ts';
import { aMount, parsed } from './fixtures.ts';

const { scripts } = REGISTRY;
const run = runId('0123abcd');
const owner = ownerId('00112233aabb');
const unreadable = expect.objectContaining({ code: 'remote.unreadable-output' }) as Error;

describe('renewing', () => {
  const renew = renewLease(run, 60);

  test('tells the state, the peaks and what overflowed', () => {
    const text =
      'alive\0uptime 812.34\0peak vg0/sp_a 51200 102400\0peak vg0/sp_b 512 4096\0full vg0/sp_a\0gone vg0/sp_b\0share vg0/sp_c vg0/pool0 data 7 9\0';
    expect(parsed(renew, text)).toEqual({
      state: 'alive',
      peaks: [
        { snapshot: 'vg0/sp_a', usedBytes: 51_200, totalBytes: 102_400 },
        { snapshot: 'vg0/sp_b', usedBytes: 512, totalBytes: 4096 },
      ],
      shares: [{ snapshot: 'vg0/sp_c', where: 'vg0/pool0', what: 'data', usedBytes: 7, limitBytes: 9 }],
      full: ['vg0/sp_a'],
      gone: ['vg0/sp_b'],
      threat: undefined,
      uptimeSeconds: 812.34,
    });
    expect(parsed(renew, 'gone\0')).toEqual({
      ...{ state: 'gone', peaks: [], shares: [], full: [], gone: [], threat: undefined },
    });
    expect(parsed(renew, 'unwatched\0').state).toBe('unwatched');
    expect(parsed(renew, 'gone\0threat vg0/sp_a vg0/pool0 data 9 10\0')).toMatchObject({
      state: 'gone',
      threat: { snapshot: 'vg0/sp_a', where: 'vg0/pool0', what: 'data', usedBytes: 9, totalBytes: 10 },
    });
  });

  test.each([
    '',
    'alive',
    'dead\0',
    'alive\0peak sp_a x 200\0',
    'alive\0peak sp_a 100\0',
    'alive\0hello\0',
    'alive\0threat vg0/sp_a vg0/pool0 data 9\0',
    'alive\0threat vg0/sp_a vg0/pool0 data x 10\0',
    'alive\0threat vg0/sp_a vg0/pool0 data 9 10 11\0',
    'alive\0peak sp_a 1 2',
    'alive\0share vg0/sp_c vg0/pool0 data 7\0',
    'alive\0share vg0/sp_c vg0/pool0 data 7 9 1\0',
    'alive\0uptime soon\0',
    'alive\0uptime\0',
  ])('does not believe %j', (text) => {
    expect(() => parsed(renew, text)).toThrow(unreadable);
  });
});

describe('removing', () => {
  test.each([releaseLease(scripts, run, owner), sweepHost(scripts, owner)])(
    '$name tells what went and what stays, and why',
    (command) => {
      expect(
        parsed(command, 'removed vg0/sp_a\nbusy vg0/sp_b\nforeign /run/stillpoint/a b\nother x\nliving y\nmerging z\n'),
      ).toEqual({
        removed: ['vg0/sp_a'],
        kept: [
          { object: 'vg0/sp_b', reason: 'it is in use' },
          { object: '/run/stillpoint/a b', reason: 'it does not bear our mark' },
          { object: 'x', reason: 'it belongs to another Stillpoint' },
          { object: 'y', reason: 'a run is using it now' },
          { object: 'z', reason: 'an administrator is merging it into its origin' },
        ],
      });
      expect(parsed(command, '')).toEqual({ removed: [], kept: [] });
      for (const text of ['sh: not found\n', 'removed\n', 'Removed x\n']) {
        expect(() => parsed(command, text)).toThrow(unreadable);
      }
    },
  );
});

test('arming answers with boot and keeper, or is not believed', () => {
  const arm = armLease(scripts, { run, owner, leaseSeconds: 60, mounts: 1, holds: 0 });
  expect(parsed(arm, 'boot-id\x004711\0')).toEqual({ bootId: 'boot-id', keeperPid: 4711 });
  for (const text of ['', 'boot-id\0', 'boot-id\x00keeper\0', 'boot-id\x004711', 'boot-id\x004711\0more']) {
    expect(() => parsed(arm, text)).toThrow(unreadable);
  }
});

const order = {
  group: 'vg-0',
  origin: 'my-data',
  name: 'sp_0123abcd_11111111',
  extents: 64,
  leastExtents: 16,
  reserveExtents: 7,
  extentBytes: 100,
};

describe('creating', () => {
  const second = { ...order, name: 'sp_0123abcd_22222222' };
  const creates = [order, second].map((each) => createSnapshot({ run, owner }, each));
  const command = takeSnapshots({ run, owner, holds: [], creates }, scripts);
  const uuid = 'RWoQzf-skQD-p60E-GmPY-85Jl-5DSO-l59HCc';
  const fields = (name: string, wall: string): string =>
    [`vg-0/${name}`, '10.01', '10.25', wall, uuid, '64', ''].join('\0');

  test('reads one answer a snapshot; a clock without fractions is a clock', () => {
    const text = fields(order.name, '1700000000.000000007') + fields(second.name, '1700000000.%N');
    const made = { beforeUptime: 10.01, afterUptime: 10.25, own: { sizeBytes: 6400, seen: { uuid } } };
    expect(parsed(command, text)).toEqual({
      result: {
        made: [
          { ...made, id: `vg-0/${order.name}`, wallClockNs: 1_700_000_000_000_000_007n },
          { ...made, id: `vg-0/${second.name}`, wallClockNs: 1_700_000_000_000_000_000n },
        ],
        held: [],
      },
    });
  });

  test('reads which part failed, with what and what was said', () => {
    const stdout = Buffer.from(`${fields(order.name, '1.000000000')}failed\x002\x0076\0`);
    expect(command.parse({ stdout, stderr: 'no room', exitCode: 0 })).toEqual({
      failed: { part: 1, exitCode: 76, stderr: 'no room' },
    });
    expect(() => parsed(command, 'failed\x002\x0076\0more\0')).toThrow(unreadable);
    expect(() => parsed(command, 'failed\x00two\x0076\0')).toThrow(unreadable);
  });

  test('does not believe fewer answers, nor half of one, nor more', () => {
    const whole = fields('a', '1.000000000') + fields('b', '1.000000000');
    fc.assert(
      fc.property(fc.nat(whole.length - 1), (length) => {
        expect(() => parsed(command, whole.slice(0, length))).toThrow(unreadable);
      }),
    );
    for (const text of [
      whole.replaceAll(uuid, '-'),
      whole.replaceAll('10.01', 'x'),
      whole.replaceAll('10.01', ''),
      whole.replace('vg-0/a', 'vg 0/a'),
      `${whole}\0`,
    ]) {
      expect(() => parsed(command, text)).toThrow(unreadable);
    }
  });

  test('names every object of LVM by argument, never in the text', () => {
    expect(command.args.slice(0, 11)).toEqual([
      ...[run, owner, run, owner, 'vg-0', 'my-data', order.name, '64', '16'],
      ...[`vg--0-${order.name}`, '7'],
    ]);
    expect(command.script).not.toContain('my-data');
    expect(lvcreateLine({ run, owner }, order)).toBe(
      'lvcreate -y -s -n sp_0123abcd_11111111 -l 64 --monitor n --addtag stillpoint --addtag sp.run=0123abcd --addtag sp.owner=00112233aabb vg-0/my-data',
    );
  });

  test('hyphens are doubled as device-mapper does it', () => {
    expect(deviceMapperName('a-b', 'c--d')).toBe('a--b-c----d');
  });
});

describe('mounting', () => {
  test('is read-only and lets nothing run; XFS needs nouuid', () => {
    expect(mountOptions('ext4')).toBe('ro,nosuid,nodev,noexec,noatime');
    expect(mountOptions('xfs')).toBe('ro,nosuid,nodev,noexec,noatime,nouuid');
    expect(mountOptions('ext4')).not.toMatch(/noload|norecovery/);
  });

  test('pins what it mounted, or is not believed', () => {
    const identity = { run, owner };
    const [planned, volume] = [{} as PlannedSnapshot, {} as DetectedVolume];
    const item = thickItem({ identity, planned, volume, order: { ...order, fsType: 'xfs' } });
    const command = mountSnapshots(run, [item, item], scripts);
    const line = '140 110 254:9 / /run/stillpoint/0123abcd/mnt/0 ro - xfs /dev/mapper/vg0-sp ro';
    const table = '0 2097152 snapshot 254:7 254:8 P 8';
    const first = `${table}\0${line}\x00128\0`;
    const second = first.replace('mnt/0', 'mnt/1');
    const mounted = (index: number) => ({
      path: `/run/stillpoint/0123abcd/mnt/${index}`,
      mountLine: line.replace('mnt/0', `mnt/${index}`),
      rootInode: '128',
      seen: { table },
    });
    expect(parsed(command, first + second)).toEqual({ mounted: [mounted(0), mounted(1)] });
    expect(parsed(command, `${first}failed\x002\x0077\0`)).toMatchObject({ failed: { part: 1, exitCode: 77 } });
    const others = [
      first + first,
      first,
      `${table}\0${line}\0\0${second}`,
      `0 2097152 linear 98:16 2048\0${line}\x00128\0${second}`,
      `${first}${second.slice(0, -1)}`,
      '',
    ];
    for (const text of others) expect(() => parsed(command, text)).toThrow(unreadable);
  });
});

test('a host says who it is', () => {
  const boot = '6f0a2d0a-1111-4000-8000-000000000000';
  const answer = (missing: string, versions: string): string =>
    `0\0Linux 6.1.0 x86_64\0"Debian GNU/Linux 12 (bookworm)"\0${boot}\x0012.50\x001700000000\0${missing}\0${versions}\0root:0\nada:1000\nbad line\0root:0\n\0`;
  const facts = parsed(
    identifyHost(['lvs', 'dmsetup']),
    answer('', 'tar (GNU tar) 1.34\0find (GNU findutils) 4.9.0\0'),
  );
  expect(facts).toMatchObject({
    isRoot: true,
    system: 'Linux 6.1.0 x86_64, Debian GNU/Linux 12 (bookworm)',
    uptimeSeconds: 12.5,
    // A date(1) that knows no fractions, printed them as they stand, or knows them.
    wallClock: { earliestMs: 1_700_000_000_000, latestMs: 1_700_000_001_000 },
    missing: [],
    gnuTar: true,
    gnuFind: true,
  });
  const clockOf = (wall: string): unknown =>
    parsed(identifyHost(['lvs', 'dmsetup']), answer('', '').replace('1700000000', wall)).wallClock;
  expect(clockOf('1700000000.%N')).toEqual({ earliestMs: 1_700_000_000_000, latestMs: 1_700_000_001_000 });
  expect(clockOf('1700000000.123999999')).toEqual({ earliestMs: 1_700_000_000_123, latestMs: 1_700_000_000_124 });
  for (const wall of ['', 'now', '-5', '1e9', '17000000000000']) expect(() => clockOf(wall)).toThrow(unreadable);
  expect([...facts.users]).toEqual([
    [0, 'root'],
    [1000, 'ada'],
  ]);
  const named = (name: string): string =>
    parsed(identifyHost(['lvs', 'dmsetup']), answer('', 'x\0y\0').replace(/"Debian[^"]*"/, name)).system.slice(
      'Linux 6.1.0 x86_64'.length,
    );
  expect([named(''), named('Alpine'), named(`'A "B"'`), named('"a \\"b\\" $c"')]).toEqual([
    '',
    ', Alpine',
    ', A "B"',
    ', a "b" $c',
  ]);
  // busybox: neither prints a version on standard output.
  expect(parsed(identifyHost(['lvs', 'dmsetup']), answer('lvs dmsetup ', ''))).toMatchObject({
    missing: ['lvs', 'dmsetup'],
    gnuTar: false,
    gnuFind: false,
  });
  expect(() => parsed(identifyHost(['lvs', 'dmsetup']), '0\0Linux\0\0no boot id\x001\x001\0\0\0\0\0')).toThrow(
    unreadable,
  );
});

test('a host that lacks a program is told which package has it', () => {
  const host = { missing: [], gnuTar: true, gnuFind: true } as unknown as HostIdentity;
  const users = REGISTRY.providers;
  expect(lackOf(host, users, 'db1')).toBeUndefined();
  // Of a storage that has nothing to do there.
  expect(lackOf({ ...host, missing: ['vgs', 'lvs'] }, [], 'db1')).toBeUndefined();
  expect(lackOf({ ...host, missing: ['vgs', 'tar'] }, [], 'db1')?.message).toContain('needs: tar.');
  expect(lackOf({ ...host, missing: ['vgs', 'timeout'] }, users, 'db1')).toMatchObject({
    code: 'remote.tool-missing',
    message: '"db1" lacks what a backup needs: vgs, timeout.',
    advice: 'Install it there, on Debian with "apt-get install coreutils lvm2".',
  });
  expect(lackOf({ ...host, gnuFind: false }, users, 'db1')?.advice).toContain('"apt-get install findutils"');
  expect(lackOf({ ...host, missing: ['tar'], gnuTar: false }, users, 'db1')?.message).toContain('needs: tar.');
});

test('measurements come in the order of the mounts; what could not be measured is left out', () => {
  const command = measureMounts([
    { mount: aMount('/a'), mapper: 'vg0-a' },
    { mount: aMount('/b', { fsType: 'xfs' }), mapper: 'vg0-b' },
  ]);
  expect([command.args[2], command.args[5]]).toEqual(['vg0-a', '']);
  const stat = '  100 0 800 5 300 7 4096 9 0 1 2';
  expect(parsed(command, `2.00\x004096 1000 250\0${stat}\0          8          0\0\0\0\0`)).toEqual([
    {
      use: { sizeBytes: 4_096_000, usedBytes: 3_072_000 },
      writtenPerSecond: (4096 * 512 + 300 * 4096) / 2,
      writesPerSecond: 150,
      hasExternalJournal: false,
    },
    { use: undefined, writtenPerSecond: undefined, writesPerSecond: undefined, hasExternalJournal: false },
  ]);
  const journals = ['          0       2065', '          0          0', '', 'x'].map(
    (text) =>
      parsed(measureMounts([{ mount: aMount('/a'), mapper: 'vg0-a' }]), `1\0\0\0${text}\0`)[0]?.hasExternalJournal,
  );
  expect(journals).toEqual([true, false, false, false]);
  expect(() => parsed(command, '4096 1000 250\0')).toThrow(unreadable);
});
