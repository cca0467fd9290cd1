/**
 * Reports when anything in the job store changed. Jobs whose process died change nothing by themselves, so a watch also
 * looks after those that are not finished.
 */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/log.ts';
import type { JobStore } from './job-store.ts';
import { settledFacts } from './settle.ts';
import { FolderWatch } from './watch.ts';

const LOOK_AGAIN_MS = { live: 3000, blind: 1000 };
/** Changes come in bursts; one call tells of all. */
const GATHER_MS = 100;

export interface WatchPorts {
  readonly clock: Clock;
  readonly logger: Logger;
}

export function watchStore(store: JobStore, onChange: () => void, { clock, logger }: WatchPorts): Disposable {
  const ended = new AbortController();
  const watch = new FolderWatch(store.folder);
  const finished = new Set<string>();
  const stampOf = async (): Promise<bigint> => {
    const found = await stat(join(store.folder, 'changed'), { bigint: true }).catch(() => undefined);
    return found?.mtimeNs ?? 0n;
  };
  const settleAll = async (): Promise<void> => {
    for (const id of await store.ids()) {
      if (finished.has(id)) continue;
      const facts = await settledFacts(store, id, clock);
      if (facts?.finished !== undefined && facts.isPresumed !== true) finished.add(id);
    }
  };
  const look = async (): Promise<void> => {
    let told = await stampOf();
    for (;;) {
      const noticed = await watch.next(watch.isLive ? LOOK_AGAIN_MS.live : LOOK_AGAIN_MS.blind, ended.signal);
      if (noticed) await clock.sleep(GATHER_MS, ended.signal);
      else await settleAll();
      const stamp = await stampOf();
      // Two changes may bear the same time, so a notice counts without one.
      if (!noticed && stamp === told) continue;
      told = stamp;
      try {
        onChange();
      } catch (error) {
        logger.log('error', 'a watcher of the jobs failed', { error });
      }
    }
  };
  look().catch((error: unknown) => {
    if (!ended.signal.aborted) logger.log('error', 'the jobs are no longer watched', { error });
  });
  return {
    [Symbol.dispose]: () => {
      ended.abort();
      watch[Symbol.dispose]();
    },
  };
}
