/**
 * Phases of work that somebody waits for. Each has a limit, and while one takes long its name is shown every few
 * seconds: what is waited for, and for how long already.
 */

export interface Progress {
  /** A phase begins; the returned function ends it. */
  begin(phase: string): () => void;
  /** Something worth knowing. */
  note(text: string): void;
}

/** Shows nobody anything. */
export const silentProgress: Progress = { begin: () => () => undefined, note: () => undefined };

const stillMs = 4000;

/** Shows lines: `  12.3 s  phase` for one that ended, and in between `  .. 8 s  phase` for one that goes on. */
export function printedProgress(print: (line: string) => void): Progress {
  return {
    begin: (phase) => {
      const start = performance.now();
      const still = setInterval(() => {
        print(`${`.. ${((performance.now() - start) / 1000).toFixed(0)} s`.padStart(9)}  ${phase}`);
      }, stillMs);
      return () => {
        clearInterval(still);
        print(`${`${((performance.now() - start) / 1000).toFixed(1)} s`.padStart(9)}  ${phase}`);
      };
    },
    note: (text) => print(`${''.padStart(9)}  ${text}`),
  };
}

/** Runs `work` as a phase. Throws a sentence when it takes longer than `seconds`. */
export async function runPhase<T>(
  phase: { readonly name: string; readonly seconds: number },
  { progress, signal }: { readonly progress: Progress; readonly signal: AbortSignal },
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const limit = AbortSignal.timeout(phase.seconds * 1000);
  const end = progress.begin(phase.name);
  try {
    return await work(AbortSignal.any([signal, limit]));
  } catch (error) {
    if (!limit.aborted || signal.aborted) throw error;
    throw new Error(`It took longer than ${String(phase.seconds)} s: ${phase.name}`, { cause: error });
  } finally {
    end();
  }
}
