import { expect, test } from 'vitest';
import { doubtfulNames, likenessOf, otherName } from '../../../../shared/pipeline/restore/names.ts';

const names = (...texts: string[]): readonly Buffer[] => texts.map((text) => Buffer.from(text));
const doubtful = (...texts: string[]): readonly string[] => doubtfulNames(names(...texts)).map(String);

test.each([
  ['case', 'Readme', 'README'],
  ['case of other letters', '\u00c9t\u00e9', '\u00e9T\u00c9'],
  ['a normal form', '\u00e9', 'e\u0301'],
  ['a sharp s', 'stra\u00dfe', 'STRASSE'],
  ['a ligature', '\ufb01le', 'file'],
  ['an end that is dropped', 'name', 'name. .'],
  ['a mark without width', 'na\u200dme', 'name'],
  ['bytes that are not text', '\ufffd', '\ufffd'],
])('names that differ in %s are like each other', (_, one, other) => {
  expect(likenessOf(Buffer.from(one))).toBe(likenessOf(Buffer.from(other)));
});

test('only names that are like others, or odd, are tried', () => {
  expect(doubtful('a', 'b.txt', 'file (2).jpg', 'Makefile', '-x', '~y')).toEqual([]);
  expect(doubtful('a', 'A', 'b')).toEqual(['a', 'A']);
  const odd = ['a:b', 'a?', 'CON', 'nul.txt', 'com1', 'x.', 'y ', 'new\nline', '\u00e4', 'n'.repeat(255), ' z'];
  expect(doubtful('plain', ...odd)).toEqual(odd);
});

test('another name is one that any file system takes, and keeps what programs go by', () => {
  const other = (text: string, ...taken: string[]): string =>
    otherName(Buffer.from(text, 'latin1'), new Set(names(...taken).map(likenessOf))).toString();
  expect(other('a:b?.txt')).toBe('a_b_.txt');
  expect(other('README.md', 'readme.md')).toBe('README (2).md');
  expect(other('README.md', 'readme.md', 'Readme (2).MD')).toBe('README (3).md');
  expect(other('nul.txt')).toBe('_nul.txt');
  expect(other('end. ')).toBe('end_');
  expect(other('\xff\xfe')).toBe('__');
  expect(other(`${'n'.repeat(300)}.jpg`)).toBe(`${'n'.repeat(196)}.jpg`);
  expect(other('.hidden', '.HIDDEN')).toBe('.hidden (2)');
  expect(doubtful(other('\x01..'), other('a/b'), other('aux'))).toEqual([]);
});

test('two entries that need other names get two', () => {
  const taken = new Set<string>();
  const given = ['a:', 'a?', 'a*'].map((name) => otherName(Buffer.from(name), taken).toString());
  expect(given).toEqual(['a_', 'a_ (2)', 'a_ (3)']);
});
