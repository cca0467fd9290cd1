import { expect, test } from 'vitest';
import type { RunEventBody } from '../../../shared/domain/events.ts';
import { sampleRun } from '../../support/sample-data.ts';
import { scriptedStillpoint } from '../../support/scripted-stillpoint.ts';
import { runCli, scriptedTerminal } from '../../support/scripted-terminal.ts';

test('the live line is drawn on a terminal only, and leaves nothing behind', async () => {
  const watched = scriptedTerminal({ interactive: true });
  await runCli(['backup', 'shop'], scriptedStillpoint({ run: sampleRun }), { terminal: watched });
  expect(watched.stdout()).toContain('\r\u001b[K  connect …');
  const screen = watched
    .stdout()
    .replaceAll(/\r\u001b\[K[^\r\n]*(?=\r\u001b\[K)/g, '')
    .replaceAll('\r\u001b[K', '');
  const piped = scriptedTerminal();
  await runCli(['backup', 'shop'], scriptedStillpoint({ run: sampleRun }), { terminal: piped });
  expect(piped.stdout()).not.toContain('\u001b');
  expect(screen).toBe(piped.stdout());
});

test.each([
  [['copy', '--from', 'main', '--to', 'offsite'], 'copy', '1 of 4 restore points'],
  [['check', 'main'], 'check', '1 of 4 files'],
] as const)('the live line of %j counts what is worked on', async (words, phase, counted) => {
  const terminal = scriptedTerminal({ interactive: true });
  const counts = { filesDone: 1, filesTotal: 4, bytesDone: 0, bytesTotal: undefined };
  const progress: RunEventBody = { type: 'progress', phase, ...counts };
  await runCli([...words], scriptedStillpoint({ run: [progress, sampleRun.at(-1)!] }), { terminal });
  expect(terminal.stdout()).toContain(counted);
});
