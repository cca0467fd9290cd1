/**
 * A file that changed, put together of pieces that it still has and of what is read between them. What is read begins behind a
 * piece, where the cutter begins anew, and goes on until a piece ends where one that is equal begins. So the pieces are those that
 * a reading of the whole file would have made, to the last one.
 */
import type { ChangedContent } from '../../repository/repository.ts';
import type { SparseMap } from '../../tar/entry.ts';
import type { Range } from '../backup/pack-files.ts';
import { type Compared, comparedStretches } from './compared-stretches.ts';
import { Holes, type KnownPieces, type Stretch } from './known-pieces.ts';
import type { PartsTalk } from './parts-talk.ts';
import { readParts } from './read-parts.ts';

export interface PartsOrder {
  readonly size: number;
  readonly pieces: KnownPieces;
  readonly map: SparseMap | undefined;
  readonly content: ChangedContent;
  readonly hashes: Pick<PartsTalk, 'ask' | 'hash'>;
  /** A conversation of its own for what shows to be wanted after other parts were asked for, which come first there. */
  readonly talk: (about: 'parts' | 'more') => Promise<Pick<PartsTalk, 'ask' | 'bytes'>>;
  readonly stretchBytes: number;
  /** Called with the size of content that is done, holes included. */
  readonly onBytes: (bytes: number) => void;
}

export interface PartsTaken {
  /** Content that came, without holes. */
  readonly bytesRead: number;
  readonly bytesEqual: number;
}

interface Run extends Stretch {
  readonly isEqual: boolean;
}

/** Errors: `Doubt`. What the content got does not count then. */
export async function takeParts(order: PartsOrder, signal: AbortSignal): Promise<PartsTaken> {
  const { pieces, size, map, hashes, stretchBytes } = order;
  const taking = new Taking(order, signal);
  for await (const compared of comparedStretches(pieces, new Holes(map), hashes, stretchBytes))
    await taking.take(compared);
  const end = pieces.start(pieces.count);
  if (end < size) await taking.read({ offset: end, length: size - end }, 'parts');
  return taking;
}

class Taking implements PartsTaken {
  bytesRead = 0;
  bytesEqual = 0;
  readonly #order: PartsOrder;
  readonly #signal: AbortSignal;

  constructor(order: PartsOrder, signal: AbortSignal) {
    this.#order = order;
    this.#signal = signal;
  }

  async take(compared: Compared): Promise<void> {
    const { pieces } = this.#order;
    const runs = runsOf(compared);
    const parts = runs.filter(({ isEqual }) => !isEqual).map((run) => rangeOf(pieces, run));
    const next = await this.#open(parts, 'parts');
    for (const run of runs) {
      if (run.isEqual) await this.#takeEqual(run);
      else await next();
    }
  }

  async read(part: Range, about: 'parts' | 'more'): Promise<void> {
    const next = await this.#open([part], about);
    await next();
  }

  /** Gives what adds the next of them. */
  async #open(parts: readonly Range[], about: 'parts' | 'more'): Promise<() => Promise<void>> {
    if (parts.length === 0) return () => Promise.resolve();
    const { content, map, onBytes, talk } = this.#order;
    const next = await readParts(parts, map, await talk(about));
    return async () => {
      for await (const some of next()) {
        if ('zeros' in some) await content.addZeros(some.zeros, this.#signal);
        else {
          await content.add(some.data, this.#signal);
          this.bytesRead += some.data.length;
        }
        onBytes('zeros' in some ? some.zeros : some.data.length);
      }
    };
  }

  /** A piece that is as it was is one of the file only where the one before it ends there now. */
  async #takeEqual({ from, to }: Run): Promise<void> {
    const { pieces, content, onBytes } = this.#order;
    let piece = from;
    while (piece < to && !(await content.isAtBorder(this.#signal))) {
      await this.read(rangeOf(pieces, { from: piece, to: piece + 1 }), 'more');
      piece += 1;
    }
    for (; piece < to; piece += 1) {
      const bytes = pieces.bytes(piece);
      content.takeOver({ id: pieces.id(piece), bytes });
      this.bytesEqual += bytes;
      onBytes(bytes);
    }
  }
}

const rangeOf = (pieces: KnownPieces, stretch: Stretch): Range => ({
  offset: pieces.start(stretch.from),
  length: pieces.bytesOf(stretch),
});

function runsOf(compared: Compared): readonly Run[] {
  const { from, to } = compared;
  const runs: Run[] = [];
  for (let start = from; start < to; ) {
    let end = start + 1;
    while (end < to && compared.isEqual(end) === compared.isEqual(start)) end += 1;
    runs.push({ from: start, to: end, isEqual: compared.isEqual(start) });
    start = end;
  }
  return runs;
}
