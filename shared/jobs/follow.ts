/**
 * Following a job: what was reported and what is being reported, each event once and in order, to the end. Looks whether the
 * job is finished before it reads the log: what is said last is then read last.
 */
import type { Clock } from '../base/clock.ts';
import type { RunEvent } from '../domain/events.ts';
import type { JobId } from '../domain/names.ts';
import { EventLogReader } from './event-log.ts';
import { type JobStore, unknownJob } from './job-store.ts';
import { settledFacts } from './settle.ts';
import { FolderWatch } from './watch.ts';

/** How long to wait for the system's notice before looking anyway, with notices and without. */
const LOOK_AGAIN_MS = { live: 1000, blind: 250 };

export async function* followEvents(
  store: JobStore,
  id: JobId,
  afterSeq: number,
  clock: Clock,
  signal: AbortSignal,
): AsyncGenerator<RunEvent> {
  using watch = new FolderWatch(store.jobFolder(id));
  await using reader = new EventLogReader(store.path(id, 'events.ndjson'), afterSeq);
  for (;;) {
    signal.throwIfAborted();
    const facts = await settledFacts(store, id, clock);
    if (facts === undefined) throw unknownJob(id);
    for await (const event of reader.read()) {
      // A runner that was given up for dead has no more to say after its job was ended.
      if (facts.finished !== undefined && event.seq >= facts.finished.seq) break;
      yield event;
      signal.throwIfAborted();
    }
    if (facts.finished !== undefined) {
      if (facts.finished.seq > afterSeq) yield facts.finished;
      return;
    }
    await watch.next(watch.isLive ? LOOK_AGAIN_MS.live : LOOK_AGAIN_MS.blind, signal);
  }
}
