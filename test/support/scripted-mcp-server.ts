/** Our MCP server over standard input and output with a scripted façade, for clients that start a process. */
import { serveStdio } from '@modelcontextprotocol/server/stdio';
import { CallGate } from '../../mcp-server/call-gate.ts';
import { createServer } from '../../mcp-server/server.ts';
import { silentLogger } from '../../shared/base/log.ts';
import { sampleRun } from './sample-data.ts';
import { scriptedStillpoint } from './scripted-stillpoint.ts';

const stillpoint = scriptedStillpoint({ run: sampleRun });
serveStdio(() =>
  createServer({
    stillpoint: async () => stillpoint,
    configFile: undefined,
    logger: silentLogger,
    calls: new CallGate(),
  }),
);
