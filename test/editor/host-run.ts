/**
 * Runs the mocha tests of `host/` in a real extension host, through @vscode/test-electron, and reports each of them.
 * The extension is the packed and installed one, in the editor's test mode.
 */
import { mkdir, readFile } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { runTests } from '@vscode/test-electron';
import { build } from 'esbuild';
import type { HostCase } from './host/report.ts';

export interface HostRun {
  /** In the order in which they ran; empty when the run broke before the first. */
  readonly cases: readonly HostCase[];
  /** Why the run itself failed, besides failing cases. */
  readonly broken: string | undefined;
}

export interface HostRunOptions {
  readonly codeServer: string;
  /** Where the extension was installed to. */
  readonly extension: string;
  /** An empty folder of this run. */
  readonly scratch: string;
  /** Added to the environment of the extension host. */
  readonly env: Readonly<Record<string, string>>;
}

export async function runHostTests(options: HostRunOptions): Promise<HostRun> {
  const { codeServer, extension, scratch, env } = options;
  const bundle = join(scratch, 'host-tests.cjs');
  const report = join(scratch, 'report.json');
  await bundleHostTests(bundle);
  await mkdir(join(scratch, 'workspace'));
  let broken: string | undefined;
  try {
    await runTests({
      vscodeExecutablePath: fileURLToPath(new URL('code-shim.ts', import.meta.url)),
      extensionDevelopmentPath: extension,
      extensionTestsPath: bundle,
      extensionTestsEnv: {
        ...env,
        CODE_SERVER_FOLDER: codeServer,
        HOST_TEST_REPORT: report,
        // The stand-in is started by its first line, which looks for Node on the path.
        PATH: `${dirname(process.execPath)}${delimiter}${process.env['PATH'] ?? ''}`,
      },
      launchArgs: [
        join(scratch, 'workspace'),
        `--user-data-dir=${join(scratch, 'data')}`,
        `--extensions-dir=${join(scratch, 'extensions')}`,
      ],
    });
  } catch (error) {
    broken = String(error);
  }
  const cases = await readReport(report);
  // A failing case makes the run fail as well; that is not a second finding.
  if (cases.some(({ error }) => error !== undefined)) broken = undefined;
  return { cases, broken };
}

async function readReport(file: string): Promise<readonly HostCase[]> {
  try {
    const lines = (await readFile(file, 'utf8')).trim().split('\n');
    return lines.map((line) => JSON.parse(line) as HostCase);
  } catch {
    return [];
  }
}

/** Mocha stays outside: it is loaded from node_modules, as it loads parts of itself by path. */
async function bundleHostTests(outfile: string): Promise<void> {
  const project = fileURLToPath(new URL('../..', import.meta.url));
  await build({
    entryPoints: [fileURLToPath(new URL('host/main.ts', import.meta.url))],
    outfile,
    bundle: true,
    format: 'cjs',
    platform: 'node',
    target: 'node24',
    external: ['vscode'],
    plugins: [
      {
        name: 'mocha-by-path',
        setup: (bundler) => {
          bundler.onResolve({ filter: /^mocha$/ }, () => ({
            path: join(project, 'node_modules', 'mocha', 'index.js'),
            external: true,
          }));
        },
      },
    ],
    logLevel: 'silent',
  });
}
