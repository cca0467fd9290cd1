/**
 * `stillpoint-mcp`: the MCP server over standard input and output. Standard output belongs to the protocol; whatever
 * else wants to speak does so on standard error. When the client goes, so do we: jobs run in a process of their own.
 */
import { Console } from 'node:console';
import { resolve } from 'node:path';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { StdioServerTransport, serveStdio } from '@modelcontextprotocol/server/stdio';
import { createLogger, type LogLevel } from '../shared/base/log.ts';
import { openStillpoint } from '../shared/stillpoint.ts';
import { CallGate } from './call-gate.ts';
import { openOnFirstUse } from './open-on-first-use.ts';
import { PlainRefusals } from './plain-refusals.ts';
import { createServer, TOOL_NAMES } from './server.ts';

const HELP = `Usage: stillpoint-mcp [--config FILE] [--log-level LEVEL]

Serves the Model Context Protocol on standard input and output, for AI assistants.

  --config FILE      the configuration file (default: $STILLPOINT_CONFIG, then your configuration folder)
  --log-level LEVEL  debug, info, warn or error, on standard error (default: warn)
  --help             print this

Example of a client's settings:
  {"mcpServers": {"stillpoint": {"command": "stillpoint-mcp", "args": ["--config", "/etc/stillpoint.jsonc"]}}}
`;

const LEVELS: readonly LogLevel[] = ['debug', 'info', 'warn', 'error'];

const { stdin, stdout, stderr } = process;
globalThis.console = new Console(stderr);

function fail(sentence: string): never {
  stderr.write(`${sentence}\n"stillpoint-mcp --help" explains the arguments.\n[usage.invalid]\n`);
  process.exit(2);
}

function readArguments() {
  try {
    const { values } = parseArgs({
      options: {
        config: { type: 'string' },
        'log-level': { type: 'string', default: 'warn' },
        help: { type: 'boolean', default: false },
      },
    });
    return values;
  } catch (error) {
    return fail((error as Error).message);
  }
}

const values = readArguments();
if (values.help) {
  stdout.write(HELP);
  process.exit(0);
}
const least = LEVELS.findIndex((level) => level === values['log-level']);
if (least === -1) fail(`"${values['log-level']}" is not a level of logging.`);

const logger = createLogger(({ level, message, fields }) => {
  if (LEVELS.indexOf(level) >= least) stderr.write(`${level} ${message} ${JSON.stringify(fields)}\n`);
});

const given = values.config ?? process.env['STILLPOINT_CONFIG'];
const configFile = given === undefined || given === '' || given.startsWith('~/') ? given || undefined : resolve(given);

const stillpoint = openOnFirstUse(async () =>
  openStillpoint({ logger, ...(configFile === undefined ? {} : { configFile }) }),
);

const deps = { stillpoint: stillpoint.get, configFile, logger, calls: new CallGate() };
const connection = serveStdio(() => createServer(deps), {
  transport: new PlainRefusals(new StdioServerTransport(), TOOL_NAMES),
  onerror: (error) => logger.log('warn', 'The connection reported an error', { error }),
});

let closing = false;
async function close(): Promise<void> {
  if (closing) return;
  closing = true;
  try {
    await connection.close();
    await stillpoint[Symbol.asyncDispose]();
  } finally {
    process.exit(0);
  }
}

stdin.once('end', () => void close());
stdin.once('close', () => void close());
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => void close());
