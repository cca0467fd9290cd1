/** The options that say how to prune, and the one that says that it is meant. */
import type { Command } from 'commander';
import { type PlanId, parsePlanId } from '../../shared/domain/plan-id.ts';
import { type PruneOptions, unusedLimit } from '../../shared/domain/prune-plan.ts';
import { parseSize } from '../../shared/domain/size.ts';

export interface PruneFlags {
  readonly maxUnused: string;
  readonly maxRepackSize?: string;
  readonly repackUncompressed?: boolean;
}

export interface ApplyFlag {
  readonly apply?: string | true;
}

export function withPruneOptions(command: Command): Command {
  return command
    .option('--max-unused <limit>', 'unused data that may stay: 5%, 500M, 0% or unlimited', '5%')
    .option('--max-repack-size <size>', 'rewrite packs of no more than this, such as 2G')
    .option('--repack-uncompressed', 'also compress what was stored without compression');
}

export function withApply(command: Command): Command {
  return command.option('--apply [plan]', 'do it; with the id of a plan only if it is still that plan');
}

export function pruneOptionsOf({ maxUnused, maxRepackSize, repackUncompressed }: PruneFlags): PruneOptions {
  unusedLimit(maxUnused, 0);
  return {
    maxUnused: maxUnused.trim(),
    ...(maxRepackSize === undefined ? {} : { maxRepackBytes: parseSize(maxRepackSize) }),
    ...(repackUncompressed === true ? { repackUncompressed } : {}),
  };
}

export function approvedPlan({ apply }: ApplyFlag): { readonly plan?: PlanId } {
  const printed = 'the command without --apply prints it. The name of a repository stands before --apply';
  return typeof apply === 'string' ? { plan: parsePlanId(apply, printed) } : {};
}
