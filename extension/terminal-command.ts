/**
 * Messages name commands such as "stillpoint sweep db1". A user who has only the extension has no such program, so every
 * terminal of the editor finds one: a script of this extension that runs the command line in the editor's own Node.
 */
import { join } from 'node:path';
import process from 'node:process';
import type * as vscode from 'vscode';

/** Where the script is, in the extension's folder. */
const BIN = join('dist', 'bin');

export function offerTerminalCommand(context: vscode.ExtensionContext): void {
  const { environmentVariableCollection: terminals } = context;
  terminals.persistent = false;
  terminals.description = 'The command "stillpoint", as messages name it';
  terminals.append('PATH', `${process.platform === 'win32' ? ';' : ':'}${context.asAbsolutePath(BIN)}`);
  terminals.replace('STILLPOINT_NODE', process.execPath);
}
