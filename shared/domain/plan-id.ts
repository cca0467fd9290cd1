/** The id of a plan: a hash of all that it says, so that what a person approved and what is done are the same. */
import { hash } from 'node:crypto';
import type { Branded } from '../base/brand.ts';
import { StillpointError } from '../base/errors.ts';
import { type RunId, runId } from './names.ts';

/** Sixteen hex digits. */
export type PlanId = Branded<string, 'PlanId'>;

const DIGITS = 16;

/** Of plain JSON. The order of keys does not count; what is undefined is as if it were not there. */
export function planIdOf(content: object): PlanId {
  return hash('sha256', JSON.stringify(sorted(content)), 'hex').slice(0, DIGITS) as PlanId;
}

/**
 * Of a backup: it begins with the run that the plan is for, so that nothing of a plan need be kept to do it. The run is
 * part of the content.
 */
export function backupPlanId(run: RunId, content: object): PlanId {
  return `${run}${planIdOf(content).slice(run.length)}` as PlanId;
}

/** The run that a plan of a backup is for. */
export const runOfPlan = (id: PlanId): RunId => runId(id.slice(0, 8));

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).toSorted(([left], [right]) => (left < right ? -1 : 1));
  return Object.fromEntries(entries.map(([key, inner]) => [key, sorted(inner)]));
}

/** @param printed where such an id is found: `"stillpoint plan" prints it` */
export function parsePlanId(text: string, printed?: string): PlanId {
  if (/^[0-9a-f]{16}$/.test(text)) return text as PlanId;
  throw new StillpointError('usage.invalid', `"${text}" is not the id of a plan.`, {
    advice: `It has ${DIGITS} hexadecimal digits${printed === undefined ? '' : `; ${printed}`}.`,
    cause: undefined,
  });
}
