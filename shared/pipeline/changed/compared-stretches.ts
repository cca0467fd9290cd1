/**
 * Which of the known pieces a file still has, by hashes from the host, a stretch at a time: the host computes those of one stretch
 * while another one is read, and what differs is read while it is still in the host's cache.
 *
 * Where hardly anything is as it was, hashing is work for nothing: for as long as that is so, longer and longer stretches are taken
 * for different unseen. So a file that is another one altogether costs little more than reading it.
 */
import type { Range } from '../backup/pack-files.ts';
import { type Holes, idOfZeros, type KnownPieces, type Stretch } from './known-pieces.ts';
import type { PartsTalk } from './parts-talk.ts';

export const STRETCH_BYTES = 64 * 1024 * 1024;
/** In stretches. */
const MOST_UNSEEN = 16;
const WORTH_SHARE = 0.25;

export interface Compared extends Stretch {
  isEqual(piece: number): boolean;
}

interface Asked {
  readonly stretch: Stretch;
  /** What is known of each piece: that it is zeros in a hole and was zeros, or is not; undefined where the host was asked. */
  readonly known: readonly (boolean | undefined)[];
}

export async function* comparedStretches(
  pieces: KnownPieces,
  holes: Holes,
  hashes: Pick<PartsTalk, 'ask' | 'hash'>,
  stretchBytes: number,
): AsyncGenerator<Compared> {
  const ask = async (from: number): Promise<Asked> => {
    const stretch = pieces.stretchFrom(from, stretchBytes);
    const numbers = numbersOf(stretch);
    const known = numbers.map((piece) =>
      holes.hasOnly(pieces.start(piece), pieces.start(piece + 1))
        ? pieces.id(piece) === idOfZeros(pieces.bytes(piece))
        : undefined,
    );
    const asked = numbers.filter((_, at) => known[at] === undefined);
    await hashes.ask(asked.map((piece): Range => ({ offset: pieces.start(piece), length: pieces.bytes(piece) })));
    return { stretch, known };
  };
  let unseen = 0;
  let asked = pieces.count === 0 ? undefined : await ask(0);
  while (asked !== undefined) {
    const { stretch, known } = asked;
    const equal: boolean[] = [];
    for (const [at, piece] of numbersOf(stretch).entries())
      equal.push(known[at] ?? (await hashes.hash()) === pieces.id(piece));
    const isWorth = equalBytes(pieces, stretch, equal) >= WORTH_SHARE * pieces.bytesOf(stretch);
    unseen = isWorth ? 0 : Math.min(2 * unseen + 1, MOST_UNSEEN);
    const isLast = stretch.to === pieces.count;
    const to = isLast || isWorth ? stretch.to : pieces.stretchFrom(stretch.to, unseen * stretchBytes).to;
    asked = to < pieces.count ? await ask(to) : undefined;
    yield { ...stretch, isEqual: (piece) => equal[piece - stretch.from] === true };
    if (to > stretch.to) yield { from: stretch.to, to, isEqual: () => false };
  }
}

const numbersOf = ({ from, to }: Stretch): number[] => Array.from({ length: to - from }, (_, at) => from + at);

function equalBytes(pieces: KnownPieces, { from }: Stretch, equal: readonly boolean[]): number {
  return equal.reduce((sum, isEqual, at) => sum + (isEqual ? pieces.bytes(from + at) : 0), 0);
}
