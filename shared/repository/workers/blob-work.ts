/**
 * What is done with blobs on their way into a repository: cuts content into pieces; hashes blobs, waits to hear which are
 * new, compresses and seals those; seals those of another repository anew; and finishes packs. Of each content that is cut it
 * holds the open piece, and nothing else that outlives a job. An error in it ends the writer: nothing half-made is stored.
 */

import { createHash } from 'node:crypto';
import { invariant } from '../../base/errors.ts';
import { release } from '../../base/release.ts';
import { createSealer, OVERHEAD_BYTES } from '../crypto/aes-poly1305.ts';
import { encodeHeaderLength } from '../format/pack.ts';
import { blobIdOf, type PackId } from '../ids.ts';
import { type BorderFinder, createBorderFinder } from './border-finder.ts';
import { ContentCutter } from './content-cutter.ts';
import { compress } from './encode.ts';
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

/** What is moved with it is its receiver's. */
export type Send = (message: FromWorker, moved: readonly Uint8Array[]) => void;

/** Gives what takes each message. */
export async function createBlobWork(setup: WorkerSetup, send: Send): Promise<(message: ToWorker) => void> {
  const { key, version, compression, foreign } = setup;
  const sealer = await createSealer(key);
  const foreignSealer = foreign === undefined ? undefined : await createSealer(foreign.key);
  const waiting = new Map<number, { readonly request: HashRequest; readonly blobs: readonly Uint8Array[] }>();
  const cutters = new Map<number, ContentCutter>();
  let finder: BorderFinder | undefined;

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
    const emptied = cutter.takeEmptied();
    const { openBytes } = cutter;
    send({ kind: 'cut', job, cuts, emptied, openBytes }, [
      ...cuts.filter((one) => typeof one !== 'number'),
      ...emptied,
    ]);
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
    const bodies = wanted.map((index) => {
      const plain = blobs[index];
      invariant(plain !== undefined, 'a wanted blob was sent');
      return { index, plain, compressed: compress(plain, request.type, compression, version) };
    });
    const total = bodies.reduce((sum, { plain, compressed }) => sum + (compressed ?? plain).length + OVERHEAD_BYTES, 0);
    const data = Buffer.allocUnsafeSlow(total);
    let at = 0;
    const encoded = bodies.map(({ index, plain, compressed }) => {
      const length = sealer.sealInto(compressed ?? plain, data, at);
      at += length;
      if (compressed !== undefined) release(compressed);
      return { index, length, uncompressedLength: compressed === undefined ? 0 : plain.length };
    });
    return { data, blobs: encoded };
  }

  function resealForeign(request: ResealRequest): void {
    invariant(foreign !== undefined && foreignSealer !== undefined, 'the writer was told whose blobs it reseals');
    const how = {
      from: { sealer: foreignSealer, version: foreign.version },
      to: { sealer, version, compression },
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
