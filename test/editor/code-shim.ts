#!/usr/bin/env node
/**
 * Stands in for the executable of desktop VS Code where there is none: takes the arguments that @vscode/test-electron
 * passes to it, runs the tests in the extension host of code-server with a workbench in Chromium around it, prints what
 * they print, and ends with their exit code.
 *
 *   code-shim.ts --extensionDevelopmentPath=… --extensionTestsPath=… --user-data-dir=… --extensions-dir=… [FOLDER]
 *
 * CODE_SERVER_FOLDER names the npm package; SHIM_TIMEOUT_MS is when a run counts as hung.
 */
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import process from 'node:process';
import { format, parseArgs } from 'node:util';
import type { Page } from 'playwright-core';
import { createTemporaryFolder } from '../lab/temporary-folder.ts';
import { launchBrowser } from './browser.ts';
import { type ServerProcess, startServer } from './server-process.ts';
import { writeQuietSettings } from './settings.ts';

/** What the workbench itself writes to the channel on which the tests' output comes. */
const NOISE =
  /^\[?(remote-connection|AgentHost|RemoteAgentHost|ChatModelSelection|Service Worker|AccountPolicyGate|reconnection-grace)|^Creat(ing|ed) a socket|connection token|builtin extensions/;
/** The lean install has no compiled logger and watchdog, which the workbench regrets in its log. */
const NOT_COMPILED = /bindings file|build\/Release/;
const KEPT_LOG_LINES = 100;
const LINES_OF_AN_ERROR = 5;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  strict: false,
  options: {
    extensionDevelopmentPath: { type: 'string', multiple: true },
    extensionTestsPath: { type: 'string' },
    'user-data-dir': { type: 'string' },
    'extensions-dir': { type: 'string' },
  },
});

process.exitCode = await main();

async function main(): Promise<number> {
  await using scratch = await createTemporaryFolder('shim');
  const tests = text(values.extensionTestsPath);
  const wrapper = join(scratch.path, 'run.cjs');
  const verdict = join(scratch.path, 'verdict.json');
  await writeFile(wrapper, wrapperOf(resolve(tests), verdict));

  const userData = resolve(text(values['user-data-dir']));
  await mkdir(userData, { recursive: true });
  await writeQuietSettings(userData);
  await using server = await startServer({
    args: [
      join(text(process.env['CODE_SERVER_FOLDER']), 'lib', 'vscode', 'out', 'server-main.js'),
      ...['--host', '127.0.0.1', '--port', '0', '--without-connection-token', '--accept-server-license-terms'],
      // Without it the server takes no test's path from the page, and nothing would ever start.
      '--enable-smoke-test-driver',
      ...['--disable-workspace-trust', '--disable-telemetry', '--disable-getting-started-override'],
      ...['--server-data-dir', join(scratch.path, 'server'), '--user-data-dir', userData],
      ...['--extensions-dir', resolve(text(values['extensions-dir'])), '--agent-host-bridge-host', '127.0.0.1'],
    ],
    env: process.env,
    ready: /agent listening on (\d+)/,
  });
  const kept: string[] = [];
  let code: number;
  try {
    code = await runInBrowser(server, wrapper, kept);
  } catch (error) {
    console.error(`code-shim: ${String(error)}`);
    code = 1;
  }
  // A crash of the extension host arrives as exit code 0, so only what the tests left behind at their end is a pass.
  const passed = existsSync(verdict) && (JSON.parse(readFileSync(verdict, 'utf8')) as { ok: boolean }).ok;
  if (!existsSync(verdict)) console.error('code-shim: the extension host ended before the tests did');
  if (code === 0 && passed) return 0;
  for (const line of kept.slice(-15)) console.error(line);
  return code === 0 ? 1 : code;
}

async function runInBrowser(server: ServerProcess, wrapper: string, kept: string[]): Promise<number> {
  const browser = await launchBrowser();
  try {
    const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
    const exit = exitOf(page, server, kept);
    const remote = (path: string): string => `vscode-remote://127.0.0.1:${server.port}${path}`;
    const payload = [
      ...(values.extensionDevelopmentPath ?? []).map((path) => [
        'extensionDevelopmentPath',
        remote(resolve(text(path))),
      ]),
      ['extensionTestsPath', remote(wrapper)],
      ['skipWelcome', 'true'],
      ['skipReleaseNotes', 'true'],
    ];
    const folder = positionals[0] === undefined ? 'ew=true' : `folder=${encodeURIComponent(resolve(positionals[0]))}`;
    const url = `http://127.0.0.1:${server.port}/?${folder}&payload=${encodeURIComponent(JSON.stringify(payload))}`;
    const [code] = await Promise.all([exit, page.goto(url)]);
    return code;
  } finally {
    await browser.close();
  }
}

/** The workbench calls these two functions of its page when it runs tests. */
async function exitOf(page: Page, server: ServerProcess, kept: string[]): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  await page.exposeFunction('codeAutomationExit', resolve);
  await page.exposeFunction('codeAutomationLog', (type: string, parts: unknown[]) => {
    const line = format(...parts);
    if (type === 'info' && !NOISE.test(line)) console.log(line);
    else if (type === 'error' && !NOT_COMPILED.test(line)) {
      kept.push(line.split('\n').slice(0, LINES_OF_AN_ERROR).join('\n'));
      if (kept.length > KEPT_LOG_LINES) kept.shift();
    }
  });
  page.on('crash', () => reject(new Error('the page crashed')));
  void server.ended.then(() => reject(new Error(`the server ended before the tests did\n${server.log()}`)));
  const limitMs = Number(process.env['SHIM_TIMEOUT_MS'] ?? 120_000);
  setTimeout(() => reject(new Error(`no result after ${limitMs} ms`)), limitMs).unref();
  return promise;
}

/** Calls the real `run()` and leaves a verdict when it has ended. */
function wrapperOf(tests: string, verdict: string): string {
  return `
const { writeFileSync } = require('node:fs');
exports.run = async () => {
  try {
    await require(${JSON.stringify(tests)}).run();
    writeFileSync(${JSON.stringify(verdict)}, '{"ok":true}');
  } catch (error) {
    writeFileSync(${JSON.stringify(verdict)}, '{"ok":false}');
    throw error instanceof Error ? error : new Error(String(error));
  }
};
`;
}

function text(value: unknown): string {
  if (typeof value === 'string' && value !== '') return value;
  throw new Error(`code-shim: an argument or variable is missing in ${process.argv.slice(2).join(' ')}`);
}
