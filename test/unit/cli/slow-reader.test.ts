/** A pipe that is not read: output without an end must not pile up in memory, and Ctrl-C must still be heard. */
import { expect, test } from 'vitest';
import { EXIT } from '../../../cli/exit-codes.ts';
import { Interrupts } from '../../../cli/interrupts.ts';
import type { RunEvent } from '../../../shared/domain/events.ts';
import { sampleChanges, sampleDiff, sampleMatches } from '../../support/sample-comparisons.ts';
import { scriptedStillpoint } from '../../support/scripted-stillpoint.ts';
import { runCli, scriptedTerminal } from '../../support/scripted-terminal.ts';

const MOST = 1000;

/** Full after the third piece. */
function fullTerminal() {
  const terminal = scriptedTerminal();
  let pieces = 0;
  return {
    ...terminal,
    out: (text: string) => {
      pieces += 1;
      terminal.out(text);
    },
    drained: () => (pieces < 3 ? undefined : new Promise<void>(() => undefined)),
    pieces: () => pieces,
  };
}

test.each([
  ['find', ['find', '*', '--repository', 'nas']],
  ['diff', ['diff', 'a', 'b', '--repository', 'nas']],
  ['diff as JSON', ['--json', 'diff', 'a', 'b', '--repository', 'nas']],
  ['the events of a job', ['--json', 'verify', 'nas']],
])('%s waits, and ends with Ctrl-C', async (_, words) => {
  let given = 0;
  const stillpoint = scriptedStillpoint({
    overrides: {
      async find(_request, onMatch) {
        for (; given < MOST; given++) await onMatch(sampleMatches[0] as never);
        return { restorePoints: 1, matches: given, unreadable: [] };
      },
      async diff(_request, onChange) {
        for (; given < MOST; given++) await onChange(sampleChanges[0] as never);
        return sampleDiff;
      },
      async *followJob() {
        for (; given < MOST; given++)
          yield { type: 'phase-started', phase: 'read', seq: given + 1 } as unknown as RunEvent;
      },
    },
  });
  const terminal = fullTerminal();
  const interrupts = new Interrupts();
  const run = runCli(words, stillpoint, { terminal, interrupts });
  await expect.poll(() => terminal.pieces()).toBeGreaterThanOrEqual(3);
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(given).toBeLessThan(5);
  expect(interrupts.interrupt()).toBe(true);
  // A job is asked to stop first; the second Ctrl-C does not wait for it.
  interrupts.interrupt();
  expect((await run).exitCode).toBe(EXIT.cancelled);
});
