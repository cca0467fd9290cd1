/** A process whose streams are looked at on their way; errors and back-pressure pass through. */

import type { Readable } from 'node:stream';
import { pipeline, Transform, Writable } from 'node:stream';
import type { RemoteProcess } from '../../../shared/remote/transport.ts';

export interface Tap {
  readonly sent?: (chunk: Buffer) => void;
  readonly received?: (chunk: Buffer) => void;
  readonly complained?: (chunk: Buffer) => void;
}

export function tapProcess(process: RemoteProcess, tap: Tap): RemoteProcess {
  const stdin = new Writable({
    write(chunk: Buffer, _encoding, callback) {
      tap.sent?.(chunk);
      process.stdin.write(chunk, callback);
    },
    final(callback) {
      process.stdin.end();
      callback();
    },
  });
  stdin.on('error', () => undefined);
  process.stdin.on('close', () => stdin.destroy());
  const stdout = watch(process.stdout, tap.received);
  const stderr = watch(process.stderr, tap.complained);
  return {
    stdin,
    stdout,
    stderr,
    exited: process.exited,
    kill() {
      for (const stream of [stdin, stdout, stderr]) stream.destroy();
      process.kill();
    },
  };
}

function watch(source: Readable, look: ((chunk: Buffer) => void) | undefined): Readable {
  const out = new Transform({
    transform(chunk: Buffer, _encoding, callback) {
      look?.(chunk);
      callback(null, chunk);
    },
  });
  // A failure of the source is a failure of `out`, where the reader sees it.
  return pipeline(source, out, () => undefined);
}
