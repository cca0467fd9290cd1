/** What keeping snapshots, and dropping kept ones, would do on a host. */
import type { PlannedSnapshot } from './backup-plan.ts';
import type { Consistency } from './consistency.ts';
import type { KeptSet } from './kept.ts';
import type { KeptId } from './kept-name.ts';
import type { HostName } from './names.ts';
import type { Plan } from './plan.ts';
import { planIdOf } from './plan-id.ts';

export interface KeepPlan extends Plan<'keep-snapshots'> {
  readonly host: HostName;
  readonly set: KeptId;
  readonly paths: readonly string[];
  readonly snapshots: readonly PlannedSnapshot[];
  readonly consistency: Consistency;
}

export interface DropPlan extends Plan<'drop-snapshots'> {
  readonly host: HostName;
  readonly sets: readonly KeptSet[];
  /** Snapshots that are not removed, each with the reason. */
  readonly leaves: readonly { readonly object: string; readonly reason: string }[];
}

export function dropPlan(content: Omit<DropPlan, keyof Plan>, lines: readonly string[]): DropPlan {
  const { host, sets } = content;
  return {
    kind: 'drop-snapshots',
    id: planIdOf({ kind: 'drop-snapshots', host, lines: lines.toSorted() }),
    basis: 'the host',
    steps: lines.map((line) => ({ does: [line] })),
    risks: sets.flatMap(({ id, isOwn, about }) =>
      isOwn ? [] : [`${id} was made by ${about?.by ?? 'somebody'}, and not by this installation.`],
    ),
    rollback: 'What is removed does not come back.',
    ...content,
  };
}
