/**
 * Pages of lists that we hold whole. The cursor is the id of the last entry that was given out, so a page stays right
 * when newer entries appear in front of it.
 */
import { z } from 'zod';
import { StillpointError } from '../shared/base/errors.ts';
import { ANSWER_BYTES, PAGE_DEFAULT, PAGE_MOST } from './limits.ts';

export const pageInput = {
  limit: z.int().min(1).max(PAGE_MOST).default(PAGE_DEFAULT).describe('Entries to return at most.'),
  cursor: z.string().min(1).max(4096).optional().describe('nextCursor of the previous answer.'),
};

export const pageOutput = {
  nextCursor: z.string().nullable().describe('Pass it as cursor to get the rest; null when this was all.'),
};

export interface Page<T> {
  readonly entries: T[];
  readonly nextCursor: string | null;
}

export function pageOf<T>(
  items: readonly T[],
  idOf: (item: T) => string,
  wanted: { readonly limit: number; readonly cursor?: string | undefined },
  bytes = ANSWER_BYTES,
): Page<T> {
  const start = wanted.cursor === undefined ? 0 : items.findIndex((item) => idOf(item) === wanted.cursor) + 1;
  if (wanted.cursor !== undefined && start === 0) {
    throw new StillpointError('usage.invalid', 'The cursor fits nothing in this list any more.', {
      advice: 'Call again without a cursor to start from the beginning.',
      cause: undefined,
    });
  }
  const entries = fitting(items.slice(start, start + wanted.limit), bytes);
  const last = entries.at(-1);
  return { entries, nextCursor: last !== undefined && start + entries.length < items.length ? idOf(last) : null };
}

/** As many items from the front as fit into `bytes` of JSON, but at least one, so that paging always gets on. */
export function fitting<T>(items: readonly T[], bytes: number): T[] {
  let used = 0;
  const end = items.findIndex((item, index) => {
    used += jsonBytes(item) + 1;
    return used > bytes && index > 0;
  });
  return items.slice(0, end === -1 ? items.length : end);
}

export function jsonBytes(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value), 'utf8');
}
