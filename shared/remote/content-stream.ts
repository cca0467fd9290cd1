/**
 * The content of a running script as a Readable that cannot lie: it ends only when the trailer proved that it is whole
 * and the exit code is one that the command accepts; in every other case it fails.
 */
import { Readable } from 'node:stream';
import { deadline, never } from '../base/cancel.ts';
import type { RemoteStream, StreamCommand, StreamResult } from './command.ts';
import type { Conversation } from './conversation.ts';
import { commandFailed, commandTooSlow, notReadToItsEnd } from './host-errors.ts';

export interface ContentSource {
  readonly host: string;
  readonly command: StreamCommand;
  readonly conversation: Conversation;
  readonly input: AsyncIterable<Uint8Array> | undefined;
  readonly signal: AbortSignal;
  /** Called once, whatever happened. */
  readonly onEnd: () => void;
}

/** Readers are slower than the network now and then; more than this is not fetched ahead of them. */
const READ_AHEAD = 1024 * 1024;

const EMPTIED_MS = 5;

export function contentStream(source: ContentSource): RemoteStream {
  const { host, command, conversation, signal } = source;
  const content = conversation.content();
  const result = Promise.withResolvers<StreamResult>();
  result.promise.catch(() => undefined);
  let bytes = 0;
  let whole = false;

  const output = new Readable({
    highWaterMark: READ_AHEAD,
    read() {
      content.next().then(
        (next) => (next.done === true ? finish(next.value) : push(next.value)),
        (error: unknown) => failAfterWhatCame(error as Error),
      );
    },
    destroy(error, callback) {
      stop();
      if (!whole) result.reject(error ?? notReadToItsEnd(host, command));
      callback(error);
    },
  });
  /** What came before a loss is as good as any, and need not come again. A stream has no event for being empty. */
  const failAfterWhatCame = (error: Error): void => {
    if (output.destroyed) return;
    if (output.readableLength === 0) output.destroy(error);
    else setTimeout(failAfterWhatCame, EMPTIED_MS, error);
  };
  const push = (chunk: Buffer): void => {
    bytes += chunk.length;
    output.push(chunk);
  };
  const finish = (exitCode: number): void => {
    const stderr = conversation.ownStderr();
    if (!(command.accepts ?? [0]).includes(exitCode)) {
      output.destroy(commandFailed(host, command, exitCode, stderr));
      return;
    }
    whole = true;
    result.resolve({ exitCode, bytes, stderr, stderrIsWhole: conversation.ownStderrIsWhole() });
    output.push(null);
  };

  const limit =
    command.budgetMs === undefined
      ? undefined
      : deadline(never, command.budgetMs, () => commandTooSlow(host, command, command.budgetMs ?? 0));
  const onAbort = (): void => void output.destroy(signal.reason as Error);
  const onLate = (): void => void output.destroy(limit?.signal.reason as Error);
  signal.addEventListener('abort', onAbort, { once: true });
  limit?.signal.addEventListener('abort', onLate, { once: true });
  const stop = (): void => {
    signal.removeEventListener('abort', onAbort);
    limit?.[Symbol.dispose]();
    source.onEnd();
  };
  // Code that waits for `finished` alone still gets the failure; it must not end the process as an unhandled event.
  output.on('error', () => undefined);
  if (signal.aborted) onAbort();
  if (source.input !== undefined)
    conversation.feed(source.input).catch((error: unknown) => output.destroy(error as Error));

  return {
    output,
    finished: result.promise,
    async [Symbol.asyncDispose]() {
      if (!output.destroyed) output.destroy();
      await result.promise.catch(() => undefined);
    },
  };
}
