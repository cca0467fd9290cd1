/**
 * What a verb opens, closed at its end in the reverse order. What cannot be closed is reported and changes nothing about how
 * the verb ended: work that was done does not become a failure, and a failure keeps its first error.
 */
import { toErrorRecord } from '../base/errors.ts';
import type { EmitEvent } from '../domain/events.ts';

export function openResources(emit: EmitEvent): AsyncDisposableStack {
  return new Resources(emit);
}

class Resources extends AsyncDisposableStack {
  readonly #emit: EmitEvent;

  constructor(emit: EmitEvent) {
    super();
    this.#emit = emit;
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    try {
      await super.disposeAsync();
    } catch (error) {
      this.#emit({ type: 'cleanup-failed', what: 'closing what the job had opened', error: toErrorRecord(error) });
    }
  }
}
