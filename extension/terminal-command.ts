/**
 * Messages name commands such as "stillpoint sweep db1". A user who has only the extension has no such program, so every
 * terminal of the editor finds one: a script of this extension that runs the command line in the editor's own Node.
 */
import { join } from 'node:path';
import process from 'node:process';
import type * as vscode from 'vscode';

/** The parts of the extension's context that are needed here. */
export interface TerminalPlace {
  readonly environmentVariableCollection: Pick<
    vscode.EnvironmentVariableCollection,
    'persistent' | 'description' | 'append' | 'replace' | 'delete'
  >;
  asAbsolutePath(path: string): string;
}

/** Where the script is, in the extension's folder. */
const BIN = join('dist', 'bin');

/** `configFile`: what the setting names, so that a command there means the same hosts as the views. */
export function offerTerminalCommand(place: TerminalPlace, configFile: string | undefined): void {
  const { environmentVariableCollection: terminals } = place;
  terminals.persistent = false;
  terminals.description = 'The command "stillpoint", as messages name it';
  terminals.append('PATH', `${process.platform === 'win32' ? ';' : ':'}${place.asAbsolutePath(BIN)}`);
  terminals.replace('STILLPOINT_NODE', process.execPath);
  if (configFile === undefined) terminals.delete('STILLPOINT_CONFIG');
  else terminals.replace('STILLPOINT_CONFIG', configFile);
}
