/**
 * The processes of jobs outlive the command that started them; that is what they are for. A demo that is interrupted
 * has to end them itself, before it takes the guest away from them.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { allProcesses, commandLineOf, killIfAlive } from '../lab/process-tree.ts';

/** How long a job may take to clean up on its host after it was asked to stop. */
const GRACE_MS = 60_000;

/** Its disposal asks every job of `stateFolder` to stop, and returns when their processes are gone. */
export function endingRunners(stateFolder: string): AsyncDisposable {
  return {
    async [Symbol.asyncDispose]() {
      const asked = runnersOf(stateFolder);
      signalAll(asked, 'SIGTERM');
      const deadline = performance.now() + GRACE_MS;
      while (runnersOf(stateFolder).length > 0 && performance.now() < deadline) await delay(100);
      signalAll(runnersOf(stateFolder), 'SIGKILL');
    },
  };
}

function runnersOf(stateFolder: string): readonly number[] {
  return allProcesses().filter((pid) => {
    const words = commandLineOf(pid);
    return words.some((word) => word.includes('runner-main')) && words.some((word) => word.startsWith(stateFolder));
  });
}

function signalAll(pids: readonly number[], signal: NodeJS.Signals): void {
  for (const pid of pids) killIfAlive(pid, signal);
}
