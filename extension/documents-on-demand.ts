/** Documents of a scheme of ours; what writes them is loaded with the first one. */
import * as vscode from 'vscode';

export const JOB_LOG_SCHEME = 'stillpoint-job';
export const RESTORE_POINT_SCHEME = 'stillpoint-point';

interface Writer extends vscode.TextDocumentContentProvider, Partial<vscode.Disposable> {}

export class DocumentsOnDemand implements vscode.TextDocumentContentProvider, vscode.Disposable {
  readonly #changed = new vscode.EventEmitter<vscode.Uri>();
  readonly #load: () => Promise<Writer>;
  #writer: Promise<Writer> | undefined;
  readonly onDidChange = this.#changed.event;

  constructor(load: () => Promise<Writer>) {
    this.#load = load;
  }

  async provideTextDocumentContent(uri: vscode.Uri, token: vscode.CancellationToken): Promise<string> {
    this.#writer ??= this.#load().then((writer) => {
      writer.onDidChange?.((changed) => this.#changed.fire(changed));
      return writer;
    });
    return (await (await this.#writer).provideTextDocumentContent(uri, token)) ?? '';
  }

  dispose(): void {
    void this.#writer?.then((writer) => void writer.dispose?.());
    this.#changed.dispose();
  }
}
