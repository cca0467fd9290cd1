/** Data to measure with: the same bytes each time, unlike each other, and compressible as text is. */
import { createWriteStream } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

/** Files of 100 bytes to 12 KB, 500 to a folder. */
export async function makeSmallFiles(dir: string, count: number): Promise<void> {
  const words = wordsFrom(1);
  for (let first = 0; first < count; first += 500) {
    const folder = join(dir, `folder-${first / 500}`);
    await mkdir(folder, { recursive: true });
    const numbers = Array.from({ length: Math.min(500, count - first) }, (_, index) => first + index);
    await Promise.all(
      numbers.map((number) =>
        writeFile(join(folder, `file-${number}.txt`), textOf(words, 100 + ((number * 7919) % 12_000))),
      ),
    );
  }
}

/** A log of `bytes`, of which no two lines are alike; nor are two logs of unlike seeds. */
export async function makeLargeFile(path: string, bytes: number, seed: number = 2): Promise<void> {
  const words = wordsFrom(seed);
  const pieces = function* (): Generator<string> {
    for (let left = bytes; left > 0; left -= 1024 ** 2) yield textOf(words, Math.min(left, 1024 ** 2));
  };
  await pipeline(Readable.from(pieces()), createWriteStream(path));
}

const WORDS = 'connect accept close error warning user session query table index commit rollback timeout retry'.split(
  ' ',
);

/** A linear congruential generator: quick, and the same on every machine. */
function* wordsFrom(seed: number): Generator<number, never> {
  let state = seed;
  for (;;) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    yield state;
  }
}

function textOf(numbers: Generator<number, never>, length: number): string {
  let text = '';
  while (text.length < length) {
    const number = numbers.next().value;
    text += `2026-01-01T${number} ${WORDS[(number >>> 16) % WORDS.length]} ${(number >>> 7).toString(36)}\n`;
  }
  return text.slice(0, length);
}
