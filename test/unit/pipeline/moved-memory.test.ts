/** Who is given a slice that fills its memory may move it to a thread at once; whoever gave it must not look at it again. */
import { expect, test } from 'vitest';
import { filledUp, partsFrom } from '../../../shared/pipeline/backup/content-rest.ts';
import { readTar } from '../../../shared/tar/reader.ts';
import { expandSparse } from '../../../shared/tar/sparse.ts';
import { chanceFrom } from '../../support/seeded.ts';
import { aHead, inChunks, tarOf } from '../../support/tar-streams.ts';

const CHUNK_BYTES = 64 * 1024;
const content = Buffer.from(chanceFrom(1).bytes(5 * CHUNK_BYTES + 100));

/** As chunks come from a connection: each in memory of its own. */
async function* chunksOf(bytes: Buffer): AsyncGenerator<Buffer> {
  for await (const chunk of inChunks(bytes, CHUNK_BYTES)) {
    const own = Buffer.from(new ArrayBuffer(chunk.length));
    own.set(chunk);
    yield own;
  }
}

/** Keeps a copy, and moves what may be moved. */
function taken(slice: Buffer): Buffer {
  const copy = Buffer.from(slice);
  if (slice.byteLength === slice.buffer.byteLength) structuredClone(slice, { transfer: [slice.buffer as ArrayBuffer] });
  return copy;
}

test('what is left of a file that was on its way', async () => {
  const came: Buffer[] = [];
  const missing: number[] = [];
  const parts = partsFrom({ sparse: undefined, size: content.length }, 0);
  const short = content.subarray(0, 3 * CHUNK_BYTES);
  for await (const slice of filledUp(parts, chunksOf(short), (bytes) => missing.push(bytes))) came.push(taken(slice));
  expect(Buffer.concat(came).equals(Buffer.concat([short, Buffer.alloc(2 * CHUNK_BYTES + 100)]))).toBe(true);
  expect(missing).toEqual([2 * CHUNK_BYTES + 100]);
});

test('the content of an archive', async () => {
  const archive = await tarOf([
    { head: aHead({ name: Buffer.from('one'), size: content.length }), stored: content },
    { head: aHead({ name: Buffer.from('two'), size: 5 }), stored: Buffer.from('small') },
  ]);
  const came: Buffer[] = [];
  for await (const entry of readTar(chunksOf(archive))) {
    const slices: Buffer[] = [];
    for await (const event of expandSparse(entry)) if (event.kind === 'data') slices.push(taken(event.data));
    came.push(Buffer.concat(slices));
  }
  expect(came.map((each) => each.length)).toEqual([content.length, 5]);
  expect(came[0]?.equals(content)).toBe(true);
});
