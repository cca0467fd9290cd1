/** Runs a program and says what it took, as the kernel counts it. */
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { execa, type Options } from 'execa';
import { descendantsOf } from '../test/lab/process-tree.ts';

export interface Taken {
  readonly seconds: number;
  /** Of all its threads, of the programs that it ran, and of what the server ran for it. */
  readonly cpuSeconds: number;
  /** Resident memory of the program itself at its highest. */
  readonly peakBytes: number;
  readonly stdout: string;
}

const LOOK_EVERY_MS = 10;
const TICKS_PER_SECOND = 100;
/** A server's session ends a moment after its client. */
const SESSION_ENDS_MS = 2000;

/** @param server the process whose sessions belong to the program, if any */
export async function measured(
  file: string,
  args: readonly string[],
  options: Options,
  server?: number,
): Promise<Taken> {
  const before = ticksOf(process.pid, 'children') + ticksOf(server, 'all');
  const started = performance.now();
  const child = execa(file, args, { ...options, stdin: 'ignore', buffer: true });
  let peakBytes = 0;
  const timer = setInterval(() => {
    peakBytes = peakOf(child.pid) ?? peakBytes;
  }, LOOK_EVERY_MS);
  try {
    const { stdout } = await child;
    const seconds = (performance.now() - started) / 1000;
    if (server !== undefined) await sessionsOver(server);
    const ticks = ticksOf(process.pid, 'children') + ticksOf(server, 'all') - before;
    return { seconds, cpuSeconds: ticks / TICKS_PER_SECOND, peakBytes, stdout: String(stdout) };
  } finally {
    clearInterval(timer);
  }
}

async function sessionsOver(server: number): Promise<void> {
  const until = performance.now() + SESSION_ENDS_MS;
  while (descendantsOf(server).length > 0 && performance.now() < until) await delay(5);
}

/** Undefined once the process has gone: what it did in its last milliseconds is not seen. */
function peakOf(pid: number | undefined): number | undefined {
  try {
    const peak = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return peak === undefined ? undefined : Number(peak) * 1024;
  } catch {
    return undefined;
  }
}

/** Of children that have ended and were waited for, theirs included; `all` with its own. */
function ticksOf(pid: number | undefined, of: 'children' | 'all'): number {
  if (pid === undefined) return 0;
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // After the name, which may hold anything: state is the first, and utime to cstime are the 12th to the 15th.
  const ticks = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return ticks.slice(of === 'all' ? 11 : 13, 15).reduce((sum, value) => sum + Number(value), 0);
}
