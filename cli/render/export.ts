/** What an export wrote and proved, for people. */
import { formatBytes } from '../../shared/base/bytes.ts';
import { skewInWords } from '../../shared/domain/clock-skew.ts';
import { CONSISTENCY_MEANING } from '../../shared/domain/consistency.ts';
import type { ExportReport } from '../../shared/domain/verbs/export.ts';
import { dumpFacts, holdFacts, renderList, snapshotFacts } from './result.ts';
import { renderFacts } from './table.ts';
import { counted, formatCount, formatDuration, type Paint, shown } from './text.ts';

export function renderExport(report: ExportReport, paint: Paint): string {
  const { files, filesUnmodified, proved, missingCount, notKept, removed } = report;
  const shared = report.to.kind === 'mirror' ? `, ${formatCount(filesUnmodified)} of them as they were` : '';
  const facts: [string, string][] = [
    ['consistency', `${report.consistency}: ${CONSISTENCY_MEANING[report.consistency]}`],
    ['files', `${formatCount(files)}${shared}`],
    [
      'others',
      `${counted(report.folders, 'folder')}, ${counted(report.others, 'link, device or pipe', 'links, devices and pipes')}`,
    ],
    ['size', `${formatBytes(report.bytesTotal)} in all files`],
    ['read', `${formatBytes(report.bytesRead)} of content, ${formatBytes(report.bytesReceived)} over the connection`],
    ['written', formatBytes(report.bytesStored)],
    ['proved', `${counted(proved.files, 'file')}, ${formatBytes(proved.bytes)}, read back and compared`],
  ];
  if (report.skewMs > 0) facts.push(['skew', formatDuration(report.skewMs)]);
  const skew = skewInWords(report.clockSkew);
  if (skew !== undefined) facts.push(['clock', `that of the host is ${skew}`]);
  facts.push(...holdFacts(report), ...dumpFacts(report.dumps), ...snapshotFacts(report.snapshots));
  const what = report.to.kind === 'archive' ? 'rchive' : 'tate of the mirror';
  const whole = `${report.to.kind === 'archive' ? 'A' : 'S'}${what}`;
  const partial = `Partial ${report.to.kind === 'archive' ? 'a' : 's'}${what}`;
  const title = missingCount === 0 ? paint('green', whole) : paint('yellow', partial);
  const skipped = report.skipped.map(({ path, reason }) => `"${shown(path)}": ${shown(reason)}`);
  const lost = notKept.map(({ what: kind, entries, examples }) => {
    const named = examples.slice(0, 3).map((path) => `"${shown(path)}"`);
    return `${shown(kind)}: of ${counted(entries, 'entry', 'entries')}, such as ${named.join(', ')}`;
  });
  const items =
    missingCount === 0
      ? `${counted(skipped.length, 'item', 'items')} left out, or without everything that belongs to it`
      : `${counted(missingCount, 'item is', 'items are')} missing or not whole`;
  return (
    `${title} ${shown(report.path)}\n${renderFacts(facts)}` +
    renderList(paint('yellow', items), skipped) +
    renderList(paint('yellow', 'Not kept'), lost) +
    renderList('Older states that are gone', removed.map(shown))
  );
}
