/** The readiness of a host as an assistant gets it: data, bounded, and lines for a person. */
import { expect, test } from 'vitest';
import type { HostFinding } from '../../shared/domain/readiness.ts';
import { CONTROL, HOSTILE_TEXTS } from '../support/hostile-text.ts';
import { connectInProcess, textOf } from '../support/mcp-client.ts';
import { sampleReadiness } from '../support/sample-readiness.ts';
import { scriptedStillpoint } from '../support/scripted-stillpoint.ts';

interface Answer {
  readonly findings: readonly { readonly mendedWhere: string; readonly mendedBy: readonly string[] }[];
  readonly omitted: Readonly<Record<string, number>>;
}

const finding = (text: string): HostFinding => ({
  ...{ kind: 'full', severity: 'advice', object: text, message: text, means: text },
  remedy: { where: 'host', lines: [text], note: text },
});

async function adviseOf(texts: readonly string[]) {
  const stillpoint = scriptedStillpoint({
    overrides: {
      adviseHost: async () => ({
        ...sampleReadiness,
        ...{ system: texts[0] ?? '', unseen: texts, findings: texts.map(finding) },
        stores: texts.map((text) => ({ what: 'SQLite', path: text, service: text, volume: text })),
        proposedSources: texts.map((text) => ({
          ...{ name: 'db1', why: [text] },
          entry: { host: 'db1', repository: 'main', paths: [text], exclude: [text], stop: [text] },
        })),
      }),
    },
  });
  await using connected = await connectInProcess(stillpoint);
  const result = await connected.call('advise_host', { host: 'db1' });
  expect(result.isError, textOf(result)).not.toBe(true);
  return result.structuredContent as Answer;
}

test('hostile text is data, and a line that would be cut is no line', async () => {
  const long = `rm ${'x'.repeat(5000)}`;
  const answer = await adviseOf([...HOSTILE_TEXTS, long]);
  const strings = [...JSON.stringify(answer).matchAll(/"((?:[^"\\]|\\.)*)"/g)].map(
    ([text]) => JSON.parse(text) as string,
  );
  expect(strings.filter((text) => CONTROL.test(text))).toEqual([]);
  expect(strings.filter((text) => text.length > 1201)).toEqual([]);
  expect(answer.findings.at(-1)).toMatchObject({ mendedWhere: 'nowhere', mendedBy: [] });
});

test('what does not fit is counted', async () => {
  const answer = await adviseOf(Array.from({ length: 400 }, (_, index) => `volume ${index}`));
  expect(JSON.stringify(answer).length).toBeLessThan(60_000);
  expect(answer.findings.length + (answer.omitted['findings'] ?? 0)).toBe(400);
});

test('a host that only the SSH configuration knows is not looked at for an assistant', async () => {
  const stillpoint = scriptedStillpoint();
  await using connected = await connectInProcess(stillpoint);
  expect((await connected.call('advise_host', { host: 'web' })).isError).toBe(true);
  expect(stillpoint.calls).not.toContain('adviseHost web');
});
