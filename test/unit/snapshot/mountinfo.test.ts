import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Mount } from '../../../shared/domain/host.ts';
import { isWithin, mountOf, mountsBelow, parseMountinfo, readMounts } from '../../../shared/snapshot/mountinfo.ts';
import { aMount, guestMounts, parsed } from './fixtures.ts';

const parse = (text: string): readonly Mount[] => parseMountinfo(Buffer.from(text, 'latin1'), readMounts);
const targets = (mounts: readonly Mount[]): string[] => mounts.map((mount) => mount.target.toString());

/** As fs/proc_namespace.c writes it: blank, tab, newline and backslash as octal. */
const escape = (bytes: Buffer): string =>
  bytes.toString('latin1').replaceAll(/[ \t\n\\]/g, (c) => `\\${c.charCodeAt(0).toString(8).padStart(3, '0')}`);

const format = (mount: Mount, optional: readonly string[]): string =>
  [
    String(mount.id),
    String(mount.parentId),
    mount.device,
    escape(mount.root),
    escape(mount.target),
    mount.options.join(','),
    ...optional,
    '-',
    mount.fsType,
    escape(mount.source),
    mount.superOptions.join(','),
  ].join(' ');

const bytes = fc
  .array(fc.oneof(fc.constantFrom(0x20, 0x09, 0x0a, 0x5c, 0x2d, 0xff, 0x30), fc.integer({ min: 1, max: 255 })), {
    minLength: 1,
    maxLength: 12,
  })
  .map((list) => Buffer.from([0x2f, ...list]));
const word = fc.stringMatching(/^[a-z0-9=:-]{1,8}$/);

test('what the kernel wrote is read back, whatever bytes the names have', () => {
  const mount = fc.record({
    id: fc.nat(),
    parentId: fc.nat(),
    device: fc.tuple(fc.nat(4095), fc.nat(1_000_000)).map(([major, minor]) => `${major}:${minor}`),
    root: bytes,
    target: bytes,
    options: fc.array(word, { minLength: 1, maxLength: 3 }),
    fsType: fc.constantFrom('ext4', 'xfs', 'fuse.sshfs', '-'),
    source: bytes,
    superOptions: fc.array(word, { minLength: 1, maxLength: 3 }),
  });
  const optional = fc.array(fc.constantFrom('shared:1', 'master:22', 'propagate_from:3', 'unbindable'), {
    maxLength: 3,
  });
  fc.assert(
    fc.property(fc.array(fc.tuple(mount, optional), { maxLength: 4 }), (lines) => {
      const text = lines.map(([each, more]) => `${format(each, more)}\n`).join('');
      expect(parse(text)).toEqual(lines.map(([each]) => each));
    }),
  );
});

test('a newline in a target does not make two lines', () => {
  const [mount] = parse('5 1 8:1 / /srv/two\\012lines rw - ext4 /dev/sda1 rw\n');
  expect(mount?.target.toString()).toBe('/srv/two\nlines');
});

test.each([
  ['cut in the middle', '5 1 8:1 / /srv rw - ext4 /dev/sda1 rw\n6 1 8:1 / /sr'],
  ['without the lone hyphen', '5 1 8:1 / /srv rw shared:1 ext4 /dev/sda1 rw\n'],
  ['without a source', '5 1 8:1 / /srv rw - ext4\n'],
  ['with a device that is none', '5 1 8-1 / /srv rw - ext4 /dev/sda1 rw\n'],
  ['with an id that is none', 'x 1 8:1 / /srv rw - ext4 /dev/sda1 rw\n'],
  ['of noise', 'Welcome to db1\n'],
])('text %s is refused', (_what, text) => {
  expect(() => parse(text)).toThrow(expect.objectContaining({ code: 'remote.unreadable-output' }) as Error);
});

test('nothing printed is no mounts', () => {
  expect(parsed(readMounts, '')).toEqual([]);
});

describe('finding the mount of a path', () => {
  const find = (path: string, mounts: readonly Mount[]): Mount | undefined => mountOf(Buffer.from(path), mounts);

  test('on a real host', () => {
    const mounts = guestMounts();
    expect(find('/srv/files/documents', mounts)?.fsType).toBe('xfs');
    expect(find('/srv/filesystem', mounts)?.target.toString()).toBe('/');
    expect(find('/run/lock/x', mounts)?.target.toString()).toBe('/run/lock');
    expect(targets(mountsBelow(Buffer.from('/srv'), mounts))).toEqual(['/srv/files', '/srv/thin']);
    expect(targets(mountsBelow(Buffer.from('/srv/files'), mounts))).toEqual([]);
  });

  const root = aMount('/', { id: 1, parentId: 0 });
  const below = aMount('/srv/data', { id: 2, parentId: 1, device: '8:2' });

  test('of two on one target the later hides the earlier', () => {
    const over = aMount('/srv/data', { id: 3, parentId: 2, device: '8:3' });
    expect(find('/srv/data/x', [root, below, over])).toBe(over);
    expect(mountsBelow(Buffer.from('/srv'), [root, below, over])).toEqual([over]);
  });

  test('a mount on an upper folder hides those below it', () => {
    const over = aMount('/srv', { id: 3, parentId: 1, device: '8:3' });
    expect(find('/srv/data/x', [root, below, over])).toBe(over);
    expect(mountsBelow(Buffer.from('/'), [root, below, over])).toEqual([over]);
    const again = aMount('/srv/data', { id: 4, parentId: 3, device: '8:4' });
    expect(find('/srv/data/x', [root, below, over, again])).toBe(again);
  });

  test('a second root hides the first, as after leaving an initial RAM disk', () => {
    const ram = aMount('/', { id: 1, parentId: 1, fsType: 'rootfs' });
    const disk = aMount('/', { id: 5, parentId: 1 });
    const home = aMount('/home', { id: 6, parentId: 5 });
    expect(find('/etc', [ram, disk, home])).toBe(disk);
    expect(find('/home/ada', [ram, disk, home])).toBe(home);
  });

  test('in a container whose mounts have parents that it cannot see', () => {
    const top = aMount('/', { id: 50, parentId: 7 });
    const volume = aMount('/data', { id: 51, parentId: 50 });
    expect(find('/data/x', [top, volume])).toBe(volume);
    expect(find('/data', [])).toBeUndefined();
  });
});

test('within goes by whole names', () => {
  const within = (path: string, ancestor: string): boolean => isWithin(Buffer.from(path), Buffer.from(ancestor));
  expect(within('/srv', '/srv')).toBe(true);
  expect(within('/srv/x', '/srv')).toBe(true);
  expect(within('/srvx', '/srv')).toBe(false);
  expect(within('/', '/srv')).toBe(false);
  expect(within('/srv', '/')).toBe(true);
});
