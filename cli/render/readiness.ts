/** What to see to on a host before a backup, as a person reads it: grave things first, each with what mends it. */
import { formatBytes } from '../../shared/base/bytes.ts';
import {
  type DataStore,
  FINDING_SEVERITIES,
  type HostFinding,
  type HostReadiness,
  type ProposedSource,
  type Remedy,
  type RoomForecast,
  SEVERITY_MEANING,
} from '../../shared/domain/readiness.ts';
import { type Column, renderTable } from './table.ts';
import { formatDuration, type Paint, shown } from './text.ts';

const WHERE: Readonly<Record<Exclude<Remedy['where'], 'nowhere'>, string>> = {
  host: 'as root on the host',
  here: 'on this machine',
  configuration: 'in the configuration',
};

const STORES: readonly Column<DataStore>[] = [
  { title: 'DATA OF', cell: ({ what }) => what },
  { title: 'FILES', cell: ({ path }) => path ?? 'in a container' },
  { title: 'VOLUME', cell: ({ volume }) => volume ?? '-' },
  { title: 'SERVICE', cell: ({ service }) => service ?? '-' },
];

const ROOM: readonly Column<RoomForecast>[] = [
  { title: 'VOLUME', cell: ({ volume }) => volume },
  { title: 'WRITTEN NOW', align: 'right', cell: ({ writtenPerSecond }) => `${formatBytes(writtenPerSecond)}/s` },
  { title: 'READ IN', align: 'right', cell: ({ readingSeconds }) => formatDuration(readingSeconds * 1000) },
  { title: 'NEEDS', align: 'right', cell: ({ neededBytes }) => formatBytes(neededBytes) },
  { title: 'HAS', align: 'right', cell: ({ roomBytes }) => formatBytes(Math.max(0, roomBytes)) },
];

export function renderReadiness(readiness: HostReadiness, paint: Paint): string {
  const { host, system, findings, stores, room, unseen } = readiness;
  const parts = [`${paint('bold', shown(host))}  ${shown(system)}\n`];
  if (findings.length === 0) parts.push(`${paint('green', 'Nothing was found that stands in the way of a backup.')}\n`);
  for (const severity of FINDING_SEVERITIES) {
    const own = findings.filter((finding) => finding.severity === severity);
    if (own.length === 0) continue;
    const head = paint(severity === 'advice' ? 'yellow' : 'red', severity.replace('-', ' '));
    parts.push(`${head}: ${SEVERITY_MEANING[severity]}\n${own.map(renderFinding).join('')}`);
  }
  if (stores.length > 0) parts.push(renderTable(STORES, stores, paint));
  if (room.length > 0) parts.push(renderTable(ROOM, room, paint));
  if (unseen.length > 0) parts.push(unseen.map((text) => `${paint('yellow', 'not seen:')} ${shown(text)}\n`).join(''));
  parts.push(renderProposal(readiness));
  return parts.join('\n');
}

function renderFinding({ message, means, remedy }: HostFinding): string {
  const lines = remedy.lines.map((line) => `      ${shown(line)}\n`).join('');
  const where = remedy.where === 'nowhere' || lines === '' ? '' : `    ${WHERE[remedy.where]}:\n${lines}`;
  return `  ${shown(message)}\n    ${shown(means)}\n${where}    ${shown(remedy.note)}\n`;
}

/** The entries as they could stand in the configuration. */
function renderProposal({ host, proposedSources }: HostReadiness): string {
  if (proposedSources.length === 0) return `There is no volume on "${shown(host)}" that could be backed up.\n`;
  const entries = proposedSources.map(renderSource).join('');
  return `Under "sources" of the configuration could stand (stillpoint setup ${shown(host)} writes it there):\n${entries}`;
}

function renderSource({ name, entry, why }: ProposedSource): string {
  const text = JSON.stringify(entry, undefined, 2).split('\n').map(shown).join('\n  ');
  return `  ${JSON.stringify(name)}: ${text}\n${why.map((line) => `  ${shown(line)}\n`).join('')}`;
}
