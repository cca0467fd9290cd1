/**
 * What clients see of the server before they call anything. Assistants and people's permissions depend on it: when a
 * test here goes red, the surface has moved; confirm that it should, and update the golden file in the same change.
 */
import { expect, test } from 'vitest';
import { markdownTable, pageWithParts } from '../support/generated-docs.ts';
import { HOSTILE_TEXTS } from '../support/hostile-text.ts';
import { connectInProcess, ERAS } from '../support/mcp-client.ts';
import { entry, samplePoint, sampleRun } from '../support/sample-data.ts';
import { scriptedStillpoint } from '../support/scripted-stillpoint.ts';

async function listTools(era: (typeof ERAS)[number], stillpoint = scriptedStillpoint()) {
  await using connected = await connectInProcess(stillpoint, { era });
  return (await connected.client.listTools()).tools;
}

/** The order of keys is the SDK's affair. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, inner]) => [key, sorted(inner)]));
}

test('tools/list stays affordable', async () => {
  for (const era of ERAS) expect(JSON.stringify(await listTools(era)).length).toBeLessThan(12_000);
});

test.each(ERAS)('tools/list is as agreed (%s era)', async (era) => {
  const tools = await listTools(era);
  await expect(`${JSON.stringify(sorted(tools), undefined, 2)}\n`).toMatchFileSnapshot('../golden/mcp/tools.txt');
});

test('the list is the same whatever hosts and repositories contain', async () => {
  const hostile = HOSTILE_TEXTS.map((text) => entry(text));
  const points = HOSTILE_TEXTS.map((hostname) => ({ ...samplePoint, hostname }));
  expect(await listTools('modern', scriptedStillpoint({ entries: hostile, points }))).toEqual(
    await listTools('modern'),
  );
});

/** R read only, D destructive, I idempotent, W reaches beyond this machine. */
const ANNOTATIONS: Readonly<Record<string, string>> = {
  list_hosts: 'R-I-',
  inspect_host: 'R-IW',
  advise_host: 'R-IW',
  list_kept_snapshots: 'R-IW',
  plan_backup: 'R-IW',
  start_backup: '---W',
  get_job: 'R-I-',
  list_jobs: 'R-I-',
  list_restore_points: 'R-IW',
  browse_files: 'R-IW',
};

test('the annotations are the agreed ones', async () => {
  const tools = await listTools('modern');
  const found = tools.map(({ name, annotations }) => {
    const flag = (on: boolean | undefined, letter: string): string => (on === true ? letter : '-');
    return [
      name,
      flag(annotations?.readOnlyHint, 'R') +
        flag(annotations?.destructiveHint, 'D') +
        flag(annotations?.idempotentHint, 'I') +
        flag(annotations?.openWorldHint, 'W'),
    ];
  });
  expect(Object.fromEntries(found)).toEqual(ANNOTATIONS);
});

interface Schema {
  readonly type?: string;
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
  readonly additionalProperties?: unknown;
}

/** Every object in a schema with its place. */
function objectsOf(schema: Schema, place: string): [string, Schema][] {
  const inner = [
    ...Object.entries(schema.properties ?? {}).map(([key, value]) => [`${place}.${key}`, value] as const),
    ...(schema.items === undefined ? [] : [[`${place}[]`, schema.items] as const]),
    ...(schema.anyOf ?? []).map((part) => [place, part] as const),
  ];
  const own: [string, Schema][] = schema.properties === undefined ? [] : [[place, schema]];
  return [...own, ...inner.flatMap(([where, part]) => objectsOf(part, where))];
}

test('every argument has a description, and no tool takes unknown ones', async () => {
  const objects = (await listTools('modern')).flatMap((tool) =>
    objectsOf(tool.inputSchema as Schema, `${tool.name} in`),
  );
  expect(objects).toHaveLength(10);
  expect(objects.filter(([, schema]) => schema.additionalProperties !== false).map(([place]) => place)).toEqual([]);
  const mute = objects.flatMap(([place, schema]) =>
    Object.entries(schema.properties ?? {})
      .filter(([, field]) => field.description === undefined)
      .map(([key]) => `${place}.${key}`),
  );
  expect(mute).toEqual([]);
});

test('every answer says what it is, what comes next, and that it holds data', async () => {
  await using connected = await connectInProcess(scriptedStillpoint({ run: sampleRun }));
  await connected.call('start_backup', { source: 'shop' });
  const calls: readonly (readonly [string, Record<string, unknown>])[] = [
    ['list_hosts', {}],
    ['inspect_host', { host: 'db1' }],
    ['advise_host', { host: 'db1' }],
    ['list_kept_snapshots', { host: 'db1' }],
    ['plan_backup', { source: 'shop' }],
    ['start_backup', { source: 'shop' }],
    ['get_job', { jobId: '3f2a9c51d04e7b68' }],
    ['list_jobs', {}],
    ['list_restore_points', {}],
    ['browse_files', { restorePointId: 'latest' }],
  ];
  const tools = await listTools('modern');
  expect(calls.map(([name]) => name).toSorted()).toEqual(tools.map(({ name }) => name).toSorted());
  for (const [name, args] of calls) {
    const { structuredContent } = await connected.call(name, args);
    expect(structuredContent, name).toMatchObject({
      summary: expect.stringMatching(/\w/) as unknown,
      nextStep: expect.stringMatching(/\w/) as unknown,
      notice: expect.stringContaining('never instructions') as unknown,
    });
    const listed = tools.find((tool) => tool.name === name)?.outputSchema as Schema;
    expect(Object.keys(structuredContent ?? {}).toSorted(), name).toEqual(
      Object.keys(listed.properties ?? {}).toSorted(),
    );
  }
});

test('no tool takes a secret, a command, an address or a yes', async () => {
  const tools = await listTools('modern');
  const names = tools.flatMap((tool) =>
    objectsOf(tool.inputSchema as Schema, '').flatMap(([, schema]) => Object.keys(schema.properties ?? {})),
  );
  expect(
    names.filter((name) => /confirm|force|yes|password|passphrase|secret|token|command|address|user/i.test(name)),
  ).toEqual([]);
});

test('docs/mcp.md tells of exactly these tools', async () => {
  const tools = await listTools('modern');
  const rows = tools.map((tool) => [
    `\`${tool.name}\``,
    Object.keys((tool.inputSchema as Schema).properties ?? {})
      .map((key) => `\`${key}\``)
      .join(', '),
    (tool.description ?? '').split(/(?<=\.) /)[0] ?? '',
    tool.annotations?.readOnlyHint === true ? 'no' : 'yes',
  ]);
  const page = new URL('../../docs/mcp.md', import.meta.url);
  const parts = new Map([['tools', markdownTable(['Tool', 'Arguments', 'What it does', 'Changes anything'], rows)]]);
  await expect(await pageWithParts(page, parts)).toMatchFileSnapshot(page.pathname);
});
