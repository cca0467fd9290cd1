/** What find and tar of this machine really say of names that they cannot read, whatever the names are. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { complaintsOfFind, complaintsOfTar } from '../../../shared/pipeline/backup/complaints.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const name = fc
  .uint8Array({ min: 1, max: 255, minLength: 1, maxLength: 24 })
  .map((bytes) => Buffer.from(bytes.map((byte) => (byte === 0x2f ? 0x3a : byte))))
  .filter((bytes) => !['.', '..'].includes(bytes.toString('latin1')));
const hostile = fc.constantFrom(
  ...[
    'a: Cannot open: b',
    "'",
    "it's",
    '\\',
    '\\n',
    'a\nb',
    ': ',
    '\\: ',
    'tar: x: y',
    "find: 'x': y",
    '\u{85}',
    'ü\t',
  ].map((text) => Buffer.from(text)),
);
const names = fc.uniqueArray(fc.oneof(name, hostile), {
  minLength: 1,
  maxLength: 40,
  selector: (one) => one.toString('latin1'),
});

test.each(['tar', 'find'] as const)('%s names what it cannot read so that it is read back', async (program) => {
  await using folder = await temporaryFolder();
  await mkdir(join(folder.path, 'there'));
  await fc.assert(
    fc.asyncProperty(names, async (missing) => {
      const given = missing.map((each) => Buffer.concat([Buffer.from('./'), each]));
      const input = Buffer.concat(given.flatMap((each) => [each, Buffer.from([0])]));
      const options = { cwd: folder.path, input, reject: false, env: { LC_ALL: 'C' }, encoding: 'buffer' } as const;
      const said =
        program === 'tar'
          ? await execa(
              'tar',
              [
                '-c',
                '-f',
                '/dev/null',
                '--quoting-style=escape',
                '--no-recursion',
                '--null',
                '--verbatim-files-from',
                '--files-from=-',
              ],
              options,
            )
          : await execa('xargs', ['-0', 'sh', '-c', 'find "$@" -maxdepth 0 -printf ""', 'sh'], options);
      const { complaints, others } = (program === 'tar' ? complaintsOfTar : complaintsOfFind)(
        Buffer.from(said.stderr).toString(),
      );
      expect(complaints.map((each) => each.name.toString('latin1'))).toEqual(
        given.map((each) => each.toString('latin1')),
      );
      expect(new Set(complaints.map((each) => each.reason))).toEqual(new Set(['No such file or directory']));
      expect(others).toEqual([]);
    }),
    { numRuns: 40 },
  );
});

test.each([
  [
    'tar: ./a: File shrank by 512 bytes; padding with zeros',
    { reason: 'File shrank by 512 bytes; padding with zeros', missingBytes: 512 },
  ],
  ['tar: ./a: File shrank by 1 byte; padding with zeros', { missingBytes: 1 }],
  [
    'tar: ./a: Read error at byte 4096, while reading 10240 bytes: Input/output error',
    { reason: 'Input/output error at byte 4096' },
  ],
  ['tar: ./a/: Cannot savedir: Bad message', { reason: 'Bad message', isOfAttributes: false }],
  [
    'tar: ./a: Warning: Cannot llistxattrat: Input/output error',
    { reason: 'Input/output error', isOfAttributes: true },
  ],
])('%s', (line, expected) => {
  expect(complaintsOfTar(`${line}\n`).complaints).toMatchObject([{ name: Buffer.from('./a'), ...expected }]);
});

test('a line of another form is not passed over', () => {
  const noise = 'nsenter: cannot open /proc/1/ns/mnt: Permission denied';
  expect(complaintsOfTar(`${noise}\ntar: Error is not recoverable: exiting now\n`)).toMatchObject({
    complaints: [{ name: Buffer.from('Error is not recoverable') }],
    others: [noise],
  });
  expect(complaintsOfFind(`find: invalid predicate\n${noise}\n`).others).toHaveLength(2);
});
