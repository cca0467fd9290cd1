/**
 * How a restore point says what it is, in tags, because restic shows them and keeps them when it rewrites a restore
 * point. Old restore points depend on this form.
 */
import { CONSISTENCY_LEVELS, type Consistency } from './consistency.ts';
import type { SourceName } from './names.ts';

export const PROGRAM_TAG = 'stillpoint';

export const sourceTag = (source: SourceName): string => `source=${source}`;
export const consistencyTag = (consistency: Consistency): string => `consistency=${consistency}`;

export interface PointLabels {
  readonly source: string | undefined;
  readonly consistency: Consistency | undefined;
}

export function readLabels(tags: readonly string[]): PointLabels {
  const value = (key: string): string | undefined =>
    tags.find((tag) => tag.startsWith(`${key}=`))?.slice(key.length + 1);
  const consistency = value('consistency');
  return { source: value('source'), consistency: CONSISTENCY_LEVELS.find((level) => level === consistency) };
}
