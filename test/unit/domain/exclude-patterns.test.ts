import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compileExcludes } from '../../../shared/domain/exclude-patterns.ts';

const matches = (pattern: string, path: string | Buffer): boolean =>
  compileExcludes([pattern]).matches(Buffer.from(path));

describe('a pattern', () => {
  test.each<[string, string, boolean]>([
    ['*.tmp', '/srv/a.tmp', true],
    ['*.tmp', '/srv/a.tmp/b', false],
    ['*.tmp', '/srv/.tmp', true],
    ['cache', '/srv/cache', true],
    ['cache', '/srv/cached', false],
    ['a/b', '/x/a/b', true],
    ['a/b', '/x/a/y/b', false],
    ['/srv/a', '/srv/a', true],
    ['/srv/a', '/x/srv/a', false],
    ['/srv/*/a', '/srv/x/a', true],
    ['/srv/*/a', '/srv/x/y/a', false],
    ['/srv/**/a', '/srv/a', true],
    ['/srv/**/a', '/srv/x/y/a', true],
    ['/srv/**', '/srv', true],
    ['**', '/anything/at/all', true],
    ['?', '/ü', true],
    ['??', '/ü', false],
    ['🙂?', '/🙂x', true],
    ['[ü-ÿ]', '/ý', true],
    ['[^ü]', '/ü', false],
    ['x[^a]y', '/x/y', false],
    ['x[+-9]y', '/x/y', false],
    ['x[+-9]y', '/x5y', true],
    ['[z-a]', '/m', false],
    ['a//b/', '/a/b', true],
    ['./a', '/x/a', true],
    ['a/../b', '/x/b', true],
    ['\\*', '/*', true],
    ['\\*', '/a', false],
    ['[\\]a]', '/]', true],
    ['[!a]', '/!', true],
    ['[!a]', '/b', false],
    ['a.c', '/abc', false],
    ['a\nb', '/a\nb', true],
    ['$', '/$', true],
    ['(a|b)+', '/(a|b)+', true],
    ['-', '/-', true],
    ['{a}', '/{a}', true],
  ])('%j on %j: %s', (pattern, path, expected) => {
    expect(matches(pattern, path)).toBe(expected);
  });

  test.each(['', '/', '.', '..', '../x', '!a', '[', '[]', '[]a]', '[a', '[a-]', '[-a]', 'a\\', 'a\0b', '[a\\', '[^]'])(
    '%j is refused with our own error',
    (pattern) => {
      expect(() => compileExcludes([pattern])).toThrow(expect.objectContaining({ code: 'config.invalid' }) as Error);
    },
  );

  test('bytes that are no UTF-8 are one character each, which only a wildcard matches', () => {
    const latin1 = Buffer.from('/caf\xe9', 'latin1');
    expect(matches('caf?', latin1)).toBe(true);
    expect(matches('caf??', latin1)).toBe(false);
    expect(matches('caf*', latin1)).toBe(true);
    expect(matches('caf[^x]', latin1)).toBe(true);
    expect(matches('café', latin1)).toBe(false);
    expect(matches('caf\ufffd', latin1)).toBe(false);
    const cut = Buffer.concat([Buffer.from('/ü'), Buffer.from([0xe2, 0x82])]);
    expect(matches('ü??', cut)).toBe(true);
  });

  test('quoted character by character it matches its own name and no other', () => {
    const name = fc
      .string({ unit: 'binary', minLength: 1, maxLength: 12 })
      .filter((text) => !/[/\0\ud800-\udfff]/.test(text) && text !== '.' && text !== '..');
    fc.assert(
      fc.property(name, name, (one, other) => {
        const quoted = Array.from(one, (character) => `\\${character}`).join('');
        expect(matches(quoted, `/srv/${one}`)).toBe(true);
        expect(matches(quoted, `/srv/${other}`)).toBe(one === other);
        expect(matches(quoted, `/srv/${one}/below`)).toBe(false);
      }),
    );
  });

  test('is compiled or refused, and never anything else', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom(...Array.from('[]^-!\\*?/.ab()|{}$+ü🙂')), maxLength: 10 }),
        (pattern) => {
          try {
            compileExcludes([pattern]).matches(Buffer.from('/srv/a]b-c/ü'));
          } catch (error) {
            expect(error).toMatchObject({ code: 'config.invalid' });
          }
        },
      ),
      { numRuns: 2000 },
    );
  });
});

test('without patterns nothing is left out', () => {
  expect(compileExcludes([]).matches(Buffer.from('/srv'))).toBe(false);
});
