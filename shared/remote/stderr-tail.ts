/**
 * Standard error of a process: its end is kept for messages, and our own marks in it can be waited for. Reading it is
 * also what keeps a talkative program from blocking.
 */
import type { Readable } from 'node:stream';
import { STDERR_TAIL } from './budgets.ts';

export interface StderrTail {
  /** Resolves to true when the text has been seen, to false when the stream ended without it. */
  seen(text: string): Promise<boolean>;
  /** The same for the end of the line in which the text is. */
  seenLineOf(text: string): Promise<boolean>;
  /** Resolves when the stream ended. */
  readonly ended: Promise<void>;
  /** How often the text is in what is still kept. */
  count(text: string): number;
  /** What is kept: after the last `start` (what came earlier is the login shell's), and up to `before`. */
  text(start?: string, before?: string): string;
  /** From here on up to `bytes` are kept instead of a message's worth. */
  keep(bytes: number): void;
  /** Whether everything between the last `start` and `end` is kept. */
  isWhole(start: string, end: string): boolean;
}

interface Wait {
  readonly isIn: (kept: Buffer) => boolean;
  readonly settle: (found: boolean) => void;
}

export function followStderr(stream: Readable): StderrTail {
  let kept: Buffer = Buffer.alloc(0);
  let limit = STDERR_TAIL;
  let ended = false;
  const end = Promise.withResolvers<void>();
  const waits = new Set<Wait>();
  const settle = (wait: Wait, found: boolean): void => {
    waits.delete(wait);
    wait.settle(found);
  };
  stream.on('data', (chunk: Buffer) => {
    const all = Buffer.concat([kept, chunk]);
    for (const wait of waits) if (wait.isIn(all)) settle(wait, true);
    kept = all.subarray(-limit - STDERR_TAIL);
  });
  const onEnd = (): void => {
    ended = true;
    for (const wait of waits) settle(wait, false);
    end.resolve();
  };
  stream.on('end', onEnd);
  stream.on('close', onEnd);
  stream.on('error', onEnd);
  const wait = (isIn: Wait['isIn']): Promise<boolean> => {
    if (isIn(kept)) return Promise.resolve(true);
    if (ended) return Promise.resolve(false);
    return new Promise((resolve) => waits.add({ isIn, settle: resolve }));
  };
  return {
    ended: end.promise,
    seen: (text) => wait((all) => all.includes(text)),
    seenLineOf: (text) => wait((all) => all.includes(text) && all.includes('\n', all.indexOf(text))),
    count: (text) => kept.toString('latin1').split(text).length - 1,
    text(start, before) {
      const from = start === undefined ? -1 : kept.lastIndexOf(start);
      const begin = from < 0 || start === undefined ? 0 : from + start.length;
      const to = before === undefined ? -1 : kept.indexOf(before, begin);
      return kept
        .subarray(begin, to < 0 ? kept.length : to)
        .subarray(-limit)
        .toString('utf8');
    },
    keep(bytes) {
      limit = Math.max(limit, bytes);
    },
    isWhole(start, end) {
      const from = kept.lastIndexOf(start);
      const to = from < 0 ? -1 : kept.indexOf(end, from + start.length);
      return to >= 0 && to - from - start.length <= limit;
    },
  };
}
