/** An index whose text is longer than a text of a program can be: 512 MiB, some five million blobs in one file. */
import { constants } from 'node:buffer';
import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { decodeIndex } from '../../shared/repository/format/index-file.ts';
import { readIndex } from '../../shared/repository/format/index-table.ts';

const PACKS = 60_000;
const BLOBS = 100;

function indexText(space: string): Buffer {
  const parts: Buffer[] = [];
  for (let pack = 0; pack < PACKS; pack += 1) {
    const id = createHash('sha256').update(String(pack)).digest('hex');
    const blobs = Array.from({ length: BLOBS }, (_, index) => {
      const blob = `${index.toString(16).padStart(8, '0')}${id.slice(8)}`;
      return `{"id":"${blob}","type":"data","offset":${index * 1000},"length":1000,"uncompressed_length":2000}`;
    });
    parts.push(Buffer.from(`${pack === 0 ? '' : ','}{"id":${space}"${id}","blobs":[${blobs.join(',')}]}`));
  }
  return Buffer.concat([Buffer.from('{"packs":['), ...parts, Buffer.from(']}')]);
}

test.each([
  ['as restic writes it', ''],
  ['with space that nobody writes', ' '],
])('is read whole, %s', (_, space) => {
  const json = indexText(space);
  expect(json.length).toBeGreaterThan(constants.MAX_STRING_LENGTH);
  const table = readIndex(json, 'the index');
  expect(table.packs.length).toBe(PACKS);
  expect(table.ends.at(-1)).toBe(PACKS * BLOBS);
});

test('is read pack by pack, to be written anew', () => {
  let blobs = 0;
  for (const pack of decodeIndex(indexText(''), 'the index')) blobs += pack.blobs.length;
  expect(blobs).toBe(PACKS * BLOBS);
});
