/**
 * How large the things of a repository may be. Each of these took gigabytes of memory, or ended the process: a number
 * above 31 bits in a call of Node's own is no error there but the end.
 */
import { randomBytes } from 'node:crypto';
import { truncate } from 'node:fs/promises';
import path from 'node:path';
import { execa } from 'execa';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MOST_WHOLE_BYTES } from '../../../shared/repository/backend/backend.ts';
import { createLocalBackend } from '../../../shared/repository/backend/local.ts';
import { checkRepository } from '../../../shared/repository/check/check.ts';
import { verifyRepository } from '../../../shared/repository/check/verify.ts';
import { claimFault } from '../../../shared/repository/format/bounds.ts';
import { encodeIndex, type IndexedPack } from '../../../shared/repository/format/index-file.ts';
import type { PackedBlob } from '../../../shared/repository/format/pack.ts';
import { decodeUnpacked } from '../../../shared/repository/format/unpacked.ts';
import type { BlobId } from '../../../shared/repository/ids.ts';
import { listKeys } from '../../../shared/repository/keys.ts';
import { openRepository } from '../../../shared/repository/open-repository.ts';
import type { OpenedRepository } from '../../../shared/repository/opened-repository.ts';
import { planPrune } from '../../../shared/repository/prune/plan.ts';
import { compress, createCompressor } from '../../../shared/repository/workers/encode.ts';
import { blanksBefore, storeFrame, storePoint, storeRaw, storeSealed } from '../../support/hostile-files.ts';
import { type TemporaryFolder, temporaryFolder } from '../../support/temporary-folder.ts';
import { backUp, createTestRepository, PASSWORD, testSignal } from '../../support/test-repository.ts';

const MIB = 1024 ** 2;
const GIB = 1024 ** 3;
const COMPRESSED = Buffer.of(2);

let folder: TemporaryFolder;
let repository: OpenedRepository;
let signal: AbortSignal;

beforeEach(async () => {
  signal = testSignal();
  folder = await temporaryFolder();
  repository = await createTestRepository(createLocalBackend(folder.path));
  await backUp(repository, { 'a.bin': randomBytes(5000) });
  await repository.loadIndex(signal);
});
afterEach(() => folder[Symbol.asyncDispose]());

const open = (): Promise<OpenedRepository> => openRepository(createLocalBackend(folder.path), PASSWORD, signal);
const messages = async (): Promise<string[]> =>
  (await checkRepository(await open(), signal)).findings
    .filter(({ severity }) => severity === 'damage')
    .map(({ message }) => message);

describe('a few bytes that stand for very many', () => {
  const kinds = [
    ['snapshots', 'restore point', '{"time":"2024-01-02T03:04:05Z","tree":"', 300 * MIB],
    ['locks', 'lock', '{"time":"2024-01-02T03:04:05Z","exclusive":false}', 2 * MIB],
    ['index', 'index', '{"packs":[]}', 300 * MIB],
  ] as const;

  for (const saysSize of [true, false]) {
    it.each(kinds)(
      `are refused in %s, ${saysSize ? 'by what they say' : 'as soon as they grow too large'}`,
      async (type, name, text, blanks) => {
        const frame = await blanksBefore(text, blanks, saysSize);
        expect(frame.length).toBeLessThan(100_000);
        const id = await storeSealed(repository, type, Buffer.concat([COMPRESSED, frame]));
        const grows = saysSize ? 'would grow to' : 'grows to more than';
        await expect(repository.files.load(type, id, signal)).rejects.toMatchObject({
          code: 'repository.damaged',
          message: expect.stringMatching(`^The file of ${name} ${id.slice(0, 8)} ${grows}`) as string,
        });
        expect(await messages()).toEqual([expect.stringContaining(`${name} ${id.slice(0, 8)} ${grows}`)]);
      },
    );
  }

  it('are refused where the frame says less than it holds', async () => {
    const frame = await blanksBefore('{}', 70_000, true);
    frame.writeUIntLE(50, frame.indexOf(Buffer.from('72110100', 'hex')), 4);
    const id = await storeSealed(repository, 'snapshots', Buffer.concat([COMPRESSED, frame]));
    await expect(repository.files.load('snapshots', id, signal)).rejects.toThrow(`restore point ${id.slice(0, 8)}`);
  });

  it('leave honest ones alone: a restore point of many paths', async () => {
    const paths = Array.from({ length: 20_000 }, (_, n) => `/srv/data/customers/2024/invoice-${n}.pdf`);
    const json = JSON.stringify({ time: '2024-01-02T03:04:05Z', tree: '0'.repeat(64), paths });
    expect(json.length).toBeGreaterThan(MIB * 0.8);
    const name = await repository.files.save('snapshots', Buffer.from(json), signal);
    expect((await repository.findRestorePoint(name, signal)).paths).toHaveLength(20_000);
  });
});

it('an index of more than a gigabyte is as good as any', () => {
  // Memory that is never touched does not count.
  const text = Buffer.alloc(1.5 * GIB);
  text.write('{');
  expect(decodeUnpacked(text, 'index', 'the index') === text).toBe(true);
  expect(MOST_WHOLE_BYTES.index).toBeGreaterThan(text.length);
});

describe('a blob that holds more than is said of it', () => {
  it.each([1, 1000, 64 * MIB])('is no blob, and takes no more room than that: %d bytes', async (said) => {
    const frame = await blanksBefore('', 500 * MIB, false);
    const ids = [await storeFrame(repository, 'data', frame, said), await storeFrame(repository, 'tree', frame, said)];
    const { maxRSS } = process.resourceUsage();
    await expect(repository.loadBlob('data', ids[0] as BlobId, signal)).rejects.toThrow('cannot be decompressed');
    await expect(repository.loadTree(ids[1] as BlobId, signal)).rejects.toThrow('cannot be decompressed');
    expect((await verifyRepository(await open(), { signal })).findings.length).toBeGreaterThan(0);
    // In KiB.
    expect(process.resourceUsage().maxRSS - maxRSS).toBeLessThan(300 * 1024);
  });
});

describe('a tree of much more than is stored', () => {
  it('takes no memory, although it is what it says', async () => {
    const frame = await blanksBefore('{"nodes":[]}', 500 * MIB, false);
    const id = await storeFrame(repository, 'tree', frame, 500 * MIB + 12);
    await storePoint(repository, id);
    const { maxRSS } = process.resourceUsage();
    await expect(repository.loadTree(id, signal)).rejects.toThrow(
      /it claims 524288012 bytes, more than \d{5} stored ones/,
    );
    expect(await messages()).toEqual([expect.stringContaining('it claims 524288012 bytes')]);
    expect(process.resourceUsage().maxRSS - maxRSS).toBeLessThan(300 * 1024);
  });

  it.each([
    ['of empty files with ever the same attributes', 2 ** 31 - 1, 2 ** 19],
    ['of a few files, stored in a few bytes', 64 * MIB, 2100],
    ['as restic writes it', 734 * MIB, 20 * MIB],
    ['that is not compressed', 0, 500 * MIB],
  ])('may be one %s', (_, uncompressedLength, length) => {
    expect(claimFault({ type: 'tree', length, uncompressedLength })).toBeUndefined();
  });

  it('is not written', async () => {
    const text = Buffer.alloc(80 * MIB, ' ');
    text.write('{"nodes":[]}');
    const compressor = createCompressor('auto', 2);
    expect(compress(text, 'tree', compressor)).toBeUndefined();
    expect(compress(text.subarray(0, 60 * MIB), 'tree', compressor)?.length).toBeLessThan(MIB);
  });
});

describe('a stored file that is larger than any of its kind', () => {
  it.each([
    ['keys', 2 * MIB],
    ['keys', 3 * GIB],
    ['locks', 5 * GIB],
    ['snapshots', 3 * GIB],
    ['index', 9 * GIB],
  ] as const)('of %s with %d bytes is damage with its name, and the others are read', async (type, size) => {
    const name = await storeRaw(repository, type, randomBytes(100));
    const file = path.join(folder.path, type, name);
    await execa('chmod', ['u+w', file]);
    await truncate(file, size);
    const [message] = await messages();
    expect(message).toMatch(/^The file of .* has .*(GiB|MiB)/);
    const { points } = await (await open()).listRestorePoints(signal);
    expect(points).toHaveLength(1);
    if (type === 'keys') expect((await listKeys(await open(), signal)).findings).toHaveLength(1);
  });

  it('of the configuration is refused by its size', async () => {
    const file = path.join(folder.path, 'config');
    await execa('chmod', ['u+w', file]);
    await truncate(file, 4 * GIB);
    await expect(open()).rejects.toMatchObject({
      code: 'repository.damaged',
      message: 'The file "config" has 4.0 GiB; no such file has more than 1.0 MiB.',
    });
  });

  it('is a pack, of which parts are read as ever', async () => {
    const [pack] = [...repository.index.packs()];
    const name = pack?.id ?? '';
    const file = path.join(folder.path, 'data', name.slice(0, 2), name);
    await execa('chmod', ['u+w', file]);
    // All of it is read, past the end of 32 bits.
    await truncate(file, 4 * GIB + MIB);
    expect(await messages()).toEqual([expect.stringContaining(`pack ${name.slice(0, 8)} has 4296015872 bytes`)]);
  }, 60_000);
});

describe('what is no file', () => {
  it.each(['keys', 'locks', 'snapshots'] as const)('in the place of one of %s keeps nobody waiting', async (type) => {
    await execa('mkfifo', [path.join(folder.path, type, 'ab'.repeat(32))]);
    await expect(
      createLocalBackend(folder.path).load({ type, name: 'ab'.repeat(32) }, undefined, signal),
    ).rejects.toThrow('is not a file');
    expect((await (await open()).listRestorePoints(signal)).points).toHaveLength(1);
  });
});

describe('a blob that is said to be larger than any', () => {
  const sizes = [65 * MIB + MIB, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1] as const;
  const claims: readonly (readonly [string, Partial<PackedBlob>])[] = [
    ...sizes.map((length) => [`a stored length of ${length}`, { length }] as const),
    ...sizes.map((uncompressedLength) => [`${uncompressedLength} bytes of plaintext`, { uncompressedLength }] as const),
  ];

  it.each(claims)('%s', async (_, claim) => {
    // Trees may be larger than data, but not where so little is stored.
    const isTree = claim.uncompressedLength !== undefined || (claim.length ?? 0) >= 2 ** 31 + MIB;
    for (const type of isTree ? (['data', 'tree'] as const) : (['data'] as const)) {
      const [pack] = [...repository.index.packs()].filter(({ blobs }) => blobs[0]?.type === type);
      const id = randomBytes(32).toString('hex') as BlobId;
      const blob = { ...(pack?.blobs[0] as PackedBlob), ...claim, id };
      const name = await repository.files.save(
        'index',
        encodeIndex([{ id: pack?.id, blobs: [blob] } as IndexedPack]),
        signal,
      );
      const opened = await open();
      await opened.loadIndex(signal);
      await expect(opened.loadBlob(type, id, signal)).rejects.toThrow(/it claims \d+ bytes/);
      const many = async (): Promise<void> => {
        for await (const { data } of opened.loadBlobs([id], signal)) expect(data).toBeUndefined();
      };
      if (type === 'data') await expect(many()).rejects.toThrow(/it claims \d+ bytes/);
      for (const look of [checkRepository(opened, signal), verifyRepository(await open(), { signal })]) {
        const found = (await look).findings.filter(({ severity }) => severity === 'damage');
        expect(found.map(({ message }) => message)).toEqual([expect.stringContaining(`pack ${pack?.id.slice(0, 8)} `)]);
      }
      await expect(planPrune(await open(), { maxUnused: '5%' }, signal)).rejects.toThrow('Nothing can be pruned');
      await repository.files.remove('index', name, signal);
    }
  });
});
