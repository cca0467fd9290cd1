import { expect, it } from 'vitest';
import { requireApproved } from '../../../shared/domain/plan.ts';
import { planIdOf } from '../../../shared/domain/plan-id.ts';

it('a plan that was approved is the one that is made now, or is refused with what it rests on', () => {
  const plan = {
    ...{ kind: 'prune', id: planIdOf({ a: 1 }), basis: 'the repository', steps: [], risks: [], rollback: '' },
  };
  const other = planIdOf({ a: 2 });
  expect(() => requireApproved(undefined, plan)).not.toThrow();
  expect(() => requireApproved(plan.id, plan)).not.toThrow();
  expect(() => requireApproved(other, plan)).toThrow(
    expect.objectContaining({
      code: 'plan.stale',
      advice: expect.stringContaining('the repository, or what was asked for, has changed') as unknown,
      details: { approved: other, now: plan.id },
    }) as Error,
  );
});
