import { z } from 'zod';
import { sourceName } from '../../shared/domain/names.ts';
import { READ_REMOTE } from '../annotations.ts';
import { defineTool } from '../define-tool.ts';
import { sourceInput } from '../inputs.ts';
import { planOf, planShape } from '../shapes/plan.ts';

export const planBackup = defineTool({
  name: 'plan_backup',
  title: 'Plan a backup',
  description:
    'Works out exactly what a backup of a source would do now: snapshots, room, consistency, the steps that would change the host, risks. Changes nothing. Use it before start_backup, and show a person what it says.',
  annotations: READ_REMOTE,
  input: z.strictObject({ source: sourceInput }),
  output: planShape,
  personWords: (args) => ['plan', args.source],
  async run(args, { stillpoint, signal }) {
    const plan = await stillpoint.planBackup(sourceName(args.source), signal);
    return {
      summary: `Snapshots: ${plan.snapshots.length}, steps on the host: ${plan.steps.length}, risks: ${plan.risks.length}. The restore point would be "${plan.consistency}". Nothing was changed.`,
      nextStep: `Show it to a person; start_backup with the same source and plan "${plan.id}" does exactly this, or refuses.`,
      structured: planOf(plan),
    };
  },
});
