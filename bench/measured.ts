/** Runs a program and says what it took, as the kernel counts it. */
import { readFileSync } from 'node:fs';
import { execa, type Options } from 'execa';

export interface Taken {
  readonly seconds: number;
  /** Of all its threads, and of the programs that it ran. */
  readonly cpuSeconds: number;
  /** Resident memory of the program itself at its highest. */
  readonly peakBytes: number;
  readonly stdout: string;
}

const LOOK_EVERY_MS = 5;
const TICKS_PER_SECOND = 100;

export async function measured(file: string, args: readonly string[], options: Options): Promise<Taken> {
  const started = performance.now();
  const child = execa(file, args, { ...options, stdin: 'ignore', buffer: true });
  let last = { peakBytes: 0, cpuSeconds: 0 };
  const timer = setInterval(() => {
    last = factsOf(child.pid) ?? last;
  }, LOOK_EVERY_MS);
  try {
    const { stdout } = await child;
    return { seconds: (performance.now() - started) / 1000, ...last, stdout: String(stdout) };
  } finally {
    clearInterval(timer);
  }
}

/** Undefined once the process has gone: what it did in its last milliseconds is not seen. */
function factsOf(pid: number | undefined): Pick<Taken, 'peakBytes' | 'cpuSeconds'> | undefined {
  try {
    const peak = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // After the name, which may hold anything: state is the first, and utime to cstime are the 12th to the 15th.
    const ticks = stat
      .slice(stat.lastIndexOf(')') + 2)
      .split(' ')
      .slice(11, 15);
    if (peak === undefined) return undefined;
    const cpuSeconds = ticks.reduce((sum, value) => sum + Number(value), 0) / TICKS_PER_SECOND;
    return { peakBytes: Number(peak) * 1024, cpuSeconds };
  } catch {
    return undefined;
  }
}
