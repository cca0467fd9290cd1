/**
 * Everything that can be said about the code without running it: format, lint, types, unused code, the layers.
 *
 *   node .ci/check.ts [--fix | --without-tests]
 *
 * The steps run side by side and a step prints only when it found something. `--fix` formats, sorts imports and lets
 * the linter mend what it safely can, instead of checking. `--without-tests` leaves the layers to the test run, which
 * counts them.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { ROOT, runProcess } from './process.ts';

/** The linter gets names, never ".": it would walk node_modules. */
const FOLDERS = ['shared', 'cli', 'mcp-server', 'extension', 'test', 'bench', '.ci', 'vitest.config.ts'].filter(
  (folder) => existsSync(join(ROOT, folder)),
);

/** What knip looks for in the product alone; the step before has the rest, such as packages that nothing uses. */
const KINDS = ['--include', 'files,exports,types'];

type Step = readonly [name: string, program: string, ...args: string[]];

const CHECKS: readonly Step[] = [
  ['format', 'biome', 'check', '--colors=off', '--reporter=summary', '.'],
  ['lint', 'oxlint', '--format=unix', ...FOLDERS],
  ['types', 'tsc', '--noEmit', '--pretty', 'false', '-p', '.'],
  ['unused', 'knip', '--no-progress', '--no-config-hints'],
  // What only tests use is no part of the product: without the tests as entries it is unused.
  [
    'product',
    'knip',
    '--production',
    '--config',
    '.ci/knip-product.json',
    ...KINDS,
    '--no-progress',
    '--no-config-hints',
  ],
  ['layers', 'vitest', 'run', '--project', 'house', '--reporter=dot'],
];

const FIXES: readonly Step[] = [
  ['lint', 'oxlint', '--fix', ...FOLDERS],
  ['format', 'biome', 'check', '--write', '.'],
];

async function runStep([name, program, ...args]: Step): Promise<boolean> {
  const start = performance.now();
  const { code, output } = await runProcess(program, args, { show: false, env: { NO_COLOR: '1' } });
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  if (code === 0) {
    console.log(`${name.padEnd(7)} ok      ${seconds} s`);
    return true;
  }
  console.log(`${name.padEnd(7)} FAILED  ${seconds} s   (${[program, ...args].join(' ')})`);
  console.log(firstLines(output, 120));
  return false;
}

function firstLines(text: string, limit: number): string {
  const lines = text.trim().split('\n');
  const rest = lines.length - limit;
  return rest > 0 ? [...lines.slice(0, limit), `… and ${rest} lines more`].join('\n') : lines.join('\n');
}

if (process.argv.includes('--fix')) {
  // One after the other, because both write the same files.
  const results: boolean[] = [];
  for (const step of FIXES) results.push(await runStep(step));
  process.exitCode = results.every(Boolean) ? 0 : 1;
} else {
  const steps = process.argv.includes('--without-tests') ? CHECKS.filter(([name]) => name !== 'layers') : CHECKS;
  const results = await Promise.all(steps.map(runStep));
  process.exitCode = results.every(Boolean) ? 0 : 1;
}
