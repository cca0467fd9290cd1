/**
 * Last-resort cleanup for a process that is leaving without disposing what it holds (SIGINT, process.exit, an
 * uncaught error). Everything that the lab starts also ends by itself when this process is killed outright; what
 * remains then (temporary folders) is removed by the next guest that starts, see `temporary-folder.ts`.
 */
const cleanups = new Set<() => void>();
const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
let listening = false;

/** Registers a synchronous cleanup; the returned function takes it back. */
export function cleanUpAtExit(cleanup: () => void): () => void {
  cleanups.add(cleanup);
  if (!listening) listen();
  return () => {
    cleanups.delete(cleanup);
  };
}

function listen(): void {
  listening = true;
  process.once('exit', runCleanups);
  for (const name of signals) {
    const onSignal = (): void => {
      // With other listeners present the end is theirs to decide: they dispose what they hold, in its order.
      if (process.listenerCount(name) > 1) return;
      runCleanups();
      process.off(name, onSignal);
      process.kill(process.pid, name);
    };
    process.on(name, onSignal);
  }
}

function runCleanups(): void {
  for (const cleanup of [...cleanups].reverse()) {
    cleanups.delete(cleanup);
    try {
      cleanup();
    } catch (error) {
      process.stderr.write(`lab: cleanup at exit failed: ${String(error)}\n`);
    }
  }
}
