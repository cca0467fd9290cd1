/** The facts of a run from its events, so those of a process that died are found in its log. */
import type { RunEventBody } from './events.ts';
import { type HostFacts, NO_STORE, type RunFacts, type StoreFacts } from './run-facts.ts';

export function foldFacts(facts: RunFacts, event: RunEventBody): RunFacts {
  switch (event.type) {
    case 'host-sweeping':
      return { ...facts, host: { ...hostOf(facts, event.host), sweep: 'unknown' } };
    case 'host-swept':
      return { ...facts, host: { ...hostOf(facts, event.host), sweep: 'done', swept: event.removed } };
    case 'lease-arming':
      return { ...facts, host: { ...hostOf(facts, event.host), run: event.run, state: 'held' } };
    case 'snapshot-created': {
      const { host } = facts;
      return host === undefined ? facts : { ...facts, host: { ...host, snapshotsMade: host.snapshotsMade + 1 } };
    }
    case 'snapshots-keeping':
      return { ...facts, host: { ...hostOf(facts, event.host), isKeeping: true } };
    case 'snapshot-kept': {
      const { host } = facts;
      return host === undefined ? facts : { ...facts, host: { ...host, snapshotsKept: (host.snapshotsKept ?? 0) + 1 } };
    }
    case 'lease-released':
      return { ...facts, host: { ...hostOf(facts, event.host), state: 'released' } };
    case 'cleanup-failed': {
      const { host } = facts;
      const left = [...facts.left, event.what];
      return host?.state === 'held' ? { ...facts, left, host: { ...host, state: 'left' } } : { ...facts, left };
    }
    case 'restore-point-changing': {
      const { restorePoint, wanted } = event;
      return withStore(facts, event.repository, ({ pending = [] }) => ({
        pending: [...pending, { restorePoint, wanted }],
      }));
    }
    case 'store-changing':
      return withStore(facts, event.repository, () => ({ isChanging: true }));
    case 'restore-point-saved':
      return withStore(facts, event.repository, ({ pointsSaved }) => ({
        pointsSaved: [...pointsSaved, event.restorePoint],
      }));
    case 'restore-point-removed':
      return withStore(facts, event.repository, ({ pointsRemoved }) => ({
        pointsRemoved: [...pointsRemoved, event.restorePoint],
      }));
    case 'store-changed': {
      const { type: _, repository, ...counts } = event;
      return withStore(facts, repository, () => counts);
    }
    case 'store-unsure':
      return withStore(facts, event.repository, ({ unsure }) => ({ unsure: [...unsure, event.what] }));
    case 'target-changed': {
      const { path, work, state } = event;
      const { files = 0, bytes = 0 } = facts.target ?? {};
      return { ...facts, target: { path, work, state, files, bytes } };
    }
    case 'progress': {
      const { target } = facts;
      if (target === undefined || event.phase !== 'restore') return facts;
      return { ...facts, target: { ...target, files: event.filesDone, bytes: event.bytesDone } };
    }
    default:
      return facts;
  }
}

/** Of a run that came to an end of its own: every answer was had, or is among what is not known. */
export function answered(facts: RunFacts): RunFacts {
  return withStores(facts, (store) => {
    const { pending: _, isChanging: __, ...rest } = store;
    return rest;
  });
}

/** Of a process that died: what it was about to do may have been done. */
export function unanswered(facts: RunFacts): RunFacts {
  return withStores(facts, ({ pending = [], isChanging, ...store }) => {
    const known = new Set([...store.pointsSaved, ...store.pointsRemoved]);
    const open = pending
      .filter(({ restorePoint }) => !known.has(restorePoint))
      .map(({ restorePoint, wanted }) => `restore point ${restorePoint.slice(0, 8)} was ${wanted}`)
      .filter((what) => !store.unsure.includes(what));
    return { ...store, unsure: [...store.unsure, ...open], ...(isChanging === true && { isCutShort: true }) };
  });
}

function withStores(facts: RunFacts, change: (store: StoreFacts) => StoreFacts): RunFacts {
  const stores = Object.entries(facts.stores).map(([name, store]) => [name, change(store)] as const);
  // One in which nothing was done after all says nothing.
  const said = stores.filter(([, store]) => JSON.stringify(store) !== JSON.stringify(NO_STORE));
  return { ...facts, stores: Object.fromEntries(said) };
}

function hostOf({ host: known }: RunFacts, host: string): HostFacts {
  return known?.host === host ? known : { host, sweep: 'none', swept: [], state: 'untouched', snapshotsMade: 0 };
}

function withStore(facts: RunFacts, repository: string, change: (before: StoreFacts) => Partial<StoreFacts>): RunFacts {
  const before = facts.stores[repository] ?? NO_STORE;
  return { ...facts, stores: { ...facts.stores, [repository]: { ...before, ...change(before) } } };
}
