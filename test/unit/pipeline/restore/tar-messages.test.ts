import { expect, test } from 'vitest';
import { linesOf, parseTarMessage } from '../../../../shared/pipeline/restore/tar-messages.ts';

/** As GNU tar 1.34 printed them. */
test.each([
  ['tar: a/b: Cannot open: Permission denied', 'entry'],
  ['tar: with\\nline: with colon: Cannot mkdir: File exists', 'entry'],
  ["tar: x: Cannot hard link to 'y': No such file or directory", 'entry'],
  ['tar: x: Cannot mknod: Operation not permitted', 'entry'],
  ['tar: x: Cannot change ownership to uid 0, gid 0: Operation not permitted', 'attribute'],
  ['tar: x: Cannot change mode to rwxr-xr-x: Operation not permitted', 'attribute'],
  ['tar: x: Cannot utime: Operation not permitted', 'attribute'],
  ["tar: setxattrat: Cannot set 'trusted.a' extended attribute for file 'x': Operation not permitted", 'attribute'],
  ["tar: setxattrat: Cannot set 'user.big' extended attribute for file 'x': No space left on device", 'attribute'],
  ['tar: x: Warning: Cannot acl_set_file_at: Operation not supported', 'attribute'],
  ["tar: acl_set_file_at: Cannot set POSIX ACLs for file 'd/e': Operation not supported", 'attribute'],
  ["tar: acl_delete_def_file_at: Cannot drop default POSIX ACLs for file 'd': Operation not supported", 'attribute'],
  ["tar: lsetfilecon: Cannot set SELinux context for file 'x': Operation not supported", 'attribute'],
  ["tar: setxattrat: Cannot set 'a' extended attribute for file 'b': Cannot open: File exists", 'entry'],
  ['tar: big: Wrote only 3584 of 10240 bytes', 'broken'],
  ['tar: big: Cannot write: File too large', 'broken'],
  ['tar: big: Cannot seek to 18253611008: Invalid argument', 'broken'],
  ['tar: ACL extended attribute xattr: Cannot open: Permission denied', 'entry'],
  ['tar: No space left on device: Cannot open: File exists', 'entry'],
  ['tar: x: Cannot write: No space left on device', 'full'],
  ['tar: x: Cannot mkdir: Disk quota exceeded', 'full'],
  ['tar: Exiting with failure status due to previous errors', 'noise'],
  ['', 'noise'],
  ['tar: Unexpected EOF in archive', 'fatal'],
  ['sh: 1: tar: not found', 'fatal'],
])('%s', (line, kind) => {
  expect(parseTarMessage(line).kind).toBe(kind);
});

test('the name and the reason come apart at the right colon', () => {
  expect(parseTarMessage('tar: with: Cannot: colon: Cannot open: Permission denied')).toEqual({
    kind: 'entry',
    path: Buffer.from('with: Cannot: colon'),
    reason: 'Cannot open: Permission denied',
  });
});

test('names come back as the bytes that they are', () => {
  const message = parseTarMessage(String.raw`tar: new\nline\\\377\033 e: Cannot open: File exists`);
  expect(message).toMatchObject({ path: Buffer.from('new\nline\\\xff\x1b e', 'latin1') });
  expect(parseTarMessage("tar: acl_set_file_at: Cannot set POSIX ACLs for file 'it's': No such device")).toEqual({
    kind: 'attribute',
    path: Buffer.from("it's"),
    what: 'access control list (No such device)',
  });
});

test('lines come whole from pieces, and one without end does not fill the memory', async () => {
  async function* pieces() {
    yield Buffer.from('one\ntw');
    yield Buffer.from('o\n\nthr');
    yield Buffer.from('ee');
  }
  expect(await Array.fromAsync(linesOf(pieces()))).toEqual(['one', 'two', '', 'three']);
  async function* endless() {
    for (let count = 0; count < 100; count += 1) yield Buffer.alloc(1000, 0x61);
  }
  const [line] = await Array.fromAsync(linesOf(endless(), 5000));
  expect(line).toHaveLength(5000);
});
