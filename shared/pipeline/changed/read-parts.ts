/** Parts of a file as they come, holes as holes. */
import type { SparseMap } from '../../tar/entry.ts';
import { filledUp, joined } from '../backup/content-rest.ts';
import type { Range } from '../backup/pack-files.ts';
import { Doubt } from './doubt.ts';
import type { PartsTalk } from './parts-talk.ts';

/** A run of zeros that is not sent, or bytes. */
type Some = { readonly zeros: number } | { readonly data: Buffer };

/** What is stored of a part. */
function storedIn({ offset, length }: Range, map: SparseMap | undefined): Range[] {
  if (map === undefined) return [{ offset, length }];
  const end = offset + length;
  const stored: Range[] = [];
  for (let at = firstBehind(map, offset); at < map.length && (map[at] as number) < end; at += 2) {
    const from = Math.max(offset, map[at] as number);
    const to = Math.min(end, (map[at] as number) + (map[at + 1] as number));
    if (to > from) stored.push({ offset: from, length: to - from });
  }
  return stored;
}

/** Of the parts of the map, the first one that ends behind a place. */
function firstBehind(map: SparseMap, place: number): number {
  let [low, high] = [0, map.length / 2];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((map[2 * middle] as number) + (map[2 * middle + 1] as number) > place) high = middle;
    else low = middle + 1;
  }
  return 2 * low;
}

/** Asks for parts and gives what comes of them, a generator for each, in order. Each has to be taken to its end. */
export async function readParts(
  parts: readonly Range[],
  map: SparseMap | undefined,
  talk: Pick<PartsTalk, 'ask' | 'bytes'>,
): Promise<() => AsyncGenerator<Some>> {
  const wanted = parts.flatMap((part) => storedIn(part, map));
  const ranges = joined(wanted);
  await talk.ask(ranges);
  const never = (): void => {
    throw new Doubt('less of it came than there should be');
  };
  const bytes = new Taking(filledUp({ ranges, wanted }, talk.bytes(ranges), never));
  const left = [...parts];
  return () => onePart(left.shift() as Range, map, bytes);
}

async function* onePart(part: Range, map: SparseMap | undefined, bytes: Taking): AsyncGenerator<Some> {
  let at = part.offset;
  for (const { offset, length } of storedIn(part, map)) {
    if (offset > at) yield { zeros: offset - at };
    for await (const data of bytes.take(length)) yield { data };
    at = offset + length;
  }
  const end = part.offset + part.length;
  if (end > at) yield { zeros: end - at };
}

/** So many bytes, and then so many more. */
class Taking {
  readonly #chunks: AsyncGenerator<Buffer>;
  #rest: Buffer = Buffer.alloc(0);

  constructor(chunks: AsyncGenerator<Buffer>) {
    this.#chunks = chunks;
  }

  async *take(count: number): AsyncGenerator<Buffer> {
    for (let left = count; left > 0; ) {
      if (this.#rest.length === 0) {
        const chunk = await this.#chunks.next();
        if (chunk.done === true) throw new Doubt('less of it came than there should be');
        this.#rest = chunk.value;
      }
      const data = this.#rest.subarray(0, left);
      this.#rest = this.#rest.subarray(data.length);
      left -= data.length;
      yield data;
    }
  }
}
