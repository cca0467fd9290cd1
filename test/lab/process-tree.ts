/** Processes by id: whose children they are, and ending exactly those. */
import { readdirSync, readFileSync } from 'node:fs';

/** Process ids of all living descendants of `pid`, parents before children. Synchronous, for use while leaving. */
export function descendantsOf(pid: number): readonly number[] {
  const childrenOf = new Map<number, number[]>();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const parent = parentOf(name);
    if (parent !== undefined) childrenOf.set(parent, [...(childrenOf.get(parent) ?? []), Number(name)]);
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

/** Sends SIGKILL to `pid`; that it has already gone is no error. */
export function killIfAlive(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

function parentOf(pid: string): number | undefined {
  try {
    // The command name in parentheses may itself hold spaces and parentheses: the fields begin after the last one.
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
  } catch {
    return undefined;
  }
}
