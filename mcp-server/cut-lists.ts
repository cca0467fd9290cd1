/** Lists in an answer that are cut, and how many entries of which list are not there: nothing is left out silently. */
import { z } from 'zod';
import { INNER_LIST } from './limits.ts';
import { fitting } from './paging.ts';

export const omittedShape = z
  .record(z.string(), z.int())
  .describe('How many entries are not in this answer, by the name of their list; empty if all are.');

export class CutLists {
  readonly omitted: Record<string, number> = {};

  /** The first of `items`: no more than `most`, and no more than fit into `bytes` of JSON, but at least one. */
  cut<T>(name: string, items: readonly T[], limits: { readonly most?: number; readonly bytes?: number } = {}): T[] {
    const { most = INNER_LIST, bytes = Number.POSITIVE_INFINITY } = limits;
    const kept = fitting(items.slice(0, most), bytes);
    if (kept.length < items.length) this.omitted[name] = items.length - kept.length;
    return kept;
  }
}
