/** Calls with wrong arguments: the answer says which one, what was given and what is wanted, and nothing is done. */
import { InMemoryTransport, type JSONRPCMessage } from '@modelcontextprotocol/server';
import { describe, expect, test } from 'vitest';
import { PlainRefusals } from '../../mcp-server/plain-refusals.ts';
import { connectInProcess, ERAS, textOf } from '../support/mcp-client.ts';
import { scriptedStillpoint } from '../support/scripted-stillpoint.ts';

const WHOLE = 'a whole number from 1 to 200';

const WRONG: readonly (readonly [tool: string, args: Record<string, unknown>, ...words: readonly string[]])[] = [
  ['list_hosts', { limit: 'ten' }, `"limit" is "ten" and must be ${WHOLE}.`],
  ['list_hosts', { limit: 0 }, `"limit" is 0 and must be ${WHOLE}.`],
  ['list_hosts', { limit: 1.5 }, `"limit" is 1.5 and must be ${WHOLE}.`],
  ['list_hosts', { limit: null }, `"limit" is null and must be ${WHOLE}, or left out.`],
  ['list_hosts', { a: 1, b: 2 }, 'There is no argument "a" and no "b"; the arguments are "limit", "cursor".'],
  ['inspect_host', {}, '"host" is missing; it is a string of at most 128 characters.'],
  ['inspect_host', { host: null }, '"host" is null and must be a string of at most 128 characters.'],
  ['inspect_host', { hosts: 'db1' }, '"host" is missing', 'There is no argument "hosts"; did you mean "host"?'],
  ['plan_backup', { source: ['shop'] }, '"source" is ["shop"] and must be a string'],
  ['get_job', { jobId: 'x', waitSeconds: '10' }, '"waitSeconds" is "10" and must be a number from 0 to 50.'],
  ['get_job', { jobId: 'x', sinceEvent: -1 }, '"sinceEvent" is -1 and must be a whole number of at least 0.'],
  [
    'list_jobs',
    { states: 'running' },
    '"states" is "running" and must be a list of at least one entry, each entry one',
  ],
  ['list_jobs', { states: ['queued', 'x'] }, '"states" holds "x" and must be a list', 'one of "queued", "running"'],
  ['list_jobs', { allConfigurations: 'yes' }, '"allConfigurations" is "yes" and must be true or false.'],
  [
    'list_restore_points',
    { since: 'noon' },
    '"since" is "noon" and must be a string',
    'such as "2026-11-29T08:00:00Z".',
  ],
  ['browse_files', { restorePointId: 'la' }, '"restorePointId" is "la" and must be a string of 4 to 64 characters.'],
  ['browse_files', { restorePointId: 'latest', path: 'a' }, '"path" is "a" and must be', 'that begins with "/".'],
  ['inspect_host', { host: 'x'.repeat(999) }, `"host" is "${'x'.repeat(59)}… and must be a string`],
];

const CASES = WRONG.map(([tool, args, ...words]) => ({ name: `${tool} ${JSON.stringify(args)}`, tool, args, words }));

test.each(CASES)('$name', async ({ tool, args, words }) => {
  const stillpoint = scriptedStillpoint();
  await using connected = await connectInProcess(stillpoint);
  const result = await connected.call(tool, args);
  expect(result.isError).toBe(true);
  const text = textOf(result);
  for (const word of words) expect(text).toContain(word);
  expect(text).not.toMatch(/expected|received|Invalid|undefined/);
  expect(text).toContain('[usage.invalid]');
  expect(stillpoint.calls).toEqual([]);
});

test('what was given cannot speak for us', async () => {
  await using connected = await connectInProcess(scriptedStillpoint());
  const text = textOf(await connected.call('list_hosts', { limit: '"\u001b[31m\u202e', ['\u001b[2J"']: 1 }));
  expect(text).not.toMatch(/[\u001b\u202e]/u);
});

describe.each(ERAS)('in the %s era', (era) => {
  test('an unknown tool is answered with those that there are', async () => {
    await using connected = await connectInProcess(scriptedStillpoint(), { era });
    await expect(connected.call('list_host')).rejects.toThrow('There is no tool "list_host". Did you mean list_hosts?');
    await expect(connected.call('zzz')).rejects.toThrow('The tools are list_hosts, inspect_host, advise_host, ');
  });

  test.each([
    ['a string', 'x'],
    ['a list', ['x']],
    ['a number', 5],
    ['null', null],
  ])('arguments that are %s', async (kind, given) => {
    await using connected = await connectInProcess(scriptedStillpoint(), { era });
    const call = connected.call('list_hosts', given as unknown as Record<string, unknown>);
    await expect(call).rejects.toThrow(`"arguments" is ${kind} and must be an object, {} where there are none.`);
  });
});

test('whatever is no wrong call passes as it is', async () => {
  const [client, server] = InMemoryTransport.createLinkedPair();
  const wire = new PlainRefusals(server, ['list_hosts']);
  const received: JSONRPCMessage[] = [];
  const onmessage = (message: JSONRPCMessage): number => received.push(message);
  Object.assign(wire, { onmessage });
  await wire.start();
  await client.start();
  const messages: readonly JSONRPCMessage[] = [
    { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'list_hosts' } },
    { jsonrpc: '2.0', id: 2, method: 'tools/list' },
    { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 1 } },
  ];
  for (const message of messages) await client.send(message);
  expect(received).toEqual(messages);
});
