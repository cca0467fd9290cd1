import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodePosixAcl, encodePosixAcl, formatAclText, type PosixAclEntry } from '../../../shared/tar/posix-acl.ts';

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

test('what was encoded is decoded to the same', () => {
  fc.assert(
    fc.property(fc.array(entry, { minLength: 1, maxLength: 30 }), (entries) => {
      expect(decodePosixAcl(encodePosixAcl(entries))).toEqual(entries);
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
  expect(encodePosixAcl(entries).toString('hex')).toBe(KERNEL);
});

test.each(['', '01000000', '02000000ff', '0200000003000600ffffffff', '0200000001000f00ffffffff'])(
  'the value %s is not an ACL',
  (hex) => {
    expect(decodePosixAcl(Buffer.from(hex, 'hex'))).toBeUndefined();
  },
);
