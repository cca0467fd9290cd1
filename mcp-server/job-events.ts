/** The events of a job since one of them, waiting for its end as long as was asked, and no longer. */
import type { RunEvent } from '../shared/domain/events.ts';
import type { Job } from '../shared/domain/job.ts';
import type { Stillpoint } from '../shared/stillpoint.ts';
import { EVENTS_MOST, STORED_EVENTS_MS } from './limits.ts';

/** What only counts, or is about to be done; what came of it is reported. */
const UNTOLD: ReadonlySet<RunEvent['type']> = new Set([
  'progress',
  'store-changed',
  'store-changing',
  'restore-point-changing',
]);

export interface EventsRequest {
  readonly since: number;
  readonly waitMs: number;
  /** The client's; it ends the waiting, never the job. */
  readonly signal: AbortSignal;
  readonly onEvent: (event: RunEvent) => void;
}

export interface NewEvents {
  /** Without progress. */
  readonly events: readonly RunEvent[];
  readonly nextEvent: number;
}

export async function newEvents(stillpoint: Stillpoint, job: Job, request: EventsRequest): Promise<NewEvents> {
  const { since, waitMs, signal } = request;
  const stored = job.lastSeq > since;
  const events: RunEvent[] = [];
  let nextEvent = since;
  if (!stored && waitMs === 0) return { events, nextEvent };

  const enough = AbortSignal.timeout(Math.max(waitMs, stored ? STORED_EVENTS_MS : 0));
  try {
    for await (const event of stillpoint.followJob(job.id, since, AbortSignal.any([signal, enough]))) {
      nextEvent = event.seq;
      request.onEvent(event);
      if (!UNTOLD.has(event.type)) events.push(event);
      const isOver = event.type === 'job-finished' || (waitMs === 0 && event.seq >= job.lastSeq);
      if (events.length >= EVENTS_MOST || isOver) break;
    }
  } catch (error) {
    if (signal.aborted || !enough.aborted) throw error;
  }
  return { events, nextEvent };
}
