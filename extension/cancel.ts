/** Between the editor's cancellation tokens and the core's AbortSignals. */
import type { CancellationToken } from 'vscode';
import { cancelled } from '../shared/base/cancel.ts';

export interface LinkedSignal extends Disposable {
  readonly signal: AbortSignal;
}

/** A signal that fires with the token; dispose it to stop listening. */
export function signalOf(token: CancellationToken, what: string): LinkedSignal {
  const controller = new AbortController();
  const abort = (): void => controller.abort(cancelled(what));
  const listener = token.onCancellationRequested(abort);
  if (token.isCancellationRequested) abort();
  return { signal: controller.signal, [Symbol.dispose]: () => void listener.dispose() };
}
