/** The program of these measurements as users get programs: bundled, so that starting it costs what it costs them. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { build, type Plugin } from 'esbuild';

const ENTRIES = {
  program: 'bench/program.ts',
  'repository-worker': 'shared/repository/workers/worker.ts',
  'repository-reader': 'shared/repository/workers/reader.ts',
};

/** As `.ci/build.ts` does: a thread's source is named by path, and in a bundle that is another one. */
const threads: Plugin = {
  name: 'threads',
  setup(bundler) {
    bundler.onLoad({ filter: /reader-pool\.ts$/ }, ({ path }) => ({
      contents: readFileSync(path, 'utf8').replace("'./reader.ts'", "'./repository-reader.js'"),
      loader: 'ts',
    }));
  },
};

/** Gives the path of the bundled program. */
export async function bundleProgram(folder: string): Promise<string> {
  await build({
    absWorkingDir: join(import.meta.dirname, '..'),
    entryPoints: ENTRIES,
    outdir: folder,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    mainFields: ['module', 'main'],
    minifySyntax: true,
    banner: {
      js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url); const __filename = import.meta.filename, __dirname = import.meta.dirname;",
    },
    external: ['cpu-features', '*.node'],
    plugins: [threads],
    logLevel: 'warning',
  });
  return join(folder, 'program.js');
}
