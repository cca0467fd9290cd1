/** Sparse files whose stored parts begin and end anywhere, as pieces that are cut by content do, are by GNU tar what they were. */
import { mkdir, open, readFile, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { expect, test } from 'vitest';
import { writeTar } from '../../shared/tar/write-tar.ts';
import { makeRepository } from '../support/backing-up.ts';
import { NO_RESTIC, resticOk } from '../support/restic.ts';
import { restoreFrom, said } from '../support/restoring.ts';
import { type Chance, chanceFrom } from '../support/seeded.ts';
import { aHead, inChunks } from '../support/tar-streams.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

interface PaperSparse {
  readonly whole: Buffer;
  readonly map: Float64Array;
  readonly stored: Buffer;
}

/** Holes are of a byte and more; parts may touch. */
function sparseFrom(chance: Chance): PaperSparse {
  const lengths = [1, 64, 511, 512, 513, 576, 4096, 70_000];
  const holes = [0, 1, 300, 511, 512, 513, 5000, 700_000];
  const numbers: number[] = [];
  const parts: Buffer[] = [];
  const pieces: Buffer[] = [];
  let at = 0;
  const leave = (): void => {
    const hole = Buffer.alloc(chance.pick(holes));
    pieces.push(hole);
    at += hole.length;
  };
  for (let count = 1 + chance.below(6); count > 0; count -= 1) {
    leave();
    const part = Buffer.from(chance.bytes(chance.pick(lengths) + 4)).map((byte) => byte | 1);
    numbers.push(at, part.length);
    parts.push(Buffer.from(part));
    pieces.push(Buffer.from(part));
    at += part.length;
  }
  leave();
  return { whole: Buffer.concat(pieces), map: Float64Array.from(numbers), stored: Buffer.concat(parts) };
}

test('whatever parts it has', async () => {
  await using folder = await temporaryFolder();
  const chance = chanceFrom(20_261_130);
  const files = Array.from({ length: 300 }, (_, index) => ({ name: `f${index}`, ...sparseFrom(chance) }));
  async function* items() {
    for (const { name, whole, map, stored } of files) {
      const head = aHead({ name: Buffer.from(name), size: whole.length, sparse: map });
      yield { head, content: inChunks(stored, 1 + chance.below(9000)) };
    }
  }
  await writeFile(join(folder.path, 'a.tar'), writeTar(items()));
  await execa('tar', ['-x', '-C', folder.path, '-f', join(folder.path, 'a.tar')]);
  const wrong: string[] = [];
  let holes = 0;
  for (const { name, whole } of files) {
    const path = join(folder.path, name);
    if (!(await readFile(path)).equals(whole)) wrong.push(name);
    if ((await stat(path)).blocks * 512 < whole.length - 100_000) holes += 1;
  }
  expect(wrong).toEqual([]);
  expect(holes).toBeGreaterThan(100);
});

test('of a file that restic has saved, with holes behind pieces of any length', async ({ skip }) => {
  skip(NO_RESTIC !== undefined, NO_RESTIC);
  await using folder = await temporaryFolder();
  const at = (name: string): string => join(folder.path, name);
  const chance = chanceFrom(7);
  await mkdir(at('files'));
  const file = await open(at('files/sparse'), 'w');
  // Too long to be held as a whole, and short enough to be.
  for (const [start, length] of [
    [0, 700_004],
    [4_000_000, 9_000_000],
    [20_000_000, 1_300_000],
    [200_000_000, 600_000],
  ] as const)
    await file.write(chance.bytes(length), 0, length, start);
  await file.truncate(230_000_001);
  await file.close();
  await writeFile(at('files/small'), Buffer.alloc(0));
  await truncate(at('files/small'), 3_000_000);
  const small = await open(at('files/small'), 'r+');
  await small.write(chance.bytes(600_100), 0, 600_100, 100);
  await small.write(chance.bytes(100), 0, 100, 2_500_000);
  await small.close();
  await makeRepository(at('repository'));
  await resticOk(at('repository'), 'backup', at('files'));
  const { error } = await restoreFrom(at('repository'), at('restored'));
  expect(said(error)).toBe('');
  for (const name of ['sparse', 'small']) {
    const restored = join(at('restored'), at(`files/${name}`));
    expect((await execa('cmp', [at(`files/${name}`), restored], { reject: false })).stdout).toBe('');
  }
  expect((await stat(join(at('restored'), at('files/sparse')))).blocks * 512).toBeLessThan(20_000_000);
}, 120_000);
