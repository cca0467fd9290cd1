/**
 * Reads a tar stream: ustar, pax and GNU's dialect, as GNU tar, busybox and libarchive write them. Headers are
 * gathered until an entry is complete; its content then flows in slices of the incoming chunks.
 */
import { buildEntry, readMap } from './build-entry.ts';
import { ByteSource } from './byte-source.ts';
import type { TarEntry } from './entry.ts';
import { malformed } from './errors.ts';
import { Extensions } from './extensions.ts';
import { BLOCK_SIZE, isZeroBlock, parseHeader, type RawHeader } from './header.ts';
import { parsePaxRecords } from './pax.ts';
import { StoredContent } from './stored-content.ts';

export interface ReadTarOptions {
  /** The most that one extension header (names, extended attributes) may measure; default 16 MiB. */
  readonly maxHeaderBytes?: number;
}

const MAX_HEADER_BYTES = 16 * 1024 * 1024;

const FLAG = { longLink: 0x4b, longName: 0x4c, paxGlobal: 0x67, pax: 0x78 } as const;

/**
 * Returns after a whole archive only: two zero blocks, and nothing but zeros to the end of `chunks`. A stream that
 * ends before is `read.incomplete`, one that breaks the format is `read.malformed`; errors of `chunks` pass through,
 * so a caller that wants to cancel lets `chunks` throw.
 */
export async function* readTar(
  chunks: AsyncIterable<Uint8Array>,
  options: ReadTarOptions = {},
): AsyncGenerator<TarEntry, void, void> {
  const source = new ByteSource(chunks);
  const limit = options.maxHeaderBytes ?? MAX_HEADER_BYTES;
  const globals = new Map<string, Buffer>();
  let extensions: Extensions | undefined;
  let start = 0;
  try {
    for (;;) {
      const position = source.position;
      if (extensions === undefined) start = position;
      const block = source.tryTake(BLOCK_SIZE) ?? (await source.take(BLOCK_SIZE, 'the archive was at its end'));
      if (isZeroBlock(block)) {
        if (extensions !== undefined) throw malformed(position, 'an extension header belongs to no entry');
        await readEnd(source);
        return;
      }
      const header = parseHeader(block, position);
      if (header.flag === FLAG.paxGlobal) {
        await readGlobals(source, header, globals, limit);
        continue;
      }
      if (header.flag === FLAG.pax || header.flag === FLAG.longName || header.flag === FLAG.longLink) {
        extensions ??= withGlobals(globals, position);
        await readExtension(source, header, extensions, limit);
        continue;
      }
      const known = extensions ?? withGlobals(globals, position);
      extensions = undefined;
      const map = await readMap(source, block, header, known, start);
      const entry = buildEntry(header, known, map, start);
      const whole = source.tryTake(entry.storedSize);
      const content = new StoredContent(source, whole ?? entry.storedSize);
      yield Object.assign(entry, { content, whole, givesMemory: true as const });
      const skipping = content.finish(padding(map?.inContent ?? 0, entry.storedSize));
      if (skipping !== undefined) await skipping;
    }
  } finally {
    await source.close();
  }
}

function withGlobals(globals: ReadonlyMap<string, Buffer>, position: number): Extensions {
  const extensions = new Extensions();
  for (const [keyword, value] of globals) extensions.apply([{ keyword, value }], position);
  return extensions;
}

/** What comes before and inside the content counts together: the padding goes to the next block after both. */
function padding(mapBytes: number, storedSize: number): number {
  return (BLOCK_SIZE - ((mapBytes + storedSize) % BLOCK_SIZE)) % BLOCK_SIZE;
}

async function readExtension(
  source: ByteSource,
  header: RawHeader,
  extensions: Extensions,
  limit: number,
): Promise<void> {
  const position = source.position;
  const data = await takeBody(source, header, limit);
  if (header.flag === FLAG.longName) extensions.path = untilNul(data);
  else if (header.flag === FLAG.longLink) extensions.linkPath = untilNul(data);
  else extensions.apply(parsePaxRecords(data, position), position);
}

async function readGlobals(
  source: ByteSource,
  header: RawHeader,
  globals: Map<string, Buffer>,
  limit: number,
): Promise<void> {
  const position = source.position;
  const data = await takeBody(source, header, limit);
  for (const { keyword, value } of parsePaxRecords(data, position)) globals.set(keyword, Buffer.from(value));
  if (globals.size > MAX_GLOBALS) throw malformed(position, `it has more than ${MAX_GLOBALS} global records`);
}

const MAX_GLOBALS = 1000;

async function takeBody(source: ByteSource, header: RawHeader, limit: number): Promise<Buffer> {
  if (header.size > limit) {
    const why = `an extension header of ${header.size} bytes is larger than the limit of ${limit}`;
    throw malformed(source.position, why);
  }
  const padded = header.size + padding(0, header.size);
  const what = 'the extension header of an entry was whole';
  const data = source.tryTake(padded) ?? (await source.take(padded, what));
  return data.subarray(0, header.size);
}

function untilNul(data: Buffer): Buffer {
  const nul = data.indexOf(0);
  return Buffer.from(nul < 0 ? data : data.subarray(0, nul));
}

/** After the first zero block: a second one, then zeros up to the end of the stream (tar fills its last record). */
async function readEnd(source: ByteSource): Promise<void> {
  const second = await source.take(BLOCK_SIZE, 'the mark of its end was whole');
  if (!isZeroBlock(second)) throw malformed(source.position - BLOCK_SIZE, 'a lone zero block lies between entries');
  for (;;) {
    const position = source.position;
    const rest = source.tryTakeSome(Number.MAX_SAFE_INTEGER);
    if (rest === undefined) {
      if (!(await source.more())) return;
    } else if (rest.some((byte) => byte !== 0)) {
      throw malformed(position, 'something follows the end of the archive');
    }
  }
}
