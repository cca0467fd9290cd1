/**
 * Forgetting where clocks were wrong, ours or those of machines on which restic ran: no restore point whose time cannot
 * be believed pushes another one out or goes by itself, and no host's points push out those of another host.
 */
import { describe, expect, it } from 'vitest';
import type { Clock } from '../../../shared/base/clock.ts';
import { systemClock } from '../../../shared/base/clock.ts';
import type { ForgetSelection } from '../../../shared/domain/forget-plan.ts';
import type { KeepRules } from '../../../shared/domain/keep-rules.ts';
import { type RestorePointId, sourceName } from '../../../shared/domain/names.ts';
import { EVERY_POINT } from '../../../shared/domain/point-filter.ts';
import { type ForgetPorts, forget, planForgetting } from '../../../shared/pipeline/forget.ts';
import type { Backend } from '../../../shared/repository/backend/backend.ts';
import { parseTimestamp } from '../../../shared/repository/format/read-text.ts';
import { openRepository } from '../../../shared/repository/open-repository.ts';
import { NOTHING_CONFIGURED } from '../../support/configured-names.ts';
import { createMemoryBackend } from '../../support/stores/memory.ts';
import { backUp, createTestRepository, PASSWORD, testSignal } from '../../support/test-repository.ts';

const signal = testSignal();
const NOW = new Date('2026-11-23T12:00:00Z');
const clock: Clock = { ...systemClock, now: () => NOW };

interface Made {
  readonly time: string;
  readonly hostname?: string;
  readonly source?: string;
  /** The place in the list of the one that it names as its parent. */
  readonly after?: number;
}

class History {
  readonly backend: Backend = createMemoryBackend();
  readonly ids: RestorePointId[] = [];

  static async of(...points: readonly Made[]): Promise<History> {
    const history = new History();
    await using repository = await createTestRepository(history.backend);
    const { id, tree } = await backUp(repository, { file: 'content' });
    await using lock = await repository.lock('exclusive', signal);
    await repository.removeRestorePoint(id, lock, signal);
    for (const { time, hostname = 'db1', source = 'shop', after } of points) {
      const parent = after === undefined ? undefined : history.ids[after];
      const draft = { time: parseTimestamp(time), tree, paths: ['/srv'], hostname, tags: [`source=${source}`] };
      const saved = await repository.saveRestorePoint(
        parent === undefined ? draft : { ...draft, parent },
        lock,
        signal,
      );
      history.ids.push(saved.id);
    }
    return history;
  }

  get ports(): ForgetPorts {
    const openIt = () => openRepository(this.backend, PASSWORD, signal, { clock });
    return { openRepository: openIt, clock, emit: () => undefined, configured: NOTHING_CONFIGURED };
  }

  /** Which are left after forgetting, by their places in the list, and what was said before. */
  async forget(
    selection: ForgetSelection,
  ): Promise<{ readonly left: readonly number[]; readonly notes: readonly string[] }> {
    const plan = await planForgetting({ selection }, this.ports, signal);
    const report = await forget({ selection, plan: plan.id }, this.ports, signal);
    if (report.forgotten.join() !== plan.forget.join()) throw new Error('another plan was done');
    await using repository = await this.ports.openRepository(signal);
    const { points } = await repository.listRestorePoints(signal);
    const left = points.map(({ id }) => this.ids.indexOf(id)).toSorted((one, other) => one - other);
    return { left, notes: plan.notes };
  }
}

const byRules = (rules: KeepRules): ForgetSelection => ({
  by: 'rules',
  rules,
  groupBy: ['host', 'paths'],
  filter: EVERY_POINT,
});
const ofShop = (rules: KeepRules): ForgetSelection => ({
  by: 'sources',
  sources: [{ source: sourceName('shop'), rules }],
});
const day = (number: number): string => `2026-11-${String(number).padStart(2, '0')}T02:00:00Z`;

describe.each([
  ['rules', byRules],
  ['the rules of a source', ofShop],
] as const)('by %s', (_, select) => {
  it('twelve restore points of the future push out none of the past, and stay until a person names them', async () => {
    const real = [10, 11, 12, 13].map((number) => ({ time: day(number) }));
    const ahead = Array.from({ length: 12 }, (__, index) => ({ time: `2027-01-${10 + index}T02:00:00Z` }));
    const history = await History.of(...real, ...ahead);
    const { left, notes } = await history.forget(select({ daily: 3 }));
    expect(left).toEqual([1, 2, 3, ...ahead.map((__, index) => 4 + index)]);
    expect(notes).toEqual([
      expect.stringMatching(/^Restore points .* and 8 others are dated later than the clock of this machine shows\./),
    ]);
    const planted = history.ids.slice(4);
    expect((await history.forget({ by: 'points', points: planted })).left).toEqual([1, 2, 3]);
  });

  it('restore points of a clock that was behind neither go first nor take the places of others', async () => {
    const history = await History.of(
      { time: day(10) },
      { time: day(11), after: 0 },
      { time: '1970-01-01T00:00:10Z', after: 1 },
      { time: day(12), after: 2 },
      { time: day(13), after: 3 },
    );
    const { left, notes } = await history.forget(select({ last: 1 }));
    // The first two are dated later than the third, which was made after them.
    expect(left).toEqual([0, 1, 2, 4]);
    expect(notes).toEqual([expect.stringMatching(/^Restore points .* have times that cannot be right/)]);
    expect((await history.forget({ by: 'points', points: [history.ids[2] ?? ''] })).left).toEqual([0, 1, 4]);
    expect((await history.forget(select({ last: 1 }))).left).toEqual([4]);
  });

  it('a clock that jumped ahead for a while, long ago, costs no restore point', async () => {
    const history = await History.of(
      { time: day(1) },
      { time: day(20), after: 0 },
      { time: day(21), after: 1 },
      { time: day(2), after: 2 },
      { time: day(3), after: 3 },
      { time: day(22), after: 4 },
    );
    expect((await history.forget(select({ daily: 1 }))).left).toEqual([1, 2, 3, 4, 5]);
    const wrong = [history.ids[1] ?? '', history.ids[2] ?? ''];
    expect((await history.forget({ by: 'points', points: wrong })).left).toEqual([3, 4, 5]);
    expect((await history.forget(select({ daily: 1 }))).left).toEqual([5]);
  });

  it('where the clock of this machine is behind, nothing goes', async () => {
    const history = await History.of(...[24, 25, 26, 27].map((number) => ({ time: day(number) })));
    expect((await history.forget(select({ last: 1 }))).left).toEqual([0, 1, 2, 3]);
  });
});

it('the restore points of another host that name the same source push out none', async () => {
  const mine = [10, 11].map((number) => ({ time: day(number) }));
  const theirs = [20, 21, 22].map((number) => ({ time: day(number), hostname: 'web' }));
  const history = await History.of(...mine, ...theirs);
  expect((await history.forget(ofShop({ last: 2 }))).left).toEqual([0, 1, 3, 4]);
  expect((await history.forget(byRules({ last: 1 }))).left).toEqual([1, 4]);
  // Where a person groups them together, it is said.
  const together = { ...byRules({ last: 1 }), groupBy: [] } as ForgetSelection;
  const { left, notes } = await history.forget(together);
  expect([left, notes]).toEqual([
    [4],
    ['Restore points of several hosts are in one group, so those of one host can push out those of another.'],
  ]);
});
