/** What a prune would do: which stored data no restore point needs, and what becomes of it. */
import { StillpointError } from '../base/errors.ts';
import type { RepositoryName } from './names.ts';
import type { Plan } from './plan.ts';
import type { PlanId } from './plan-id.ts';
import { parseSize } from './size.ts';

/** Plain JSON, as it is in a request. */
export interface PruneOptions {
  /** How much unused data may stay inside packs: "5%" of all that stays, "200M", or "unlimited". */
  readonly maxUnused: string;
  /** How many bytes of packs to rewrite at most; absent for no limit. */
  readonly maxRepackBytes?: number | undefined;
  /** Also rewrite data that was stored without compression; format 2 only. */
  readonly repackUncompressed?: boolean | undefined;
}

export interface PruneRequest {
  readonly repository: RepositoryName;
  readonly options: PruneOptions;
}

export interface PruneFigures {
  readonly packs: {
    readonly keep: number;
    /** Partly used; what is needed of them is written into new packs, then they are deleted. */
    readonly repack: number;
    readonly unused: number;
    /** Stored, but in no index: what an interrupted run left. */
    readonly unreferenced: number;
    /** In the index, not stored, and not needed. */
    readonly missing: number;
  };
  readonly blobs: { readonly used: number; readonly unused: number; readonly duplicates: number };
  readonly bytes: {
    readonly stored: number;
    readonly used: number;
    /** In indexed packs, copies of what is kept elsewhere included. */
    readonly unused: number;
    readonly freed: number;
    readonly rewritten: number;
    readonly unusedAfter: number;
  };
}

/** Printable; the lists hold the ids of packs in order. */
export interface PrunePlan extends Plan<'prune'> {
  readonly options: PruneOptions;
  readonly figures: PruneFigures;
  readonly repack: readonly string[];
  /** Unused packs that an index names. */
  readonly unused: readonly string[];
  readonly unreferenced: readonly string[];
  readonly missing: readonly string[];
}

/** With the words of what it comes to. */
export function prunePlan(id: PlanId, content: Omit<PrunePlan, keyof Plan>): PrunePlan {
  const { repack, unused, unreferenced, missing } = content;
  const gone = repack.length + unused.length + unreferenced.length;
  const steps = [
    ...(repack.length === 0 ? [] : [`write what is needed of ${packs(repack.length)} into new ones`]),
    ...(gone + missing.length === 0 ? [] : ['write the index anew']),
    ...(gone === 0 ? [] : [`delete ${packs(gone)}`]),
  ];
  return {
    ...{ kind: 'prune', id, basis: 'the repository', steps: steps.map((line) => ({ does: [line] })), risks: [] },
    rollback: 'What is deleted does not come back. No restore point that is kept needs any of it.',
    ...content,
  };
}

const packs = (count: number): string => `${count} ${count === 1 ? 'pack' : 'packs'}`;

export function changesNothing({ repack, unused, unreferenced, missing }: PrunePlan): boolean {
  return repack.length + unused.length + unreferenced.length + missing.length === 0;
}

/** The same options in one form, so that "0" and "0%" make the same plan. Errors: `usage.invalid`. */
export function canonicalPrune({ maxUnused, maxRepackBytes, repackUncompressed }: PruneOptions): PruneOptions {
  return {
    maxUnused: canonicalLimit(maxUnused.trim()),
    ...(maxRepackBytes === undefined ? {} : { maxRepackBytes }),
    ...(repackUncompressed === true ? { repackUncompressed } : {}),
  };
}

function canonicalLimit(text: string): string {
  unusedLimit(text, 0);
  if (text === 'unlimited') return text;
  if (text.endsWith('%')) return `${Number(text.slice(0, -1))}%`;
  const bytes = parseSize(text);
  return bytes === 0 ? '0%' : `${bytes}`;
}

/** How many unused bytes may stay beside so many used ones. */
export function unusedLimit(maxUnused: string, usedBytes: number): number {
  const text = maxUnused.trim();
  if (text === 'unlimited') return Number.POSITIVE_INFINITY;
  if (!text.endsWith('%')) return parseSize(text);
  const percent = /^\d{1,2}(\.\d{1,6})?%$/.test(text) ? Number(text.slice(0, -1)) : Number.NaN;
  if (!Number.isNaN(percent)) return Math.floor((percent / (100 - percent)) * usedBytes);
  throw new StillpointError('usage.invalid', `"${maxUnused}" is not a share of unused data.`, {
    advice: 'Write a percentage from 0% to below 100%, a size such as 500M, or "unlimited".',
    cause: undefined,
  });
}
