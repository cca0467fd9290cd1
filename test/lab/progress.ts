/**
 * Phases of work that a person waits for. Each has a limit, and while one takes long its name is shown every few
 * seconds: what is waited for, and for how long already.
 */

export interface Progress {
  /** A phase begins; the returned function ends it. */
  begin(phase: string): (outcome: 'done' | 'failed') => void;
  /** Something worth knowing. */
  note(text: string): void;
}

/** Shows nothing. */
export const silentProgress: Progress = { begin: () => () => undefined, note: () => undefined };

/** Nothing is printed for longer than this while a phase goes on. */
const silentMs = 4000;
const lookMs = 500;

/** Prints a line `12.3 s  phase` for each that ended, and `.. 8 s  phase` when nothing was printed for some seconds. */
export function printedProgress(print: (line: string) => void): Progress {
  let printedAt = performance.now();
  const show = (time: string, text: string): void => {
    printedAt = performance.now();
    print(`${time.padStart(9)}  ${text}`);
  };
  return {
    begin: (phase) => {
      const start = performance.now();
      const seconds = (digits: number): string => `${((performance.now() - start) / 1000).toFixed(digits)} s`;
      const still = setInterval(() => {
        if (performance.now() - printedAt > silentMs - lookMs) show(`.. ${seconds(0)}`, phase);
      }, lookMs);
      return (outcome) => {
        clearInterval(still);
        show(seconds(1), outcome === 'failed' ? `${phase}: FAILED` : phase);
      };
    },
    note: (text) => show('', text),
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
    const result = await work(AbortSignal.any([signal, limit]));
    end('done');
    return result;
  } catch (error) {
    end('failed');
    if (!limit.aborted || signal.aborted) throw error;
    throw new Error(`It took longer than ${String(phase.seconds)} s: ${phase.name}`, { cause: error });
  }
}
