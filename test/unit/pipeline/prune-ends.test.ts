/**
 * A prune and a forget whose store fails at one removal after the other, before and after it has done its work. What is
 * said of packs, index files and restore points is compared with those that are there.
 */
import { describe, expect, test } from 'vitest';
import { systemClock } from '../../../shared/base/clock.ts';
import { StillpointError } from '../../../shared/base/errors.ts';
import { consequencesOf } from '../../../shared/domain/consequences.ts';
import type { RunEventBody } from '../../../shared/domain/events.ts';
import { foldFacts } from '../../../shared/domain/fold-facts.ts';
import { repositoryName } from '../../../shared/domain/names.ts';
import { NO_FACTS, NO_STORE } from '../../../shared/domain/run-facts.ts';
import type { JobRequest } from '../../../shared/domain/verbs/verbs.ts';
import { StoreEvents } from '../../../shared/jobs/store-events.ts';
import { forget } from '../../../shared/pipeline/forget.ts';
import { prune } from '../../../shared/pipeline/prune.ts';
import type { Backend, FileType } from '../../../shared/repository/backend/backend.ts';
import { withChanges } from '../../../shared/repository/backend/changes.ts';
import { NOTHING_CONFIGURED } from '../../support/configured-names.ts';
import { type Fault, FaultPlan, withFaults } from '../../support/fault-plan.ts';
import { open, usedRepository } from '../../support/prune-lab.ts';
import { testSignal } from '../../support/test-repository.ts';

const MAIN = repositoryName('main');
const PRUNE = { maxUnused: '0%' } as const;
const failure = new StillpointError('backend.failed', 'The store failed.', { advice: 'See why.', cause: undefined });
const TYPES = ['data', 'index', 'snapshots'] as const;

async function stored(backend: Backend): Promise<Record<(typeof TYPES)[number], readonly string[]>> {
  const names = async (type: FileType): Promise<readonly string[]> =>
    (await Array.fromAsync(backend.list(type, testSignal()))).map(({ name }) => name);
  return { data: await names('data'), index: await names('index'), snapshots: await names('snapshots') };
}

/** Those of `one` that are not in `other`. */
const gone = (one: readonly string[], other: readonly string[]): number =>
  one.filter((name) => !other.includes(name)).length;

async function cut(verb: 'forget' | 'prune', faults: readonly Fault[]) {
  const { backend, points } = await usedRepository(2);
  const before = await stored(backend);
  const plan = new FaultPlan();
  for (const fault of faults) plan.add(fault);
  const events: RunEventBody[] = [];
  const emit = (event: RunEventBody): void => void events.push(event);
  const watched = withChanges(withFaults(backend, plan), new StoreEvents(emit).of('main'));
  const ports = { openRepository: () => open(watched), clock: systemClock, emit, configured: NOTHING_CONFIGURED };
  const selection = { by: 'points', points: points.slice(0, 2).map(({ id }) => id) } as const;
  const request: JobRequest =
    verb === 'forget'
      ? { kind: 'forget', repository: MAIN, selection, prune: PRUNE }
      : { kind: 'prune', repository: MAIN, options: PRUNE };
  const work =
    request.kind === 'forget'
      ? forget({ selection, prune: PRUNE }, ports, testSignal())
      : prune({ options: PRUNE }, ports, testSignal());
  const error: unknown = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  const facts = events.reduce(foldFacts, NO_FACTS);
  const words = consequencesOf(request, facts).join(' ');
  return { error, words, before, after: await stored(backend), store: facts.stores['main'] ?? NO_STORE };
}

describe.each(['forget', 'prune'] as const)('a %s', (verb) => {
  const types = verb === 'forget' ? TYPES : (['data', 'index'] as const);
  const cases = types.flatMap((type) =>
    (['save', 'remove'] as const)
      .filter((on) => type !== 'snapshots' || on === 'remove')
      .flatMap((on) => [false, true].flatMap((late) => [0, 1].map((after) => ({ type, on, late, after })))),
  );
  // A prune writes one new index and removes several.
  const real = cases.filter(({ type, on, after }) => type !== 'index' || on !== 'save' || after === 0);

  test.each(real)('whose store fails to $on "$type" after $after, late: $late', async ({ type, ...fault }) => {
    const { error, words, before, after, store } = await cut(verb, [
      { ...fault, error: failure, where: (file) => file.type === type },
    ]);
    expect(error).toMatchObject({ code: 'backend.failed' });
    const removed = {
      data: gone(before.data, after.data),
      index: gone(before.index, after.index),
      points: gone(before.snapshots, after.snapshots),
    };
    expect(store).toMatchObject({
      packsRemoved: removed.data,
      indexesRemoved: removed.index,
      packsSaved: gone(after.data, before.data),
      indexesSaved: gone(after.index, before.index),
      filesUnsure: 0,
    });
    expect(store.pointsRemoved).toHaveLength(removed.points);
    if (words.includes('It changed nothing')) expect(after).toEqual(before);
    if (words.includes('No restore point was forgotten')) expect(after.snapshots).toEqual(before.snapshots);
    const said = /(\d+) restore points? (?:was|were) forgotten/.exec(words)?.[1];
    expect(Number(said ?? 0)).toBe(removed.points);
  });

  test('whose store answers nothing more leaves open what it cannot know', async () => {
    const where: Fault['where'] = (file) => file.type === 'data';
    const { words, store } = await cut(verb, [
      { on: 'remove', where, error: failure, late: true, times: Number.POSITIVE_INFINITY },
      { on: 'stat', where, error: failure, times: Number.POSITIVE_INFINITY },
    ]);
    expect(store.filesUnsure).toBeGreaterThan(0);
    expect(words).toContain(`for ${store.filesUnsure} more it is unknown`);
  });
});
