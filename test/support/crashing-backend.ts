/** A store that dies in the middle: from some write or removal on, nothing works any more. */
import { StillpointError } from '../../shared/base/errors.ts';
import type { Backend } from '../../shared/repository/backend/backend.ts';
import { createMemoryBackend } from './stores/memory.ts';

export interface CrashingBackend extends Backend {
  readonly mutations: number;
  readonly hasCrashed: boolean;
}

/** @param survives how many writes and removals are done before the end */
export function crashAfter(backend: Backend, survives: number): CrashingBackend {
  let mutations = 0;
  let hasCrashed = false;
  const mutate = async (call: () => Promise<void>): Promise<void> => {
    if (mutations >= survives) hasCrashed = true;
    refuseDead();
    mutations += 1;
    await call();
  };
  const refuseDead = (): void => {
    if (hasCrashed)
      throw new StillpointError('backend.failed', 'The store died.', { advice: 'Look.', cause: undefined });
  };
  return {
    properties: backend.properties,
    packFolders: backend.packFolders?.bind(backend),
    get mutations() {
      return mutations;
    },
    get hasCrashed() {
      return hasCrashed;
    },
    prepare: (signal) => backend.prepare(signal),
    save: (file, content, signal) => mutate(() => backend.save(file, content, signal)),
    remove: (file, signal) => mutate(() => backend.remove(file, signal)),
    async load(file, range, signal) {
      refuseDead();
      return backend.load(file, range, signal);
    },
    async stat(file, signal) {
      refuseDead();
      return backend.stat(file, signal);
    },
    async *list(type, signal) {
      refuseDead();
      yield* backend.list(type, signal);
    },
    close: () => backend.close(),
    [Symbol.asyncDispose]: () => backend.close(),
  };
}

/** A copy in memory, to be ruined. */
export async function copyOf(backend: Backend, signal: AbortSignal): Promise<Backend> {
  const copy = createMemoryBackend();
  for (const type of ['config', 'keys', 'index', 'snapshots', 'locks', 'data'] as const) {
    for await (const { name } of backend.list(type, signal)) {
      await copy.save({ type, name }, [await backend.load({ type, name }, undefined, signal)], signal);
    }
  }
  return copy;
}
