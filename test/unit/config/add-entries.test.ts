/** Entries come to a configuration, and nothing that a person wrote goes. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { addEntries, type NewEntry } from '../../../shared/config/add-entries.ts';
import { parseDocument } from '../../../shared/config/document.ts';

const HOST: NewEntry = { table: 'hosts', name: 'db1', value: { ssh: 'db1', sudo: 'none' } };
const SOURCE: NewEntry = {
  table: 'sources',
  name: 'shop',
  value: { host: 'db1', paths: ['/srv'], repository: 'main' },
};

test.each<[what: string, before: string, after: string]>([
  [
    'nothing',
    '',
    '// The configuration of Stillpoint. It holds no passwords.\n{\n  "hosts": {\n    "db1": {\n      "ssh": "db1",\n      "sudo": "none"\n    }\n  }\n}\n',
  ],
  [
    'comments only',
    '// mine',
    '// mine\n{\n  "hosts": {\n    "db1": {\n      "ssh": "db1",\n      "sudo": "none"\n    }\n  }\n}\n',
  ],
  ['an empty object', '{}', '{\n  "hosts": {\n    "db1": {\n      "ssh": "db1",\n      "sudo": "none"\n    }\n  }\n}'],
  [
    'a comment behind the last entry, which stays there',
    '{\n\t"hosts": {\n\t\t"a": {} // the first\n\t\t// the end\n\t}\n}\n',
    '{\n\t"hosts": {\n\t\t"a": {}, // the first\n\t\t// the end\n\t\t"db1": {\n\t\t\t"ssh": "db1",\n\t\t\t"sudo": "none"\n\t\t}\n\t}\n}\n',
  ],
  [
    'a comma at the end',
    '{\r\n    "hosts": { "a": {}, },\r\n}\r\n',
    '{\r\n    "hosts": { "a": {},\r\n    "db1": {\r\n        "ssh": "db1",\r\n        "sudo": "none"\r\n    }\r\n    },\r\n}\r\n',
  ],
  [
    'a comma in a comment, which is none',
    '{\n  "hosts": {\n    "a": {} /* , */\n  }\n}',
    '{\n  "hosts": {\n    "a": {}, /* , */\n    "db1": {\n      "ssh": "db1",\n      "sudo": "none"\n    }\n  }\n}',
  ],
])('into %s', (_, before, after) => {
  expect(addEntries(before, [HOST])).toBe(after);
});

/** Configurations as people write them: with blanks, comments and commas wherever they may be. */
const gap = fc.constantFrom('', ' ', '\n', '\n\t', '\r\n  ', ' // a "comment" {\n', '/* , } */', '\n// , \n');
const name = fc.constantFrom('"a"', '"b{"', '"c//"', '"d,"');
const object = (depth: number): fc.Arbitrary<string> =>
  fc
    .tuple(
      fc.uniqueArray(name, { maxLength: 3 }),
      fc.array(fc.tuple(gap, gap, gap, depth === 0 ? fc.constant('"v"') : object(depth - 1)), {
        minLength: 3,
        maxLength: 3,
      }),
      gap,
      fc.boolean(),
    )
    .map(([names, values, end, comma]) => {
      const all = names.map((key, index) => {
        const [one = '', two = '', three = '', value = '1'] = values[index] ?? [];
        return `${one}${key}${two}:${three}${value}`;
      });
      return `{${all.join(',')}${comma && all.length > 0 ? ',' : ''}${end}}`;
    });
const file = fc
  .tuple(gap, fc.option(object(1)), fc.option(object(1)), gap, fc.boolean())
  .map(([first, hosts, sources, last, comma]) => {
    const tables = [
      hosts === null ? [] : [`"hosts": ${hosts}`],
      sources === null ? [] : [`"sources": ${sources}`],
    ].flat();
    return `${first}{${tables.join(',')}${comma && tables.length > 0 ? ',' : ''}${last}}${first}`;
  });

test('into whatever a person wrote: it stays, letter by letter and value by value', () => {
  fc.assert(
    fc.property(file, (before) => {
      const after = addEntries(before, [HOST, SOURCE]);
      const [old, made] = [parseDocument(before), parseDocument(after)];
      expect([old.problems, made.problems]).toEqual([[], []]);
      const value = old.value as { hosts?: object; sources?: object };
      expect(made.value).toEqual({
        ...value,
        hosts: { ...value.hosts, db1: HOST.value },
        sources: { ...value.sources, shop: SOURCE.value },
      });
      expect(isWithin(before, after)).toBe(true);
    }),
    { numRuns: 500 },
  );
});

/** Whether all letters of the one are in the other, in their order. */
function isWithin(inner: string, outer: string): boolean {
  let at = 0;
  for (const letter of outer) if (letter === inner[at]) at += 1;
  return at === inner.length;
}
