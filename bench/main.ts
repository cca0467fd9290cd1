/**
 * `npm run bench [-- all [--scale S] [--rounds N] [--line 20ms,100mbit] [SET…] | memory | repository [ROUNDS BLOBS MIB] |
 * writer [ROUNDS MIB] | fixed [ROUNDS] | changed [ROUNDS MIB] | profile [FILES]]`; 0 leaves a sample out. `writer-zfs [ROUNDS MIB]` is
 * run only where it is named, because it emulates a whole machine.
 * Prints figures, and fails when a runner or an index takes more memory than it may. Figures of speed have no limit:
 * they mean something only beside the others.
 */
import { cpus, loadavg, release } from 'node:os';
import { reasonLabCannotRun } from '../test/lab/requirements.ts';
import { measureBesideRestic } from './beside-restic.ts';
import { measureChangedFile } from './changed-file.ts';
import { measureFixed } from './fixed.ts';
import { measureMemory } from './memory.ts';
import { inOwnNetwork } from './own-network.ts';
import { measureProfile } from './profile.ts';
import { measureWriter } from './writer.ts';

const interrupted = new AbortController();
process.once('SIGINT', () => interrupted.abort(new Error('Interrupted')));

const load = (): string =>
  loadavg()
    .map((value) => value.toFixed(1))
    .join(' ');

const [which, rounds = '3', second, third] = process.argv.slice(2);
console.log(
  `${cpus().length} x ${cpus()[0]?.model ?? '?'}, Linux ${release()}, Node ${process.version}, load ${load()}`,
);

if (which === undefined || which === 'all') {
  await inOwnNetwork('all-sets.ts', process.argv.slice(3), interrupted.signal);
}
if (which === undefined || which === 'repository') {
  console.log('\nWith a repository, beside restic');
  const options = { rounds: Number(rounds), blobs: Number(second ?? 5_000_000), mib: Number(third ?? 1024) };
  if (!(await measureBesideRestic(options, interrupted.signal))) process.exitCode = 1;
}
if (which === undefined || which === 'fixed') {
  console.log('\nWhat a backup costs that has nothing to do');
  await measureFixed(Number(rounds), interrupted.signal);
}
if (which === undefined || which === 'changed') {
  console.log('\nA large file that changed');
  const options = { rounds: Number(rounds), mib: Number(second ?? 2048), program: third };
  await measureChangedFile(options, interrupted.signal);
}
if (which === undefined || which === 'memory') {
  const obstacle = await reasonLabCannotRun();
  console.log('\nPeak memory of the runner');
  if (obstacle !== undefined) console.log(`  skipped: ${obstacle}`);
  else if (!(await measureMemory(interrupted.signal))) process.exitCode = 1;
}
if (which === 'profile') await measureProfile(Number(process.argv[3] ?? 20_000), interrupted.signal);
if (which === undefined || which === 'writer' || which === 'writer-zfs') {
  const obstacle = await reasonLabCannotRun();
  console.log('\nWhat a backup does to somebody who writes');
  const on = which === 'writer-zfs' ? 'zfs' : 'usual';
  if (obstacle !== undefined) console.log(`  skipped: ${obstacle}`);
  else await measureWriter(on, Number(rounds), Number(second ?? 200), interrupted.signal);
}
console.log(`\nload at the end: ${load()}`);
