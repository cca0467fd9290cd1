/** What all pools of threads have in common: how a thread is started, and that one that fails takes all work with it. */
import { Worker } from 'node:worker_threads';
import { StillpointError } from '../../base/errors.ts';

export interface ThreadHooks<Message> {
  readonly onMessage: (message: Message) => void;
  /** An end that the pool did not ask for. */
  readonly onFailure: (cause: unknown) => void;
  readonly isClosed: () => boolean;
}

export function startThread<Message>(url: URL, workerData: unknown, hooks: ThreadHooks<Message>): Worker {
  const worker = new Worker(url, {
    workerData,
    execArgv: [],
    // The work is in buffers outside the heap; a small young generation keeps a thread at some 20 MB.
    resourceLimits: { maxYoungGenerationSizeMb: 8 },
  });
  worker.on('message', hooks.onMessage);
  worker.on('error', hooks.onFailure);
  worker.on('messageerror', hooks.onFailure);
  worker.on('exit', (code) => {
    if (!hooks.isClosed()) hooks.onFailure(new Error(`a thread ended with code ${code}`));
  });
  return worker;
}

/** @param does what its threads do, as "decrypts" */
export function threadFailed(does: string, cause: unknown): StillpointError {
  const text = cause instanceof Error ? cause.message : String(cause);
  return new StillpointError('internal.unexpected', `A thread that ${does} failed: ${text}`, {
    advice: 'Start again; if it repeats, report it.',
    cause,
  });
}

export function rejectAll(
  members: readonly { readonly jobs: Map<number, { reject(error: unknown): void }> }[],
  failure: StillpointError,
): void {
  for (const { jobs } of members) {
    for (const job of jobs.values()) job.reject(failure);
    jobs.clear();
  }
}
