/** A run's events as part of an answer. Progress is left out: the job itself says how far it is. */
import { z } from 'zod';
import type { RunEvent } from '../../shared/domain/events.ts';
import { forecastWords } from '../../shared/domain/fill-forecast.ts';
import { turnWords } from '../../shared/domain/turn.ts';
import { foreign, foreignText } from '../foreign-text.ts';
import { INNER_LIST } from '../limits.ts';

export const eventShape = z.strictObject({
  seq: z.int().describe('Number of the event.'),
  at: z.string().describe('When, ISO 8601.'),
  type: z.string().describe('What happened, one of a fixed set.'),
  phase: z.string().nullable().describe('The phase that it is about, if any.'),
  durationMs: z.number().nullable().describe('How long it took, in ms, if it says.'),
  detail: foreignText('More about it.').nullable(),
});

export function eventOf(event: RunEvent): z.input<typeof eventShape> {
  const phase = 'phase' in event ? event.phase : null;
  const detail = detailOf(event);
  return {
    seq: event.seq,
    at: event.at,
    type: event.type,
    phase,
    durationMs: durationOf(event),
    detail: detail === undefined ? null : foreign(detail),
  };
}

function durationOf(event: RunEvent): number | null {
  switch (event.type) {
    case 'phase-finished':
      return event.durationMs;
    case 'connection-back':
      return event.lostMs;
    case 'snapshot-created':
      return event.freezeMs;
    case 'snapshot-removed':
      return event.lifetimeMs;
    default:
      return null;
  }
}

function detailOf(event: RunEvent): string | undefined {
  switch (event.type) {
    case 'host-swept':
      return event.removed.length === 0 ? undefined : event.removed.slice(0, INNER_LIST).join(', ');
    case 'lease-arming':
      return `run ${event.run} on ${event.host}`;
    case 'restore-point-saved':
    case 'restore-point-removed':
      return `${event.restorePoint} in ${event.repository}`;
    case 'store-unsure':
      return `it is unknown whether ${event.what} in ${event.repository}`;
    case 'target-changed':
      return `${event.path}: ${event.state}`;
    case 'lease-armed':
      return `run ${event.run} on ${event.host}, ${event.leaseMs} ms`;
    case 'fill-forecast':
      return forecastWords(event, event);
    case 'turn-waiting':
      return `waiting for ${event.host}: ${turnWords(event, new Date(event.at))}`;
    case 'connection-lost':
      return `waiting for ${event.host} for up to ${event.leaseMs} ms, as long as it holds what is being read`;
    case 'connection-back':
      return `${event.host} is there again after durationMs`;
    case 'run-taken-up':
      return `run ${event.run} on ${event.host}, on its snapshots of ${event.of}`;
    case 'lease-released':
      return `run ${event.run} on ${event.host}`;
    case 'snapshot-created':
      return `${event.snapshot} of ${event.volume}, ${event.sizeBytes} bytes; writers held for at most durationMs`;
    case 'snapshot-kept':
      return `${event.snapshot} of ${event.volume} is kept`;
    case 'snapshot-removed':
      return `${event.snapshot} of ${event.volume}; it existed for durationMs`;
    case 'item-skipped':
      return `${event.path}: ${event.reason}`;
    case 'warning':
      return `${event.message} ${event.advice} [${event.code}]`;
    case 'cleanup-failed':
      return `${event.what}: ${event.error.message} ${event.error.advice} [${event.error.code}]`;
    case 'job-finished':
      return event.outcome;
    case 'job-waiting':
      return `until ${event.behind === undefined ? 'another job' : `job ${event.behind}`} leaves the host to this one`;
    case 'job-started':
    case 'phase-started':
    case 'phase-finished':
    case 'progress':
    case 'host-sweeping':
    case 'snapshots-keeping':
    case 'restore-point-changing':
    case 'store-changing':
    case 'store-changed':
      return undefined;
  }
}
