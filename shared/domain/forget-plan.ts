/** Which restore points would be forgotten, which stay, and why. */
import type { KeepRules } from './keep-rules.ts';
import type { RepositoryName, RestorePointId, SourceName } from './names.ts';
import type { Plan } from './plan.ts';
import type { PlanId } from './plan-id.ts';
import type { PointFilter } from './point-filter.ts';
import type { PruneOptions, PrunePlan } from './prune-plan.ts';
import type { GroupKey, RetentionPoint } from './retention.ts';
import type { UnreadablePoint } from './unreadable-point.ts';

/** Plain JSON, as it is in a request. */
export type ForgetSelection =
  | {
      readonly by: 'rules';
      readonly rules: KeepRules;
      readonly groupBy: readonly GroupKey[];
      readonly filter: PointFilter;
    }
  /** Each source by its own rules; restore points without a source that is named here are not looked at. */
  | { readonly by: 'sources'; readonly sources: readonly SourceRules[] }
  /** These, by their ids or the starts of their ids. */
  | { readonly by: 'points'; readonly points: readonly string[] };

interface SourceRules {
  readonly source: SourceName;
  readonly rules: KeepRules;
}

export interface ForgetRequest {
  readonly repository: RepositoryName;
  readonly selection: ForgetSelection;
  /** Go on to prune afterwards. */
  readonly prune?: PruneOptions | undefined;
}

export interface PlannedPoint extends Omit<RetentionPoint, 'id'> {
  readonly id: RestorePointId;
  readonly forget: boolean;
  /** Why it stays or goes, for people. */
  readonly reason: string;
  /** No rule looked at it, because its time is in doubt. It stays. */
  readonly setAside: boolean;
}

export interface PlannedGroup {
  readonly host: string | undefined;
  readonly paths: readonly string[] | undefined;
  readonly tags: readonly string[] | undefined;
  readonly source: string | undefined;
  /** Newest first. */
  readonly points: readonly PlannedPoint[];
}

export interface ForgetPlan extends Plan<'forget'> {
  readonly groups: readonly PlannedGroup[];
  /** In the order of removal. */
  readonly forget: readonly RestorePointId[];
  readonly keep: number;
  /** Restore points that were asked for and cannot be read, and the like. */
  readonly notes: readonly string[];
  /** No rule could look at them, so they stay. */
  readonly unreadable: readonly UnreadablePoint[];
  /** What a prune would then do. */
  readonly prune: PrunePlan | undefined;
}

/** With the words of what it comes to. */
export function forgetPlan(id: PlanId, content: Omit<ForgetPlan, keyof Plan>): ForgetPlan {
  const { forget, keep, prune } = content;
  const count = `${forget.length} restore ${forget.length === 1 ? 'point' : 'points'}`;
  return {
    ...{ kind: 'forget', id, basis: 'the repository' },
    steps: [...(forget.length === 0 ? [] : [{ does: [`forget ${count}`] }]), ...(prune?.steps ?? [])],
    // Rules always keep some of each group.
    risks: forget.length > 0 && keep === 0 ? ['No restore point stays in the repository.'] : [],
    rollback:
      prune === undefined
        ? 'A restore point that was forgotten does not come back by itself; its data stays until a prune.'
        : `A restore point that was forgotten does not come back. ${prune.rollback}`,
    ...content,
  };
}
