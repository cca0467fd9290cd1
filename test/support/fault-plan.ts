/**
 * Planned faults for a backend, around any backend. A fault that was planned and never fired fails the test that
 * planned it: a test of what happens when the disk is full proves nothing if the disk never was. `fired` counts only
 * what really changed an outcome: a listing that had nothing to hide and a file too short to lose a byte do not count.
 */

import { abortable } from '../../shared/base/cancel.ts';
import { systemClock } from '../../shared/base/clock.ts';
import { StillpointError } from '../../shared/base/errors.ts';
import type { Backend, FileRef, StoredFile } from '../../shared/repository/backend/backend.ts';
import { mustFire } from './must-fire.ts';

export type FaultyMethod = 'load' | 'save' | 'remove' | 'stat' | 'list';

export interface Fault {
  readonly on: FaultyMethod;
  /** Only for such files; default: all. `list` has no name. */
  readonly where?: (file: FileRef) => boolean;
  /** How many matching calls pass before it fires; default 0. */
  readonly after?: number;
  /** How often it fires; default once; Infinity for ever. */
  readonly times?: number;
  /** Thrown instead of the call, or with `late` after the call has done its work. */
  readonly error?: StillpointError;
  readonly late?: boolean;
  /** Changes what `load` returns: see `shortRead` and `flippedBit`. */
  readonly change?: (content: Buffer) => Buffer;
  /** The answer comes so much later. */
  readonly slowMs?: number;
  /** For a fault whose test shows that it is never reached; every other one fails its test where it does not fire. */
  readonly mayStayIdle?: boolean;
  /** `list` leaves out what was saved since the faults were put in, as a store with eventual listing does. */
  readonly hidesNew?: boolean;
}

interface Planned {
  readonly fault: Fault;
  seen: number;
  fired: number;
}

export class FaultPlan {
  readonly #faults: Planned[] = [];

  add(fault: Fault): this {
    const planned: Planned = { fault, seen: 0, fired: 0 };
    this.#faults.push(planned);
    if (fault.mayStayIdle !== true && fault.times !== 0)
      mustFire(() => (planned.fired === 0 ? `a fault of "${fault.on}"` : undefined));
    return this;
  }

  /** How often faults have fired, all together or those on one method. */
  fired(on?: FaultyMethod): number {
    return this.#faults
      .filter(({ fault }) => on === undefined || fault.on === on)
      .reduce((sum, { fired }) => sum + fired, 0);
  }

  /** The fault that is due now, if any; it has fired once its effect was counted. */
  next(on: FaultyMethod, file: FileRef): Planned | undefined {
    for (const entry of this.#faults) {
      const { fault } = entry;
      if (fault.on !== on || fault.where?.(file) === false) continue;
      entry.seen += 1;
      if (entry.seen <= (fault.after ?? 0) || entry.fired >= (fault.times ?? 1)) continue;
      return entry;
    }
    return undefined;
  }
}

/** The backend with the plan's faults in it. */
export function withFaults(backend: Backend, plan: FaultPlan): Backend {
  const fresh = new Set<string>();
  const around = async <T>(
    on: FaultyMethod,
    file: FileRef,
    signal: AbortSignal,
    call: () => Promise<T>,
  ): Promise<T> => {
    const due = plan.next(on, file);
    if (due === undefined) return await call();
    const { error, late, change, slowMs } = due.fault;
    if (slowMs !== undefined) {
      due.fired += 1;
      await abortable(systemClock.sleep(slowMs, signal), signal);
    }
    if (error !== undefined) {
      if (slowMs === undefined) due.fired += 1;
      if (late === true) await call();
      throw error;
    }
    const result = await call();
    if (change === undefined || !Buffer.isBuffer(result)) return result;
    const changed = change(result);
    if (!changed.equals(result)) due.fired += 1;
    return changed as T;
  };
  return {
    properties: backend.properties,
    packFolders: backend.packFolders?.bind(backend),
    prepare: (signal) => backend.prepare(signal),
    save: async (file, content, signal) => {
      fresh.add(`${file.type}/${file.name}`);
      await around('save', file, signal, () => backend.save(file, content, signal));
    },
    load: (file, range, signal) => around('load', file, signal, () => backend.load(file, range, signal)),
    stat: (file, signal) => around('stat', file, signal, () => backend.stat(file, signal)),
    remove: (file, signal) => around('remove', file, signal, () => backend.remove(file, signal)),
    async *list(type, signal): AsyncIterable<StoredFile> {
      const due = plan.next('list', { type, name: '' });
      if (due?.fault.hidesNew === true) {
        let hidden = 0;
        for await (const file of backend.list(type, signal)) {
          if (fresh.has(`${type}/${file.name}`)) hidden += 1;
          else yield file;
        }
        if (hidden > 0) due.fired += 1;
        return;
      }
      if (due?.fault.slowMs !== undefined) {
        due.fired += 1;
        await systemClock.sleep(due.fault.slowMs, signal);
      }
      const error = due?.fault.error;
      let given = 0;
      for await (const file of backend.list(type, signal)) {
        // With `late` it breaks off in the middle, after the first name.
        if (due !== undefined && error !== undefined && (due.fault.late !== true || given === 1)) break;
        given += 1;
        yield file;
      }
      if (due === undefined || error === undefined) return;
      due.fired += 1;
      throw error;
    },
    close: () => backend.close(),
    [Symbol.asyncDispose]: () => backend.close(),
  };
}

export function noSpace(): StillpointError {
  return new StillpointError('backend.no-space', 'There is no room left.', { advice: 'Make room.', cause: undefined });
}

/** What a network does: it may be better the next time. */
export function passing(): StillpointError {
  return new StillpointError('backend.failed', 'The test broke the call.', {
    advice: 'Look at the test.',
    cause: undefined,
    retry: 'maybe',
  });
}

/** The last byte is lost on the way. */
export function shortRead(content: Buffer): Buffer {
  return content.subarray(0, Math.max(0, content.length - 1));
}

/** One bit in the middle is another. */
export function flippedBit(content: Buffer): Buffer {
  const flipped = Buffer.from(content);
  const at = flipped.length >> 1;
  flipped[at] = (flipped[at] ?? 0) ^ 0x10;
  return flipped;
}
