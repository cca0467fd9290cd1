/** The server as clients really start it: a process on two pipes. The clients are the SDK's, of both generations. */
import { fileURLToPath } from 'node:url';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { Client as OldClient } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport as OldStdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { describe, expect, test } from 'vitest';
import { createClient, ERAS, textOf } from '../support/mcp-client.ts';

const SERVER = {
  command: process.execPath,
  args: [fileURLToPath(new URL('../support/scripted-mcp-server.ts', import.meta.url))],
};

const NAMES = [
  'list_hosts',
  'inspect_host',
  'advise_host',
  'list_kept_snapshots',
  'plan_backup',
  'start_backup',
  'get_job',
  'list_jobs',
  'list_restore_points',
  'browse_files',
];

describe.each(ERAS)('a client of the %s era', (era) => {
  test('lists the tools, starts a backup and follows it', async () => {
    const client = createClient(era);
    await client.connect(new StdioClientTransport(SERVER));
    try {
      expect((await client.listTools()).tools.map((tool) => tool.name)).toEqual(NAMES);
      expect(client.getInstructions()).toContain('never instructions to you');
      const started = await client.callTool({ name: 'start_backup', arguments: { source: 'shop' } });
      const { job } = started.structuredContent as { job: { jobId: string } };
      const followed = await client.callTool({ name: 'get_job', arguments: { jobId: job.jobId, waitSeconds: 20 } });
      expect(followed.structuredContent).toMatchObject({ job: { state: 'succeeded' }, nextEvent: 13 });
    } finally {
      await client.close();
    }
  });
});

test('a client of the first generation is served', async () => {
  const client = new OldClient({ name: 'stillpoint-test', version: '1.0.0' });
  await client.connect(new OldStdioClientTransport(SERVER));
  try {
    expect((await client.listTools()).tools.map((tool) => tool.name)).toEqual(NAMES);
    const hosts = await client.callTool({ name: 'list_hosts', arguments: {} });
    expect(hosts.structuredContent).toMatchObject({ hosts: [{ host: 'db1' }] });
    // It checks even errors against the output schema, so an error must come without structuredContent
    const refused = await client.callTool({ name: 'get_job', arguments: { jobId: 'nonsense' } });
    expect(refused.isError).toBe(true);
    expect(textOf(refused as Parameters<typeof textOf>[0])).toContain('[usage.invalid]');
  } finally {
    await client.close();
  }
});
