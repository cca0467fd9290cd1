/** A real MCP client on our server, in this process, in either era of the protocol. */
import { type CallToolResult, Client } from '@modelcontextprotocol/client';
import { InMemoryTransport } from '@modelcontextprotocol/server';
import { serveStdio } from '@modelcontextprotocol/server/stdio';
import { CallGate } from '../../mcp-server/call-gate.ts';
import { PlainRefusals } from '../../mcp-server/plain-refusals.ts';
import { createServer, TOOL_NAMES } from '../../mcp-server/server.ts';
import type { Logger } from '../../shared/base/log.ts';
import { silentLogger } from '../../shared/base/log.ts';
import type { Stillpoint } from '../../shared/stillpoint.ts';

export type Era = 'legacy' | 'modern';
export const ERAS: readonly Era[] = ['legacy', 'modern'];

/** The revision of the protocol that the modern era speaks. */
const MODERN = '2026-07-28';

export function createClient(era: Era): Client {
  return new Client(
    { name: 'stillpoint-test', version: '1.0.0' },
    { versionNegotiation: { mode: era === 'modern' ? { pin: MODERN } : 'legacy' } },
  );
}

export interface ConnectedClient extends AsyncDisposable {
  readonly client: Client;
  call(name: string, args?: Record<string, unknown>): Promise<CallToolResult>;
}

export async function connectInProcess(
  stillpoint: Stillpoint | (() => Promise<Stillpoint>),
  options: { readonly era?: Era; readonly configFile?: string; readonly logger?: Logger } = {},
): Promise<ConnectedClient> {
  const [clientSide, serverSide] = InMemoryTransport.createLinkedPair();
  const deps = {
    stillpoint: typeof stillpoint === 'function' ? stillpoint : async () => stillpoint,
    configFile: options.configFile,
    logger: options.logger ?? silentLogger,
    calls: new CallGate(),
  };
  const serving = serveStdio(() => createServer(deps), { transport: new PlainRefusals(serverSide, TOOL_NAMES) });
  const client = createClient(options.era ?? 'modern');
  await client.connect(clientSide);
  return {
    client,
    call: (name, args = {}) => client.callTool({ name, arguments: args }),
    async [Symbol.asyncDispose]() {
      await client.close();
      await serving.close();
    },
  };
}

/** The text of the answer, all blocks. */
export function textOf(result: CallToolResult): string {
  return result.content.map((block) => (block.type === 'text' ? block.text : `[${block.type}]`)).join('\n');
}
