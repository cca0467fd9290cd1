/**
 * One channel of ssh2 as a RemoteProcess. ssh2 ends the streams of a channel in the same way whether the program ended
 * or the connection broke, and never answers a write on a closed channel; here a broken connection is an error on every
 * stream, and every write gets an answer. Back-pressure is SSH's own: what is not read does not open the window.
 */
import { Readable, Writable } from 'node:stream';
import type { ClientChannel } from 'ssh2';
import type { StillpointError } from '../../base/errors.ts';
import type { ExitStatus, RemoteProcess } from '../transport.ts';

/** Large enough that reading and deciphering overlap, small enough that many channels stay cheap. */
const READ_AHEAD = 256 * 1024;

/** `lost` tells whether, and why, the connection under the channel is gone. `onClose` is called once. */
export function channelProcess(
  channel: ClientChannel,
  lost: () => StillpointError | undefined,
  onClose: () => void,
): RemoteProcess {
  const exit = Promise.withResolvers<ExitStatus>();
  exit.promise.catch(() => undefined);
  let open = true;
  let hasExited = false;

  const stdin = new Writable({
    highWaterMark: READ_AHEAD,
    write(chunk: Buffer, _encoding, callback) {
      if (open) channel.write(chunk, callback);
      else callback(lost() ?? closedError());
    },
    final(callback) {
      if (open) channel.end();
      callback();
    },
  });
  stdin.on('error', () => undefined);
  const stdout = readFrom(channel, lost);
  const stderr = readFrom(channel.stderr, lost);

  const close = (): void => {
    if (!open) return;
    open = false;
    const error = lost();
    if (error === undefined) exit.resolve({ code: undefined, signal: undefined });
    else exit.reject(error);
    stdin.destroy(error);
    onClose();
  };
  channel.on('exit', (code: number | null, signal?: string) => {
    hasExited = true;
    exit.resolve({ code: code ?? undefined, signal });
  });
  channel.on('close', close);
  channel.on('error', () => undefined);
  return {
    stdin,
    stdout,
    stderr,
    exited: exit.promise,
    kill() {
      if (open && lost() === undefined) {
        // What an ended script left behind on purpose is in its group, and is not ours to end.
        if (!hasExited) channel.signal('TERM');
        channel.close();
      }
      // Nothing reads any more: what still comes is thrown away, so that the far side's close is reached.
      channel.resume();
      channel.stderr.resume();
      stdout.destroy();
      stderr.destroy();
      close();
    },
  };
}

function readFrom(source: Readable, lost: () => StillpointError | undefined): Readable {
  const out = new Readable({
    highWaterMark: READ_AHEAD,
    read() {
      source.resume();
    },
  });
  out.on('error', () => undefined);
  source.on('data', (chunk: Buffer) => {
    if (!out.destroyed && !out.push(chunk)) source.pause();
  });
  source.on('end', () => {
    const error = lost();
    if (error === undefined) out.push(null);
    else out.destroy(error);
  });
  source.pause();
  return out;
}

function closedError(): Error {
  return new Error('the channel is closed');
}
