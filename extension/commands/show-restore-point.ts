/** Show Restore Point: opens its page. */
import * as vscode from 'vscode';
import { never } from '../../shared/base/cancel.ts';
import { type RepositoryName, restorePointId } from '../../shared/domain/names.ts';
import type { RestorePointSummary } from '../../shared/domain/restore-point.ts';
import { restorePointUri } from '../restore-point-document.ts';
import { formatTime } from '../texts/wording.ts';
import { nodeOf } from './node-argument.ts';
import type { CommandPorts } from './ports.ts';

/** `argument`: a restore point's node, its id, or nothing. */
export async function showRestorePoint(ports: CommandPorts, argument: unknown): Promise<void> {
  if (typeof argument === 'string') return openRestorePoint(ports, undefined, argument);
  const point = nodeOf(argument, 'restore-point')?.point ?? (await pickRestorePoint(ports));
  if (point !== undefined) await show(restorePointUri(point));
}

export async function openRestorePoint(
  ports: CommandPorts,
  repository: RepositoryName | undefined,
  id: string,
): Promise<void> {
  const { point, notes } = await ports.core.converse((stillpoint) =>
    stillpoint.findRestorePoint(repository === undefined ? {} : { repository }, id, never),
  );
  for (const { severity, message } of notes) if (severity === 'warning') ports.notify.warning(message);
  await show(restorePointUri(point));
}

async function show(uri: vscode.Uri): Promise<void> {
  await vscode.window.showTextDocument(await vscode.workspace.openTextDocument(uri), { preview: true });
}

/** Those that cannot be read are offered too: their page says why. */
async function pickRestorePoint(
  ports: CommandPorts,
): Promise<Pick<RestorePointSummary, 'repository' | 'id'> | undefined> {
  const { restorePoints, unreadable, unavailable } = await ports.core.converse((stillpoint) =>
    stillpoint.listRestorePoints({}, never),
  );
  for (const { repository, reason } of unavailable)
    ports.notify.warning(vscode.l10n.t('The repository "{0}" could not be asked: {1}', repository, reason));
  const picked = await vscode.window.showQuickPick(
    [
      ...restorePoints.map((point) => ({
        label: formatTime(point.time, ports.wording),
        description: `${point.source ?? point.hostname} · ${point.repository}`,
        detail: point.paths.join(', '),
        point: { repository: point.repository, id: point.id },
      })),
      ...unreadable.map(({ repository, restorePoint, reason }) => ({
        label: vscode.l10n.t('$(error) Restore point {0} cannot be read', restorePoint.slice(0, 8)),
        description: repository,
        detail: reason,
        point: { repository, id: restorePointId(restorePoint) },
      })),
    ],
    {
      title: vscode.l10n.t('Show Restore Point'),
      placeHolder: vscode.l10n.t('Which restore point? Type a part of its time, source, repository or paths.'),
      matchOnDescription: true,
      matchOnDetail: true,
    },
  );
  return picked?.point;
}
