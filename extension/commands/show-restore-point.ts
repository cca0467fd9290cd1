/** Show Restore Point: opens its page. */
import * as vscode from 'vscode';
import { never } from '../../shared/base/cancel.ts';
import type { RepositoryName } from '../../shared/domain/names.ts';
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
  const point = await ports.core.converse((stillpoint) => stillpoint.findRestorePoint(repository, id, never));
  await show(restorePointUri(point));
}

async function show(uri: vscode.Uri): Promise<void> {
  await vscode.window.showTextDocument(await vscode.workspace.openTextDocument(uri), { preview: true });
}

async function pickRestorePoint(ports: CommandPorts): Promise<RestorePointSummary | undefined> {
  const points = await ports.core.converse((stillpoint) => stillpoint.listRestorePoints({}, never));
  const picked = await vscode.window.showQuickPick(
    points.map((point) => ({
      label: formatTime(point.time, ports.wording),
      description: point.source ?? point.hostname,
      detail: point.paths.join(', '),
      point,
    })),
    { title: vscode.l10n.t('Show Restore Point'), placeHolder: vscode.l10n.t('Which restore point?') },
  );
  return picked?.point;
}
