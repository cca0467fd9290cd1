/**
 * What users get is the bundles, not the sources that most tests run. A package that does not survive bundling, or a
 * module that is started by path and is not there, is noticed here.
 */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { execa } from 'execa';
import { describe, expect, inject, test } from 'vitest';

const ROOT = join(import.meta.dirname, '..', '..');
const DIST = inject('programs');

describe('the bundles', () => {
  test('the command line starts by its own name', async () => {
    const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };
    const { stdout } = await execa(join(DIST, 'cli.js'), ['--version']);
    expect(stdout).toBe(version);
  });

  test('the MCP server introduces itself on stdout and ends with its input', async () => {
    const hello = {
      jsonrpc: '2.0',
      id: 1,
      method: 'initialize',
      params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'test', version: '0' } },
    };
    const server = execa(join(DIST, 'mcp-server.js'), [], { timeout: 20_000 });
    server.stdin.write(`${JSON.stringify(hello)}\n`);
    const [first] = (await once(createInterface({ input: server.stdout }), 'line')) as [string];
    server.stdin.end();
    await server;
    expect(JSON.parse(first)).toMatchObject({ id: 1, result: { serverInfo: { name: 'stillpoint' } } });
  });

  test('modules that are started by path are loaded by their bundled name', () => {
    for (const name of ['runner', 'repository-worker', 'extension']) {
      expect(readFileSync(join(DIST, `${name}.js`), 'utf8').length).toBeGreaterThan(0);
    }
  });

  test('the licences of bundled packages are passed on', () => {
    const notices = readFileSync(join(DIST, 'THIRD-PARTY'), 'utf8');
    for (const name of ['ssh2', 'zod', 'libsodium-wrappers-sumo', '@modelcontextprotocol/server']) {
      expect(notices).toMatch(new RegExp(`^${name} \\d`, 'm'));
    }
  });
});
