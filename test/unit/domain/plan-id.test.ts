import { expect, it } from 'vitest';
import { parsePlanId, planIdOf, stalePlan } from '../../../shared/domain/plan-id.ts';

it('the id of a plan follows from what it says, in whatever order', () => {
  const id = planIdOf({ a: 1, b: { c: [1, 2], d: undefined } });
  expect(planIdOf({ b: { c: [1, 2] }, a: 1 })).toBe(id);
  expect(planIdOf({ b: { c: [2, 1] }, a: 1 })).not.toBe(id);
  expect(planIdOf({ b: { c: [1, 2] }, a: '1' })).not.toBe(id);
  expect(parsePlanId(id)).toBe(id);
  expect(() => parsePlanId('latest')).toThrow('"latest" is not the id of a plan.');
  expect(stalePlan(id, planIdOf({}))).toMatchObject({ code: 'plan.stale', details: { approved: id } });
  expect(stalePlan(id, planIdOf({})).message).toContain('the repository, or what was asked for, has changed');
});
