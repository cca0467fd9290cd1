/** What hosts print for the advisor is understood as it is, or refused; names are bytes. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { pathOnHost, storesOf } from '../../../../shared/pipeline/advise/data-stores.ts';
import { lookAtFileSystems } from '../../../../shared/pipeline/advise/file-systems.ts';
import { listPrograms, placePaths } from '../../../../shared/pipeline/advise/programs-at-work.ts';
import { askSudo } from '../../../../shared/pipeline/advise/sudo-rights.ts';
import { watchWrites } from '../../../../shared/pipeline/advise/write-rate.ts';
import type { RemoteCommand } from '../../../../shared/remote/command.ts';
import { readUpkeep } from '../../../../shared/snapshot/lvm/upkeep-settings.ts';
import { parseMountinfo } from '../../../../shared/snapshot/mountinfo.ts';

const unreadable = expect.objectContaining({ code: 'remote.unreadable-output' }) as Error;
const parsed = <T>(command: RemoteCommand<T>, stdout: string): T =>
  command.parse({ stdout: Buffer.from(stdout, 'latin1'), stderr: '', exitCode: 0 });

const EVERY: readonly RemoteCommand<unknown>[] = [
  listPrograms,
  placePaths([{ pid: '1', path: Buffer.from('/a') }]),
  askSudo,
  watchWrites(['8:0']),
  lookAtFileSystems([Buffer.from('/a')]),
  readUpkeep,
];

test.each(EVERY.map((command) => [command.name, command] as const))(
  '%s refuses what it does not know',
  (_, command) => {
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), (text) => {
        expect(() => parsed(command, `${text}\u0001`)).toThrow(unreadable);
      }),
    );
  },
);

describe('programs at work', () => {
  const links = (...pairs: (readonly [string, string])[]): string =>
    `${pairs.map(([name, target]) => `${name}\0${target}\0`).join('')}end\0`;

  test('are known by the file that they run from, and their stores by where they work', () => {
    const { programs, isSeen } = parsed(
      listPrograms,
      links(
        ['/proc/7/exe', '/usr/sbin/mariadbd (deleted)'],
        ['/proc/7/cwd', '/var/lib/my\nsql'],
        ['/proc/9/exe', '/usr/bin/app'],
        ['/proc/9/cwd', '/'],
        ['/proc/9/fd/12', "/srv/it's.db-wal"],
        ['/proc/9/fd/13', '/srv/gone-wal (deleted)'],
        ['/proc/11/exe', '/usr/bin/qemu-system-x86_64'],
        ['/proc/11/fd/3', '/vm/\xff.qcow2'],
        ['/proc/13/cwd', '/root'],
      ),
    );
    expect(isSeen).toBe(true);
    const stores = storesOf(programs).map(({ what, path, pid }) => [pid, what, path.toString('latin1')]);
    expect(stores).toEqual([
      ['7', 'MariaDB or MySQL', '/var/lib/my\nsql'],
      ['9', 'SQLite', "/srv/it's.db"],
      ['11', 'a virtual machine (QEMU)', '/vm/\xff.qcow2'],
    ]);
  });

  test('a program that only calls itself mysqld is none', () => {
    const { programs } = parsed(listPrograms, links(['/proc/7/exe', '/tmp/mysqld/x'], ['/proc/7/cwd', '/srv']));
    expect(storesOf(programs)).toEqual([]);
  });

  test('nothing is said where find printed nothing', () => {
    expect(parsed(listPrograms, 'end\0')).toEqual({ programs: [], isSeen: false });
  });
});

describe('a place that a process sees', () => {
  const seen = { pid: '7', path: Buffer.from('/data/db') };
  const mounts = (text: string) => parseMountinfo(Buffer.from(text), listPrograms);
  const host = mounts(
    '20 1 254:1 / / rw - ext4 /dev/a rw\n30 20 254:2 / /srv/vol rw - xfs /dev/b rw\n31 20 254:2 /hidden /srv/part rw - xfs /dev/b rw\n',
  );

  test('is found on the host by its device and its place there', () => {
    const [place] = parsed(
      placePaths([seen]),
      'other\x0090 80 254:9 / / rw - overlay overlay rw\n91 90 254:2 /volumes/1/_data /data rw - xfs /dev/b rw\n\0/system.slice/docker-1.scope\n\0',
    );
    expect(place && pathOnHost(seen, place, host)?.toString()).toBe('/srv/vol/volumes/1/_data/db');
    expect(place?.service).toBeUndefined();
  });

  test('is nowhere where the host has no such device mounted, or hides it', () => {
    const [place] = parsed(placePaths([seen]), 'other\x0090 80 0:77 / / rw - overlay overlay rw\n\0\0');
    expect(place && pathOnHost(seen, place, host)).toBeUndefined();
  });

  test.each<[string, string | undefined]>([
    ['/system.slice/mariadb.service\n', 'mariadb'],
    ['/system.slice/system-postgresql.slice/postgresql@15-main.service\n', 'postgresql@15-main'],
    ['/system.slice/a.service/inner\n', 'a'],
    ['/user.slice/user-1000.slice/user@1000.service/app.slice/x.service\n', undefined],
    ['/system.slice/-rf.service\n', undefined],
    ['/system.slice/a b.service\n', undefined],
    ['', undefined],
  ])('of the control group %j is of the service %j', (group, service) => {
    expect(parsed(placePaths([seen]), `host\0\0${group}\0`)[0]).toEqual({ isOfHost: true, mounts: [], service });
  });
});

test('writes are counted between two looks, and what is counted nowhere is unknown', () => {
  const before = '100.00\x00 1 2 3 4 10 6 1000 8\0\0';
  const after = '104.00\x00 1 2 3 4 30 6 9000 8\0\0';
  expect(parsed(watchWrites(['254:1', '0:40']), before + after)).toEqual([
    { bytesPerSecond: 1_024_000, costPerSecond: 1_024_000 + 5 * 4096 },
    undefined,
  ]);
  expect(() => parsed(watchWrites(['254:1']), '100.00\0\x00100.00\0\0')).toThrow(unreadable);
});

test('file systems, swap and RAIDs', () => {
  const state = parsed(
    lookAtFileSystems([Buffer.from('/a'), Buffer.from('/b')]),
    [
      '# a comment\nUUID=1 /srv/with\\040blank ext4 ro,noatime 0 0\n/dev/b none swap sw\nbroken\n',
      'Filename\tType\tSize\tUsed\tPriority\n/swap\\040file\tfile\t1048572\t0\t-2\n/dev/dm-4 partition 1 0 -3\n',
      'dm-0 3\ndm-1 0\n',
      'md0 1\n',
      '4096 1000 250',
      '',
      '',
    ].join('\0'),
  );
  expect(state.fstab).toEqual([{ target: Buffer.from('/srv/with blank'), options: ['ro', 'noatime'] }]);
  expect(state.swapFiles).toEqual([Buffer.from('/swap file')]);
  expect([...state.errors, ...state.degraded]).toEqual([
    ['dm-0', 3],
    ['dm-1', 0],
    ['md0', 1],
  ]);
  expect(state.rooms).toEqual([{ sizeBytes: 4_096_000, availableBytes: 1_024_000 }, undefined]);
});

describe('what sudo lets one do', () => {
  const said = (rules: string): string =>
    `bak\x000\0Matching Defaults entries for bak on db1:\n    env_reset, use_pty\n\nUser bak may run the following commands on db1:\n${rules}\0`;

  test.each<[rules: string, may: string]>([
    ['    (ALL : ALL) NOPASSWD: ALL\n', 'without-password'],
    ['    (root) NOPASSWD: /bin/sh -s\n', 'without-password'],
    ['    (root) NOPASSWD: /usr/bin/less, /bin/sh -s\n', 'without-password'],
    ['    (ALL) ALL\n', 'with-password'],
    ['    (ALL) ALL\n    (root) NOPASSWD: /bin/sh -s\n', 'without-password'],
    ['    (postgres) NOPASSWD: ALL\n', 'not-allowed'],
    ['    (root) NOPASSWD: /bin/sh -c true\n', 'not-allowed'],
    ['', 'not-allowed'],
  ])('%j', (rules, may) => {
    expect(parsed(askSudo, said(rules))).toEqual({ user: 'bak', may });
  });

  test('is unsaid where it wants a password first, and nothing without a sudo', () => {
    expect(parsed(askSudo, 'bak\x001\0sudo: a password is required\0').may).toBe('unsaid');
    expect(parsed(askSudo, 'bak\x00127\0\0').may).toBe('no-sudo');
  });
});

test('how full snapshots are, and from when on pools grow', () => {
  const report = JSON.stringify({
    report: [{ lv: [{ lv_uuid: 'a', data_percent: '85.66', seg_monitor: 'not monitored', lv_profile: 'own' }] }],
  });
  const { records, thresholds } = parsed(readUpkeep, `${report}\0=\nown=thin_pool_autoextend_threshold=70\n\0`);
  expect(records.get('a')).toMatchObject({ data_percent: 85.66, seg_monitor: false, lv_profile: 'own' });
  expect([...thresholds]).toEqual([
    ['', 100],
    ['own', 70],
  ]);
  expect(parsed(readUpkeep, '').records.size).toBe(0);
});
