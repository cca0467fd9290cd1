/** Restore points as read-only documents of the editor: `stillpoint-point:/REPOSITORY/Restore point ID.md`. */
import * as vscode from 'vscode';
import { never } from '../shared/base/cancel.ts';
import { toStillpointError } from '../shared/base/errors.ts';
import { repositoryName } from '../shared/domain/names.ts';
import type { RestorePointSummary } from '../shared/domain/restore-point.ts';
import type { Core } from './core.ts';
import { RESTORE_POINT_SCHEME } from './documents-on-demand.ts';
import type { Wording } from './texts/wording.ts';

export function restorePointUri(point: Pick<RestorePointSummary, 'repository' | 'id'>): vscode.Uri {
  return vscode.Uri.from({
    scheme: RESTORE_POINT_SCHEME,
    path: `/${point.repository}/Restore point ${point.id.slice(0, 8)}.md`,
  });
}

export class RestorePointDocuments implements vscode.TextDocumentContentProvider {
  readonly #core: Core;
  readonly #wording: Wording;

  constructor(core: Core, wording: Wording) {
    this.#core = core;
    this.#wording = wording;
  }

  async provideTextDocumentContent(uri: vscode.Uri): Promise<string> {
    const { restorePointText } = await import('./texts/restore-point-text.ts');
    const [, repository = '', file = ''] = uri.path.split('/');
    try {
      return await this.#core.converse(async (stillpoint) => {
        const { point } = await stillpoint.findRestorePoint(
          { repository: repositoryName(repository) },
          /(\w+)\.md$/.exec(file)?.[1] ?? file,
          never,
        );
        const repositories = await stillpoint.listRepositories();
        const spec = repositories.find((candidate) => candidate.name === point.repository);
        return restorePointText(point, spec, this.#wording);
      });
    } catch (error) {
      const { message, advice } = toStillpointError(error);
      return `${message}\n\n${advice}\n`;
    }
  }
}
