/**
 * Which process it is, said so that another process can tell later whether it still lives. A pid alone is given to
 * another process sooner or later; a pid with the time of its start, in one boot of one machine, is not. No clock is
 * compared for processes of our own machine, so setting the clock or sleeping for a night does not kill anybody.
 *
 * Death is only said where it is proved: where the process table in which the pid was given can be looked at, or where
 * that very machine was started again since. Everything else is unknown, a host name of our own notwithstanding.
 */
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import process from 'node:process';
import { promisify } from 'node:util';
import { type ThisMachine, thisMachine } from './this-machine.ts';

export interface ProcessIdentity extends ThisMachine {
  readonly pid: number;
  /** Ticks since boot on Linux; elsewhere what `ps -o lstart=` prints. Compared, never computed with. */
  readonly start: string;
}

/** `ended`: no such process, or another one under its number. `restarted`: its machine was started again since. */
export type ProcessFate = 'alive' | 'ended' | 'restarted' | 'unknown';

/** After this long without a sign of life, one whose fate is unknown is no longer waited for. */
export const SILENCE_MS = 15 * 60_000;

export async function identifyProcess(pid: number = process.pid): Promise<ProcessIdentity | undefined> {
  const seen = await lookAt(pid);
  return typeof seen === 'string' ? undefined : { pid, start: seen.start, ...(await thisMachine()) };
}

/** @param self where the question is asked; another than this machine is for tests */
export async function fateOf(identity: ProcessIdentity, self?: ThisMachine): Promise<ProcessFate> {
  const here = self ?? (await thisMachine());
  if (identity.hostname !== here.hostname || identity.boot === '' || here.boot === '') return 'unknown';
  if (identity.boot !== here.boot) {
    return here.machine !== '' && identity.machine === here.machine ? 'restarted' : 'unknown';
  }
  if (identity.namespace !== here.namespace) return 'unknown';
  const seen = await lookAt(identity.pid);
  if (seen === 'hidden') return 'unknown';
  return seen !== 'none' && seen.start === identity.start ? 'alive' : 'ended';
}

/** `silenceMs` says how long ago it last gave a sign of life; it is asked only where its fate is unknown. */
export async function isAlive(identity: ProcessIdentity, silenceMs: () => Promise<number>): Promise<boolean> {
  const fate = await fateOf(identity);
  return fate === 'unknown' ? (await silenceMs()) < SILENCE_MS : fate === 'alive';
}

/** `none`: no such process, or one that ended and was not yet collected. `hidden`: there is one, and we may not see it. */
type Seen = { readonly start: string } | 'none' | 'hidden';

async function lookAt(pid: number): Promise<Seen> {
  const start = await (process.platform === 'linux' ? startByProc(pid) : startByPs(pid));
  if (start !== undefined) return start === ENDED ? 'none' : { start };
  // With hidepid (proc(5)) the processes of other users look as if they were not there.
  return isThere(pid) ? 'hidden' : 'none';
}

const ENDED = '';

async function startByProc(pid: number): Promise<string | undefined> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    // proc(5): the name in brackets may hold anything, so count from the last bracket. State is field 3, start 22.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' || fields[0] === 'X' ? ENDED : fields[19];
  } catch {
    return undefined;
  }
}

async function startByPs(pid: number): Promise<string | undefined> {
  try {
    const { stdout } = await promisify(execFile)('ps', ['-o', 'lstart=', '-p', String(pid)]);
    return stdout.trim() || undefined;
  } catch {
    return undefined;
  }
}

function isThere(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
