/**
 * An exclusive lock between processes, held by a child running flock(1). When this process dies, even by SIGKILL,
 * the child reads the end of its input and goes, so a crash never leaves the lock behind.
 */
import { once } from 'node:events';
import { execa } from 'execa';

/** Waits for the lock on `path` (created when missing) and holds it until disposed. */
export async function lockFile(path: string, signal: AbortSignal): Promise<AsyncDisposable> {
  const holder = execa('flock', ['--exclusive', path, 'sh', '-c', 'echo locked; exec cat'], {
    buffer: false,
    reject: false,
    stdin: 'pipe',
    stdout: 'pipe',
    stderr: 'inherit',
  });
  try {
    await Promise.race([
      once(holder.stdout, 'data', { signal }),
      holder.then((result) => {
        throw new Error(`flock on "${path}" ended with code ${String(result.exitCode)} before it held the lock`);
      }),
    ]);
  } catch (error) {
    holder.kill('SIGKILL');
    await holder;
    throw error;
  }
  return {
    [Symbol.asyncDispose]: async () => {
      holder.stdin.end();
      await holder;
    },
  };
}
