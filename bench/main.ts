/**
 * `npm run bench [-- memory | throughput [ROUNDS FILES MIB]]`; 0 leaves a sample out. Prints figures, and fails when a
 * runner takes more memory than it may. Figures of speed have no limit: they mean something only beside the others.
 */
import { cpus, loadavg, release } from 'node:os';
import { reasonLabCannotRun } from '../test/lab/requirements.ts';
import { measureMemory } from './memory.ts';
import { measureThroughput } from './throughput.ts';

const interrupted = new AbortController();
process.once('SIGINT', () => interrupted.abort(new Error('Interrupted')));

const load = (): string =>
  loadavg()
    .map((value) => value.toFixed(1))
    .join(' ');

const [which, rounds = '3', smallFiles = '10000', largeMib = '512'] = process.argv.slice(2);
console.log(
  `${cpus().length} x ${cpus()[0]?.model ?? '?'}, Linux ${release()}, Node ${process.version}, load ${load()}`,
);

if (which !== 'memory') {
  const options = {
    rounds: Number(rounds),
    smallFiles: Number(smallFiles),
    largeBytes: Number(largeMib) * 1024 ** 2,
  };
  await measureThroughput(options, interrupted.signal);
}
if (which !== 'throughput') {
  const obstacle = await reasonLabCannotRun();
  console.log('\nPeak memory of the runner');
  if (obstacle !== undefined) console.log(`  skipped: ${obstacle}`);
  else if (!(await measureMemory(interrupted.signal))) process.exitCode = 1;
}
console.log(`\nload at the end: ${load()}`);
