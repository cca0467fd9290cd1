/**
 * The log of a job as a read-only document that grows while the job runs: `stillpoint-job:/ID.log`. The job is followed
 * while its document is open and no longer.
 */
import * as vscode from 'vscode';
import { toStillpointError } from '../shared/base/errors.ts';
import type { Logger } from '../shared/base/log.ts';
import type { RunEvent } from '../shared/domain/events.ts';
import type { Job } from '../shared/domain/job.ts';
import { type JobId, jobId } from '../shared/domain/names.ts';
import type { Core } from './core.ts';
import { JOB_LOG_SCHEME } from './documents-on-demand.ts';
import { formatTime, type Wording } from './texts/wording.ts';
import { jobTitle } from './verbs.ts';

/** The editor redraws the whole text, so lines are handed over in portions. */
const SETTLE_MS = 300;

export function jobLogUri(id: JobId): vscode.Uri {
  return vscode.Uri.from({ scheme: JOB_LOG_SCHEME, path: `/${id}.log` });
}

interface Following {
  readonly lines: string[];
  /** The last line is a progress, which the next progress replaces. */
  inProgress?: boolean;
  readonly stop: AbortController;
  timer?: NodeJS.Timeout;
}

export class JobLogDocuments implements vscode.TextDocumentContentProvider, vscode.Disposable {
  readonly #core: Core;
  readonly #logger: Logger;
  readonly #wording: Wording;
  readonly #changed = new vscode.EventEmitter<vscode.Uri>();
  readonly onDidChange = this.#changed.event;
  readonly #following = new Map<string, Following>();
  readonly #closing: vscode.Disposable;

  constructor(core: Core, logger: Logger, wording: Wording) {
    this.#core = core;
    this.#logger = logger;
    this.#wording = wording;
    this.#closing = vscode.workspace.onDidCloseTextDocument((document) => this.#forget(document.uri));
  }

  async provideTextDocumentContent(uri: vscode.Uri): Promise<string> {
    const known = this.#following.get(uri.toString());
    if (known !== undefined) return text(known);
    const following: Following = { lines: [], stop: new AbortController() };
    this.#following.set(uri.toString(), following);
    try {
      const id = jobId(uri.path.slice(1).replace(/\.log$/, ''));
      const job = await this.#core.use((stillpoint) => stillpoint.findJob(id));
      const { t } = this.#wording;
      following.lines.push(
        jobTitle(job.request, t),
        t('Job {0}, {1}', job.id, formatTime(job.createdAt, this.#wording)),
        '',
      );
      void this.#follow(uri, job, following);
    } catch (error) {
      this.#following.delete(uri.toString());
      const { message, advice } = toStillpointError(error);
      following.lines.push(message, advice);
    }
    return text(following);
  }

  dispose(): void {
    this.#closing.dispose();
    for (const following of this.#following.values()) stop(following);
    this.#following.clear();
    this.#changed.dispose();
  }

  async #follow(uri: vscode.Uri, { id, request }: Job, following: Following): Promise<void> {
    try {
      const { eventLines } = await import('./texts/event-lines.ts');
      await this.#core.use(async (stillpoint) => {
        for await (const event of stillpoint.followJob(id, 0, following.stop.signal)) {
          add(following, event, eventLines(event, request.kind, this.#wording));
          following.timer ??= setTimeout(() => {
            delete following.timer;
            this.#changed.fire(uri);
          }, SETTLE_MS);
        }
      });
    } catch (error) {
      if (!following.stop.signal.aborted) this.#logger.log('warn', 'The job cannot be followed', { id, error });
    }
  }

  #forget(uri: vscode.Uri): void {
    const following = this.#following.get(uri.toString());
    if (following === undefined) return;
    stop(following);
    this.#following.delete(uri.toString());
  }
}

function add(following: Following, { type }: RunEvent, lines: readonly string[]): void {
  const isProgress = type === 'progress';
  if (isProgress && following.inProgress === true) following.lines.pop();
  following.lines.push(...lines);
  following.inProgress = isProgress;
}

function text(following: Following): string {
  return `${following.lines.join('\n')}\n`;
}

function stop(following: Following): void {
  following.stop.abort();
  clearTimeout(following.timer);
}
