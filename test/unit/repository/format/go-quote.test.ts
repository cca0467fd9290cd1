import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isStillpointError } from '../../../../shared/base/errors.ts';
import { isValidUtf8, quoteName, unquoteName } from '../../../../shared/repository/format/go-quote.ts';

/** What Go's strconv.Quote prints, without the quotes. */
const KNOWN: readonly (readonly [bytes: Buffer, quoted: string])[] = [
  [Buffer.from('plain.txt'), 'plain.txt'],
  [Buffer.from('with space'), 'with space'],
  [Buffer.from('new\nline\ttab\r\v\f\b\x07'), 'new\\nline\\ttab\\r\\v\\f\\b\\a'],
  [Buffer.from('"quoted" \\ and \''), '\\"quoted\\" \\\\ and \''],
  [Buffer.from('\x1b[31m\x7f\x00'), '\\x1b[31m\\x7f\\x00'],
  [Buffer.from('Grüße 漢字 🙂'), 'Grüße 漢字 🙂'],
  [Buffer.from([0x66, 0xff, 0xfe]), 'f\\xff\\xfe'],
  [Buffer.from([0xc0, 0xaf]), '\\xc0\\xaf'],
  [Buffer.from([0xed, 0xa0, 0x80]), '\\xed\\xa0\\x80'],
  [Buffer.from([0xe2, 0x82]), '\\xe2\\x82'],
  [Buffer.from('\u00a0\u2028\u200b\ufeff\u0085'), '\\u00a0\\u2028\\u200b\\ufeff\\u0085'],
  [Buffer.from('\ufffd'), '\ufffd'],
  [Buffer.from('\u{e0001}'), '\\U000e0001'],
];

describe('names in trees', () => {
  it.each(KNOWN)('are quoted as Go quotes them: %j', (bytes, quoted) => {
    expect(quoteName(bytes)).toBe(quoted);
    expect(unquoteName(quoted).equals(bytes)).toBe(true);
  });

  it('come back whatever their bytes are', () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 300 }),
      fc.string({ unit: 'binary' }).map((text) => Buffer.from(text)),
    );
    fc.assert(
      fc.property(bytes, (name) => {
        const quoted = quoteName(Buffer.from(name));
        expect(unquoteName(quoted).equals(Buffer.from(name))).toBe(true);
        expect(quoted).toBe(quoted.toWellFormed());
      }),
      { numRuns: 500 },
    );
  });

  it('reads escapes that Go reads and we never write', () => {
    expect(unquoteName('\\101\\u0041\\U00000041\\x41')).toEqual(Buffer.from('AAAA'));
  });

  it.each(['\\', '\\q', '\\x4', '\\u12', '"', 'a\nb', '\\ud800', '\\U00110000', '\\777', "\\'"])(
    'refuses %j',
    (text) => {
      expect(() => unquoteName(text)).toThrow(
        expect.toSatisfy((error: unknown) => isStillpointError(error, 'repository.damaged')),
      );
    },
  );

  it('knows what is UTF-8', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 8 }), (sample) => {
        const bytes = Buffer.from(sample);
        expect(isValidUtf8(bytes)).toBe(Buffer.from(bytes.toString('utf8'), 'utf8').equals(bytes));
      }),
      { numRuns: 2000 },
    );
  });
});
