/** The entry of a thread that reads. An error in it ends it, and with it whatever was being read. */

import { parentPort, workerData } from 'node:worker_threads';
import { invariant } from '../../base/errors.ts';
import { release } from '../../base/release.ts';
import { createSealer } from '../crypto/aes-poly1305.ts';
import type { FromReader, ReaderSetup, Started, ToReader } from './reader-messages.ts';
import { StretchReader } from './stretch-reader.ts';

const port = parentPort;
invariant(port !== null, 'the worker has a parent');
const reader = new StretchReader(await createSealer((workerData as ReaderSetup).key));

port.on('message', (message: ToReader) => {
  const { job, data } = message;
  if (message.kind === 'prove') {
    send({ kind: 'proved', job, ...reader.prove(message) }, new Set());
  } else {
    const blobs = reader.open(message);
    send(
      { kind: 'opened', job, blobs },
      new Set(blobs.flatMap((blob) => (typeof blob === 'string' ? [] : [blob.buffer]))),
    );
  }
  release(data);
});
port.postMessage({ kind: 'started' } satisfies Started);

function send(message: FromReader, moved: ReadonlySet<ArrayBufferLike>): void {
  port?.postMessage(message, [...moved] as ArrayBuffer[]);
}
