/** Where the test files of one run share what they learn; opened once by the process that starts the run. */
import { rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';

export const runFolderVariable = 'STILLPOINT_LAB_RUN';

/** Gives this process and all that it starts the folder of a run, unless they are in one. It goes with the process. */
export function openRun(): string {
  const present = process.env[runFolderVariable];
  if (present !== undefined) return present;
  const folder = join(tmpdir(), `stillpoint-lab-${String(process.pid)}-run`);
  process.env[runFolderVariable] = folder;
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
