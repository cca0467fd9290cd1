/** Processes by id: whose children they are, and ending exactly those. */
import { readdirSync, readFileSync } from 'node:fs';

/** Process ids of all living descendants of `pid`, parents before children. Synchronous, for use while leaving. */
export function descendantsOf(pid: number): readonly number[] {
  const childrenOf = new Map<number, number[]>();
  for (const each of allProcesses()) {
    const parent = parentOf(each);
    if (parent !== undefined) childrenOf.set(parent, [...(childrenOf.get(parent) ?? []), each]);
  }
  const found: number[] = [];
  const waiting = [pid];
  for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
    const children = childrenOf.get(next) ?? [];
    found.push(...children);
    waiting.push(...children);
  }
  return found;
}

/** Process ids of all processes of this machine. */
export function allProcesses(): readonly number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
}

/** The words of the command line of `pid`; none when it has gone, which may happen between a listing and a look. */
export function commandLineOf(pid: number): readonly string[] {
  try {
    return readFileSync(`/proc/${String(pid)}/cmdline`, 'latin1').split('\0');
  } catch {
    return [];
  }
}

/** Sends a signal to `pid`, SIGKILL unless said; one that has already gone is not an error. */
export function killIfAlive(pid: number, signal: NodeJS.Signals = 'SIGKILL'): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

function parentOf(pid: number): number | undefined {
  try {
    // The command name in parentheses may itself hold spaces and parentheses: the fields begin after the last one.
    const stat = readFileSync(`/proc/${String(pid)}/stat`, 'latin1');
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
  } catch {
    return undefined;
  }
}
