#!/usr/bin/env node
/**
 * Where `stillpoint` begins. Everything else is imported only when this Node can run it: an older one would stop at the
 * first thing that it does not know, with a sentence that helps no one.
 */
import process from 'node:process';
import { nodeTooOld } from '../shared/base/node-version.ts';

const tooOld = nodeTooOld(process.version);
if (tooOld === undefined) {
  const { keepCompiled } = await import('../shared/base/compiled-programs.ts');
  keepCompiled();
  await import('./main.ts');
} else {
  process.stderr.write(tooOld);
  process.exitCode = 1;
}
