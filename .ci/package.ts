/**
 * Builds and packs the extension: stillpoint-<version>.vsix. The bundles carry everything, so no node_modules go in;
 * package.json's `files` says what does.
 *
 *   node .ci/package.ts [option of vsce …]
 */
import process from 'node:process';
import { runProcess } from './process.ts';

// Relative links in the README stay as they are: there is no public address yet that they could be rewritten to.
const vsce = [
  'package',
  '--no-dependencies',
  '--allow-missing-repository',
  '--allow-unused-files-pattern',
  '--no-rewrite-relative-links',
  // The page of the extension is for those who use it; the README of the project is for those who build it.
  ...['--readme-path', 'extension/page.md'],
  ...process.argv.slice(2),
];

const build = await runProcess('node', ['.ci/build.ts'], { show: true });
process.exitCode = build.code === 0 ? (await runProcess('vsce', vsce, { show: true })).code : build.code;
