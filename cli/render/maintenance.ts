/** Forgetting and pruning: the plans before, the figures afterwards. */
import { formatBytes } from '../../shared/base/bytes.ts';
import type { ForgetPlan, PlannedGroup, PlannedPoint } from '../../shared/domain/forget-plan.ts';
import { changesNothing, type PruneFigures, type PrunePlan } from '../../shared/domain/prune-plan.ts';
import type { ForgetReport } from '../../shared/domain/verbs/forget.ts';
import type { PruneReport } from '../../shared/domain/verbs/prune.ts';
import { renderOutlook } from './plan.ts';
import { renderUnreadable } from './points.ts';
import { type Column, renderFacts, renderTable } from './table.ts';
import { counted, formatCount, formatTime, type Paint, shown } from './text.ts';

const POINTS: readonly Column<PlannedPoint>[] = [
  { title: 'ID', cell: (point) => point.id.slice(0, 8) },
  { title: 'TIME', cell: (point) => formatTime(point.time) },
  { title: 'HOST', cell: (point) => point.hostname },
  { title: 'WHAT', cell: (point) => (point.forget ? 'forget' : 'keep') },
  { title: 'WHY', cell: (point) => point.reason },
  { title: 'PATHS', cell: (point) => point.paths.join(' ') },
];

export function renderForgetPlan(plan: ForgetPlan, paint: Paint): string {
  const parts = plan.groups.map((group) => `${titleOf(group, paint)}\n${renderTable(POINTS, group.points, paint)}`);
  const total = `${counted(plan.forget.length, 'restore point')} would be forgotten, ${formatCount(plan.keep)} kept. Nothing was changed.\n`;
  const notes = renderForgetNotes(plan, paint);
  const next = plan.prune === undefined ? '' : `A prune afterwards:\n${renderFacts(plannedFacts(plan.prune.figures))}`;
  const outlook = plan.steps.length === 0 ? '' : renderOutlook(plan, paint) + approval(plan.id);
  return [...parts, total + notes + next + outlook].join('\n');
}

function renderForgetNotes({ notes, unreadable }: Pick<ForgetPlan, 'notes' | 'unreadable'>, paint: Paint): string {
  const said = notes.map((note) => `${paint('yellow', 'note:')} ${shown(note)}\n`).join('');
  if (unreadable.length === 0) return said;
  const which = unreadable.length === 1 ? 'it, so it stays; to forget it' : 'these, so they stay; to forget one';
  return `${said}${renderUnreadable(unreadable, paint)}No rule looked at ${which}, give its id to --point.\n`;
}

function titleOf({ host, paths, tags, source }: PlannedGroup, paint: Paint): string {
  const facts = [
    ...(source === undefined ? [] : [`source ${source}`]),
    ...(host === undefined ? [] : [`host ${host}`]),
    ...(paths === undefined ? [] : [`paths ${paths.join(' ')}`]),
    ...(tags === undefined ? [] : [`tags ${tags.join(' ') || 'none'}`]),
  ];
  return paint('bold', facts.length === 0 ? 'All together' : shown(facts.join(', ')));
}

export function renderPrunePlan(plan: PrunePlan, paint: Paint): string {
  if (changesNothing(plan)) return `${paint('green', 'Nothing to prune')}\n${renderFacts(plannedFacts(plan.figures))}`;
  return `A prune would do this. Nothing was changed.\n${renderFacts(plannedFacts(plan.figures))}${renderOutlook(plan, paint)}${approval(plan.id)}`;
}

function plannedFacts({ packs, blobs, bytes }: PruneFigures): [string, string][] {
  const removed = [
    counted(packs.unused, 'unused pack'),
    `${formatCount(packs.unreferenced)} in no index`,
    ...(packs.missing === 0 ? [] : [`${formatCount(packs.missing)} that is gone already`]),
  ];
  return [
    ['stored', `${formatBytes(bytes.stored)}, ${formatBytes(bytes.unused)} of it unused`],
    [
      'blobs',
      `${formatCount(blobs.used)} used, ${formatCount(blobs.unused)} unused, ${formatCount(blobs.duplicates)} stored more than once`,
    ],
    ['delete', removed.join(', ')],
    ['rewrite', `${counted(packs.repack, 'pack')}, ${formatBytes(bytes.rewritten)} of needed data`],
    ['keep', counted(packs.keep, 'pack')],
    ['frees', formatBytes(bytes.freed)],
    ['then unused', formatBytes(bytes.unusedAfter)],
  ];
}

function approval(id: string): string {
  return `Plan ${shown(id)}. To do exactly this, give the same command with --apply ${shown(id)}\n`;
}

export function renderForget(report: ForgetReport, paint: Paint): string {
  const head = `${paint('green', `${counted(report.forgotten.length, 'restore point')} forgotten`)}, ${formatCount(report.kept)} kept\n`;
  const ids = report.forgotten.slice(0, 20).map((id) => `  ${shown(id.slice(0, 8))}\n`);
  const rest = report.forgotten.length > 20 ? `  and ${formatCount(report.forgotten.length - 20)} more\n` : '';
  return (
    head +
    ids.join('') +
    rest +
    renderForgetNotes(report, paint) +
    (report.prune === undefined ? '' : renderPrune(report.prune, paint))
  );
}

export function renderPrune({ figures, packsDeleted, packsWritten, bytesWritten }: PruneReport, paint: Paint): string {
  if (packsDeleted + packsWritten === 0) return `${paint('green', 'There was nothing to prune')}\n`;
  return `${paint('green', 'Pruned')}\n${renderFacts([
    ['freed', formatBytes(figures.bytes.freed)],
    ['deleted', counted(packsDeleted, 'pack')],
    ['written', `${counted(packsWritten, 'new pack')}, ${formatBytes(bytesWritten)}`],
    ['then unused', formatBytes(figures.bytes.unusedAfter)],
  ])}`;
}
