/** Exactly what a repair would write, remove and leave lost. A printable value: a person approves it by its id. */
import type { Plan } from './plan.ts';
import type { PlanId } from './plan-id.ts';

export type RepairPart = 'index' | 'packs' | 'points';

/** Plain JSON, as it is in a request. */
export interface RepairScope {
  readonly part: RepairPart;
  /** Of `packs`: ids or starts of ids; without any, all packs are read to find the damaged ones. */
  readonly packs?: readonly string[];
  /** Of `index`: reads the header of every pack, not only where index and packs disagree. */
  readonly readAll?: boolean;
  /** Of `index`: gives up also the packs of folders that are missing as a whole, which may only be out of sight. */
  readonly giveUpFolders?: boolean;
  /** Of `points`: removes the restore points that were damaged, after their repaired copies are proved. */
  readonly forget?: boolean;
}

export interface RepairStep {
  /** "pack 1a2b3c4d", "index 5e6f7a8b", "restore point 9c0d1e2f" */
  readonly object: string;
  readonly reason: string;
}

export interface RepairLoss extends RepairStep {
  /** Restore points and files: the start of the point's id, ":" and the path. */
  readonly affects: readonly string[];
}

export interface RepairPlan extends Plan<'repair'> {
  readonly part: RepairPart;
  readonly writes: readonly RepairStep[];
  /** Each is removed only after what replaces it was stored, read back and proved. */
  readonly removes: readonly RepairStep[];
  /** What no repair brings back. */
  readonly lost: readonly RepairLoss[];
  /** What was seen and is left as it is, with the reason and what to do. */
  readonly notes: readonly RepairStep[];
}

/** With the words of what it comes to. */
export function repairPlan(id: PlanId, content: Omit<RepairPlan, keyof Plan>): RepairPlan {
  const { writes, removes, lost } = content;
  const line = (verb: string, { object, reason }: RepairStep): string => `${verb} ${object}: ${reason}`;
  const steps = [...writes.map((step) => line('write', step)), ...removes.map((step) => line('remove', step))];
  return {
    ...{ kind: 'repair', id, basis: 'the repository', steps: steps.map((does) => ({ does: [does] })) },
    risks: lost.map(({ object, reason }) => `${object} stays lost: ${reason}`),
    rollback:
      'What is removed does not come back. Each is removed only after what replaces it was read back and proved.',
    ...content,
  };
}
