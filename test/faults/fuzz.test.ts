/**
 * Repositories that were changed at random: only errors of the repository's family, never an end of the process, never
 * more memory than the child may have. The seed is printed; `STILLPOINT_FUZZ_SEED` repeats one, and
 * `STILLPOINT_FUZZ_RUNS` makes more of them.
 */
import { randomInt } from 'node:crypto';
import { execa } from 'execa';
import { expect, test } from 'vitest';

const HEAP_MIB = 192;
/** With what lies outside of the heap: content that is decompressed does. */
const PEAK_MIB = 600;

test('whatever is stored, the process goes on and says what is wrong', async () => {
  const seed = process.env['STILLPOINT_FUZZ_SEED'] ?? String(randomInt(2 ** 31));
  const runs = process.env['STILLPOINT_FUZZ_RUNS'] ?? '60';
  console.log(`fuzz: seed ${seed}, ${runs} runs`);
  const child = new URL('../support/fuzz-child.ts', import.meta.url).pathname;
  const args = [`--max-old-space-size=${HEAP_MIB}`, child, seed, runs];
  const { exitCode, stdout, stderr, signal } = await execa(process.execPath, args, { reject: false, timeout: 180_000 });
  expect({ seed, exitCode, signal, end: stdout.split('\n').at(-1), stderr: stderr.slice(-3000) }).toEqual({
    seed,
    exitCode: 0,
    signal: undefined,
    end: 'all runs ended',
    stderr: '',
  });
  expect(Number(/^peak (\d+) MiB$/m.exec(stdout)?.[1]), `seed ${seed}`).toBeLessThan(PEAK_MIB);
});
