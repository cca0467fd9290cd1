/** The view Jobs: running and recent jobs, newest first, whoever started them. */
import * as vscode from 'vscode';
import { toErrorRecord } from '../../shared/base/errors.ts';
import type { JobsFeed } from '../jobs-feed.ts';
import type { Wording } from '../texts/wording.ts';
import { type JobsNode, jobsNodeView } from './jobs-nodes.ts';
import { toTreeItem } from './tree-item.ts';

export class JobsTree implements vscode.TreeDataProvider<JobsNode>, vscode.Disposable {
  readonly #feed: JobsFeed;
  readonly #wording: Wording;
  readonly #changed = new vscode.EventEmitter<undefined>();
  readonly onDidChangeTreeData = this.#changed.event;
  readonly #listening: vscode.Disposable;

  constructor(feed: JobsFeed, wording: Wording) {
    this.#feed = feed;
    this.#wording = wording;
    this.#listening = feed.onDidChange(() => this.refresh());
  }

  getTreeItem(node: JobsNode): vscode.TreeItem {
    return toTreeItem(jobsNodeView(node, this.#wording), node);
  }

  async getChildren(node?: JobsNode): Promise<JobsNode[]> {
    if (node !== undefined) return [];
    try {
      const [jobs, own] = await Promise.all([this.#feed.list(), this.#feed.configFile()]);
      return jobs.map((job) => ({ kind: 'job', job, isForeign: job.configFile !== own }));
    } catch (error) {
      return [{ kind: 'problem', parent: undefined, error: toErrorRecord(error) }];
    }
  }

  refresh(): void {
    this.#changed.fire(undefined);
  }

  dispose(): void {
    this.#listening.dispose();
    this.#changed.dispose();
  }
}
