/** What a sweep of a host would remove. */
import type { HostName } from './names.ts';
import type { Plan } from './plan.ts';
import { planIdOf } from './plan-id.ts';

export interface SweepPlan extends Plan<'sweep'> {
  readonly host: HostName;
  readonly removes: readonly string[];
  /** What looks like ours and stays, each with the reason. */
  readonly keeps: readonly { readonly object: string; readonly reason: string }[];
}

export function sweepPlan(content: Omit<SweepPlan, keyof Plan>): SweepPlan {
  const { host, removes } = content;
  return {
    ...{ kind: 'sweep', id: planIdOf({ kind: 'sweep', host, removes: removes.toSorted() }), basis: 'the host' },
    steps: removes.map((object) => ({ does: [`remove ${object}`] })),
    risks: [],
    rollback: 'What is removed does not come back. It is what runs of this installation left that are over.',
    ...content,
  };
}
