/**
 * The mistakes of the configuration, in the editor's own list of problems and under the words that are wrong: also those
 * that no schema can see, such as the name of a repository that is not there. Looked for when the file is opened and
 * when it is saved.
 */
import * as vscode from 'vscode';
import { never } from '../shared/base/cancel.ts';
import { isStillpointError } from '../shared/base/errors.ts';
import { findConfigPlace } from './config-place.ts';
import type { Core } from './core.ts';

interface ProblemRecord {
  readonly line: number;
  readonly column: number;
  readonly message: string;
  readonly advice: string;
}

export class ConfigProblems implements vscode.Disposable {
  readonly #core: Core;
  readonly #shown = vscode.languages.createDiagnosticCollection('stillpoint');
  readonly #listening: vscode.Disposable;

  constructor(core: Core) {
    this.#core = core;
    this.#listening = vscode.Disposable.from(
      vscode.workspace.onDidOpenTextDocument((document) => this.look(document)),
      vscode.workspace.onDidCloseTextDocument((document) => this.#shown.delete(document.uri)),
    );
  }

  /** Whether it is the configuration; then its problems are shown again. */
  async look(document: vscode.TextDocument): Promise<boolean> {
    if (document.languageId !== 'jsonc' && document.languageId !== 'json') return false;
    const place = await findConfigPlace(this.#core).catch(() => undefined);
    if (place?.uri.fsPath !== document.uri.fsPath) return false;
    const problems = await this.#core
      .use((stillpoint) => stillpoint.listHosts(never))
      .then(() => [])
      .catch((error: unknown) => problemsOf(error));
    this.#shown.set(
      document.uri,
      problems.map((problem) => toDiagnostic(problem, document)),
    );
    return true;
  }

  dispose(): void {
    this.#listening.dispose();
    this.#shown.dispose();
  }
}

function problemsOf(error: unknown): readonly ProblemRecord[] {
  if (!isStillpointError(error, 'config.invalid')) return [];
  const problems: unknown = error.details['problems'];
  return Array.isArray(problems) ? (problems as readonly ProblemRecord[]) : [];
}

function toDiagnostic(
  { line, column, message, advice }: ProblemRecord,
  document: vscode.TextDocument,
): vscode.Diagnostic {
  const start = document.validatePosition(new vscode.Position(Math.max(0, line - 1), Math.max(0, column - 1)));
  const word = document.getWordRangeAtPosition(start, /"(?:[^"\\]|\\.)*"|[^\s,{}[\]]+/);
  const range = word ?? new vscode.Range(start, start.translate(0, 1));
  const diagnostic = new vscode.Diagnostic(range, `${message} ${advice}`, vscode.DiagnosticSeverity.Error);
  diagnostic.source = 'Stillpoint';
  return diagnostic;
}
