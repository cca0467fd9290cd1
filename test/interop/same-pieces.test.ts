/**
 * restic and we cut a file at the same places, so that neither stores again what the other has: files of every length that
 * matters to a cutter, holes wherever they may be, and a large one that moved by some bytes.
 */
import { createCipheriv } from 'node:crypto';
import { mkdir, open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { backUpByBoth } from '../support/by-both.ts';
import { NO_RESTIC, resticOk } from '../support/restic.ts';
import { type TemporaryFolder, temporaryFolder } from '../support/temporary-folder.ts';

const KIB = 1024;
const MIB = 1024 * KIB;
const isRoot = process.getuid?.() === 0;

let folder: TemporaryFolder;
let source: string;

/** Chance in megabytes, at once and the same each time. */
function chance(length: number, seed: number): Buffer {
  const stream = createCipheriv('aes-128-ctr', Buffer.alloc(16, seed), Buffer.alloc(16));
  return stream.update(Buffer.alloc(length));
}

/** Of the given length and with nothing in it but these parts. */
async function writeSparse(name: string, size: number, parts: readonly (readonly [number, Buffer])[]): Promise<void> {
  await using file = await open(join(source, name), 'w');
  await file.truncate(size);
  for (const [at, bytes] of parts) await file.write(bytes, 0, bytes.length, at);
}

const LENGTHS = [
  ...[0, 1, 64, 511 * KIB, 512 * KIB - 1, 512 * KIB, 512 * KIB + 1, 512 * KIB + 63, 512 * KIB + 64, 512 * KIB + 65],
  ...[MIB - 1, MIB, MIB + 1, 3 * MIB + 12_345, 8 * MIB - 1, 8 * MIB, 8 * MIB + 1, 16 * MIB + 1],
];

async function makeSource(): Promise<void> {
  await mkdir(source);
  for (const length of LENGTHS) {
    await writeFile(join(source, `chance-${length}`), chance(length, 1));
    // Without a border: only the most length of a piece cuts it.
    await writeFile(join(source, `same-${length}`), Buffer.alloc(length, 'a'));
    await writeFile(join(source, `zeros-${length}`), Buffer.alloc(length));
  }
  const large = chance(200_000_000, 2);
  await writeFile(join(source, 'large'), large);
  await writeFile(join(source, 'large-moved'), Buffer.concat([Buffer.from('some bytes in front of it'), large]));
  const part = chance(1_500_000, 3);
  await writeSparse('hole-at-the-start', 7 * MIB + 99, [[5 * MIB + 12_288, part]]);
  await writeSparse('hole-in-the-middle', 12 * MIB, [
    [0, part],
    [10 * MIB + 4096, part],
  ]);
  await writeSparse('hole-at-the-end', 9 * MIB + 1, [[0, part]]);
  await writeSparse('nothing-but-a-hole', 64 * MIB + 1, []);
  await writeSparse(
    'many-holes',
    40 * MIB,
    [0, 5, 6, 13, 22, 39].map((at) => [at * MIB, part.subarray(0, 300 * KIB)]),
  );
  // Zeros that end and begin about where a piece does.
  for (const shift of [-65, -64, -63, -1, 0, 1, 63, 64, 65]) {
    const before = part.subarray(0, 512 * KIB + shift);
    await writeFile(join(source, `zeros-behind${shift}`), Buffer.concat([before, Buffer.alloc(2 * MIB), part]));
    await writeFile(join(source, `zeros-of${shift}`), Buffer.concat([part, Buffer.alloc(MIB + shift), part]));
    await writeFile(join(source, `window-of-zeros${shift}`), Buffer.concat([before, Buffer.alloc(64), part]));
  }
}

beforeAll(async () => {
  folder = await temporaryFolder();
  source = join(folder.path, 'source');
  await makeSource();
});
beforeEach(({ skip }) => skip(NO_RESTIC !== undefined || !isRoot, NO_RESTIC ?? 'needs root for a namespace'));
afterAll(() => folder[Symbol.asyncDispose]());

test.each(['restic', 'stillpoint'] as const)('what %s stored first the other does not store again', async (first) => {
  const { repository, place, newBlobs, ours, theirs } = await backUpByBoth(source, {
    ...{ folder: folder.path, name: first, first },
  });
  expect(newBlobs).toBe(0);
  expect(ours.id).not.toBe(theirs.id);
  const stored = [...repository.index.packs()].flatMap(({ blobs }) => blobs).filter(({ type }) => type === 'data');
  expect(new Set(stored.map(({ id }) => id)).size).toBe(stored.length);
  // The large one is there once, with what is in front of the other one, and what else is there.
  const bytes = stored.reduce((sum, { length, uncompressedLength }) => sum + (uncompressedLength || length), 0);
  expect(bytes).toBeGreaterThan(200_000_000);
  expect(bytes).toBeLessThan(330_000_000);
  expect(await resticOk(place, 'check', '--read-data')).toContain('no errors were found');
  await repository.close();
});
