import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { displayName, formatBytes } from '../../../shared/base/bytes.ts';

describe('a name for the eye', () => {
  test.each([
    ['text stays as it is', Buffer.from('Grüße 日本 😀'), 'Grüße 日本 😀'],
    ['control characters are shown', Buffer.from('a\nb\tc\u001bd\u007f'), 'a\\nb\\tc\\x1bd\\x7f'],
    ['what is no UTF-8 is shown byte by byte', Buffer.from([0x61, 0xff, 0x62]), 'a\\xffb'],
    ['marks of direction are shown', Buffer.from('txt.\u202eexe'), 'txt.\\u202eexe'],
    ['characters without width are shown', Buffer.from('a\u200bb\ufeff'), 'a\\u200bb\\ufeff'],
    ['tags are shown', Buffer.from('a\u{e0041}'), 'a\\u{e0041}'],
  ])('%s', (_, name, shown) => {
    expect(displayName(name)).toBe(shown);
  });

  test('nothing that is shown can move the cursor or hide', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        expect(displayName(bytes)).not.toMatch(/[\p{Cc}\p{Cf}\u2028\u2029]/u);
      }),
    );
  });
});

test.each([
  [0, '0 B'],
  [1023, '1023 B'],
  [1536, '1.5 KiB'],
  [20 * 1024 ** 3, '20 GiB'],
])('%d bytes are %s', (bytes, shown) => {
  expect(formatBytes(bytes)).toBe(shown);
});
