/**
 * A job in front of the user. The window only follows: the job has its own process, and closing the window, reloading
 * it or losing it changes nothing for the job. "Cancel" cancels the job itself, says what that means at this moment,
 * and stays until the job has cleaned up.
 */
import * as vscode from 'vscode';
import { systemClock } from '../shared/base/clock.ts';
import { fromErrorRecord } from '../shared/base/errors.ts';
import type { RunEvent } from '../shared/domain/events.ts';
import { forecastWords } from '../shared/domain/fill-forecast.ts';
import type { Job } from '../shared/domain/job.ts';
import type { Phase } from '../shared/domain/verbs/verbs.ts';
import { isPartial, type JobKind, madePoint } from '../shared/domain/verbs/verbs.ts';
import { signalOf } from './cancel.ts';
import type { Core } from './core.ts';
import type { Action, Notifier } from './notify.ts';
import { leftBehindWords } from './texts/job-words.ts';
import { percentDone, progressWords } from './texts/progress-words.ts';
import type { Wording } from './texts/wording.ts';
import { cancelWords, jobTitle, phaseWords, resultWords } from './verbs.ts';

/** Success is reported only where the user may have looked away. */
const LONG_MS = 10_000;

export interface FollowPorts {
  readonly core: Core;
  readonly notify: Notifier;
  readonly wording: Wording;
  readonly showLog: (job: Job) => unknown;
  readonly showRestorePoint: (job: Job) => unknown;
}

type Finished = Extract<RunEvent, { type: 'job-finished' }>;

/** How far the events were seen. */
interface Seen {
  seq: number;
  phase: Phase | undefined;
  percent: number;
  /** What could not be cleaned up, by name, and where. */
  readonly left: string[];
  host: string | undefined;
}

export async function followInWindow(job: Job, ports: FollowPorts): Promise<void> {
  const { t } = ports.wording;
  const title = jobTitle(job.request, t);
  const startMs = systemClock.monotonicMs();
  const seen: Seen = { seq: 0, phase: job.phase, percent: 0, left: [], host: undefined };
  try {
    let finished = await withProgress(title, true, (progress, token) => follow(job, seen, ports, progress, token));
    if (finished === undefined) {
      await ports.core.use((stillpoint) => stillpoint.cancelJob(job.id));
      finished = await withProgress(t('Cancelling: {0}', title), false, (progress, token) => {
        progress.report({ message: cancelWords(job.request.kind, seen.phase, t) });
        return follow(job, seen, ports, undefined, token);
      });
    }
    if (finished !== undefined) tellEnd(job, finished, seen, systemClock.monotonicMs() - startMs, ports);
  } catch (error) {
    ports.notify.error(error, { title: t('Show Job Log'), run: () => ports.showLog(job) });
  }
}

type Report = vscode.Progress<{ message?: string; increment?: number }>;

function withProgress<T>(
  title: string,
  cancellable: boolean,
  task: (progress: Report, token: vscode.CancellationToken) => Promise<T>,
): Thenable<T> {
  return vscode.window.withProgress({ location: vscode.ProgressLocation.Notification, title, cancellable }, task);
}

/** Resolves to the last event, or to undefined when the user pressed Cancel. */
async function follow(
  job: Job,
  seen: Seen,
  ports: FollowPorts,
  progress: Report | undefined,
  token: vscode.CancellationToken,
): Promise<Finished | undefined> {
  using cancel = signalOf(token, jobTitle(job.request, ports.wording.t));
  try {
    return await ports.core.use(async (stillpoint) => {
      for await (const event of stillpoint.followJob(job.id, seen.seq, cancel.signal)) {
        seen.seq = event.seq;
        note(event, job.request.kind, seen, ports.wording, progress);
        if (event.type === 'job-finished') return event;
      }
      return undefined;
    });
  } catch (error) {
    if (cancel.signal.aborted) return undefined;
    throw error;
  }
}

function note(event: RunEvent, kind: JobKind, seen: Seen, { t }: Wording, progress: Report | undefined): void {
  if (event.type === 'job-waiting') {
    progress?.report({ message: t('Waiting for another job on this host') });
  } else if (event.type === 'turn-waiting') {
    progress?.report({ message: t('Waiting for another run on "{0}": {1}', event.host, event.what) });
  } else if (event.type === 'fill-forecast') {
    progress?.report({ message: t('On "{0}" {1}.', event.host, forecastWords(event, event)) });
  } else if (event.type === 'phase-started') {
    seen.phase = event.phase;
    progress?.report({ message: phaseWords(kind, event.phase, t) });
  } else if (event.type === 'progress') {
    const percent = Math.max(seen.percent, percentDone(event) ?? 0);
    const message = t('{0}: {1}', phaseWords(kind, event.phase, t), progressWords(event, t));
    progress?.report({ message, increment: percent - seen.percent });
    seen.percent = percent;
  } else if (event.type === 'lease-arming') {
    seen.host = event.host;
  } else if (event.type === 'cleanup-failed') {
    seen.left.push(event.what);
  }
}

function tellEnd(job: Job, finished: Finished, seen: Seen, tookMs: number, ports: FollowPorts): void {
  const { t } = ports.wording;
  const title = jobTitle(job.request, t);
  const showLog: Action = { title: t('Show Job Log'), run: () => ports.showLog(job) };
  if (seen.left.length > 0) {
    ports.notify.warning(leftBehindWords(title, seen.left, seen.host, t), showLog);
  }
  switch (finished.outcome) {
    case 'succeeded': {
      if (finished.result !== undefined && isPartial(finished.result)) {
        ports.notify.warning(t('{0}: done in part. {1}', title, resultWords(finished.result, t)), showLog);
        return;
      }
      if (tookMs < LONG_MS && vscode.window.state.focused) return;
      const text = finished.result === undefined ? '' : resultWords(finished.result, t);
      const show: Action = { title: t('Show Restore Point'), run: () => ports.showRestorePoint(job) };
      ports.notify.information(
        t('{0}: done. {1}', title, text),
        madePoint(finished.result) === undefined ? showLog : show,
      );
      return;
    }
    case 'cancelled':
      ports.notify.information(t('{0}: cancelled.', title), showLog);
      return;
    case 'failed':
    case 'interrupted':
      if (finished.error !== undefined) ports.notify.error(fromErrorRecord(finished.error), showLog);
      else ports.notify.warning(t('{0}: ended before it was done.', title), showLog);
  }
}
