/** What would be made of a device, and what has become of it. */
import { formatBytes } from '../../shared/base/bytes.ts';
import type { NewVolume, NewVolumePlan } from '../../shared/domain/new-volume.ts';
import { renderFacts } from './table.ts';
import { type Paint, shown } from './text.ts';

export function renderNewVolumePlan(plan: NewVolumePlan, paint: Paint): string {
  const { device, group, groupBytes, freeBytes, volume, host } = plan;
  const says = device.says === '' ? '' : `, "${shown(device.says)}"`;
  const free = `${formatBytes(freeBytes)} of ${formatBytes(groupBytes)} free, for snapshots`;
  const lines = plan.steps.flatMap(({ does }) => does.map((line) => `  ${shown(line)}\n`)).join('');
  const risks = plan.risks.map((risk) => `${paint('yellow', 'risk:')} ${shown(risk)}\n`).join('');
  return [
    `Of ${paint('bold', shown(device.path))} on ${shown(host)}, which is empty, this would be made. Nothing was changed.\n`,
    renderFacts([
      ['device', `${shown(device.path)} (${device.number}${says}), ${formatBytes(device.sizeBytes)}`],
      ['group', `${shown(group)}, ${free}`],
      ...(volume === undefined
        ? []
        : [['volume', `${shown(volume.path)}, ${formatBytes(volume.sizeBytes)}, ${volume.fileSystem}`] as const]),
    ]),
    `Steps on the host, as an administrator would type them:\n${lines}${risks}`,
    `afterwards: ${shown(plan.rollback)}\n`,
  ].join('\n');
}

export function renderNewVolume({ plan, next }: NewVolume, paint: Paint): string {
  const { volume, group, freeBytes, device } = plan;
  const what = volume === undefined ? `${device.path} is part of ${group} now` : `${volume.path} is there now`;
  const done = `${paint('green', 'Made')}: ${shown(what)}; ${formatBytes(freeBytes)} of the group are free for snapshots.\n`;
  if (next.length === 0) return done;
  return `${done}Next, as root on the host, with the folder that you want it at:\n${next.map((line) => `  ${shown(line)}\n`).join('')}`;
}
