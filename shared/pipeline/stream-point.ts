/**
 * A restore point as a tar stream for whoever reads it. Names of every length, numbers of every size and all attributes
 * are in it, in forms that busybox reads as well as GNU tar; holes are zeros, because a reader that knows no map of them
 * would take the map for content.
 *
 * Invariant: what is given out is proved against its id. Of a file that is too large to be held, damage shows only when
 * its head is out. However a stream ends before its end, tar fails: in an entry, because the rest of that is missing, and
 * nothing is given out that could be taken for it; between two, where tar would take the end for that of a whole one, because a
 * block comes that is no head.
 */
import { StillpointError } from '../base/errors.ts';
import type { Take } from '../base/take.ts';
import type { EmitEvent } from '../domain/events.ts';
import type { StreamReport, StreamRequest } from '../domain/point-stream.ts';
import { describeGaps, wholenessOf } from '../domain/wholeness.ts';
import type { Node } from '../repository/node.ts';
import type { Repository } from '../repository/repository.ts';
import type { TarHead } from '../tar/entry.ts';
import { withoutHoles } from '../tar/fill-holes.ts';
import { encodeWideHead } from '../tar/wide-head.ts';
import { type TarItem, writeTar } from '../tar/write-tar.ts';
import { storedSizeOf, tarPadding } from '../tar/writer.ts';
import { OpenedPoint } from './open-point.ts';
import { openResources } from './resources.ts';
import type { TargetTraits } from './restore/fit-node.ts';
import { HardLinks } from './restore/hard-links.ts';
import { Outcome } from './restore/outcome.ts';
import { inStoredOrder } from './restore/stored-order.ts';
import { tarItems } from './restore/tar-items.ts';
import { walkSelected } from './restore/walk.ts';
import { findWanted } from './restore/wanted.ts';
import { bytesOfPaths } from './shown-path.ts';

export interface StreamPorts {
  openRepository(signal: AbortSignal): Promise<Repository>;
  /** Gets each part of the stream; its memory is used again when this is done. */
  readonly onPart: Take<Uint8Array>;
}

/** A tar stream holds everything. What no user's number can be becomes that of nobody. */
const STREAM: TargetTraits = {
  ...{ uid: 65_534, gid: 65_534, owners: 'kept', permissions: true, acls: true, attributes: true },
  ...{ symlinks: true, hardLinks: true, pipes: true, devices: true, exactNames: true, exactTimes: true },
  ...{ oldest: undefined, newest: undefined },
};

const NO_HEAD = Buffer.alloc(512, 'The stream ended before its end. ');

/** Errors: `restore.failed` where the stream had to end before its end, and `repository.…`. */
export async function streamPoint(
  { restorePoint, paths, noLock = false, ...asked }: Omit<StreamRequest, 'repository'>,
  ports: StreamPorts,
  signal: AbortSignal,
): Promise<StreamReport> {
  let sockets = 0;
  const emit: EmitEvent = ({ type }) => {
    if (type === 'item-skipped') sockets += 1;
  };
  await using resources = openResources(emit);
  const repository = resources.use(await ports.openRepository(signal));
  const lock = resources.use(await repository.lockForReading(signal, { noLock, whenLost: 'go on' }));
  const held = AbortSignal.any([signal, lock.signal]);
  await repository.loadIndex(held);
  const point = await repository.findRestorePoint(restorePoint, held);
  const found = await bytesOfPaths(new OpenedPoint(repository, point), paths, held);
  const { start, byPatterns } = await findWanted(repository, point, { ...asked, paths: found }, held);
  const outcome = new Outcome(start, emit);
  outcome.beginWalk(start);
  const order = (nodes: readonly Node[]) => inStoredOrder(nodes, repository.index);
  const entries = walkSelected(repository, start, outcome, { order, isForKernel: false, signal: held });
  const itemPorts = { repository, traits: STREAM, outcome, links: new HardLinks(), onBatch: () => undefined };
  const position = new Position();
  try {
    for await (const part of writeTar(inFull(tarItems(entries, itemPorts, held), outcome), position.encode)) {
      await ports.onPart(part);
      position.given(part.length);
    }
  } catch (error) {
    // Where nobody reads any more, this fails as well, and the first error is the one to tell.
    if (position.isBetweenEntries) await giveOut(ports, NO_HEAD).catch(() => undefined);
    throw error;
  }
  const { sent, leftOut } = outcome;
  const gaps = describeGaps(wholenessOf(point));
  return { restorePoint: point.id, ...sent, leftOut, sockets, byPatterns, gaps, withoutLock: lock.absence };
}

/** Where a stream stands of which less is given out than was made. */
class Position {
  /** Of entries that were begun and are not given out whole. */
  readonly #ends: number[] = [];
  #made = 0;
  #given = 0;
  #lastEnd = 0;

  readonly encode = (head: TarHead): Buffer => {
    const blocks = encodeWideHead(head);
    const size = storedSizeOf(head);
    this.#made += blocks.length + size + tarPadding(size).length;
    this.#ends.push(this.#made);
    return blocks;
  };

  given(bytes: number): void {
    this.#given += bytes;
    for (let [end] = this.#ends; end !== undefined && end <= this.#given; [end] = this.#ends) {
      this.#lastEnd = end;
      this.#ends.shift();
    }
  }

  get isBetweenEntries(): boolean {
    return this.#given === this.#lastEnd;
  }
}

async function giveOut({ onPart }: Pick<StreamPorts, 'onPart'>, part: Uint8Array): Promise<void> {
  await onPart(part);
}

async function* inFull(items: AsyncIterable<TarItem>, outcome: Outcome): AsyncGenerator<TarItem, void, void> {
  for await (const item of items) {
    const { head, content } = withoutHoles(item);
    yield { head, content: content && untilDamage(content, outcome) };
  }
}

async function* untilDamage(
  content: AsyncIterable<Uint8Array>,
  outcome: Outcome,
): AsyncGenerator<Uint8Array, void, void> {
  for await (const piece of content) {
    if (outcome.broken.length > 0) throw endsEarly(outcome);
    yield piece;
  }
}

function endsEarly({ leftOut }: Outcome): StillpointError {
  const { path = '', reason = '' } = leftOut.named.at(-1) ?? {};
  return new StillpointError('restore.failed', `The stream ends in the middle of "${path}": ${reason}.`, {
    advice: 'What came before it is whole. Restore into a folder to get everything but this file.',
    details: { leftOut: leftOut.named.slice(0, 50) },
    cause: undefined,
  });
}
