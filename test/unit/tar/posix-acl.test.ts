import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  decodePosixAcl,
  encodePosixAcl,
  formatAclText,
  type PosixAclEntry,
  parseAclText,
} from '../../../shared/tar/posix-acl.ts';

const permissions = fc.integer({ min: 0, max: 7 });
const entry: fc.Arbitrary<PosixAclEntry> = fc.oneof(
  fc.record({
    tag: fc.constantFrom('user-owner' as const, 'group-owner' as const, 'mask' as const, 'other' as const),
    permissions,
    id: fc.constant(undefined),
  }),
  fc.record({
    tag: fc.constantFrom('user' as const, 'group' as const),
    permissions,
    id: fc.integer({ min: 0, max: 2 ** 32 - 2 }),
  }),
);

test('both forms say the same and come back', () => {
  fc.assert(
    fc.property(fc.array(entry, { minLength: 1, maxLength: 30 }), (entries) => {
      expect(decodePosixAcl(encodePosixAcl(entries))).toEqual(entries);
      expect(parseAclText(formatAclText(entries))).toEqual(entries);
    }),
  );
});

/** Taken with getfattr and `tar --acls` from a file after `setfacl -m u:1234:rwx,g:4321:r`. */
const KERNEL =
  '0200000001000600ffffffff02000700d204000004000400ffffffff08000400e110000010000700ffffffff20000400ffffffff';
const TEXT = 'user::rw-\nuser:1234:rwx\ngroup::r--\ngroup:4321:r--\nmask::rwx\nother::r--\n';

test("the kernel's value and tar's text of the same file", () => {
  const entries = decodePosixAcl(Buffer.from(KERNEL, 'hex')) ?? [];
  expect(formatAclText(entries).toString()).toBe(TEXT);
  expect(encodePosixAcl(parseAclText(Buffer.from(TEXT)) ?? []).toString('hex')).toBe(KERNEL);
});

test("star's form with commas and a fourth field", () => {
  expect(parseAclText(Buffer.from('user::rwx,user:joe:r-x:1001,mask::rwx,other::---'))).toEqual([
    { tag: 'user-owner', permissions: 7, id: undefined },
    { tag: 'user', permissions: 5, id: 1001 },
    { tag: 'mask', permissions: 7, id: undefined },
    { tag: 'other', permissions: 0, id: undefined },
  ]);
});

test.each(['user:joe:rwx', 'user::rwz', 'nobody::rwx', 'mask:5:rwx', '', 'user:4294967295:rwx'])(
  'the text "%s" is not guessed at',
  (text) => {
    expect(parseAclText(Buffer.from(text))).toBeUndefined();
  },
);

test.each(['', '01000000', '02000000ff', '0200000003000600ffffffff', '0200000001000f00ffffffff'])(
  'the value %s is not an ACL',
  (hex) => {
    expect(decodePosixAcl(Buffer.from(hex, 'hex'))).toBeUndefined();
  },
);
