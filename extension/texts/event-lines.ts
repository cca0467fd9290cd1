/** The events of a job as lines of its log. Only what is there for the facts of the run alone has no line. */
import { formatBytes } from '../../shared/base/bytes.ts';
import { utcMinute } from '../../shared/base/clock.ts';
import type { RunEvent } from '../../shared/domain/events.ts';
import { forecastWords } from '../../shared/domain/fill-forecast.ts';
import { turnWords } from '../../shared/domain/turn.ts';
import type { JobKind } from '../../shared/domain/verbs/verbs.ts';
import { phaseWords, resultWords } from '../verbs.ts';
import { stateWords } from './job-words.ts';
import { progressWords } from './progress-words.ts';
import { formatDuration, type Wording } from './wording.ts';

/** `12:30:05  text`; further lines of one event are indented below it. */
export function eventLines(event: RunEvent, kind: JobKind, wording: Wording): readonly string[] {
  const [first, ...more] = eventText(event, kind, wording);
  if (first === undefined) return [];
  return [`${clockTime(event.at, wording)}  ${first}`, ...more.map((line) => `          ${line}`)];
}

function eventText(event: RunEvent, kind: JobKind, { t }: Wording): readonly string[] {
  switch (event.type) {
    case 'job-waiting':
      return [
        event.behind === undefined
          ? t('Waiting: another job has this host.')
          : t('Waiting for job {0}, which has this host.', event.behind),
      ];
    case 'job-started':
      return [t('The job has started.')];
    case 'phase-started':
      return [t('{0} …', phaseWords(kind, event.phase, t))];
    case 'phase-finished':
      return [t('{0}: done in {1}', phaseWords(kind, event.phase, t), formatDuration(event.durationMs))];
    case 'snapshots-keeping':
      return [t('Giving the snapshots on "{0}" the names under which they stay …', event.host)];
    case 'host-sweeping':
      return [t('Looking for what earlier runs left on "{0}" …', event.host)];
    case 'host-swept':
      return event.removed.length === 0
        ? [t('Earlier runs left nothing on "{0}".', event.host)]
        : [t('Removed from "{0}" what earlier runs had left:', event.host), ...event.removed];
    case 'fill-forecast':
      return [t('On "{0}" {1}.', event.host, forecastWords(event, event))];
    case 'turn-waiting':
      return [t('Waiting for "{0}": {1}.', event.host, turnWords(event, new Date(event.at)))];
    case 'connection-lost':
      return [
        t(
          'The connection to "{0}" was lost. Waiting for it for up to {1}, as long as the host holds what is being read.',
          event.host,
          formatDuration(event.leaseMs),
        ),
      ];
    case 'connection-back':
      return [t('"{0}" is there again after {1}. Going on where it was.', event.host, formatDuration(event.lostMs))];
    case 'run-taken-up':
      return [
        t(
          'Goes on with run {0} on "{1}", whose process was gone: on its snapshots of {2}.',
          event.run,
          event.host,
          utcMinute(event.of),
        ),
      ];
    case 'lease-arming':
      return [t('Run {0} begins on "{1}".', event.run, event.host)];
    case 'restore-point-saved':
      return [t('Restore point {0} is saved in "{1}".', event.restorePoint.slice(0, 8), event.repository)];
    case 'restore-point-removed':
      return [t('Restore point {0} is removed from "{1}".', event.restorePoint.slice(0, 8), event.repository)];
    case 'restore-point-changing':
    case 'store-changing':
      return [];
    case 'store-changed':
      return [
        t(
          '"{0}" so far: {1} packs and {2} index files written, {3} and {4} removed.',
          event.repository,
          event.packsSaved,
          event.indexesSaved,
          event.packsRemoved,
          event.indexesRemoved,
        ),
      ];
    case 'store-unsure':
      return [t('It is unknown whether {0} in "{1}".', event.what, event.repository)];
    case 'target-changed':
      return [
        event.state === 'filling'
          ? t('The files go to "{0}" first.', event.work)
          : event.state === 'moving'
            ? t('The files move to their places in "{0}".', event.path)
            : t('All files are at their places in "{0}".', event.path),
      ];
    case 'lease-armed':
      return [
        t(
          'The host cleans up by itself {0} after it last heard of us (run {1}).',
          formatDuration(event.leaseMs),
          event.run,
        ),
      ];
    case 'lease-released':
      return [t('The host holds nothing of ours any more (run {0}).', event.run)];
    case 'snapshot-created':
      if (event.sizeBytes === 0) {
        const hold = formatDuration(event.freezeMs);
        return [t('Snapshot "{0}" of "{1}" taken: writers held for at most {2}.', event.snapshot, event.volume, hold)];
      }
      return [
        t(
          'Snapshot "{0}" of "{1}" taken: writers held for at most {2}, room for {3} of changes.',
          event.snapshot,
          event.volume,
          formatDuration(event.freezeMs),
          formatBytes(event.sizeBytes),
        ),
      ];
    case 'snapshot-kept':
      return [t('"{0}" of "{1}" is kept.', event.snapshot, event.volume)];
    case 'snapshot-removed':
      return [
        t(
          'Snapshot "{0}" of "{1}" removed; it lived for {2}.',
          event.snapshot,
          event.volume,
          formatDuration(event.lifetimeMs),
        ),
      ];
    case 'progress':
      return [t('{0}: {1}', phaseWords(kind, event.phase, t), progressWords(event, t))];
    case 'item-skipped':
      return [t('Left out, or not whole: "{0}": {1}', event.path, event.reason)];
    case 'warning':
      return [t('Warning: {0} [{1}]', event.message, event.code), event.advice];
    case 'cleanup-failed':
      return [
        t('Cleaning up failed: {0}', event.what),
        `${event.error.message} [${event.error.code}]`,
        event.error.advice,
      ];
    case 'job-finished': {
      const lines = [t('The job has ended: {0}.', stateWords(event.outcome, t))];
      if (event.result !== undefined) lines.push(resultWords(event.result, t));
      if (event.error !== undefined) lines.push(`${event.error.message} [${event.error.code}]`, event.error.advice);
      return lines;
    }
  }
}

function clockTime(iso: string, wording: Wording): string {
  return new Intl.DateTimeFormat(wording.locale, {
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    hourCycle: 'h23',
    ...(wording.timeZone === undefined ? {} : { timeZone: wording.timeZone }),
  }).format(new Date(iso));
}
