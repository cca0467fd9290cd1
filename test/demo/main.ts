/** `npm run demo`: tells the story with its figures, and fails when any of it is not as promised. */

import { formatBytes } from '../../shared/base/bytes.ts';
import type { RunEvent } from '../../shared/domain/events.ts';
import { type Progress, printedProgress } from '../lab/progress.ts';
import { type Story, tellStory } from './story.ts';

const seconds = (milliseconds: number): string => `${(milliseconds / 1000).toFixed(1)} s`;

function noteEvent(progress: Progress, event: RunEvent): void {
  if (event.type === 'phase-finished') progress.note(`${event.phase}, ${seconds(event.durationMs)}`);
  if (event.type === 'snapshot-created') {
    progress.note(`${event.volume}: writers held for at most ${event.freezeMs} ms`);
  }
  if (event.type === 'snapshot-removed') {
    progress.note(`${event.volume}: snapshot lived for ${seconds(event.lifetimeMs)}`);
  }
  if (event.type === 'warning' || event.type === 'cleanup-failed') progress.note(JSON.stringify(event));
}

/** Every promise of the story with whether it was kept. */
function promises(story: Story): readonly (readonly [string, boolean])[] {
  const { rehearsal, second } = story;
  return [
    ['restic check --read-data found no errors', story.resticCheck.includes('no errors were found')],
    ["restic's restore and ours are equal", story.differences.length === 0],
    ['mariadb-check found nothing', rehearsal.complaints.length === 0],
    ['no row has a wrong checksum', rehearsal.rows > 0 && rehearsal.wrongChecksums === 0],
    [
      `every order committed before the snapshot is there (${story.committedBefore} of ${rehearsal.highestId})`,
      rehearsal.highestId >= story.committedBefore && rehearsal.rows === rehearsal.highestId,
    ],
    [
      `no order begun after the snapshot is there (${story.startedBefore} begun)`,
      rehearsal.highestId <= story.startedBefore,
    ],
    [
      'the second backup left alone what had not changed',
      second.files.unmodified > second.files.new + second.files.changed,
    ],
    ['the guest is left without a trace', story.traces.length === 0],
  ];
}

const interrupted = new AbortController();
process.once('SIGINT', () => interrupted.abort(new Error('Interrupted')));
process.once('SIGTERM', () => interrupted.abort(new Error('Terminated')));

function printStory(story: Story): void {
  for (const [name, report] of [
    ['First backup', story.first],
    ['Second backup', story.second],
  ] as const) {
    const { files } = report;
    console.log(
      `\n${name}: ${report.consistency}, ${files.new} new, ${files.changed} changed, ${files.unmodified} unchanged files`,
    );
    console.log(
      `  content ${formatBytes(report.bytesTotal)}, read ${formatBytes(report.bytesRead)}, stored ${formatBytes(report.bytesStored)}`,
    );
  }
  console.log('');
  const checked = promises(story);
  for (const [promise, kept] of checked) console.log(`${kept ? '  kept  ' : '  BROKEN'}  ${promise}`);
  process.exitCode = checked.every(([, kept]) => kept) ? 0 : 1;
}

try {
  const progress = printedProgress((line) => console.log(line));
  printStory(await tellStory({ progress, event: (event) => noteEvent(progress, event) }, interrupted.signal));
} catch (error) {
  const { message } = interrupted.signal.aborted ? (interrupted.signal.reason as Error) : (error as Error);
  console.error(`\nThe demo did not come to its end: ${message}`);
  process.exitCode = interrupted.signal.aborted ? 130 : 1;
}
