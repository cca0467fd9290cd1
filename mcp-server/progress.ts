/** A job's progress as MCP progress notifications, if the client asked for them with a token. */
import type { ServerContext } from '@modelcontextprotocol/server';
import { formatBytes } from '../shared/base/bytes.ts';
import type { RunEvent } from '../shared/domain/events.ts';
import { PROGRESS_MS } from './limits.ts';

export type ReportProgress = (event: RunEvent) => void;

/**
 * `progress` has to rise with every notification, and bytes start again in each phase: so it is the event's number, and
 * the words say how far the phase is.
 */
export function progressReporter(ctx: ServerContext, nowMs: () => number = () => performance.now()): ReportProgress {
  const progressToken = ctx.mcpReq._meta?.progressToken;
  if (progressToken === undefined) return () => undefined;
  let reportedAt = Number.NEGATIVE_INFINITY;
  let reported = 0;
  return (event) => {
    const message = describeProgress(event);
    if (message === undefined || event.seq <= reported || nowMs() - reportedAt < PROGRESS_MS) return;
    reportedAt = nowMs();
    reported = event.seq;
    ctx.mcpReq
      .notify({ method: 'notifications/progress', params: { progressToken, progress: event.seq, message } })
      // A client that has gone is noticed by the transport; it makes no difference to the job
      .catch(() => undefined);
  };
}

/** Our own words and figures only. */
function describeProgress(event: RunEvent): string | undefined {
  if (event.type === 'phase-started') return event.phase;
  if (event.type !== 'progress') return undefined;
  const { bytesDone, bytesTotal } = event;
  const total = bytesTotal === undefined ? '' : ` of ${formatBytes(bytesTotal)}`;
  return `${event.phase}: ${formatBytes(bytesDone)}${total}`;
}
