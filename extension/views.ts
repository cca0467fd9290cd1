/** The two views: what they show, when the jobs are watched, and the number on the icon while something runs. */
import * as vscode from 'vscode';
import { isFinished } from '../shared/domain/job.ts';
import { verbOf } from '../shared/domain/verbs/verbs.ts';
import type { JobsChange, JobsFeed } from './jobs-feed.ts';
import type { Wording } from './texts/wording.ts';
import type { HostsNode } from './tree/hosts-nodes.ts';
import type { HostsTree } from './tree/hosts-tree.ts';
import type { JobsNode } from './tree/jobs-nodes.ts';
import type { JobsTree } from './tree/jobs-tree.ts';

export interface ViewParts {
  readonly hosts: HostsTree;
  readonly jobs: JobsTree;
  readonly feed: JobsFeed;
  readonly wording: Wording;
}

export function connectViews({ hosts, jobs, feed, wording }: ViewParts): vscode.Disposable {
  const hostsView = vscode.window.createTreeView<HostsNode>('stillpoint.hosts', { treeDataProvider: hosts });
  const jobsView = vscode.window.createTreeView<JobsNode>('stillpoint.jobs', { treeDataProvider: jobs });
  const watchWhileSeen = (): void => feed.watch(hostsView.visible || jobsView.visible);
  const onChange = (change: JobsChange): void => {
    for (const { request } of change.ended) {
      const { source } = verbOf(request).places(request);
      if (source !== undefined) hosts.refreshSource(source);
    }
    const running = change.jobs.filter((job) => !isFinished(job.state)).length;
    jobsView.badge =
      running === 0 ? undefined : { value: running, tooltip: wording.t('Running or waiting jobs: {0}', running) };
  };
  watchWhileSeen();
  return vscode.Disposable.from(
    hostsView,
    jobsView,
    hostsView.onDidChangeVisibility(watchWhileSeen),
    hostsView.onDidExpandElement(({ element }) => hosts.setOpen(element, true)),
    hostsView.onDidCollapseElement(({ element }) => hosts.setOpen(element, false)),
    jobsView.onDidChangeVisibility(watchWhileSeen),
    feed.onDidChange(onChange),
  );
}
