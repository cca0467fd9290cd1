import { expect, test } from 'vitest';
import { fitNode, obstacleTo, type TargetTraits } from '../../../../shared/pipeline/restore/fit-node.ts';
import type { Node } from '../../../../shared/repository/node.ts';
import { timestampFromNs } from '../../../../shared/repository/timestamp.ts';
import { LINUX_TARGET } from '../../../support/target-traits.ts';

const TIME = timestampFromNs(0n);

function aNode(facts: Partial<Node>): Node {
  const times = { mtime: TIME, atime: TIME, ctime: TIME };
  return { name: Buffer.from('a'), type: 'file', mode: 0o644, ...times, uid: 0, gid: 0, ...facts };
}

test.each<[string, Partial<Node>]>([
  ['a link to nothing', { type: 'symlink' }],
  ['a link with a NUL', { type: 'symlink', linkTarget: Buffer.from('/etc\0/passwd') }],
  ['a link that is too long', { type: 'symlink', linkTarget: Buffer.alloc(4096, 'x') }],
  ['a name that is too long', { name: Buffer.alloc(4096, 'x') }],
])('%s cannot be made anywhere', (_, facts) => {
  expect(obstacleTo(aNode(facts), LINUX_TARGET)).toMatch(/^its name has|^it is a symbolic link/);
  expect(obstacleTo(aNode({ type: 'symlink', linkTarget: Buffer.alloc(4095, 'x') }), LINUX_TARGET)).toBeUndefined();
});

test('a number that means "leave it" to chown never leaves a set-user-ID file to root', () => {
  for (const ids of [{ uid: 2 ** 32 - 1 }, { gid: 2 ** 32 - 1 }, { uid: 2 ** 40 }]) {
    const { node, losses } = fitNode(aNode({ uid: 5, gid: 5, mode: 0o6755, ...ids }), LINUX_TARGET);
    expect(node).toMatchObject({ uid: 0, gid: 0, mode: 0o755 });
    expect(losses).toHaveLength(2);
  }
});

test('a user who is not root lends out no rights of his own', () => {
  const traits = { ...LINUX_TARGET, uid: 1000, gid: 1000, owners: 'own' } as const;
  expect(fitNode(aNode({ mode: 0o4755 }), traits).node).toMatchObject({ uid: 1000, gid: 1000, mode: 0o755 });
  expect(fitNode(aNode({ mode: 0o4755, uid: 1000, gid: 1000 }), traits)).toMatchObject({
    node: { mode: 0o4755 },
    losses: [],
  });
  // On a folder these bits lend no rights.
  expect(fitNode(aNode({ type: 'dir', mode: 0o2775 }), traits).node.mode).toBe(0o2775);
});

test('attributes that no file can have are taken off, and the others stay', () => {
  const value = Buffer.from('x');
  const extendedAttributes = [
    { name: 'user.a=b%\n', value },
    { name: 'user.a\0.b', value },
    { name: '', value },
    { name: 'plain', value },
    { name: 'user.big', value: Buffer.alloc(64 * 1024 + 1) },
    { name: 'security.capability', value },
  ];
  const { node, losses } = fitNode(aNode({ extendedAttributes }), LINUX_TARGET);
  expect(node.extendedAttributes?.map(({ name }) => name)).toEqual(['user.a=b%\n', 'security.capability']);
  expect(losses).toHaveLength(4);
});

test('what the file system of the target has not is taken off and named', () => {
  const value = Buffer.from('x');
  const extendedAttributes = [
    { name: 'system.posix_acl_access', value },
    { name: 'user.a', value },
  ];
  const poor: TargetTraits = {
    ...LINUX_TARGET,
    owners: 'lost',
    permissions: false,
    acls: false,
    attributes: false,
    symlinks: false,
    pipes: false,
    devices: false,
    exactTimes: false,
    oldest: 315_532_800,
    newest: 4_354_819_198,
  };
  const { node, losses } = fitNode(aNode({ uid: 5, gid: 6, mode: 0o4755, extendedAttributes }), poor);
  expect(node).toMatchObject({ uid: 0, gid: 0, mode: 0o755, extendedAttributes: [] });
  expect(losses).toEqual([
    'owner or group (the file system has none)',
    'permissions (the file system has none)',
    'set-user-ID and set-group-ID bits (the owner is another one)',
    'time of modification (the file system cannot hold one so far away)',
    'access control list (the file system has none)',
    'extended attribute (the file system has none)',
  ]);
  const timeOf = (ns: bigint): readonly string[] =>
    fitNode(aNode({ mtime: timestampFromNs(ns) }), poor).losses.slice(1);
  expect(timeOf(1_000_000_000n * 1_000_000_000n)).toEqual([]);
  expect(timeOf(1_000_000_000n * 1_000_000_001n)).toEqual(['time of modification (the file system rounds it)']);
  expect(timeOf(1_000_000_000n * 4_354_819_198n)).toEqual([]);
  expect(timeOf(1_000_000_000n * 4_354_819_200n)).toHaveLength(1);
  for (const type of ['symlink', 'fifo', 'dev', 'chardev'] as const) {
    expect(obstacleTo(aNode({ type, linkTarget: value }), poor)).toContain("the target's file system has none");
    expect(obstacleTo(aNode({ type, linkTarget: value }), LINUX_TARGET)).toBeUndefined();
  }
});
