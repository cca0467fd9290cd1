/** `stillpoint-mcp` itself: its arguments, its streams, and that it goes when its client goes. */
import { once } from 'node:events';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { execa } from 'execa';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type InstalledUser, installedUser } from '../support/installed-user.ts';
import { createClient, textOf } from '../support/mcp-client.ts';

let user: InstalledUser;
beforeAll(async () => {
  user = await installedUser();
});
afterAll(() => user[Symbol.asyncDispose]());

function start(...words: readonly string[]) {
  const { command, args, env } = user.mcpServer;
  return execa(command, [args[0] ?? '', ...words], {
    env,
    extendEnv: false,
    reject: false,
    stripFinalNewline: false,
    cancelSignal: AbortSignal.timeout(50_000),
  });
}

test('works on the configuration that it was given', async () => {
  await user.configure({ hosts: { db1: {} } });
  const client = createClient('modern');
  await client.connect(new StdioClientTransport({ ...user.mcpServer, stderr: 'ignore' }));
  try {
    const hosts = await client.callTool({ name: 'list_hosts', arguments: {} });
    expect(hosts.structuredContent).toMatchObject({
      hosts: expect.arrayContaining([{ host: 'db1', origin: 'configuration', sources: [] }]) as unknown[],
    });
    const points = await client.callTool({ name: 'list_restore_points', arguments: {} });
    expect(points._meta?.['stillpoint/error']).toMatchObject({ code: 'repository.not-found' });
  } finally {
    await client.close();
  }
});

test('a file that begins with ~/ is in the home folder: no shell has replaced it', async () => {
  const client = createClient('modern');
  const { command, args, env } = user.mcpServer;
  const words = [args[0] ?? '', '--config', '~/nowhere.jsonc'];
  await client.connect(new StdioClientTransport({ command, args: words, env, stderr: 'ignore' }));
  try {
    expect(textOf(await client.callTool({ name: 'list_hosts', arguments: {} }))).toContain(
      `"${user.home}/nowhere.jsonc"`,
    );
  } finally {
    await client.close();
  }
});

test('starts without a configuration, and the first call says what is missing', async () => {
  const client = createClient('modern');
  const { command, args, env } = user.mcpServer;
  const nowhere = [args[0] ?? '', '--config', `${user.home}/nowhere.jsonc`];
  await client.connect(new StdioClientTransport({ command, args: nowhere, env, stderr: 'ignore' }));
  try {
    const answer = await client.callTool({ name: 'list_hosts', arguments: {} });
    expect(answer._meta?.['stillpoint/error']).toMatchObject({ code: 'config.not-found' });
    expect(textOf(answer)).toContain('nowhere.jsonc');
  } finally {
    await client.close();
  }
});

const HELLO = `${JSON.stringify({
  jsonrpc: '2.0',
  id: 1,
  method: 'initialize',
  params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'raw', version: '1' } },
})}\n`;
const CALL = `${JSON.stringify({ jsonrpc: '2.0', id: 2, method: 'tools/call', params: { name: 'get_job', arguments: { jobId: '0123456789abcdef' } } })}\n`;

test('standard output holds the protocol and nothing else; the log goes to standard error', async () => {
  const server = start('--log-level', 'debug');
  server.stdin.write(`${HELLO}${CALL}this is no JSON\n`);
  const lines: string[] = [];
  for await (const line of server) {
    lines.push(line);
    if (lines.length === 2) server.stdin.end();
  }
  const { exitCode, stderr } = await server;
  expect(lines.map((line) => (JSON.parse(line) as { id: number }).id)).toEqual([1, 2]);
  expect(stderr).toContain('A tool call failed');
  expect(exitCode).toBe(0);
});

test.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)('%s ends it', async (signal) => {
  const server = start();
  server.stdin.write(HELLO);
  await once(server.stdout, 'data');
  server.kill(signal);
  expect((await server).exitCode).toBe(0);
});

test('explains itself, and refuses arguments that it does not know', async () => {
  const help = await start('--help');
  expect(help.exitCode).toBe(0);
  expect(help.stdout).toContain('Usage: stillpoint-mcp');
  for (const words of [['--frob'], ['--log-level', 'loud'], ['extra']]) {
    const ended = await start(...words);
    expect(ended).toMatchObject({ exitCode: 2, stdout: '' });
    expect(ended.stderr).toContain('[usage.invalid]');
  }
});
