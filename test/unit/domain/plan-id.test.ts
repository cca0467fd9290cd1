import { expect, it } from 'vitest';
import { runId } from '../../../shared/domain/names.ts';
import { backupPlanId, parsePlanId, planIdOf, runOfPlan } from '../../../shared/domain/plan-id.ts';

it('the id of a plan follows from what it says, in whatever order', () => {
  const id = planIdOf({ a: 1, b: { c: [1, 2], d: undefined } });
  expect(planIdOf({ b: { c: [1, 2] }, a: 1 })).toBe(id);
  expect(planIdOf({ b: { c: [2, 1] }, a: 1 })).not.toBe(id);
  expect(planIdOf({ b: { c: [1, 2] }, a: '1' })).not.toBe(id);
  expect(parsePlanId(id)).toBe(id);
  expect(() => parsePlanId('latest')).toThrow('"latest" is not the id of a plan.');
});

it('the id of a plan of a backup carries the run that it is for', () => {
  const run = runId('0123abcd');
  const id = backupPlanId(run, { run, script: 'a' });
  expect(parsePlanId(id)).toBe(id);
  expect(runOfPlan(id)).toBe(run);
  expect(backupPlanId(run, { run, script: 'b' })).not.toBe(id);
});
