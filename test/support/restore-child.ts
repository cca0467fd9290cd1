/**
 * A program for kill tests: restores the repository argv[2] into the folder argv[3], which may hold other things, and
 * prints each state of the target as it begins. At argv[4] it stops until it is killed.
 */
import { writeSync } from 'node:fs';
import process from 'node:process';
import { restoreFrom } from './restoring.ts';

const [, , repository = '', target = '', stopIn = ''] = process.argv;
const { error } = await restoreFrom(repository, target, {
  overwrite: 'always',
  onEvent: (event) => {
    if (event.type !== 'target-changed') return;
    writeSync(1, `${event.state}\n`);
    // This process does nothing more; what it has started on the machine goes on.
    if (event.state === stopIn) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  },
});
if (error !== undefined) throw new Error('the restore failed', { cause: error });
