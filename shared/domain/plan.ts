/**
 * The envelope of every plan. What changes a host or deletes data is a value first: a person looks at it, and approves it
 * by its id. Whoever does it makes the plan again and refuses where the id is another one.
 */
import { StillpointError } from '../base/errors.ts';
import type { PlanId } from './plan-id.ts';

export interface Plan<Kind extends string = string> {
  readonly kind: Kind;
  /** Of all that would be done, and of what it would be done to. */
  readonly id: PlanId;
  /** What it rests on, for people: when that has changed, the plan is stale. */
  readonly basis: string;
  /** What would be done, in order; empty where there is nothing to do. */
  readonly steps: readonly PlanStep[];
  readonly risks: readonly string[];
  /** What can be taken back afterwards, and how. */
  readonly rollback: string;
}

export interface PlanStep {
  /** A line each; where it is a program of a host, as an administrator would type it. */
  readonly does: readonly string[];
  /** Where the step is a script on a host: the very one that will run. */
  readonly command?: PlannedCommand;
}

/** A remote command as it will run. */
interface PlannedCommand {
  readonly name: string;
  readonly needs: 'root' | 'user' | 'either';
  /** POSIX sh, and its arguments. */
  readonly script: string;
  readonly args: readonly string[];
  /** It only reads. */
  readonly changesNothing?: true;
}

/**
 * Where a plan was approved, it has to be this one. Nothing keeps plans, so a mistyped id looks like that of an earlier state.
 *
 * Errors: `plan.stale`.
 */
export function requireApproved(approved: PlanId | undefined, { id, basis }: Plan): void {
  if (approved === undefined || approved === id) return;
  throw new StillpointError('plan.stale', `There is no plan ${approved} of what would be done now.`, {
    advice: `Either the id is mistyped, or ${basis}, or what was asked for, has changed since that plan was made. Make the plan again with the options that you apply it with, and look at it; its id is now ${id}.`,
    details: { approved, now: id },
    cause: undefined,
  });
}
