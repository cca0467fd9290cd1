/**
 * What is done with blobs on their way into a repository: cuts content into pieces; hashes blobs, waits to hear which are
 * new, compresses and seals those; seals those of another repository anew; and finishes packs. Of each content that is cut it
 * holds the open piece, and nothing else that outlives a job. An error in it ends the writer: nothing half-made is stored.
 */

import { createHash } from 'node:crypto';
import { invariant } from '../../base/errors.ts';
import { release } from '../../base/release.ts';
import {
  createSealer,
  endOf,
  type Message,
  MOST_PADDING_BYTES,
  OVERHEAD_BYTES,
  placeAfter,
} from '../crypto/aes-poly1305.ts';
import { encodeHeaderLength } from '../format/pack.ts';
import { blobIdOf, type PackId } from '../ids.ts';
import { type BorderFinder, createBorderFinder } from './border-finder.ts';
import { ContentCutter } from './content-cutter.ts';
import { createCompressor, roomFor } from './encode.ts';
import type {
  CutRequest,
  EncodedBlob,
  FinishRequest,
  FromWorker,
  HashRequest,
  ResealRequest,
  ToWorker,
  WorkerSetup,
} from './messages.ts';
import { reseal } from './reseal.ts';

/** A batch of small blobs and a piece of usual size fit into it. */
const KEPT_BYTES = 2 * 1024 * 1024;

/** What is moved with it is its receiver's. */
export type Send = (message: FromWorker, moved: readonly Uint8Array[]) => void;

/** Gives what takes each message. */
export async function createBlobWork(setup: WorkerSetup, send: Send): Promise<(message: ToWorker) => void> {
  const { key, version, compression, foreign } = setup;
  const sealer = await createSealer(key);
  const foreignSealer = foreign === undefined ? undefined : await createSealer(foreign.key);
  const waiting = new Map<number, { readonly request: HashRequest; readonly blobs: readonly Uint8Array[] }>();
  const cutters = new Map<number, ContentCutter>();
  const compressor = createCompressor(compression, version);
  let finder: BorderFinder | undefined;
  let kept: Buffer | undefined;

  return (message) => {
    switch (message.kind) {
      case 'cut':
        return cut(message);
      case 'hash':
        return hash(message);
      case 'encode':
        return encode(message.job, message.wanted);
      case 'reseal':
        return resealForeign(message);
      case 'finish':
        return finish(message);
    }
  };

  function cut({ job, content, data, zeros, behind }: CutRequest): void {
    finder ??= createBorderFinder(setup.cutTables);
    const cutter = cutters.get(content) ?? new ContentCutter(finder);
    const cuts = [...cutter.add(data), ...cutter.addZeros(zeros)];
    if (behind === 'look') cuts.push(...cutter.look());
    if (behind === 'end') cuts.push(...cutter.end());
    if (behind === 'end') cutters.delete(content);
    else cutters.set(content, cutter);
    const { openBytes } = cutter;
    send(
      { kind: 'cut', job, cuts, openBytes },
      cuts.filter((one) => typeof one !== 'number'),
    );
  }

  function hash(request: HashRequest): void {
    let at = 0;
    const blobs = request.lengths.map((length) => request.data.subarray(at, (at += length)));
    waiting.set(request.job, { request, blobs });
    send({ kind: 'hashed', job: request.job, ids: blobs.map(blobIdOf) }, []);
  }

  function encode(job: number, wanted: readonly number[]): void {
    const held = waiting.get(job);
    waiting.delete(job);
    invariant(held !== undefined, 'a job is encoded once, after it was hashed');
    if (wanted.length > 0) {
      const { data, blobs } = seal(held, wanted);
      send({ kind: 'encoded', job, data, blobs }, [data]);
    }
    release(held.request.data);
  }

  function seal(
    { request, blobs }: { readonly request: HashRequest; readonly blobs: readonly Uint8Array[] },
    wanted: readonly number[],
  ): { readonly data: Buffer; readonly blobs: readonly EncodedBlob[] } {
    const room = wanted.reduce((sum, index) => sum + roomFor(request.lengths[index] ?? 0), 0);
    const memory = memoryOf(room + wanted.length * MOST_PADDING_BYTES);
    const messages: Message[] = [];
    const encoded = wanted.map((index) => {
      const blob = blobs[index];
      invariant(blob !== undefined, 'a wanted blob was sent');
      const offset = placeAfter(messages.at(-1));
      const compressed = compressor.compressInto(blob, request.type, memory, offset);
      if (compressed === undefined) memory.set(blob, offset);
      const length = compressed ?? blob.length;
      messages.push({ offset, length });
      return { index, length: length + OVERHEAD_BYTES, uncompressedLength: compressed === undefined ? 0 : blob.length };
    });
    const data = sealer.sealAll(memory.subarray(0, endOf(messages)), messages);
    if (memory !== kept) release(memory);
    return { data, blobs: encoded };
  }

  /** What nearly all need is kept: fresh memory costs as much as sealing what goes into it. */
  function memoryOf(bytes: number): Buffer {
    if (bytes > KEPT_BYTES) return Buffer.allocUnsafeSlow(bytes);
    kept ??= Buffer.allocUnsafeSlow(KEPT_BYTES);
    return kept;
  }

  function resealForeign(request: ResealRequest): void {
    invariant(foreign !== undefined && foreignSealer !== undefined, 'the writer was told whose blobs it reseals');
    const how = {
      from: { sealer: foreignSealer, version: foreign.version },
      to: { sealer, version, compressor },
    };
    const { data, blobs, faults } = reseal('data', request.data, request.blobs, how);
    release(request.data);
    send({ kind: 'resealed', job: request.job, data, blobs, faults }, [data]);
  }

  function finish(request: FinishRequest): void {
    const header = sealer.seal(request.header);
    const tail = Buffer.concat([header, encodeHeaderLength(header.length)]);
    const content = [...request.pieces, Uint8Array.from(tail)];
    const digest = createHash('sha256');
    for (const piece of content) digest.update(piece);
    send({ kind: 'finished', job: request.job, id: digest.digest('hex') as PackId, content }, content);
  }
}
