/** A plan as a person reads it before saying yes: what, where, with which commands, and what may go wrong. */
import { formatBytes } from '../../shared/base/bytes.ts';
import type { BackupPlan, ExportPlan, PlannedSnapshot, RunPlan } from '../../shared/domain/backup-plan.ts';
import { CONSISTENCY_MEANING } from '../../shared/domain/consistency.ts';
import type { Plan, PlanStep } from '../../shared/domain/plan.ts';
import type { SweepPlan } from '../../shared/domain/sweep-plan.ts';
import { placeOf } from '../../shared/domain/verbs/export.ts';
import { dumpFacts } from './result.ts';
import { type Column, renderFacts, renderTable } from './table.ts';
import { type Paint, shown } from './text.ts';

/** Of a snapshot that reserves nothing there is nothing to say. */
const reserved = ({ sizeBytes }: PlannedSnapshot, bytes: number): string =>
  sizeBytes === 0 ? '-' : formatBytes(bytes);

const SNAPSHOTS: readonly Column<PlannedSnapshot>[] = [
  { title: 'VOLUME', cell: (snapshot) => snapshot.volume },
  { title: 'SNAPSHOT', cell: (snapshot) => snapshot.snapshot },
  { title: 'SIZE', align: 'right', cell: (snapshot) => reserved(snapshot, snapshot.sizeBytes) },
  { title: 'FREE AFTER', align: 'right', cell: (snapshot) => reserved(snapshot, snapshot.freeBytesAfter) },
  { title: 'MOUNTED AT', cell: (snapshot) => snapshot.mountpoint },
];

const STEPS = 'Steps that change the host, in order; --scripts prints the very scripts';
const NO_STEPS = 'What is done; none of it changes the host';

const changesHost = ({ steps }: RunPlan<string>): boolean =>
  steps.some(({ command }) => command !== undefined && command.changesNothing !== true);

export function renderPlan(plan: BackupPlan, paint: Paint): string {
  const { id, source, repository } = plan;
  const again = `backup ${shown(source)}`;
  return renderRun(
    plan,
    { what: 'Backup', where: shown(repository), again: `"${again}" with --plan ${shown(id)}` },
    paint,
  );
}

export function renderExportPlan(plan: ExportPlan, paint: Paint): string {
  const where = `"${shown(placeOf(plan.to))}"`;
  const again = `the same options to "export ${shown(plan.source)}" with --plan ${shown(plan.id)}`;
  return renderRun(plan, { what: 'Export', where, again }, paint);
}

interface RunWords {
  readonly what: string;
  readonly where: string;
  readonly again: string;
}

function renderRun(plan: RunPlan<string>, { what, where, again }: RunWords, paint: Paint): string {
  const bytes = plan.estimate.bytesOnVolumes;
  const parts = [
    `${what} of ${paint('bold', shown(plan.source))} from ${shown(plan.host)} into ${where}. Nothing was changed.\n`,
    renderFacts([
      ...pathFacts(plan.paths),
      ['consistency', `${plan.consistency}, if all goes well: ${CONSISTENCY_MEANING[plan.consistency]}`],
      ...dumpFacts(plan.dumps),
      ['data', bytes === undefined ? 'unknown' : `${formatBytes(bytes)} used on the volumes`],
    ]),
    ...(plan.snapshots.length === 0 ? [] : [renderTable(SNAPSHOTS, plan.snapshots, paint)]),
    `${changesHost(plan) ? STEPS : NO_STEPS}:\n${plan.steps.map(renderStep).join('')}`,
  ];
  parts.push(renderOutlook(plan, paint));
  parts.push(`Plan ${shown(plan.id)}. To do exactly this or nothing, give ${again}\n`);
  return parts.join('\n');
}

/** What has dumps alone has none. */
const pathFacts = (paths: readonly string[]): [string, string][] =>
  paths.length === 0 ? [] : [['paths', paths.map(shown).join(', ')]];

export function renderSweepPlan(plan: SweepPlan, paint: Paint): string {
  const keeps = plan.keeps.map(({ object, reason }) => `  ${shown(object)}: ${shown(reason)}\n`).join('');
  const kept = keeps === '' ? '' : `${paint('yellow', 'left alone')}\n${keeps}`;
  if (plan.steps.length === 0) return `Nothing of ours that is over is on ${shown(plan.host)}.\n${kept}`;
  return [
    `A sweep of ${paint('bold', shown(plan.host))} would do this. Nothing was changed.\n`,
    plan.steps.map(renderStep).join('') + kept,
    renderOutlook(plan, paint),
    `Plan ${shown(plan.id)}. To do exactly this or nothing, give "sweep ${shown(plan.host)}" with --plan ${shown(plan.id)}\n`,
  ].join('\n');
}

/** What may go wrong with a plan of any kind, and what can be taken back. */
export function renderOutlook({ risks, rollback }: Plan, paint: Paint): string {
  const lines = risks.map((risk) => `${paint('yellow', 'risk:')} ${shown(risk)}\n`);
  return `${lines.join('')}${shown(rollback)}\n`;
}

function renderStep({ does }: PlanStep, index: number): string {
  const number = `  ${index + 1}. `;
  return does.map((line, at) => `${at === 0 ? number : ' '.repeat(number.length)}${shown(line)}\n`).join('');
}

/** The scripts of a plan, byte for byte, each with its arguments; comments of sh stand between them. */
export function renderScripts({ steps }: RunPlan<string>): string {
  const commands = steps.flatMap(({ command }) => command ?? []);
  if (commands.length === 0) return '# No script changes the host: all is read where it lies.\n';
  return commands
    .map(({ name, needs, script, args }, index) => {
      const heading = `# ${index + 1} of ${commands.length}: ${name}, as ${needs === 'user' ? 'the user of the login' : 'root'}`;
      const words = args.map((arg) => ` '${arg.replaceAll("'", `'\\''`)}'`).join('');
      return `${heading}\nset --${words}\n${script}\n`;
    })
    .map((text) => text.split('\n').map(shown).join('\n'))
    .join('\n');
}
