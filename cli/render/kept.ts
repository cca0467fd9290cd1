/** Snapshots that are kept on a host, for people. */
import { formatBytes } from '../../shared/base/bytes.ts';
import { CONSISTENCY_MEANING } from '../../shared/domain/consistency.ts';
import { isWhole, type KeptListing, type KeptSet, type KeptSnapshot } from '../../shared/domain/kept.ts';
import type { KeptChange, KeptChangeKind, KeptComparison } from '../../shared/domain/kept-comparison.ts';
import type { DropPlan, KeepPlan } from '../../shared/domain/kept-plans.ts';
import type { KeptTaken } from '../../shared/domain/kept-take.ts';
import type { DropReport } from '../../shared/domain/verbs/drop.ts';
import type { KeepReport } from '../../shared/domain/verbs/keep.ts';
import { renderOutlook } from './plan.ts';
import { renderList } from './result.ts';
import { renderFacts } from './table.ts';
import { counted, formatDuration, formatTime, type Paint, shown } from './text.ts';

const NEVER = 'never';

const moment = (seconds: number | undefined): string =>
  seconds === undefined ? NEVER : formatTime(new Date(seconds * 1000).toISOString());

export function renderKept({ host, sets }: KeptListing, paint: Paint): string {
  if (sets.length === 0) return `No snapshots are kept on ${shown(host)}.\n`;
  const expired = sets.some(({ isExpired, isOwn }) => isExpired && isOwn)
    ? `Nothing removes those whose time is over by itself: "stillpoint snapshot remove ${shown(host)} --expired" does.\n`
    : '';
  return `${sets.map((set) => renderSet(set, paint)).join('\n')}${expired === '' ? '' : `\n${expired}`}`;
}

function renderSet(set: KeptSet, paint: Paint): string {
  const { id, about, isOwn, isExpired, snapshots, missing } = set;
  const head = `${paint('bold', shown(id))}${isWhole(set) ? '' : `  ${paint('red', stateWords(set))}`}\n`;
  const facts: [string, string][] = [];
  if (about !== undefined) {
    facts.push(['taken', moment(about.taken)]);
    facts.push(['expires', `${moment(about.expires)}${isExpired ? paint('yellow', ', which is over') : ''}`]);
    facts.push(['by', `${shown(about.by)}${isOwn ? '' : ', with another installation of Stillpoint'}`]);
    if (about.reason !== '') facts.push(['reason', shown(about.reason)]);
    if (about.pair !== undefined) facts.push(['pair', `${about.pair.side} the command of pair ${about.pair.id}`]);
  }
  for (const snapshot of snapshots) facts.push(['snapshot', renderSnapshot(snapshot, paint)]);
  if (missing > 0) facts.push(['missing', counted(missing, 'snapshot')]);
  return head + renderFacts(facts);
}

function stateWords({ about, missing, snapshots }: KeptSet): string {
  if (about === undefined) return 'bears no marks of ours';
  if (missing > 0) return 'is not whole: its making was cut, or somebody removed a part';
  return snapshots.some(({ state }) => state === 'full') ? 'is worth nothing any more: it overflowed' : 'is not whole';
}

const STATES: Readonly<Record<KeptSnapshot['state'], string>> = {
  whole: '',
  full: ', FULL: worth nothing any more',
  merging: ', being put back into its origin',
  gone: ', gone: only its marks are left',
  foreign: ', without our marks: left alone',
};

function renderSnapshot({ id, volume, state, room }: KeptSnapshot, paint: Paint): string {
  const words = STATES[state] === '' ? '' : paint('red', STATES[state]);
  return `${shown(volume)}: ${shown(id)}${roomWords(room)}${words}`;
}

function roomWords({ usedBytes, totalBytes }: KeptSnapshot['room']): string {
  if (totalBytes !== undefined && usedBytes !== undefined) {
    return `, ${formatBytes(totalBytes)}, ${Math.round((100 * usedBytes) / totalBytes)} % full`;
  }
  if (totalBytes !== undefined) return `, ${formatBytes(totalBytes)}`;
  return usedBytes === undefined ? '' : `, ${formatBytes(usedBytes)} of its own`;
}

export function renderKeepPlan(plan: KeepPlan, paint: Paint): string {
  return [
    `Snapshots of ${paint('bold', shown(plan.host))} that stay there as ${plan.set}. Nothing was changed.\n`,
    renderFacts([
      ['paths', plan.paths.map(shown).join(', ')],
      ['consistency', `${plan.consistency}, if all goes well: ${CONSISTENCY_MEANING[plan.consistency]}`],
      ...plan.snapshots.map(({ volume, snapshot, sizeBytes }): [string, string] => [
        'snapshot',
        `${shown(volume)}: ${shown(snapshot)}${sizeBytes === 0 ? '' : `, ${formatBytes(sizeBytes)}`}`,
      ]),
    ]),
    plan.steps.map(({ does }, index) => `  ${index + 1}. ${does.map(shown).join('\n     ')}\n`).join(''),
    renderOutlook(plan, paint),
    `Plan ${plan.id}. To do exactly this or nothing, give the same options with --plan ${plan.id}\n`,
  ].join('\n');
}

export function renderDropPlan(plan: DropPlan, paint: Paint): string {
  const { host, sets, steps, leaves } = plan;
  const left = renderList(
    paint('yellow', 'left alone'),
    leaves.map(({ object, reason }) => `${shown(object)}: ${shown(reason)}`),
  );
  if (steps.length === 0) return `There is nothing to remove on ${shown(host)}.\n${left}`;
  return [
    `On ${paint('bold', shown(host))} this is removed:\n`,
    sets.map((set) => renderSet(set, paint)).join('\n'),
    steps.map(({ does }, index) => `  ${index + 1}. ${does.map(shown).join('\n     ')}\n`).join('') + left,
    renderOutlook(plan, paint),
  ].join('\n');
}

export function renderKeep(report: KeepReport, paint: Paint): string {
  const { snapshots, host } = report;
  return `${paint('green', 'Kept')} ${shown(report.set)} on ${shown(host)}\n${renderFacts([
    ['consistency', `${report.consistency}: ${CONSISTENCY_MEANING[report.consistency]}`],
    ...(report.skewMs > 0 ? [['skew', formatDuration(report.skewMs)] as [string, string]] : []),
    ['expires', report.expires === undefined ? NEVER : `${formatTime(report.expires)}; nothing removes it by itself`],
    ...snapshots.map(({ volume, id, freezeMs, sizeBytes }): [string, string] => [
      'snapshot',
      `${shown(volume)}: ${shown(id)}${sizeBytes === 0 ? '' : `, ${formatBytes(sizeBytes)}`}, writers held for at most ${formatDuration(freezeMs)}`,
    ]),
  ])}`;
}

export function renderDrop({ removed, left }: DropReport, paint: Paint): string {
  const head =
    removed.length === 0
      ? ''
      : renderList(paint('green', `${counted(removed.length, 'kept snapshot')} removed`), removed.map(shown));
  const lines = left.map(({ object, reason }) => `${shown(object)}: ${shown(reason)}`);
  return head + renderList(paint('red', `${counted(left.length, 'is', 'are')} there still`), lines);
}

const LETTER: Readonly<Record<KeptChangeKind, string>> = {
  added: '+',
  removed: '-',
  content: 'M',
  metadata: 'U',
  type: 'T',
  unclear: '?',
};

export function renderKeptChange({ change, path, kind }: KeptChange, paint: Paint): string {
  const line = `${LETTER[change]}  ${shown(path)}${kind === 'dir' ? '/' : ''}`;
  if (change === 'added') return `${paint('green', line)}\n`;
  return `${change === 'removed' ? paint('red', line) : line}\n`;
}

export function renderComparison(summary: KeptComparison, paint: Paint): string {
  const { before, after, counts, volumes, notCompared, unlisted } = summary;
  const changed = counts.content + counts.metadata + counts.type + counts.unclear;
  return `\n${paint('bold', `${before} → ${after ?? 'now'}`)}\n${renderFacts([
    ['volumes', volumes.length === 0 ? 'none' : volumes.map(shown).join(', ')],
    ['added', String(counts.added)],
    ['removed', String(counts.removed)],
    ['changed', String(changed)],
  ])}${renderList(paint('yellow', 'Not compared'), notCompared.map(shown))}${renderList(
    paint('yellow', 'Could not be listed on one side'),
    unlisted.map(shown),
  )}`;
}

export function renderTaken({ path, to, set, entries, bytes, otherVolumes }: KeptTaken, paint: Paint): string {
  const what = `${paint('green', 'Copied')} "${shown(path)}" of ${set} to "${shown(to)}": ${entries} entries, ${formatBytes(bytes)}.\n`;
  return `${what}${renderList(paint('yellow', 'Empty there, because another volume lay in its place'), otherVolumes.map(shown))}`;
}
