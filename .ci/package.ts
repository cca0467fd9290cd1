/**
 * Builds and packs the extension: stillpoint-<version>.vsix. The bundles carry everything, so no node_modules go in;
 * package.json's `files` says what does.
 */
import process from 'node:process';
import { runProcess } from './process.ts';

const vsce = ['package', '--no-dependencies', '--allow-missing-repository', '--allow-unused-files-pattern'];

const build = await runProcess('node', ['.ci/build.ts'], { show: true });
process.exitCode = build.code === 0 ? (await runProcess('vsce', vsce, { show: true })).code : build.code;
