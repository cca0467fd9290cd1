/** Copy What Mends It: the lines of a finding, for a terminal or the configuration. Nothing is run. */
import * as vscode from 'vscode';
import { nodeOf } from './node-argument.ts';
import type { CommandPorts } from './ports.ts';

/** `argument`: the node of a finding. */
export async function copyRemedy(ports: CommandPorts, argument: unknown): Promise<void> {
  const remedy = nodeOf(argument, 'finding')?.finding.remedy;
  if (remedy === undefined || remedy.lines.length === 0) return;
  await vscode.env.clipboard.writeText(`${remedy.lines.join('\n')}\n`);
  ports.notify.information(vscode.l10n.t('Copied. Look at it before you use it: {0}', remedy.note));
}
