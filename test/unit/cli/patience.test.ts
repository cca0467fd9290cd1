/** A command that waits long says so once, to a person, and not in the middle of a question. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { sampleInventory } from '../../support/sample-data.ts';
import { scriptedStillpoint } from '../../support/scripted-stillpoint.ts';
import { runCli, scriptedTerminal } from '../../support/scripted-terminal.ts';

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

async function waiting(
  words: readonly string[],
  {
    seconds,
    interactive = true,
    isAsking = () => false,
  }: { readonly seconds: number; readonly interactive?: boolean; readonly isAsking?: () => boolean },
): Promise<string> {
  const answered = Promise.withResolvers<void>();
  const stillpoint = scriptedStillpoint({
    overrides: {
      async inspectHost() {
        await answered.promise;
        return sampleInventory;
      },
    },
  });
  const run = runCli(words, stillpoint, { terminal: scriptedTerminal({ interactive }), isAsking });
  await vi.advanceTimersByTimeAsync(seconds * 1000);
  answered.resolve();
  return (await run).stderr;
}

const WORDS = 'Still waiting for an answer. Ctrl-C stops waiting.\n';

test('says it once, and not to those who are answered soon', async () => {
  expect(await waiting(['inspect', 'db1'], { seconds: 100 })).toBe(WORDS);
  expect(await waiting(['inspect', 'db1'], { seconds: 5 })).toBe('');
});

test('is silent where no person watches, or wants only what was asked for', async () => {
  expect(await waiting(['inspect', 'db1'], { seconds: 100, interactive: false })).toBe('');
  expect(await waiting(['inspect', 'db1', '--json'], { seconds: 100 })).toBe('');
  expect(await waiting(['inspect', 'db1', '--quiet'], { seconds: 100 })).toBe('');
});

test('waits while a question is open', async () => {
  expect(await waiting(['inspect', 'db1'], { seconds: 100, isAsking: () => true })).toBe('');
  const since = Date.now();
  expect(await waiting(['inspect', 'db1'], { seconds: 100, isAsking: () => Date.now() - since < 60_000 })).toBe(WORDS);
});
