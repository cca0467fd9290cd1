/**
 * The programs as users get them, bundled once for a run of tests into a folder of its own. They start three times
 * faster than the sources, and a package or a module that does not survive the bundling is noticed.
 */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { execa } from 'execa';
import type { TestProject } from 'vitest/node';

const ROOT = join(import.meta.dirname, '..', '..');
/** Whatever lies here is out of the way of every tool that looks at the sources. */
const CACHE = join(ROOT, 'node_modules', '.cache');

declare module 'vitest' {
  interface ProvidedContext {
    /** The folder with cli.js, mcp-server.js and what they start. */
    programs: string;
  }
}

/** For vitest's `globalSetup`. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  await mkdir(CACHE, { recursive: true });
  const folder = await mkdtemp(join(CACHE, 'programs-'));
  await execa(process.execPath, ['.ci/build.ts', folder], { cwd: ROOT });
  await writeFile(join(folder, 'package.json'), '{ "type": "module" }\n');
  project.provide('programs', folder);
  return () => rm(folder, { recursive: true });
}
