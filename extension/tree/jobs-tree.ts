/** The view Jobs: running and recent jobs, newest first, from every shell. */
import * as vscode from 'vscode';
import { toErrorRecord } from '../../shared/base/errors.ts';
import type { JobsFeed } from '../jobs-feed.ts';
import type { Wording } from '../texts/wording.ts';
import { type JobsNode, jobsNodeView } from './jobs-nodes.ts';
import { ShownNodes } from './shown-nodes.ts';
import { toTreeItem } from './tree-item.ts';

export class JobsTree implements vscode.TreeDataProvider<JobsNode>, vscode.Disposable {
  readonly #feed: JobsFeed;
  readonly #wording: Wording;
  readonly #changed = new vscode.EventEmitter<JobsNode | undefined>();
  readonly onDidChangeTreeData = this.#changed.event;
  readonly #shown = new ShownNodes<JobsNode>({
    idOf: (node) => jobsNodeView(node, this.#wording).id,
    load: (node) => this.#load(node),
    changed: (node) => this.#changed.fire(node),
    nowMs: () => performance.now(),
  });
  readonly #listening: vscode.Disposable;

  constructor(feed: JobsFeed, wording: Wording) {
    this.#feed = feed;
    this.#wording = wording;
    this.#listening = feed.onDidChange(() => this.refresh());
  }

  getTreeItem(node: JobsNode): vscode.TreeItem {
    return toTreeItem(jobsNodeView(node, this.#wording), node);
  }

  getChildren(node?: JobsNode): Promise<JobsNode[]> {
    return this.#shown.children(node);
  }

  refresh(): void {
    void this.#shown.renew(undefined);
  }

  dispose(): void {
    this.#listening.dispose();
    this.#changed.dispose();
  }

  async #load(node: JobsNode | undefined): Promise<JobsNode[]> {
    if (node !== undefined) return [];
    try {
      const [jobs, own] = await Promise.all([this.#feed.list(), this.#feed.configFile()]);
      return jobs.map((job) => ({ kind: 'job', job, isForeign: job.configFile !== own }));
    } catch (error) {
      return [{ kind: 'problem', parent: undefined, error: toErrorRecord(error) }];
    }
  }
}
