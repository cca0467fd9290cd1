/**
 * Takes a lock again and again and counts under it: `node lock-main.ts LOCK FILE ROUNDS`. Reading and writing the count
 * are two steps, so two holders at once lose a count; a holder notes when it enters and when it leaves.
 */
import { appendFile, readFile, writeFile } from 'node:fs/promises';
import process from 'node:process';
import { never } from '../../../shared/base/cancel.ts';
import { systemClock } from '../../../shared/base/clock.ts';
import { takeLock } from '../../../shared/jobs/generation-lock.ts';

const [, , lock = '', file = '', rounds = '1'] = process.argv;
// The lock's own pace is for people; a test is more impatient.
const clock = { ...systemClock, sleep: (_ms: number, signal: AbortSignal) => systemClock.sleep(2, signal) };
for (let round = 0; round < Number(rounds); round += 1) {
  await using held = await takeLock(lock, clock, never);
  await appendFile(`${file}.log`, `enter ${process.pid} ${held.uncleanBefore ? 'unclean' : 'clean'}\n`);
  const count = Number(await readFile(file, 'utf8').catch(() => '0'));
  await systemClock.sleep(1, never);
  await writeFile(file, String(count + 1));
  await appendFile(`${file}.log`, `leave ${process.pid}\n`);
}
