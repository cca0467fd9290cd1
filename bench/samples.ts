/** Data to measure with: the same bytes each time, unlike each other, and compressible as text is. */
import { randomBytes } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

/** Files of 100 bytes to `most` more, 500 to a folder. */
export async function makeSmallFiles(dir: string, count: number, most: number = 12_000): Promise<void> {
  const words = wordsFrom(1);
  for (let first = 0; first < count; first += 500) {
    const folder = join(dir, `folder-${first / 500}`);
    await mkdir(folder, { recursive: true });
    const numbers = Array.from({ length: Math.min(500, count - first) }, (_, index) => first + index);
    await Promise.all(
      numbers.map((number) =>
        writeFile(join(folder, `file-${number}.txt`), textOf(words, 100 + ((number * 7919) % most))),
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

const PAGE_BYTES = 16 * 1024;

/** A file of pages as a database has them: a head that is each page's own, rows of text, and a part that no program can shorten. */
export async function makeDatabase(path: string, bytes: number): Promise<void> {
  const words = wordsFrom(3);
  const pages = function* (): Generator<Buffer> {
    for (let page = 0; page < Math.floor(bytes / PAGE_BYTES); page += 1) yield pageOf(words, page);
  };
  await pipeline(Readable.from(pages()), createWriteStream(path));
}

/** Writes one page of a hundred anew, at random places; the same ones in the same round. */
export async function changeDatabase(path: string, round: number): Promise<void> {
  const words = wordsFrom(1000 + round);
  await using file = await open(path, 'r+');
  const pages = Math.floor((await file.stat()).size / PAGE_BYTES);
  for (let left = Math.ceil(pages / 100); left > 0; left -= 1) {
    const page = (words.next().value >>> 4) % pages;
    await file.write(pageOf(words, page), 0, PAGE_BYTES, page * PAGE_BYTES);
  }
}

function pageOf(words: Generator<number, never>, page: number): Buffer {
  const bytes = Buffer.from(textOf(words, PAGE_BYTES), 'latin1');
  bytes.writeUInt32BE(page, 0);
  for (let at = (PAGE_BYTES * 3) / 4; at < PAGE_BYTES; at += 4) bytes.writeUInt32BE(words.next().value, at);
  return bytes;
}

/** Bytes that no program can shorten. */
export async function makeRandomFile(path: string, bytes: number): Promise<void> {
  const pieces = function* (): Generator<Buffer> {
    for (let left = bytes; left > 0; left -= 1024 ** 2) yield randomBytes(Math.min(left, 1024 ** 2));
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
