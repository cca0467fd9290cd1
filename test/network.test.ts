/** Nothing is sent to anyone: only what speaks to hosts and to stores can open a connection at all. */
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { PRODUCT_FOLDERS } from './support/house-law.ts';
import { readModuleFacts } from './support/module-facts.ts';

const ROOT = join(import.meta.dirname, '..');
/** The modules of Node and the words of the language by which one speaks to the network. */
const MODULES = /^(node:)?(net|tls|http|https|http2|dgram|dns|dns\/promises|inspector|undici|ws)$/;
const WORDS = /\b(fetch\(|new (WebSocket|EventSource|XMLHttpRequest)\b|sendBeacon|createTelemetryLogger)/;
const DOORS = /^shared\/(remote|repository\/backend)\//;

function reaching(sources: ReadonlyMap<string, string>): readonly string[] {
  return [...sources]
    .filter(([path, text]) => !DOORS.test(path) && (importsThem(path, text) || WORDS.test(text)))
    .map(([path]) => path);
}

/** Only what has such a name in quotes is read in earnest. */
function importsThem(path: string, text: string): boolean {
  const quoted = text.match(/(?<=['"])[\w:/]+(?=['"])/g) ?? [];
  return (
    quoted.some((name) => MODULES.test(name)) && readModuleFacts(path, text).imports.some((name) => MODULES.test(name))
  );
}

test('only the rooms of hosts and stores open connections', () => {
  const files = PRODUCT_FOLDERS.flatMap((folder) => globSync(`${folder}/**/*.ts`, { cwd: ROOT }));
  const sources = new Map(files.map((path) => [path, readFileSync(join(ROOT, path), 'utf8')]));
  expect(sources.size).toBeGreaterThan(100);
  expect(reaching(sources)).toEqual([]);
});

test('which would find another one', () => {
  const planted = new Map([
    ['extension/a.ts', `import { request } from 'node:https';`],
    ['cli/a.ts', `import { connect } from 'net';`],
    ['shared/jobs/a.ts', `await fetch('https://example.org');`],
    ['mcp-server/a.ts', `const told = new WebSocket(url);`],
    ['shared/remote/ssh/a.ts', `import { connect } from 'node:net';`],
    ['shared/base/a.ts', `import { join } from 'node:path';`],
  ]);
  expect(reaching(planted)).toEqual(['extension/a.ts', 'cli/a.ts', 'shared/jobs/a.ts', 'mcp-server/a.ts']);
});
