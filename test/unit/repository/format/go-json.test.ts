import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { goJson, goString, parseJson } from '../../../../shared/repository/format/go-json.ts';

describe('JSON as Go prints it', () => {
  it('escapes what Go escapes', () => {
    expect(goString('a<b>&c')).toBe('"a\\u003cb\\u003e\\u0026c"');
    expect(goString('\u2028\u2029\b\f\n\r\t\u0001"\\')).toBe('"\\u2028\\u2029\\u0008\\u000c\\n\\r\\t\\u0001\\"\\\\"');
    expect(goString('back\\bslash & \\f')).toBe('"back\\\\bslash \\u0026 \\\\f"');
    expect(goString('\x7fé漢🙂')).toBe('"\x7fé漢🙂"');
    expect(goString('\ud800x<')).toBe('"\ufffdx\\u003c"');
  });

  it('means what JSON means', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => JSON.parse(goString(text)) === text));
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(JSON.parse(goJson(value))).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });

  it('keeps whole numbers of 64 bits', () => {
    const text =
      '{"inode":18446744073709551615,"size":12,"nested":[-9223372036854775808,1.5],"id":"1234567890123456789"}';
    const value = parseJson(Buffer.from(text), 'a test');
    expect(value).toEqual({
      inode: 18446744073709551615n,
      size: 12,
      nested: [-9223372036854775808n, 1.5],
      id: '1234567890123456789',
    });
    expect(goJson(value)).toBe(text);
  });
});
