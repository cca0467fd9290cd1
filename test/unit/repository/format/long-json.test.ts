import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseJson } from '../../../../shared/repository/format/go-json.ts';
import { membersOf, piecesOf } from '../../../../shared/repository/format/long-json.ts';

const space = fc.constantFrom('', ' ', '\n', '\t\r\n  ');
/** JSON as others may print it: with space anywhere, and with strings that look like structure. */
const aValue = fc.oneof(
  fc.jsonValue(),
  fc.array(fc.string({ unit: fc.constantFrom('"', '\\', '[', ']', '{', '}', ',', ':', ' ', 'ä', 'x') })),
);

function spaced(value: unknown, indent: string): string {
  return JSON.stringify(value, undefined, indent);
}

test('a list comes whole, in pieces, with the place of each element', () => {
  fc.assert(
    fc.property(fc.array(aValue), space, space, (values, before, indent) => {
      const list = spaced(values, indent);
      const bytes = Buffer.from(`${before}{"a":1,"list"${before}:${before}${list}${before}}${before}`);
      const range = membersOf(bytes, 'it').get('list');
      if (range === undefined) throw new Error('the list is there');
      const pieces = [...piecesOf(bytes, range, 'it')];
      expect(pieces.flatMap((piece) => piece.values)).toEqual(parseJson(Buffer.from(list), 'it'));
      for (const { values: some, ranges } of pieces) {
        for (const [index, { start, end }] of ranges.entries()) {
          expect(parseJson(bytes.subarray(start, end), 'it')).toEqual(some[index]);
        }
      }
    }),
  );
});

test('an element that is too long comes alone and unparsed', () => {
  const bytes = Buffer.from('{"list":[1,"longer than ten",2]}');
  const range = membersOf(bytes, 'it').get('list');
  if (range === undefined) throw new Error('the list is there');
  const pieces = [...piecesOf(bytes, range, 'it', 10)];
  expect(pieces.map(({ values }) => values)).toEqual([[1], [undefined], [2]]);
});

test('members are those that a parser finds', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string({ unit: 'binary' }), aValue), space, (object, indent) => {
      const text = spaced(object, indent);
      const bytes = Buffer.from(text);
      const found = new Map<string, unknown>();
      for (const [key, { start, end }] of membersOf(bytes, 'it')) {
        found.set(key, parseJson(bytes.subarray(start, end), 'it'));
      }
      // Text that is not Unicode does not survive as bytes.
      expect(found).toEqual(new Map(Object.entries(parseJson(bytes, 'it') as Record<string, unknown>)));
    }),
  );
});

test.each(['-9007199254740993', '9007199254740993', '18446744073709551615'])(
  'a member that is %s alone is exact',
  (text) => {
    expect(parseJson(Buffer.from(text), 'it')).toBe(BigInt(text));
  },
);

test('of a key that stands twice the last one counts, and null has no members', () => {
  const twice = Buffer.from('{"n":[1],"n":[2]}');
  expect(membersOf(twice, 'it').get('n')).toEqual({ start: 13, end: 16 });
  expect(membersOf(Buffer.from(' null\n'), 'it').size).toBe(0);
});

test('what is no JSON is refused, and never read past its end', () => {
  const whole = '{"a":"x\\"]","list":[{"b":[1,2]},"}]",null]}';
  const parsed = (text: string): unknown => {
    const bytes = Buffer.from(text);
    const list = membersOf(bytes, 'it').get('list');
    return list === undefined ? 'no list' : [...piecesOf(bytes, list, 'it')].flatMap(({ values }) => values);
  };
  expect(parsed(whole)).toEqual([{ b: [1, 2] }, '}]', null]);
  for (let end = 0; end < whole.length; end += 1) expect(() => parsed(whole.slice(0, end))).toThrow('is not JSON');
  for (const text of [
    '[]',
    '{"list":[1 2]}',
    '{"list":[1,]}',
    '{"list":[,1]}',
    '{"list":[{]}]}',
    '{"list":[]}{}',
    '{"list" []}',
    '{list:[]}',
    '{"list":}',
    '{"list":nulls}',
    '{"list":[1}',
  ])
    expect(() => parsed(text), text).toThrow(/is not JSON|has no list/);
});
