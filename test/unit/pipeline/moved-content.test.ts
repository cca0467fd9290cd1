/** What a file costs again whose content moved: of a log whose beginning is gone, and of a dump with rows more. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { formatBytes } from '../../../shared/base/bytes.ts';
import { storeStream } from '../../../shared/pipeline/backup/file-content.ts';
import type { OpenedRepository } from '../../../shared/repository/opened-repository.ts';
import type { RepositoryLock, WriterStats } from '../../../shared/repository/repository.ts';
import { chanceFrom } from '../../support/seeded.ts';
import { createMemoryBackend } from '../../support/stores/memory.ts';
import { createTestRepository, testSignal } from '../../support/test-repository.ts';

const MB = 1_000_000;
const signal = testSignal();

let repository: OpenedRepository;
let lock: RepositoryLock;

beforeAll(async () => {
  repository = await createTestRepository(createMemoryBackend());
  // The same borders each time.
  Object.assign(repository.parts.config, { chunkerPolynomial: 0x3ed95bf0de7983n });
  lock = await repository.lock('shared', signal);
});
afterAll(async () => {
  await lock[Symbol.asyncDispose]();
  await repository.close();
});

function linesUpTo(bytes: number, seed: number, line: (index: number, number: number) => string): Buffer {
  const chance = chanceFrom(seed);
  const lines: string[] = [];
  for (let length = 0; length < bytes; length += lines.at(-1)?.length ?? 0)
    lines.push(line(lines.length, chance.below(2 ** 31)));
  return Buffer.from(lines.join(''));
}

async function* inPackets(content: Buffer): AsyncGenerator<Buffer> {
  for (let at = 0; at < content.length; at += 65_536) yield content.subarray(at, at + 65_536);
}

async function store(content: Buffer): Promise<WriterStats> {
  await using writer = await repository.openWriter(lock, { workers: 2 });
  await (await storeStream(writer, inPackets(content), () => undefined, signal)).ids;
  return await writer.flush(signal);
}

const log = linesUpTo(120 * MB, 1, (line, number) => `2026-01-01T00:00:${line} request ${number.toString(36)} done\n`);
const dump = linesUpTo(
  120 * MB,
  2,
  (row, number) => `(${row},'customer ${number.toString(36)}',${number % 10_000}),\n`,
);
const rows = linesUpTo(2000, 3, (row, number) => `(${row},'one more ${number}',0),\n`);

test.each([
  ['a log without its first 10 MB', log, log.subarray(10 * MB)],
  ['a dump with rows more', dump, Buffer.concat([dump.subarray(0, 5 * MB), rows, dump.subarray(5 * MB)])],
])('%s is stored anew to less than a fiftieth', async (what, before, after) => {
  const first = await store(before);
  const second = await store(after);
  expect(first.bytesNew).toBe(before.length);
  expect(second.bytesPut).toBe(after.length);
  console.log(
    `${what}: ${formatBytes(first.bytesNew)}, ${formatBytes(first.bytesStored)} stored; then ` +
      `${formatBytes(second.bytesNew)} new, ${formatBytes(second.bytesStored)} stored, ${second.dataBlobsNew} blobs`,
  );
  expect(second.bytesNew).toBeLessThan(0.02 * after.length);
  expect(second.bytesStored).toBeLessThan(0.02 * first.bytesStored);
});
