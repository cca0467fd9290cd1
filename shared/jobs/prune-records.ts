/** Removes the records of old jobs, and what runs remembered of sources that are no longer backed up. */
import type { Clock } from '../base/clock.ts';
import type { JobFacts, JobStore } from './job-store.ts';

export const KEEP_JOBS = 500;
const KEEP_DAYS = 90;
/** These stay however old they seem, so that a wrong clock cannot empty the list. */
export const KEEP_ALWAYS = 50;

const DAY_MS = 24 * 3600 * 1000;

/** Keeps the newest `KEEP_JOBS` of the last `KEEP_DAYS` days. A job that is not finished is never removed. */
export async function pruneRecords(store: JobStore, clock: Clock): Promise<void> {
  const oldest = clock.now().getTime() - KEEP_DAYS * DAY_MS;
  await store.forgetRemembered(oldest);
  const ids = await store.ids();
  if (ids.length <= KEEP_ALWAYS) return;
  const jobs: JobFacts[] = [];
  for (const id of ids) {
    const facts = await store.facts(id);
    if (facts !== undefined) jobs.push(facts);
  }
  jobs.sort((a, b) => Date.parse(b.record.createdAt) - Date.parse(a.record.createdAt));
  for (const [index, { record, finished }] of jobs.entries()) {
    if (index < KEEP_ALWAYS || finished === undefined) continue;
    if (index >= KEEP_JOBS || Date.parse(finished.at) < oldest) await store.remove(record.id);
  }
}
