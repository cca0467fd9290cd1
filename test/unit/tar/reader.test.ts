import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isStillpointError } from '../../../shared/base/errors.ts';
import { checksumOf } from '../../../shared/tar/header.ts';
import { formatPaxRecord } from '../../../shared/tar/pax.ts';
import { readTar } from '../../../shared/tar/reader.ts';
import { aHead, entriesOf, inChunks, patternOf, tarOf } from '../../support/tar-streams.ts';

const END = Buffer.alloc(1024);

/** A raw header with the given fields; the checksum is made to fit. */
function block(
  flag: string,
  fields: { name?: string; size?: string | Buffer; magic?: string; mtime?: Buffer; uid?: string },
): Buffer {
  const bytes = Buffer.alloc(512);
  bytes.write(fields.name ?? 'name', 0, 'latin1');
  bytes.write('0000644\0', 100);
  bytes.write(fields.uid ?? '0000000\0', 108);
  bytes.write('0000000\0', 116);
  put(bytes, 124, fields.size ?? '00000000000\0');
  put(bytes, 136, fields.mtime ?? '00000000000\0');
  bytes.write(flag, 156, 'latin1');
  bytes.write(fields.magic ?? 'ustar\x0000', 257, 'latin1');
  return resum(bytes);
}

function put(bytes: Buffer, at: number, value: string | Buffer): void {
  Buffer.from(value as string, 'latin1').copy(bytes, at);
}

function resum(bytes: Buffer): Buffer {
  bytes.write(`${checksumOf(bytes).toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return bytes;
}

const octal = (value: number): string => `${value.toString(8).padStart(11, '0')}\0`;
const padded = (bytes: Buffer): Buffer => Buffer.concat([bytes, Buffer.alloc((512 - (bytes.length % 512)) % 512)]);
const extension = (flag: string, body: Buffer): Buffer =>
  Buffer.concat([block(flag, { name: 'ext', size: octal(body.length) }), padded(body)]);
const pax = (...records: [string, string][]): Buffer =>
  extension('x', Buffer.concat(records.map(([keyword, value]) => formatPaxRecord(keyword, value))));

async function refusal(archive: Buffer): Promise<string> {
  try {
    await entriesOf(archive);
  } catch (error) {
    if (isStillpointError(error)) return `${error.code}: ${error.message}`;
    throw error;
  }
  return 'accepted';
}

describe('dialects', () => {
  test('GNU long names and long link targets', async () => {
    const long = 'l'.repeat(300);
    const archive = Buffer.concat([
      extension('L', Buffer.from(`${long}\0`)),
      extension('K', Buffer.from(`${long}-target\0`)),
      block('2', { magic: 'ustar  \0' }),
      END,
    ]);
    const [entry] = await entriesOf(archive);
    expect(entry?.head.name.toString()).toBe(long);
    expect(entry?.head.linkName.toString()).toBe(`${long}-target`);
  });

  test('the ustar prefix, and that GNU headers have none at its place', async () => {
    const posix = block('0', { name: 'end' });
    posix.write('begin/with', 345);
    const gnu = block('0', { name: 'end', magic: 'ustar  \0' });
    gnu.write('12345670000', 345);
    const entries = await entriesOf(Buffer.concat([resum(posix), resum(gnu), END]));
    expect(entries.map(({ head }) => head.name.toString())).toEqual(['begin/with/end', 'end']);
  });

  test('base-256 numbers, negative times too', async () => {
    const size = Buffer.alloc(12);
    size[0] = 0x80;
    size[11] = 3;
    const mtime = Buffer.alloc(12, 0xff);
    const archive = Buffer.concat([block('0', { size, mtime }), padded(Buffer.from('abc')), END]);
    const [entry] = await entriesOf(archive);
    expect(entry?.head.size).toBe(3);
    expect(entry?.head.mtime).toEqual({ seconds: -1, nanoseconds: 0 });
    expect(entry?.stored.toString()).toBe('abc');
  });

  test('old headers: no magic, and a slash makes a folder', async () => {
    const entries = await entriesOf(Buffer.concat([block('\0', { name: 'folder/', magic: '' }), END]));
    expect(entries.map(({ head }) => [head.name.toString(), head.type])).toEqual([['folder', 'dir']]);
  });

  test('global records hold for all that follows, and an own record outweighs them', async () => {
    const archive = Buffer.concat([
      extension('g', formatPaxRecord('uid', '77')),
      block('0', { name: 'a' }),
      pax(['uid', '5']),
      block('0', { name: 'b' }),
      block('0', { name: 'c' }),
      extension('g', formatPaxRecord('comment', 'the end')),
      END,
    ]);
    expect((await entriesOf(archive)).map(({ head }) => head.uid)).toEqual([77, 5, 77]);
  });

  test('sparse files as pax 0.0 and 0.1 describe them', async () => {
    const data = Buffer.from('abcdefg');
    const head = block('0', { name: 'placeholder', size: octal(7) });
    const zeroZero = pax(
      ['GNU.sparse.size', '100'],
      ['GNU.sparse.numblocks', '2'],
      ['GNU.sparse.offset', '10'],
      ['GNU.sparse.numbytes', '3'],
      ['GNU.sparse.offset', '50'],
      ['GNU.sparse.numbytes', '4'],
    );
    const zeroOne = pax(
      ['GNU.sparse.size', '100'],
      ['GNU.sparse.numblocks', '2'],
      ['GNU.sparse.name', 'real'],
      ['GNU.sparse.map', '10,3,50,4'],
    );
    const archive = Buffer.concat([zeroZero, head, padded(data), zeroOne, head, padded(data), END]);
    const entries = await entriesOf(archive);
    for (const entry of entries) {
      expect(entry.head.size).toBe(100);
      expect(entry.head.sparse).toEqual(Float64Array.of(10, 3, 50, 4));
      expect(entry.stored).toEqual(data);
    }
    expect(entries.map(({ head }) => head.name.toString())).toEqual(['placeholder', 'real']);
  });

  test('values with NULs and newlines, and names of attributes with "=" and "%"', async () => {
    const value = '\0\n12 user.fake=1\n\0';
    const archive = Buffer.concat([
      pax(['SCHILY.xattr.user.a%3Db%2525', value], ['SCHILY.xattr.user.empty', '']),
      block('0', {}),
      END,
    ]);
    const [entry] = await entriesOf(archive);
    expect(entry?.head.xattrs).toEqual([
      { name: Buffer.from('user.a=b%25'), value: Buffer.from(value) },
      { name: Buffer.from('user.empty'), value: Buffer.alloc(0) },
    ]);
  });

  test.each([
    ['0', 0, 0],
    ['1.5', 1, 500_000_000],
    ['-1', -1, 0],
    ['-0.5', -1, 500_000_000],
    ['-631151999.876543211', -631_152_000, 123_456_789],
    ['15032385535.0000000019', 15_032_385_535, 1],
  ])('the time %s', async (text, seconds, nanoseconds) => {
    const [entry] = await entriesOf(Buffer.concat([pax(['mtime', text]), block('0', {}), END]));
    expect(entry?.head.mtime).toEqual({ seconds, nanoseconds });
  });
});

describe('what is refused', () => {
  const badSum = block('0', {});
  badSum[0] = 0x7a;
  const sparse = (map: string, size: string, stored: number): Buffer =>
    Buffer.concat([
      pax(['GNU.sparse.size', size], ['GNU.sparse.map', map]),
      block('0', { size: octal(stored) }),
      padded(Buffer.alloc(stored)),
      END,
    ]);
  const sparse10 = (text: string): Buffer =>
    Buffer.concat([
      pax(['GNU.sparse.major', '1'], ['GNU.sparse.minor', '0'], ['GNU.sparse.realsize', '100']),
      block('0', { size: octal(512) }),
      padded(Buffer.from(text)),
      END,
    ]);

  test.each<[string, Buffer, string]>([
    ['a wrong checksum', Buffer.concat([badSum, END]), 'read.malformed: The tar stream cannot be understood at byte 0'],
    ['letters for a number', Buffer.concat([block('0', { uid: '00x0000\0' }), END]), 'read.malformed'],
    ['a negative size', Buffer.concat([block('0', { size: Buffer.alloc(12, 0xff) }), END]), 'read.malformed'],
    [
      'a size beyond all numbers',
      Buffer.concat([
        block('0', { size: Buffer.from([0x80, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255, 255]) }),
        END,
      ]),
      'read.malformed',
    ],
    ['an unknown type', Buffer.concat([block('Z', {}), END]), 'unknown type'],
    ['no name', Buffer.concat([block('0', { name: '' }), END]), 'no name'],
    [
      'a record longer than its header',
      Buffer.concat([extension('x', Buffer.from('99 path=a\n')), block('0', {}), END]),
      'length of an extended header record',
    ],
    [
      'a record of length 0',
      Buffer.concat([extension('x', Buffer.from('0 path=a\n')), block('0', {}), END]),
      'length of an extended header record',
    ],
    [
      'a record without a keyword',
      Buffer.concat([extension('x', Buffer.from('5 =a\n')), block('0', {}), END]),
      'no keyword',
    ],
    ['a NUL in a name', Buffer.concat([pax(['path', 'a\0b']), block('0', {}), END]), 'holds a NUL'],
    ['a time that is none', Buffer.concat([pax(['mtime', '1.2.3']), block('0', {}), END]), 'holds no time'],
    ['an extension header for nothing', Buffer.concat([pax(['path', 'a']), END]), 'belongs to no entry'],
    ['a lone zero block', Buffer.concat([END.subarray(512), block('0', {}), END]), 'lone zero block'],
    ['only one zero block', Buffer.concat([block('0', {}), END.subarray(512)]), 'read.incomplete'],
    ['no end', block('0', {}), 'read.incomplete'],
    ['nothing', Buffer.alloc(0), 'read.incomplete'],
    ['something behind the end', Buffer.concat([block('0', {}), END, Buffer.from('x')]), 'follows the end'],
    ['a sparse map outside the file', sparse('90,20', '100', 20), 'does not fit the file'],
    ['a sparse map that overlaps', sparse('0,10,5,10', '100', 20), 'does not fit the file'],
    ['a sparse map of another length', sparse('0,10', '100', 20), 'does not fit what is stored'],
    ['half a sparse part', sparse('0,10,20', '100', 10), 'without a length'],
    ['a sparse 1.0 map without an end', sparse10(`${'1'.repeat(9)}\n`), 'read.malformed'],
    ['a sparse 1.0 map of letters', sparse10('1\nabc\n1\n'), 'holds no number'],
  ])('%s', async (_what, archive, expected) => {
    expect(await refusal(archive)).toContain(expected);
  });

  test('an extension header that would fill the memory', async () => {
    const archive = Buffer.concat([block('x', { size: octal(17 * 1024 * 1024) }), Buffer.alloc(512)]);
    expect(await refusal(archive)).toContain('larger than the limit');
  });
});

describe('damage', () => {
  const heads = [
    aHead({ name: Buffer.from('plain'), size: 700 }),
    aHead({ name: Buffer.alloc(150, 0xe9), size: 512, mtime: { seconds: 5, nanoseconds: 7 } }),
    aHead({ name: Buffer.from('holes'), size: 9000, sparse: Float64Array.of(100, 50, 4000, 600) }),
    aHead({ name: Buffer.from('link'), type: 'symlink', linkName: Buffer.alloc(120, 0x61) }),
    aHead({ name: Buffer.from('attr'), xattrs: [{ name: Buffer.from('user.x'), value: Buffer.from([0, 10, 61]) }] }),
  ];
  const whole = tarOf(heads.map((head) => ({ head, stored: patternOf(head) })));

  test('an archive cut after any block is incomplete', async () => {
    const archive = await whole;
    for (let length = 0; length < archive.length; length += 512) {
      expect(await refusal(archive.subarray(0, length)), `cut at ${length}`).toContain('read.incomplete');
    }
  });

  test('an archive cut inside any block is incomplete', async () => {
    const archive = await whole;
    for (let length = 1; length < archive.length; length += 101) {
      expect(await refusal(archive.subarray(0, length)), `cut at ${length}`).toContain('read.incomplete');
    }
  });

  test('a flipped bit is refused or changes content only; it never hangs and never fails in another way', async () => {
    const archive = await whole;
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: archive.length * 8 - 1 }), async (bit) => {
        const damaged = Buffer.from(archive);
        damaged[bit >> 3] = (damaged[bit >> 3] as number) ^ (1 << (bit & 7));
        expect(await refusal(damaged)).toMatch(/^(accepted|read\.malformed|read\.incomplete)/);
      }),
      { numRuns: 1500 },
    );
  });

  test('any bytes at all are refused', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 3000 }), async (bytes) => {
        fc.pre(bytes.some((byte) => byte !== 0));
        expect(await refusal(Buffer.from(bytes))).toMatch(/^read\./);
      }),
      { numRuns: 200 },
    );
  });

  test('an error of the stream passes through, and leaving early closes the stream', async () => {
    const archive = await whole;
    async function* failing(): AsyncGenerator<Buffer> {
      yield archive.subarray(0, 1000);
      throw new Error('the connection is gone');
    }
    await expect(entriesOf(failing())).rejects.toThrow('the connection is gone');
    let closed = false;
    async function* watched(): AsyncGenerator<Buffer> {
      try {
        yield* inChunks(archive, 512);
      } finally {
        closed = true;
      }
    }
    for await (const _entry of readTar(watched())) break;
    expect(closed).toBe(true);
  });
});
