/**
 * A program for kill tests: exports the folder argv[2] to argv[3], an archive or a mirror by its name, and prints each phase
 * and state of the target as it begins. At argv[4] it stops until it is killed.
 */
import { writeSync } from 'node:fs';
import process from 'node:process';
import { exportHere } from './exporting.ts';

const [, , folder = '', to = '', stopIn = '', workFolder = ''] = process.argv;
const { error } = await exportHere({
  ...{ paths: [folder], workFolder },
  to: to.endsWith('.tar.zst') ? { kind: 'archive', file: to } : { kind: 'mirror', folder: to },
  onEvent: (event) => {
    const at = event.type === 'phase-started' ? event.phase : event.type === 'target-changed' ? event.state : undefined;
    if (at === undefined) return;
    writeSync(1, `${at}\n`);
    // This process does nothing more; what it has started on the machine goes on.
    if (at === stopIn) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  },
});
if (error !== undefined) throw new Error('the export failed', { cause: error });
