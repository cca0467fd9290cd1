/**
 * A thread's entry: it does what `blob-work.ts` says, and an error in it ends it, which ends the writer. What cuts content goes
 * before what compresses it: others wait for the pieces, and it is soon done.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { invariant } from '../../base/errors.ts';
import { createBlobWork } from './blob-work.ts';
import type { ToWorker, WorkerSetup } from './messages.ts';

const port = parentPort;
invariant(port !== null, 'the worker has a parent');
const work = await createBlobWork(workerData as WorkerSetup, (message, moved) =>
  port.postMessage(
    message,
    moved.map((piece) => piece.buffer as ArrayBuffer),
  ),
);
const later: ToWorker[] = [];
port.on('message', (message: ToWorker) => {
  if (message.kind === 'cut') work(message);
  else if (later.push(message) === 1) setImmediate(workOnOne);
});

/** Between two of them comes what has been sent meanwhile. */
function workOnOne(): void {
  const message = later.shift();
  if (message !== undefined) work(message);
  if (later.length > 0) setImmediate(workOnOne);
}
