/** What the label of a run may be when all goes well: no proof, and the most that there can be. */
import { displayName } from '../base/bytes.ts';
import { type Consistency, foreseenConsistency } from '../domain/consistency.ts';
import type { PlannedDump } from '../dump/dump.ts';
import type { PlannedHold } from '../quiesce/hook.ts';
import { instantWord, type SnapshotPlan } from '../snapshot/snapshot-set.ts';
import type { Coverage } from './backup/paths.ts';

interface Planned {
  readonly coverage: Pick<Coverage, 'trees'>;
  readonly snapshots: Pick<SnapshotPlan, 'items' | 'holds'>;
  readonly dumps: readonly PlannedDump[];
}

export function foreseenOf({ coverage, snapshots, dumps }: Planned): Consistency {
  return foreseenConsistency(
    snapshots.items.map(instantWord),
    snapshots.holds.map(foreseenHold),
    livePaths(coverage),
    dumps.map(({ consistency }) => consistency),
  );
}

/** Volumes are known by the words of their instants here. */
export const foreseenHold = ({ label, guarantees, joins }: PlannedHold) => ({
  ...{ what: label, guarantees },
  ...(joins === undefined ? {} : { joins: { volumes: joins.instants, last: joins.last } }),
});

export const livePaths = ({ trees }: Planned['coverage']): readonly string[] =>
  trees.filter(({ isLive }) => isLive).map(({ path }) => displayName(path));
