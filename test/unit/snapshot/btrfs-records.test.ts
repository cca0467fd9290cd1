import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  ChangedMeanwhile,
  numbersInside,
  parseSubvolumes,
  type Subvolume,
} from '../../../shared/snapshot/btrfs/subvolumes.ts';
import { parseTopLevel, parseUsage } from '../../../shared/snapshot/btrfs/usage.ts';

/** What btrfs-progs of these versions said of one and the same file system. */
const FOLDER = join(import.meta.dirname, 'fixtures', 'btrfs');
const versions = readdirSync(FOLDER).filter((name) => /^\d/.test(name));
const said = (version: string, what: string): string => readFileSync(join(FOLDER, version, what), 'latin1');
const paths = new Map(
  Object.entries(JSON.parse(readFileSync(join(FOLDER, 'paths.json'), 'utf8')) as Record<string, string>).map(
    ([number, path]) => [Number(number), path] as const,
  ),
);

describe.each(versions)('what btrfs-progs %s say', (version) => {
  test('of subvolumes is read by number, whatever their names look like', () => {
    const found = parseSubvolumes(said(version, 'list'), said(version, 'locked'), paths);
    expect(found.map(({ number, path }) => [number, path.toString()])).toEqual([...paths]);
    const at = (number: number): Partial<Subvolume> => found.find((each) => each.number === number) ?? {};
    expect(at(256)).toMatchObject({ inside: 5, uuid: 'bda64e50-2b12-cc42-aee1-cbb158082064', isReadOnly: false });
    // A name within another one says that this is another subvolume.
    expect(at(257)).toMatchObject({ inside: 256, uuid: 'b77ffb19-0d05-6e47-934c-1972d5fbb1ab', parentUuid: undefined });
    expect(at(260)).toMatchObject({ isReadOnly: true, parentUuid: 'bda64e50-2b12-cc42-aee1-cbb158082064' });
    expect(at(261)).toMatchObject({ isReadOnly: false, parentUuid: 'bda64e50-2b12-cc42-aee1-cbb158082064' });
  });

  test('of room is read', () => {
    expect(parseUsage(said(version, 'usage'))).toEqual({
      ...{ sizeBytes: 536_870_912, unallocatedBytes: 377_487_360, missingBytes: 0, freeBytes: 243_269_632 },
      metadata: { sizeBytes: 33_554_432, usedBytes: 262_144, isMixed: false },
    });
  });

  test('of the top level has its UUID, but in early versions', () => {
    expect(parseTopLevel(said(version, 'top'))).toEqual(
      version === '4.4' ? undefined : expect.stringMatching(/^[0-9a-f-]{36}$/),
    );
  });
});

describe('a list of subvolumes', () => {
  const UUID = '0c3b46e1-3f6d-b944-8ce5-9e2a517a3d23';
  const line = (number: number, path: string): string =>
    `ID ${number} gen 9 parent 5 top level 5 parent_uuid - uuid ${UUID} path ${path}\n`;

  test('in which a path is another one than a moment later is not believed', () => {
    expect(() => parseSubvolumes(line(256, 'a'), '', new Map([[256, 'b']]))).toThrow(ChangedMeanwhile);
    expect(() => parseSubvolumes(line(256, 'a'), '', new Map())).toThrow(ChangedMeanwhile);
    expect(() => parseSubvolumes(line(256, 'ab'), '', new Map([[256, 'a']]))).toThrow(ChangedMeanwhile);
  });

  test.each([
    ['of another form', 'ID 256 gen 9 cgen 1 top level 5 path a\n'],
    ['in words', 'ERROR: not a btrfs filesystem\n'],
    ['that names one twice', line(256, 'a') + line(256, 'a')],
    ['with an empty line', `${line(256, 'a')}\n`],
  ])('%s is refused', (_, list) => {
    expect(() => parseSubvolumes(list, '', new Map([[256, 'a']]))).toThrow(Error);
  });

  test('with any names whatever gives each number its own path and nothing else', () => {
    const name = fc.oneof(
      fc.string({ minLength: 1, maxLength: 20 }),
      fc
        .tuple(fc.integer({ min: 256, max: 262 }), fc.string({ maxLength: 8 }))
        .map(([number, end]) => `x\n${line(number, end)}`),
      fc.constantFrom('\n', '\n\n', ' ', 'a\n', line(257, 'a'), `\n${line(256, 'a')}`),
    );
    fc.assert(
      fc.property(fc.uniqueArray(name, { maxLength: 7 }), (names) => {
        const known = new Map(names.map((each, index) => [256 + index, each] as const));
        const list = [...known].map(([number, path]) => line(number, path)).join('');
        const found = parseSubvolumes(list, '', known);
        expect(found.map(({ number, path }) => [number, path.toString('latin1')])).toEqual(
          [...known].map(([number, path]) => [number, Buffer.from(path, 'latin1').toString('latin1')]),
        );
      }),
    );
  });

  test('names what lies in each, and what a name says lies there, too: it does so every time', () => {
    const list = line(256, 'a\nID 300 gen 1 parent 256 top level 256 ') + line(257, 'b');
    expect(numbersInside(list)).toEqual(
      new Map([
        [5, [256, 257]],
        [256, [300]],
      ]),
    );
  });
});

describe('a report of room', () => {
  const usage = said('6.2', 'usage');

  test('of several profiles counts all of them, and mixed groups as metadata', () => {
    const two = usage.replace(/^Metadata,DUP.*$/m, (found) => `${found}\nMetadata,single: Size:100, Used:50 (50.00%)`);
    expect(parseUsage(two).metadata).toMatchObject({ sizeBytes: 33_554_532, usedBytes: 262_194 });
    const mixed = usage.replace('Metadata,DUP', 'Data+Metadata,single');
    expect(parseUsage(mixed).metadata).toMatchObject({ sizeBytes: 33_554_432, isMixed: true });
  });

  test.each(['Device size', 'Device unallocated', 'Device missing', 'Free (estimated)', 'Metadata,DUP'])(
    'without "%s" is refused',
    (title) => {
      expect(() => parseUsage(usage.replace(title, 'Something'))).toThrow(/the usage does not/);
    },
  );

  test('in other units is refused', () => {
    expect(() => parseUsage(usage.replace('536870912', '512.00MiB'))).toThrow('Device size');
  });
});
