/** What a finished job proved, for people. Every figure comes from the report; nothing is rounded in our favour. */
import { formatBytes } from '../../shared/base/bytes.ts';
import { skewInWords } from '../../shared/domain/clock-skew.ts';
import { CONSISTENCY_MEANING } from '../../shared/domain/consistency.ts';
import type { PlannedDumpFile } from '../../shared/domain/dump.ts';
import type { Finding } from '../../shared/domain/finding.ts';
import { holdInWords, holdsOf } from '../../shared/domain/holds.ts';
import type { BackupReport, SnapshotReport } from '../../shared/domain/verbs/backup.ts';
import type { CheckFigures, CheckReport } from '../../shared/domain/verbs/check.ts';
import type { CopyReport } from '../../shared/domain/verbs/copy.ts';
import type { SweepReport } from '../../shared/domain/verbs/sweep.ts';
import type { VerifyReport } from '../../shared/domain/verbs/verify.ts';
import { renderFacts } from './table.ts';
import { counted, enumerated, formatCount, formatDuration, type Paint, shown } from './text.ts';

/** Longer lists are cut here; `--json` has all of it. */
const LIST_LIMIT = 20;

export function renderBackup(report: BackupReport, paint: Paint): string {
  const { files } = report;
  const facts: [string, string][] = [
    ['consistency', `${report.consistency}: ${CONSISTENCY_MEANING[report.consistency]}`],
    [
      'files',
      `${formatCount(files.new)} new, ${formatCount(files.changed)} changed, ${formatCount(files.unmodified)} unmodified`,
    ],
    [
      'others',
      `${counted(report.folders, 'folder')}, ${counted(report.others, 'link, device or pipe', 'links, devices and pipes')}`,
    ],
    ['size', `${formatBytes(report.bytesTotal)} in all files`],
    ['read', `${formatBytes(report.bytesRead)} of content, ${formatBytes(report.bytesReceived)} over the connection`],
    ['stored', `${formatBytes(report.bytesStored)} in ${counted(report.blobsNew, 'new blob')}`],
  ];
  if (report.bytesEqual !== undefined) {
    facts.push(['not sent', `${formatBytes(report.bytesEqual)} of large files that changed, equal by their hashes`]);
  }
  if (report.parent !== undefined) facts.push(['parent', shown(report.parent.slice(0, 8))]);
  if (report.skewMs > 0) facts.push(['skew', formatDuration(report.skewMs)]);
  const skew = skewInWords(report.clockSkew);
  if (skew !== undefined) facts.push(['clock', `that of the host is ${skew}`]);
  facts.push(...holdFacts(report), ...dumpFacts(report.dumps), ...snapshotFacts(report.snapshots));
  const title = report.missingCount === 0 ? paint('green', 'Restore point') : paint('yellow', 'Partial restore point');
  const head = `${title} ${shown(report.restorePoint)}\n${renderFacts(facts)}`;
  const skipped = report.skipped.map((item) => `"${shown(item.path)}": ${shown(item.reason)}`);
  return (
    head +
    renderList(
      paint(
        'yellow',
        report.missingCount === 0
          ? `${counted(report.skipped.length, 'item', 'items')} saved without everything that belongs to it`
          : `${counted(report.missingCount, 'item is', 'items are')} missing or not whole`,
      ),
      skipped,
    )
  );
}

export function holdFacts(report: Pick<BackupReport, 'holds' | 'snapshots'>): [string, string][] {
  return holdsOf(report).map((hold) => ['held', shown(holdInWords(hold))]);
}

export function dumpFacts(dumps: readonly PlannedDumpFile[] = []): [string, string][] {
  return dumps.map(({ path, what, consistency }) => ['dump', `${shown(path)}: ${shown(what)}, ${consistency}`]);
}

export function snapshotFacts(snapshots: readonly SnapshotReport[]): readonly [string, string][] {
  return snapshots.map(({ volume, freezeMs, lifetimeMs, sizeBytes, peakUsedBytes }) => {
    const used = sizeBytes === 0 ? '' : `, ${formatBytes(peakUsedBytes)} of ${formatBytes(sizeBytes)} used`;
    return [
      'snapshot',
      `${shown(volume)}: writers held for at most ${formatDuration(freezeMs)}, lived ${formatDuration(lifetimeMs)}${used}`,
    ];
  });
}

export function renderCheck(report: CheckReport, paint: Paint): string {
  const read = `${formatBytes(report.bytesRead)}, structure only`;
  return renderFigures(report, read, 'The structure is sound; content was not read', paint);
}

export function renderVerify(report: VerifyReport, paint: Paint): string {
  // A share that was proved is not called the whole.
  const verdict =
    report.proved?.subset === undefined
      ? 'All data is there and intact'
      : 'The structure is sound, and the share of the data that was read is intact';
  return renderFigures(report, whatWasRead(report), verdict, paint);
}

function renderFigures(report: CheckFigures, read: string, verdict: string, paint: Paint): string {
  const facts = renderFacts([
    [
      'looked at',
      `${counted(report.restorePoints, 'restore point')}, ${counted(report.packs, 'pack')}, ${counted(report.blobs, 'blob')}`,
    ],
    ['read', read],
  ]);
  const isEmpty = report.restorePoints + report.packs === 0;
  const sound = isEmpty ? 'The repository is sound, and empty: there is no restore point yet' : verdict;
  const good = report.findings.filter((finding) => !isTrouble(finding));
  const bad = report.findings.filter(isTrouble);
  const notes = good.map(({ message, advice = '' }) => shown(`${message} ${advice}`.trim()));
  if (bad.length === 0) return `${paint('green', sound)}\n${facts}${renderList('Good to know', notes)}`;
  const findings = bad.map(renderFinding);
  return facts + renderList(paint('red', counted(bad.length, 'finding')), findings) + renderList('Good to know', notes);
}

function whatWasRead({ bytesRead, proved, findings }: VerifyReport): string {
  if (proved === undefined) return `${formatBytes(bytesRead)} of content`;
  const { packs, bytes, subset } = proved;
  const { missing = { packs: 0, bytes: 0 }, lostIndexes = 0 } = proved;
  const packsTotal = proved.packsTotal + missing.packs;
  const bytesTotal = proved.bytesTotal + missing.bytes;
  const isAll = packs === packsTotal && lostIndexes === 0;
  if (subset === undefined && isAll) return `${formatBytes(bytesRead)}, every byte of content`;
  const share = subset === undefined ? '' : ` (share ${shown(subset)})`;
  const head = `${formatBytes(bytes)} of ${formatBytes(bytesTotal)}, ${formatCount(packs)} of ${counted(packsTotal, 'pack')}${share}`;
  if (lostIndexes > 0) return `${head}; ${counted(lostIndexes, 'index file')} could not be read and may name more`;
  const percent = bytesTotal === 0 ? 100 : Math.floor((1000 * bytes) / bytesTotal) / 10;
  const isDamaged = findings.some(({ severity }) => severity === 'damage');
  return `${head}: ${percent} % of the content ${isDamaged ? 'was read' : 'is proved'}`;
}

/** Whether it asks for something. */
export const isTrouble = ({ severity }: Finding): boolean => severity !== 'information';

function renderFinding({ severity, message, affects, advice }: Finding): string {
  const victims = affects.length > 0 ? ` (affects ${enumerated(affects)})` : '';
  const next = advice === undefined ? '' : `\n    ${shown(advice)}`;
  return `${severity}: ${shown(message)}${victims}${next}`;
}

export function renderCopy(report: CopyReport, paint: Paint): string {
  const { copied, alreadyThere, failed } = report;
  const head = `${paint('green', 'Copied')} ${counted(copied.length, 'restore point')} from "${shown(report.from)}" to "${shown(report.to)}"\n`;
  const facts = renderFacts([
    ['before', `${counted(alreadyThere, 'restore point was', 'restore points were')} there already`],
    ['read', `${formatBytes(report.bytesRead)} of content, each blob proved against its id`],
    ['stored', `${formatBytes(report.bytesStored)} in ${counted(report.blobsNew, 'new blob')}`],
  ]);
  const lines = failed.map(({ restorePoint, reason }) => `${shown(restorePoint.slice(0, 8))}: ${shown(reason)}`);
  const title = `${counted(failed.length, 'restore point was', 'restore points were')} not copied`;
  return head + facts + renderList(paint('red', title), lines);
}

export function renderSweep(report: SweepReport, paint: Paint): string {
  const removed =
    report.removed.length === 0
      ? `${paint('green', report.kept.length === 0 ? 'Nothing of ours was left behind' : 'Nothing was removed')}\n`
      : renderList(paint('green', `${counted(report.removed.length, 'trace')} removed`), report.removed.map(shown));
  const kept = report.kept.map((item) => `${shown(item.object)}: ${shown(item.reason)}`);
  return (
    removed +
    renderList(paint('yellow', `${counted(report.kept.length, 'object was', 'objects were')} left alone`), kept)
  );
}

/** `total` where the report itself names only the first of them. */
export function renderList(title: string, lines: readonly string[], total = lines.length): string {
  if (lines.length === 0) return '';
  const listed = lines.slice(0, LIST_LIMIT).map((line) => `  ${line}\n`);
  const rest = total - listed.length;
  const where = total > lines.length ? `the first ${formatCount(lines.length)} are in --json` : '--json lists them all';
  if (rest > 0) listed.push(`  and ${formatCount(rest)} more; ${where}\n`);
  return `${title}\n${listed.join('')}`;
}
