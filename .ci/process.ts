/**
 * Child processes of these scripts. Each gets its own process group, because a test runner has workers, guests and
 * browsers below it, and ending only the first of them would leave the others behind.
 */
import { spawn } from 'node:child_process';
import { dirname } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';

export const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));

/** How long a group may take to clean up after SIGTERM before it is killed. */
const GRACE_MS = 20_000;

export interface Outcome {
  readonly code: number;
  readonly timedOut: boolean;
  /** stdout and stderr in the order in which they came; empty when they went to the terminal. */
  readonly output: string;
}

export interface ProcessOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly show: boolean;
  readonly timeoutMs?: number;
}

export function runProcess(program: string, args: readonly string[], options: ProcessOptions): Promise<Outcome> {
  const child = spawn(program, args, {
    cwd: ROOT,
    env: { ...process.env, ...options.env },
    stdio: options.show ? ['ignore', 'inherit', 'inherit'] : ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  let output = '';
  let timedOut = false;
  const collect = (chunk: Buffer): void => {
    output += chunk.toString();
  };
  child.stdout?.on('data', collect);
  child.stderr?.on('data', collect);

  const signalGroup = (signal: NodeJS.Signals): void => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, signal);
    } catch {
      // The whole group has ended already.
    }
  };
  let killTimer: NodeJS.Timeout | undefined;
  const stop = (): void => {
    signalGroup('SIGTERM');
    killTimer ??= setTimeout(() => signalGroup('SIGKILL'), GRACE_MS);
  };
  const stopTimer =
    options.timeoutMs === undefined
      ? undefined
      : setTimeout(
          () => {
            timedOut = true;
            stop();
          },
          Math.max(options.timeoutMs, 1),
        );
  // Our own group is the terminal's; the child's is not, so Ctrl-C has to be handed on.
  const stopSignals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  for (const signal of stopSignals) process.on(signal, stop);

  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => {
      clearTimeout(stopTimer);
      clearTimeout(killTimer);
      for (const signal of stopSignals) process.off(signal, stop);
      resolve({ code: code ?? 1, timedOut, output });
    });
  });
}
