/**
 * Bundles the programs into dist/: the two commands, the extension, and the modules that are started by path (the
 * jobs runner, workers). What they share is in chunks beside them, so a module that is imported on demand costs
 * nothing before that.
 *
 *   node .ci/build.ts [FOLDER]
 *
 * With a folder, that one instead of dist/: tests beside each other must not replace what another one runs.
 *
 * A module that is started by path is written `new URL('./x.ts', import.meta.url)` in the sources, which run as they
 * are; here it becomes the bundle's name. The licences of everything that was bundled go to dist/THIRD-PARTY.
 */
import { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import process from 'node:process';
import { build, type Metafile, type Plugin } from 'esbuild';
import { ROOT } from './process.ts';
import { gatherLicences } from './third-party.ts';

const DIST = resolve(ROOT, process.argv[2] ?? 'dist');

/** dist name → source. */
const ENTRIES: Readonly<Record<string, string>> = {
  cli: 'cli/bin.ts',
  'mcp-server': 'mcp-server/bin.ts',
  extension: 'extension/activate.ts',
  runner: 'shared/jobs/runner-main.ts',
  'repository-worker': 'shared/repository/workers/worker.ts',
  'repository-reader': 'shared/repository/workers/reader.ts',
};

/** The programs that a shell starts by name. */
const COMMANDS = ['cli', 'mcp-server'];

/** What the extension may load before anybody has used it, with everything it imports statically. */
const ACTIVATION_LIMIT_BYTES = 100_000;

/** What CommonJS packages (ssh2) expect of the module that they are in, and an ES module does not have. */
const COMMONJS_MANNERS = [
  "import { createRequire as __createRequire } from 'node:module';",
  'const require = __createRequire(import.meta.url);',
  'const __filename = import.meta.filename, __dirname = import.meta.dirname;',
].join('\n');

const startedByPath: Plugin = {
  name: 'started-by-path',
  setup(bundler) {
    bundler.onLoad({ filter: /\.ts$/ }, ({ path }) => {
      if (path.includes('node_modules')) return undefined;
      const text = readFileSync(path, 'utf8');
      const contents = text.replaceAll(
        /new URL\('(\.[^']+\.ts)', import\.meta\.url\)/g,
        (_match, specifier: string) => {
          const source = relative(ROOT, resolve(dirname(path), specifier));
          const name = Object.keys(ENTRIES).find((entry) => ENTRIES[entry] === source);
          if (name === undefined)
            throw new Error(`${path} starts ${source} by path, which is not an entry of the build`);
          return `new URL('./${name}.js', import.meta.url)`;
        },
      );
      return { contents, loader: 'ts' };
    });
  },
};

/** zod brings its messages in fifty languages, which no bundler can see that nobody asks for. */
const inOneLanguage: Plugin = {
  name: 'in-one-language',
  setup(bundler) {
    bundler.onLoad({ filter: /zod[\\/]v4[\\/]locales[\\/]index\.js$/ }, () => ({
      contents: "export { default as en } from './en.js';",
      loader: 'js',
    }));
  },
};

/** ssh2 works without its compiled parts (and looks for them in a try block); they are left out. */
const withoutNativeParts: Plugin = {
  name: 'without-native-parts',
  setup(bundler) {
    bundler.onResolve({ filter: /^cpu-features$|\.node$/ }, ({ path }) => ({ path, namespace: 'native' }));
    bundler.onLoad({ filter: /.*/, namespace: 'native' }, ({ path }) => ({
      contents: `throw new Error('${path} is not part of this build');`,
      loader: 'js',
    }));
  },
};

/** The size of an output with everything that it imports statically. */
function staticSize(outputs: Metafile['outputs'], entry: string, seen = new Set<string>()): number {
  const output = outputs[entry];
  if (output === undefined || seen.has(entry)) return 0;
  seen.add(entry);
  return output.imports
    .filter(({ kind }) => kind === 'import-statement')
    .reduce((size, { path }) => size + staticSize(outputs, path, seen), output.bytes);
}

rmSync(DIST, { recursive: true, force: true });
const bundled = await build({
  absWorkingDir: ROOT,
  entryPoints: ENTRIES,
  outdir: DIST,
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node24',
  // Packages with both forms: the CommonJS one of jsonc-parser loads its parts in a way that no bundler can follow.
  mainFields: ['module', 'main'],
  // Lines and names stay: a stack trace that a user sends has to be readable, and the .vsix is compressed anyway.
  minifySyntax: true,
  legalComments: 'none',
  external: ['vscode'],
  banner: { js: COMMONJS_MANNERS },
  plugins: [startedByPath, inOneLanguage, withoutNativeParts],
  metafile: true,
  logLevel: 'warning',
}).catch(() => process.exit(1)); // what went wrong has been printed
const { inputs, outputs } = bundled.metafile;

for (const name of COMMANDS) {
  const file = join(DIST, `${name}.js`);
  const text = readFileSync(file, 'utf8');
  if (!text.startsWith('#!')) writeFileSync(file, `#!/usr/bin/env node\n${text}`);
  chmodSync(file, 0o755);
}
// For the terminals of the editor, which tells its own Node in STILLPOINT_NODE; see extension/terminal-command.ts.
mkdirSync(join(DIST, 'bin'), { recursive: true });
const SCRIPTS: Readonly<Record<string, string>> = {
  stillpoint: '#!/bin/sh\nELECTRON_RUN_AS_NODE=1 exec "${STILLPOINT_NODE:-node}" "$(dirname -- "$0")/../cli.js" "$@"\n',
  'stillpoint.cmd':
    '@set ELECTRON_RUN_AS_NODE=1\r\n@if "%STILLPOINT_NODE%"=="" set STILLPOINT_NODE=node\r\n@"%STILLPOINT_NODE%" "%~dp0..\\cli.js" %*\r\n',
};
for (const [name, text] of Object.entries(SCRIPTS)) writeFileSync(join(DIST, 'bin', name), text, { mode: 0o755 });
writeFileSync(join(DIST, 'THIRD-PARTY'), gatherLicences(Object.keys(inputs)));

for (const name of Object.keys(ENTRIES)) {
  const bytes = staticSize(outputs, relative(ROOT, join(DIST, `${name}.js`)));
  console.log(`dist/${name}.js`.padEnd(22), `${Math.ceil(bytes / 1000)} kB at start`);
  if (name === 'extension' && bytes > ACTIVATION_LIMIT_BYTES) {
    console.error(`The extension loads more than ${ACTIVATION_LIMIT_BYTES / 1000} kB at activation: import on demand.`);
    process.exitCode = 1;
  }
}
