/**
 * Which process it is, said so that another process can tell later whether it still lives. A pid alone is given to
 * somebody else sooner or later; a pid with the time of its start, in one boot of one machine, is not. No clock is
 * compared for processes of our own machine, so setting the clock or sleeping for a night does not kill anybody.
 */
import { execFile } from 'node:child_process';
import { readFile, readlink } from 'node:fs/promises';
import { hostname } from 'node:os';
import process from 'node:process';
import { promisify } from 'node:util';
import { z } from 'zod';

export const processIdentitySchema = z.object({
  pid: z.int().positive(),
  /** Ticks since boot on Linux; elsewhere what `ps -o lstart=` prints. Compared, never computed with. */
  start: z.string(),
  machine: z.string(),
  /** Empty where the start time is a date and needs no boot to be measured from. */
  boot: z.string(),
  /** The pid namespace: two containers of one machine have processes of the same number. */
  namespace: z.string(),
});
export type ProcessIdentity = z.infer<typeof processIdentitySchema>;

/** A process on another machine that shares our home folder is known by its heartbeat alone. */
const FOREIGN_SILENCE_MS = 15 * 60_000;

export async function identifyProcess(pid: number = process.pid): Promise<ProcessIdentity | undefined> {
  const start = await startOf(pid);
  if (start === undefined) return undefined;
  const [boot, namespace] = await Promise.all([
    readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => ''),
    readlink('/proc/self/ns/pid').catch(() => ''),
  ]);
  return { pid, start, machine: hostname(), boot: boot.trim(), namespace };
}

/** `silentMs` says how long ago it last gave a sign of life by the file's time; it counts for foreign machines only. */
export async function isAlive(identity: ProcessIdentity, silentMs: number): Promise<boolean> {
  const self = await identifyProcess();
  if (self === undefined) return true;
  if (identity.machine !== self.machine) return silentMs < FOREIGN_SILENCE_MS;
  if (identity.boot !== self.boot) return false;
  if (identity.namespace !== self.namespace) return silentMs < FOREIGN_SILENCE_MS;
  return (await startOf(identity.pid)) === identity.start;
}

/** Undefined when there is no such process; a process that ended and was not yet collected is none. */
async function startOf(pid: number): Promise<string | undefined> {
  if (process.platform !== 'linux') return startByPs(pid);
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    // proc(5): the name in brackets may hold anything, so count from the last bracket. State is field 3, start 22.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' || fields[0] === 'X' ? undefined : fields[19];
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
