/** The whole content of a sparse file, holes written out as zeros: for readers that know nothing of maps. */
import type { TarItem } from './write-tar.ts';

const ZEROS = Buffer.alloc(64 * 1024);

export function withoutHoles({ head, content }: TarItem): TarItem {
  const { sparse, size } = head;
  if (sparse === undefined) return { head, content };
  return { head: { ...head, sparse: undefined }, content: fill(content ?? nothing(), sparse, size) };
}

async function* nothing(): AsyncGenerator<Uint8Array, void, void> {
  // A file that is one hole.
}

async function* fill(
  content: AsyncIterable<Uint8Array>,
  map: Float64Array,
  size: number,
): AsyncGenerator<Uint8Array, void, void> {
  let at = 0;
  let part = 0;
  for await (const piece of content) {
    let rest = piece;
    while (rest.length > 0) {
      const offset = map[part] ?? size;
      const end = offset + (map[part + 1] ?? rest.length);
      if (at >= end) {
        part += 2;
        continue;
      }
      if (at < offset) yield* zeros(offset - at);
      at = Math.max(at, offset);
      const taken = rest.subarray(0, end - at);
      yield taken;
      at += taken.length;
      rest = rest.subarray(taken.length);
    }
  }
  yield* zeros(size - at);
}

function* zeros(count: number): Generator<Uint8Array, void, void> {
  for (let left = count; left > 0; left -= ZEROS.length) yield ZEROS.subarray(0, left);
}
