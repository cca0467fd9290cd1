/** Quoting is tried on real shells, because a rule that is right on paper has been wrong in a shell before. */
import { execa } from 'execa';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { quoteArg, quoteArgs } from '../../../shared/remote/quoting.ts';
import { unquoteArgs } from '../../support/remote/spoken-script.ts';

const SHELLS = [
  { name: 'dash', argv: ['dash', '-s'] },
  { name: 'bash', argv: ['bash', '-s'] },
  { name: 'busybox', argv: ['busybox', 'sh', '-s'] },
];

const anyBytes = fc.uint8Array({ minLength: 0, maxLength: 60 }).map((bytes) => bytes.filter((byte) => byte !== 0));
const nastyText = fc
  .array(
    fc.constantFrom(
      "'",
      '"',
      '\\',
      '$',
      '`',
      '\n',
      ' ',
      '-',
      '*',
      '!',
      '~',
      '\x81',
      '\x01',
      '\x7f',
      'a',
      '\t',
      '%',
      '#',
    ),
  )
  .map((parts) => Buffer.from(parts.join(''), 'latin1'));

for (const { name, argv } of SHELLS) {
  const [file = '', ...args] = argv;
  const present = (await execa(file, [...args.slice(0, -1), '-c', 'exit 0'], { reject: false })).exitCode === 0;
  describe(`quoting for ${name}`, () => {
    test('gives back every byte of every argument', async ({ skip }) => {
      if (!present) skip(`${name} is not installed`);
      await fc.assert(
        fc.asyncProperty(fc.array(fc.oneof(anyBytes, nastyText), { minLength: 1, maxLength: 40 }), async (values) => {
          const script = Buffer.concat([
            Buffer.from('set -- '),
            quoteArgs(values),
            Buffer.from('\nfor a in "$@"; do printf "%s\\000" "$a"; done\n'),
          ]);
          const result = await execa(file, args, {
            input: script,
            encoding: 'buffer',
            env: { LC_ALL: 'C' },
            stripFinalNewline: false,
          });
          const expected = Buffer.concat(values.map((value) => Buffer.concat([value, Buffer.from([0])])));
          expect(Buffer.from(result.stdout).equals(expected)).toBe(true);
        }),
        { numRuns: 40 },
      );
    });
  });
}

describe('quoting', () => {
  test('is undone by unquoting', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(anyBytes, nastyText)), (values) => {
        expect(unquoteArgs(quoteArgs(values)).map((word) => word.toString('hex'))).toEqual(
          values.map((value) => Buffer.from(value).toString('hex')),
        );
      }),
    );
  });

  test('refuses a NUL, which no shell can hold', () => {
    expect(() => quoteArg('a\0b')).toThrow(/NUL/);
  });
});
