/** The entry of a thread that reads. An error in it ends it, and with it whatever was being read. */

import { parentPort, workerData } from 'node:worker_threads';
import { invariant } from '../../base/errors.ts';
import { release } from '../../base/release.ts';
import { createSealer } from '../crypto/aes-poly1305.ts';
import type { FromReader, Opened, ReaderSetup, Started, ToReader } from './reader-messages.ts';
import { StretchReader } from './stretch-reader.ts';

const SMALL_BYTES = 256 * 1024;

const port = parentPort;
invariant(port !== null, 'the worker has a parent');
const reader = new StretchReader(await createSealer((workerData as ReaderSetup).key));

port.on('message', (message: ToReader) => {
  const { job, data } = message;
  if (message.kind === 'prove') {
    send({ kind: 'proved', job, ...reader.prove(message) }, new Set());
  } else {
    const blobs = gather(reader.open(message));
    send(
      { kind: 'opened', job, blobs },
      new Set(blobs.flatMap((blob) => (typeof blob === 'string' ? [] : [blob.buffer]))),
    );
  }
  release(data);
});
port.postMessage({ kind: 'started' } satisfies Started);

/** Small blobs lie in memory that others share, and moving each by itself would cost more than copying it. */
function gather(blobs: Opened['blobs']): Opened['blobs'] {
  const isSmall = (blob: Uint8Array | string): blob is Uint8Array =>
    typeof blob !== 'string' && (blob.length < SMALL_BYTES || blob.buffer.byteLength > 2 * blob.length);
  const gathered = new Uint8Array(blobs.reduce((sum, blob) => sum + (isSmall(blob) ? blob.length : 0), 0));
  let at = 0;
  return blobs.map((blob) => {
    if (!isSmall(blob)) return blob;
    gathered.set(blob, at);
    at += blob.length;
    return gathered.subarray(at - blob.length, at);
  });
}

function send(message: FromReader, moved: ReadonlySet<ArrayBufferLike>): void {
  port?.postMessage(message, [...moved] as ArrayBuffer[]);
}
