/** A run's events as lines. Progress and beginnings give none: they belong to the live line. */
import { formatBytes } from '../../shared/base/bytes.ts';
import { utcMinute } from '../../shared/base/clock.ts';
import { redact } from '../../shared/base/log.ts';
import type { RunEvent } from '../../shared/domain/events.ts';
import { forecastWords } from '../../shared/domain/fill-forecast.ts';
import { turnWords } from '../../shared/domain/turn.ts';
import { enumerated, formatDuration, type Paint, shown } from './text.ts';

/** Wide enough for the longest phase. */
const PHASE_WIDTH = 10;

/** How much a reader must see of it: `trouble` is shown even when asked to be quiet. */
export interface EventLine {
  readonly text: string;
  readonly trouble: boolean;
}

export function renderEvent(event: RunEvent, paint: Paint): EventLine | undefined {
  switch (event.type) {
    case 'phase-finished':
      return say(`${event.phase.padEnd(PHASE_WIDTH)}  ${formatDuration(event.durationMs).padStart(12)}`);
    case 'lease-armed':
      return say(
        `"${shown(event.host)}" now removes our traces by itself if it hears nothing for ${formatDuration(event.leaseMs)} (run ${shown(event.run)})`,
      );
    case 'lease-released':
      return say(`"${shown(event.host)}" was told that run ${shown(event.run)} is over`);
    case 'fill-forecast':
      return trouble(paint('yellow', shown(forecastWords(event, event))));
    case 'turn-waiting':
      return trouble(
        paint('yellow', `waiting for "${shown(event.host)}": ${shown(turnWords(event, new Date(event.at)))}`),
      );
    case 'connection-lost':
      return trouble(
        paint(
          'yellow',
          `the connection to "${shown(event.host)}" was lost; this waits for it for up to ${formatDuration(event.leaseMs)}, as long as the host holds what is being read`,
        ),
      );
    case 'connection-back':
      return trouble(
        `"${shown(event.host)}" is there again after ${formatDuration(event.lostMs)}; going on where it was`,
      );
    case 'run-taken-up':
      return say(
        `goes on with the run ${shown(event.run)} on "${shown(event.host)}", whose process was gone: on its snapshots of ${utcMinute(event.of)}`,
      );
    case 'snapshot-created':
      return say(
        `snapshot "${shown(event.snapshot)}" of ${shown(event.volume)}: ${event.sizeBytes === 0 ? '' : `${formatBytes(event.sizeBytes)}, `}writers held for at most ${formatDuration(event.freezeMs)}`,
      );
    case 'snapshot-kept':
      return say(`"${shown(event.snapshot)}" of ${shown(event.volume)} is kept`);
    case 'snapshot-removed':
      return say(
        `snapshot "${shown(event.snapshot)}" of ${shown(event.volume)} removed after ${formatDuration(event.lifetimeMs)}`,
      );
    case 'item-skipped':
      return trouble(paint('yellow', `left out or not whole: "${shown(event.path)}": ${words(event.reason)}`));
    case 'warning':
      return trouble(
        paint(
          'yellow',
          `warning: ${[event.message, event.advice]
            .filter((text) => text !== '')
            .map(words)
            .join(' ')} [${shown(event.code)}]`,
        ),
      );
    case 'cleanup-failed':
      return trouble(
        paint(
          'red',
          `could not clean up ${words(event.what)}: ${words(event.error.message)} ${words(event.error.advice)} [${shown(event.error.code)}]`,
        ),
      );
    case 'host-swept':
      return event.removed.length === 0
        ? undefined
        : say(`removed from "${shown(event.host)}" what earlier runs had left: ${enumerated(event.removed)}`);
    case 'store-unsure':
      return trouble(paint('yellow', `it is unknown whether ${shown(event.what)} in "${shown(event.repository)}"`));
    case 'job-waiting':
      return say(
        event.behind === undefined
          ? 'waiting: another job has this host'
          : `waiting for job ${shown(event.behind)}, which has this host`,
      );
    case 'job-started':
    case 'job-finished':
    case 'phase-started':
    case 'progress':
    case 'host-sweeping':
    case 'snapshots-keeping':
    case 'lease-arming':
    case 'restore-point-changing':
    case 'restore-point-saved':
    case 'restore-point-removed':
    case 'store-changing':
    case 'store-changed':
    case 'target-changed':
      return undefined;
  }
}

function words(text: string): string {
  return shown(redact(text));
}

function say(text: string): EventLine {
  return { text: `  ${text}\n`, trouble: false };
}

function trouble(text: string): EventLine {
  return { text: `  ${text}\n`, trouble: true };
}
