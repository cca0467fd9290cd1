/** A thread's entry: it does what `blob-work.ts` says, and an error in it ends it, which ends the writer. */
import { parentPort, workerData } from 'node:worker_threads';
import { invariant } from '../../base/errors.ts';
import { createBlobWork } from './blob-work.ts';
import type { WorkerSetup } from './messages.ts';

const port = parentPort;
invariant(port !== null, 'the worker has a parent');
const work = await createBlobWork(workerData as WorkerSetup, (message, moved) =>
  port.postMessage(
    message,
    moved.map((piece) => piece.buffer as ArrayBuffer),
  ),
);
port.on('message', work);
