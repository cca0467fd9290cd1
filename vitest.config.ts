import { join } from 'node:path';
import process from 'node:process';
import { defineConfig } from 'vitest/config';
import { LongestFirst } from './.ci/longest-first.ts';
import { PROJECTS } from './.ci/projects.ts';
import { SignOfLife } from './.ci/sign-of-life.ts';
import { TestResults } from './.ci/test-results.ts';
import { openRun } from './test/lab/run-folder.ts';

// Each program and each thread of a test starts from the sources, and would strip and compile them all again: that is a
// third of what such a test costs. What is kept is found by the content of the file and Node's version.
process.env['NODE_COMPILE_CACHE'] ??= join(import.meta.dirname, 'node_modules', '.cache', 'node-compile');

openRun();
const resultsFile = process.env['STILLPOINT_TEST_RESULTS'];

export default defineConfig({
  test: {
    allowOnly: false,
    sequence: { sequencer: LongestFirst },
    reporters: resultsFile === undefined ? ['default'] : ['default', new SignOfLife(), new TestResults(resultsFile)],
    projects: PROJECTS,
  },
});
