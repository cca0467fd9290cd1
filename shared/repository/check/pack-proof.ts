/**
 * Proving one pack by reading all of it: its SHA-256 against its name, its header against the index, and every blob's
 * seal, size and SHA-256. The verdict is a value and says only what was seen. What cannot be read in one stretch (a
 * bad sector, a file that is too short) is tried blob by blob, so that a good blob beside a bad one stays good.
 */
import { isStillpointError, toStillpointError } from '../../base/errors.ts';
import { describeFile } from '../backend/backend.ts';
import type { Sealer } from '../crypto/aes-poly1305.ts';
import { claimFault } from '../format/bounds.ts';
import type { IndexedPack } from '../format/index-file.ts';
import type { PackedBlob } from '../format/pack.ts';
import type { PackId } from '../ids.ts';
import { overlap, sift } from '../read/overlaps.ts';
import { type HeaderVerdict, judgeHeader } from '../read/pack-header.ts';
import { type Portion, portionsOf } from '../read/pack-portions.ts';
import type { StoredFiles } from '../stored-files.ts';
import { stretchOf } from '../workers/reader-messages.ts';
import type { ReadingPort } from '../workers/reader-pool.ts';

interface BadBlob {
  readonly blob: PackedBlob;
  readonly fault: string;
}

export interface PackVerdict {
  readonly pack: IndexedPack;
  readonly size: number;
  /** Undefined where the file could not be read to its end. */
  readonly hashFits: boolean | undefined;
  readonly readFault: string | undefined;
  readonly header: HeaderVerdict;
  readonly badBlobs: readonly BadBlob[];
  /** How many of those were not tried, because they overlap with others. */
  readonly overlapping: number;
}

export interface ProofPorts {
  readonly files: StoredFiles;
  readonly sealer: Sealer;
  readonly reading: ReadingPort;
  readonly signal: AbortSignal;
}

export function isSound(verdict: PackVerdict): boolean {
  return verdict.hashFits === true && verdict.header.kind === 'same' && verdict.badBlobs.length === 0;
}

/** @param lane no two packs are proved in one lane at the same time */
function provePack(ports: ProofPorts, lane: number, pack: IndexedPack, size: number): Promise<PackVerdict> {
  return new PackProof(ports, lane, pack, size).run();
}

class PackProof {
  readonly #ports: ProofPorts;
  readonly #lane: number;
  readonly #pack: IndexedPack;
  readonly #size: number;
  readonly #bad: BadBlob[] = [];
  #readFault: string | undefined;
  #sha256: string | undefined;
  #header: HeaderVerdict | undefined;
  #overlapping = 0;

  constructor(ports: ProofPorts, lane: number, pack: IndexedPack, size: number) {
    this.#ports = ports;
    this.#lane = lane;
    this.#pack = pack;
    this.#size = size;
  }

  async run(): Promise<PackVerdict> {
    const { portions, stragglers, beyond } = portionsOf(await this.#credible(), this.#size);
    for (const blob of beyond) this.#bad.push({ blob, fault: 'it lies beyond the end of the file' });
    for (const portion of portions) await this.#portion(portion);
    for (const blob of stragglers) await this.#alone(blob);
    return {
      pack: this.#pack,
      size: this.#size,
      hashFits: this.#readFault === undefined ? this.#sha256 === this.#pack.id : undefined,
      readFault: this.#readFault,
      header: this.#header ?? { kind: 'broken', fault: 'could not be read' },
      badBlobs: this.#bad.toSorted((left, right) => left.blob.offset - right.blob.offset),
      overlapping: this.#overlapping,
    };
  }

  /**
   * The blobs that are worth reading. What can be no blob is not, and of those that overlap only what the header of the
   * pack has as well: one stretch of bytes would be read and decrypted as often as an index cares to name it.
   */
  async #credible(): Promise<readonly PackedBlob[]> {
    const possible: PackedBlob[] = [];
    for (const blob of this.#pack.blobs) {
      const fault = claimFault(blob);
      if (fault === undefined) possible.push(blob);
      else this.#bad.push({ blob, fault });
    }
    if (!overlap(possible)) return possible;
    const load = (offset: number, length: number): Promise<Buffer | undefined> => this.#load(offset, length);
    this.#header = await judgeHeader(this.#ports.sealer, load, this.#pack, this.#size);
    const { believed, doubted } = sift(possible, this.#header);
    for (const { blob, fault } of doubted) this.#bad.push({ blob, fault });
    this.#overlapping = doubted.length;
    return believed;
  }

  async #portion({ start, end, blobs, isLast }: Portion): Promise<void> {
    const data = await this.#load(start, end - start);
    if (data === undefined) {
      for (const blob of blobs) await this.#alone(blob);
      return;
    }
    if (isLast) this.#header ??= await this.#judgeHeader(start, data);
    const part = { isFirst: start === 0, isLast };
    const { faults, sha256 } = await this.#ports.reading.prove(this.#lane, part, stretchOf(data, start, blobs));
    for (const { index, fault } of faults) this.#bad.push({ blob: blobs[index] as PackedBlob, fault });
    this.#sha256 = sha256;
  }

  async #alone(blob: PackedBlob): Promise<void> {
    const data = await this.#load(blob.offset, blob.length);
    if (data === undefined) {
      this.#bad.push({ blob, fault: 'it could not be read' });
      return;
    }
    const [opened] = await this.#ports.reading.open(stretchOf(data, blob.offset, [blob]));
    if (typeof opened === 'string') this.#bad.push({ blob, fault: opened });
  }

  /** Most headers lie in the last stretch; one that does not is read by itself. */
  #judgeHeader(start: number, data: Buffer): Promise<HeaderVerdict> {
    const load = async (offset: number, length: number): Promise<Buffer | undefined> =>
      offset >= start
        ? Buffer.from(data.subarray(offset - start, offset - start + length))
        : this.#load(offset, length);
    return judgeHeader(this.#ports.sealer, load, this.#pack, this.#size);
  }

  /** Undefined where it cannot be read; an error where the whole place has gone. */
  async #load(offset: number, length: number): Promise<Buffer | undefined> {
    const { files, signal } = this.#ports;
    try {
      return await files.backend.load({ type: 'data', name: this.#pack.id }, { offset, length }, signal);
    } catch (error) {
      signal.throwIfAborted();
      if (isStillpointError(error, 'backend.failed')) await assertPlaceAnswers(files, signal);
      else if (!isStillpointError(error, 'repository.damaged') && !isStillpointError(error, 'backend.not-found'))
        throw error;
      this.#readFault ??= toStillpointError(error).message;
      return undefined;
    }
  }
}

/** A server that went away must not make every pack look damaged. */
async function assertPlaceAnswers({ backend }: StoredFiles, signal: AbortSignal): Promise<void> {
  await backend.stat({ type: 'config', name: '' }, signal);
}

/** Proves packs in as many lanes as keep every thread busy: one is read while another is proved. */
export async function provePacks(
  ports: ProofPorts,
  packs: Iterable<{ readonly pack: IndexedPack; readonly size: number }>,
  onVerdict: (verdict: PackVerdict) => void,
): Promise<void> {
  const stop = new AbortController();
  const signal = AbortSignal.any([ports.signal, stop.signal]);
  const queue = packs[Symbol.iterator]();
  const work = async (lane: number): Promise<void> => {
    for (let next = queue.next(); next.done !== true; next = queue.next()) {
      signal.throwIfAborted();
      onVerdict(await provePack({ ...ports, signal }, lane, next.value.pack, next.value.size));
    }
  };
  const lanes = Array.from({ length: 2 * ports.reading.size }, (_, lane) =>
    work(lane).catch((error: unknown) => {
      stop.abort(error);
      throw error;
    }),
  );
  const [failed] = (await Promise.allSettled(lanes)).filter(({ status }) => status === 'rejected');
  // All others end with the same reason.
  if (failed !== undefined) throw toStillpointError(signal.reason ?? (failed as PromiseRejectedResult).reason);
}

/** "pack 1a2b3c4d" */
export function packName(id: PackId): string {
  return describeFile({ type: 'data', name: id });
}
