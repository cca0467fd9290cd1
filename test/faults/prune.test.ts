/**
 * A prune that is stopped after any of its writes and removals: the store dies and never answers again. Whatever is
 * then there, every restore point is whole, and the next prune completes.
 */
import { expect, it } from 'vitest';
import { isStillpointError } from '../../shared/base/errors.ts';
import type { Backend, FileRef } from '../../shared/repository/backend/backend.ts';
import { openRepository } from '../../shared/repository/open-repository.ts';
import type { OpenedRepository } from '../../shared/repository/opened-repository.ts';
import { applyPrune } from '../../shared/repository/prune/apply.ts';
import { planPrune } from '../../shared/repository/prune/plan.ts';
import type { RepositoryLock } from '../../shared/repository/repository.ts';
import { copyOf, crashAfter } from '../support/crashing-backend.ts';
import { contentOf, damageIn, open, prune, usedRepository } from '../support/prune-lab.ts';
import { PASSWORD, testSignal } from '../support/test-repository.ts';

it.each([
  [1, '0%'],
  [2, '0%'],
  [2, '40%'],
] as const)('leaves every restore point whole wherever it dies (format %i, unused %s)', async (version, maxUnused) => {
  const { backend, points } = await usedRepository(version);
  const expected = await Promise.all(points.map((point) => contentOf(backend, point)));
  let survived = 0;
  for (; ; survived += 1) {
    const copy = await copyOf(backend, testSignal());
    const dying = crashAfter(copy, survived);
    const attempt = prune(dying, { maxUnused });
    if (survived > 0) await attempt.catch(() => undefined);
    else await expect(attempt).rejects.toThrow('The store died.');

    const where = `after ${survived} writes and removals`;
    const damage = (await damageIn(copy, 'verify')).filter((line) => line.startsWith('damage'));
    expect(damage, where).toEqual([]);
    expect(await Promise.all(points.map((point) => contentOf(copy, point))), where).toEqual(expected);

    await (await open(copy)).unlock('all', testSignal());
    await prune(copy, { maxUnused });
    expect(await damageIn(copy, 'verify'), `${where} and a second prune`).toEqual([]);
    expect(await Promise.all(points.map((point) => contentOf(copy, point))), where).toEqual(expected);
    if (!dying.hasCrashed) break;
  }
  // Packs written, indexes written and removed, packs removed: fewer would mean that little was tried.
  expect(survived).toBeGreaterThan(10);
});

it('writes and removes nothing more once the machine slept through the life of its lock', async () => {
  const { backend } = await usedRepository(2);
  const signal = testSignal();
  const outcomes: string[] = [];
  for (let steps = 0; ; steps += 1) {
    const copy = await copyOf(backend, signal);
    const { store, clock, seen } = sleepyStore(copy, steps);
    const repository = await openRepository(store, PASSWORD, signal, { clock });
    const lock = await repository.lock('exclusive', signal);
    const { outcome } = await tryPrune(repository, lock);
    await lock[Symbol.asyncDispose]();
    if (!seen.slept) break;
    outcomes.push(outcome);
    expect(seen.afterwards, `asleep in step ${steps}`).toEqual([]);
    const damage = (await damageIn(copy, 'check')).filter((line) => line.startsWith('damage'));
    expect(damage).toEqual([]);
  }
  // After its last removal there is nothing left to refuse.
  expect(outcomes.pop()).toBe('done');
  expect(outcomes.length).toBeGreaterThan(8);
  expect(new Set(outcomes)).toEqual(new Set(['repository.lock-lost']));
});

async function tryPrune(repository: OpenedRepository, lock: RepositoryLock): Promise<{ readonly outcome: string }> {
  const signal = testSignal();
  const prepared = await planPrune(repository, { maxUnused: '0%' }, signal);
  const observer = { step: <T>(_: string, work: () => Promise<T>) => work(), progress: () => undefined };
  return applyPrune(repository, prepared, lock, { observer, signal }).then(
    () => ({ outcome: 'done' }),
    (error: unknown) => ({ outcome: isStillpointError(error) ? error.code : String(error) }),
  );
}

/** In its n-th write or removal of anything but locks, half an hour passes. One call at a time. */
function sleepyStore(backend: Backend, sleepsIn: number) {
  let now = Date.now();
  let steps = 0;
  const seen = { slept: false, afterwards: [] as string[] };
  const clock = { now: () => new Date(now), monotonicMs: () => now, sleep: () => Promise.resolve() };
  const note = (file: FileRef): void => {
    if (file.type === 'locks') return;
    if (seen.slept) seen.afterwards.push(`${file.type} ${file.name.slice(0, 8)}`);
    if (steps === sleepsIn) {
      seen.slept = true;
      now += 30 * 60_000;
    }
    steps += 1;
  };
  const store: Backend = {
    properties: { ...backend.properties, connections: 1 },
    packFolders: backend.packFolders?.bind(backend),
    prepare: (signal) => backend.prepare(signal),
    load: (file, range, signal) => backend.load(file, range, signal),
    stat: (file, signal) => backend.stat(file, signal),
    list: (type, signal) => backend.list(type, signal),
    close: () => backend.close(),
    save: (file, content, signal) => {
      note(file);
      return backend.save(file, content, signal);
    },
    remove: (file, signal) => {
      note(file);
      return backend.remove(file, signal);
    },
    [Symbol.asyncDispose]: () => backend.close(),
  };
  return { store, clock, seen };
}
