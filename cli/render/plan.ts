/** A plan as a person reads it before saying yes: what, where, with which commands, and what may go wrong. */
import { formatBytes } from '../../shared/base/bytes.ts';
import type { BackupPlan, PlannedSnapshot } from '../../shared/domain/backup-plan.ts';
import { CONSISTENCY_MEANING } from '../../shared/domain/consistency.ts';
import { type Column, renderFacts, renderTable } from './table.ts';
import { type Paint, shown } from './text.ts';

const SNAPSHOTS: readonly Column<PlannedSnapshot>[] = [
  { title: 'VOLUME', cell: (snapshot) => snapshot.volume },
  { title: 'SNAPSHOT', cell: (snapshot) => snapshot.snapshot },
  { title: 'SIZE', align: 'right', cell: (snapshot) => formatBytes(snapshot.sizeBytes) },
  { title: 'FREE AFTER', align: 'right', cell: (snapshot) => formatBytes(snapshot.freeBytesAfter) },
  { title: 'MOUNTED AT', cell: (snapshot) => snapshot.mountpoint },
];

export function renderPlan(plan: BackupPlan, paint: Paint): string {
  const bytes = plan.estimate.bytesOnVolumes;
  const parts = [
    `Backup of ${paint('bold', shown(plan.source))} from ${shown(plan.host)} into ${shown(plan.repository)}. Nothing was changed.\n`,
    renderFacts([
      ['paths', plan.paths.map(shown).join(', ')],
      ['consistency', `${plan.consistency}, if all goes well: ${CONSISTENCY_MEANING[plan.consistency]}`],
      ['data', bytes === undefined ? 'unknown' : `${formatBytes(bytes)} used on the volumes`],
    ]),
    renderTable(SNAPSHOTS, plan.snapshots, paint),
    `Commands that change the host, in order:\n${plan.commands.map(renderCommand).join('')}`,
  ];
  if (plan.risks.length > 0) {
    parts.push(plan.risks.map((risk) => `${paint('yellow', 'risk:')} ${shown(risk)}\n`).join(''));
  }
  return parts.join('\n');
}

/** A command may be a script of several lines; each stays a line. */
function renderCommand(command: string): string {
  return command
    .split('\n')
    .map((line) => `  ${shown(line)}\n`)
    .join('');
}
