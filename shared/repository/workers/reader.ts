/** The entry of a thread that reads. An error in it ends it, and with it whatever was being read. */
import { parentPort, workerData } from 'node:worker_threads';
import { invariant } from '../../base/errors.ts';
import { createSealer, release } from '../crypto/aes-poly1305.ts';
import type { FromReader, ReaderSetup, ToReader } from './reader-messages.ts';
import { StretchReader } from './stretch-reader.ts';

const port = parentPort;
invariant(port !== null, 'the worker has a parent');
const reader = new StretchReader(await createSealer((workerData as ReaderSetup).key));

port.on('message', (message: ToReader) => {
  const { job, data } = message;
  if (message.kind === 'prove') {
    send({ kind: 'proved', job, ...reader.prove(message) }, []);
  } else {
    // A small blob lies in memory that others share; only a copy can be moved.
    const blobs = reader
      .open(message)
      .map((blob) => (typeof blob === 'string' || owns(blob) ? blob : Uint8Array.from(blob)));
    send(
      { kind: 'opened', job, blobs },
      blobs.filter((blob) => typeof blob !== 'string'),
    );
  }
  release(data);
});

function owns(data: Uint8Array): boolean {
  return data.byteLength === data.buffer.byteLength;
}

function send(message: FromReader, moved: readonly Uint8Array[]): void {
  port?.postMessage(
    message,
    moved.map((piece) => piece.buffer as ArrayBuffer),
  );
}
