/**
 * Planned faults for a backend. A fault that was planned and never fired fails the test that planned it: a test of
 * what happens when the disk is full proves nothing if the disk never was.
 */
import { StillpointError } from '../../shared/base/errors.ts';
import type { Backend, FileRef } from '../../shared/repository/backend/backend.ts';

export type FaultyMethod = 'load' | 'save' | 'remove' | 'stat' | 'list';

export interface Fault {
  readonly on: FaultyMethod;
  /** Only for such files; default: all. `list` has no name. */
  readonly where?: (file: FileRef) => boolean;
  /** How many matching calls pass before it fires; default 0. */
  readonly after?: number;
  /** How often it fires; default once. */
  readonly times?: number;
  /** Thrown instead of the call, or with `late` after the call has done its work. */
  readonly error?: StillpointError;
  readonly late?: boolean;
  /** Changes what `load` returns. */
  readonly change?: (content: Buffer) => Buffer;
}

export class FaultPlan {
  readonly #faults: { readonly fault: Fault; seen: number; fired: number }[] = [];

  add(fault: Fault): this {
    this.#faults.push({ fault, seen: 0, fired: 0 });
    return this;
  }

  /** The fault that fires now, if any. */
  next(on: FaultyMethod, file: FileRef): Fault | undefined {
    for (const entry of this.#faults) {
      const { fault } = entry;
      if (fault.on !== on || fault.where?.(file) === false) continue;
      entry.seen += 1;
      if (entry.seen <= (fault.after ?? 0) || entry.fired >= (fault.times ?? 1)) continue;
      entry.fired += 1;
      return fault;
    }
    return undefined;
  }

  assertAllFired(): void {
    const idle = this.#faults.filter(({ fired }) => fired === 0);
    if (idle.length > 0)
      throw new Error(`${idle.length} planned faults never fired: ${idle.map(({ fault }) => fault.on).join(', ')}`);
  }
}

/** The backend with the plan's faults in it. */
export function withFaults(backend: Backend, plan: FaultPlan): Backend {
  const around = async <T>(on: FaultyMethod, file: FileRef, call: () => Promise<T>): Promise<T> => {
    const fault = plan.next(on, file);
    if (fault?.error !== undefined && fault.late !== true) throw fault.error;
    const result = await call();
    if (fault?.error !== undefined) throw fault.error;
    return fault?.change !== undefined && Buffer.isBuffer(result) ? (fault.change(result) as T) : result;
  };
  return {
    properties: backend.properties,
    prepare: (signal) => backend.prepare(signal),
    save: (file, content, signal) => around('save', file, () => backend.save(file, content, signal)),
    load: (file, range, signal) => around('load', file, () => backend.load(file, range, signal)),
    stat: (file, signal) => around('stat', file, () => backend.stat(file, signal)),
    remove: (file, signal) => around('remove', file, () => backend.remove(file, signal)),
    async *list(type, signal) {
      const fault = plan.next('list', { type, name: '' });
      if (fault?.error !== undefined) throw fault.error;
      yield* backend.list(type, signal);
    },
    close: () => backend.close(),
    [Symbol.asyncDispose]: () => backend.close(),
  };
}

export function noSpace(): StillpointError {
  return new StillpointError('backend.no-space', 'There is no room left.', { advice: 'Make room.', cause: undefined });
}
