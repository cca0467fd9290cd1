/** Kept snapshots as an assistant gets them: data, bounded, and nothing that removes one. */
import { expect, test } from 'vitest';
import type { KeptSet } from '../../shared/domain/kept.ts';
import { CONTROL, HOSTILE_TEXTS } from '../support/hostile-text.ts';
import { connectInProcess, textOf } from '../support/mcp-client.ts';
import { sampleKept } from '../support/sample-kept.ts';
import { scriptedStillpoint } from '../support/scripted-stillpoint.ts';

interface Answer {
  readonly sets: readonly { readonly about: string; readonly isWhole: boolean }[];
  readonly omitted: Readonly<Record<string, number>>;
}

async function listOf(texts: readonly string[]): Promise<Answer> {
  const [sample] = sampleKept.sets;
  if (sample?.about === undefined) throw new Error('there is a sample');
  const { about, snapshots } = sample;
  const sets = texts.map(
    (text): KeptSet => ({
      ...sample,
      about: { ...about, by: text, reason: text },
      snapshots: snapshots.map((snapshot) => ({ ...snapshot, volume: text, id: text })),
    }),
  );
  const stillpoint = scriptedStillpoint({ overrides: { listKept: async (host) => ({ host, sets }) } });
  await using connected = await connectInProcess(stillpoint);
  const result = await connected.call('list_kept_snapshots', { host: 'db1' });
  expect(result.isError, textOf(result)).not.toBe(true);
  return result.structuredContent as Answer;
}

test('what stands beside a snapshot is data, and bounded', async () => {
  const answer = await listOf([...HOSTILE_TEXTS, 'x'.repeat(5000)]);
  const strings = [...JSON.stringify(answer).matchAll(/"((?:[^"\\]|\\.)*)"/g)].map(
    ([text]) => JSON.parse(text) as string,
  );
  expect(strings.filter((text) => CONTROL.test(text))).toEqual([]);
  expect(strings.filter((text) => text.length > 1201)).toEqual([]);
  expect(answer.sets[0]).toMatchObject({ isWhole: false });
});

test('what does not fit is counted', async () => {
  const answer = await listOf(Array.from({ length: 400 }, (_, index) => `reason ${index}`));
  expect(answer.sets.length + (answer.omitted['sets'] ?? 0)).toBe(400);
});

test('a host that only the SSH configuration knows is not looked at', async () => {
  await using connected = await connectInProcess(scriptedStillpoint());
  expect((await connected.call('list_kept_snapshots', { host: 'web' })).isError).toBe(true);
});
