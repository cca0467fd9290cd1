/**
 * Which processor a guest gets for itself. A User-Mode Linux kernel and the processes that it traces take turns, never
 * at the same time; on two processors each turn wakes the other one up, which costs a guest nearly half of its speed.
 */
import { randomInt } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { allProcesses, commandLineOf } from './process-tree.ts';

/** The allowed processor that the fewest guests are bound to. */
export function quietestProcessor(): number {
  const allowed = processorsOf('self');
  const guests = new Map<string, number>();
  for (const pid of allProcesses()) {
    const guest = guestOf(pid);
    const bound = guest === undefined ? [] : processorsOf(String(pid));
    if (guest !== undefined && bound.length === 1) guests.set(guest, bound[0] as number);
  }
  const load = (processor: number): number => [...guests.values()].filter((bound) => bound === processor).length;
  const least = Math.min(...allowed.map(load));
  const free = allowed.filter((processor) => load(processor) === least);
  // Two guests that start at the same instant do not see each other.
  return free[randomInt(free.length)] as number;
}

/** A word on the command line of the processes that start a guest and stay above it, which tells guests apart. */
export function guestMark(directory: string): string {
  return `${mark}${directory}`;
}

const mark = 'stillpoint-lab-guest=';

function guestOf(pid: number): string | undefined {
  return commandLineOf(pid).find((word) => word.startsWith(mark));
}

/** As proc(5) writes them: "0-3,8". */
function processorsOf(pid: string): number[] {
  const [, list = ''] = /^Cpus_allowed_list:\s*(\S+)$/m.exec(readOrEmpty(`/proc/${pid}/status`)) ?? [];
  return list
    .split(',')
    .filter((range) => range !== '')
    .flatMap((range) => {
      const [first = 0, last = first] = range.split('-').map(Number);
      return Array.from({ length: last - first + 1 }, (_, index) => first + index);
    });
}

/** A process may end while it is looked at. */
function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}
