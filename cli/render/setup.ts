/** What a setup would write and make, and what it has. */
import type { SetupPlan } from '../../shared/domain/setup-plan.ts';
import { type Paint, shown } from './text.ts';

export function renderSetupPlan(plan: SetupPlan, paint: Paint): string {
  const steps = plan.steps.map(({ does }, index) => `  ${index + 1}. ${does.map(shown).join('; ')}\n`).join('');
  const risks = plan.risks.map((risk) => `${paint('yellow', 'risk:')} ${shown(risk)}\n`).join('');
  return `${paint('bold', 'This would come to the configuration')}:\n${plan.addition.split('\n').map(shown).join('\n')}\n\n${steps}${risks}\n`;
}

export function renderSetupDone({ file, sources, makes }: SetupPlan, backsUp: boolean, paint: Paint): string {
  const password =
    makes === undefined
      ? ''
      : `The password of the repository is in "${shown(makes.passwordFile)}". Keep a copy of it somewhere else: without it nothing can be restored.\n`;
  const next = backsUp ? '' : sources.map((name) => `Next: stillpoint backup ${shown(name)}\n`).join('');
  return `${paint('green', 'Written')} to "${shown(file)}": ${sources.map(shown).join(', ')}.\n${password}${next}`;
}
