/** A repair: before it is done, and afterwards. */
import type { RepairPlan, RepairStep } from '../../shared/domain/repair-plan.ts';
import type { RepairReport } from '../../shared/domain/verbs/repair.ts';
import { renderList } from './result.ts';
import { enumerated, type Paint, shown } from './text.ts';

export function renderRepair({ plan, applied }: RepairReport, paint: Paint): string {
  const isEmpty = plan.writes.length + plan.removes.length === 0;
  const isClean = isEmpty && plan.lost.length + plan.notes.length === 0;
  const head = isClean
    ? `${paint('green', 'There is nothing to repair here')}\n`
    : isEmpty
      ? `${paint('yellow', 'This repair would change nothing')}\n`
      : applied
        ? `${paint('green', 'Repaired')}\n`
        : 'The repair would do this. Nothing was changed.\n';
  const next =
    isEmpty || applied
      ? ''
      : `${shown(plan.rollback)}\nPlan ${plan.id}. With --apply ${plan.id} exactly this is done.\n`;
  return [
    head,
    renderSteps(applied ? 'changed' : 'change', plan.writes),
    renderSteps(applied ? 'removed' : 'remove', plan.removes),
    renderSteps(paint('red', 'lost, unless a new backup or another copy has it'), plan.lost.map(withVictims)),
    renderSteps(paint('yellow', 'left as it is'), plan.notes),
    next,
  ].join('');
}

function withVictims({ object, reason, affects }: RepairPlan['lost'][number]): RepairStep {
  return { object, reason: `${reason} (${enumerated(affects)})` };
}

function renderSteps(title: string, steps: readonly RepairStep[]): string {
  return renderList(
    title,
    steps.map(({ object, reason }) => `${shown(object)}: ${shown(reason)}`),
  );
}
