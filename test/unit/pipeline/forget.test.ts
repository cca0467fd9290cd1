/** Forgetting and pruning as jobs do them: what a plan says, what is refused, and what is left when it stops half-way. */
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../../shared/base/clock.ts';
import type { RunEventBody } from '../../../shared/domain/events.ts';
import type { ForgetSelection } from '../../../shared/domain/forget-plan.ts';
import type { KeepRules } from '../../../shared/domain/keep-rules.ts';
import { sourceName } from '../../../shared/domain/names.ts';
import { parsePlanId } from '../../../shared/domain/plan-id.ts';
import { EVERY_POINT } from '../../../shared/domain/point-filter.ts';
import { type ForgetPorts, forget, planForgetting } from '../../../shared/pipeline/forget.ts';
import { planPruning, prune } from '../../../shared/pipeline/prune.ts';
import type { Backend } from '../../../shared/repository/backend/backend.ts';
import { encodeIndex } from '../../../shared/repository/format/index-file.ts';
import { parseTimestamp } from '../../../shared/repository/format/read-text.ts';
import { encodeTree } from '../../../shared/repository/format/tree.ts';
import { blobIdOf } from '../../../shared/repository/ids.ts';
import { NOTHING_CONFIGURED } from '../../support/configured-names.ts';
import { copyOf, crashAfter } from '../../support/crashing-backend.ts';
import { damageIn, open, storePack } from '../../support/prune-lab.ts';
import { createMemoryBackend } from '../../support/stores/memory.ts';
import { backUp, createTestRepository, testSignal } from '../../support/test-repository.ts';

const signal = testSignal();
const WHEN = parseTimestamp('2026-01-01T00:00:00Z');
const FILE = { type: 'file', mode: 0o644, uid: 0, gid: 0, links: 1, mtime: WHEN, atime: WHEN, ctime: WHEN } as const;
const PRUNE = { maxUnused: '0%' };

function ports(backend: Backend, events: RunEventBody[] = []): ForgetPorts {
  return {
    openRepository: () => open(backend),
    clock: systemClock,
    emit: (event) => void events.push(event),
    configured: { ...NOTHING_CONFIGURED, hostnames: ['web'] },
  };
}

/** Restore points of two sources on one host, one a day, each with a file of its own. */
async function filled(days: number): Promise<{ backend: Backend; ids: readonly string[] }> {
  const backend = createMemoryBackend();
  await createTestRepository(backend);
  const repository = await open(backend);
  await using lock = await repository.lock('shared', signal);
  const ids: string[] = [];
  for (let day = 1; day <= days; day++) {
    const data = Buffer.from(`content ${day}`.repeat(900));
    const tree = encodeTree([
      { ...FILE, name: Buffer.from(`file${day}`), size: data.length, content: [blobIdOf(data)] },
    ]);
    const packs = [
      await storePack(repository, [{ type: 'data', data }]),
      await storePack(repository, [{ type: 'tree', data: tree }]),
    ];
    await repository.files.save('index', encodeIndex(packs), signal);
    await repository.loadIndex(signal);
    const time = parseTimestamp(`2026-03-${String(day).padStart(2, '0')}T02:00:00Z`);
    const tags = ['stillpoint', `source=${day % 2 === 0 ? 'even' : 'odd'}`];
    const draft = { time, tree: blobIdOf(tree), paths: ['/srv'], hostname: 'db1', tags };
    ids.push((await repository.saveRestorePoint(draft, lock, signal)).id);
  }
  return { backend, ids };
}

async function pointsIn(backend: Backend): Promise<readonly string[]> {
  return (await (await open(backend)).listRestorePoints(signal)).points.map(({ id }) => id);
}

const byRules = (last: number): ForgetSelection => ({
  by: 'rules',
  rules: { last },
  groupBy: ['host', 'paths'],
  filter: EVERY_POINT,
});

describe('forget', () => {
  it('does what its plan says, and no other plan', async () => {
    const { backend, ids } = await filled(5);
    const plan = await planForgetting({ selection: byRules(2) }, ports(backend), signal);
    expect(plan.forget).toEqual(ids.slice(0, 3));
    expect(plan.groups[0]?.points.map(({ reason }) => reason)).toEqual([
      ...['last', 'last'],
      ...['no rule keeps it', 'no rule keeps it', 'no rule keeps it'],
    ]);
    expect(await pointsIn(backend)).toEqual(ids);
    const stale = forget({ selection: byRules(2), plan: parsePlanId('0'.repeat(16)) }, ports(backend), signal);
    await expect(stale).rejects.toMatchObject({ code: 'plan.stale' });
    expect(await pointsIn(backend)).toEqual(ids);
    const report = await forget({ selection: byRules(2), plan: plan.id }, ports(backend), signal);
    expect(report).toMatchObject({ forgotten: ids.slice(0, 3), kept: 2, prune: undefined });
    expect(await pointsIn(backend)).toEqual(ids.slice(3));
    // Once done, the plan is that of another state.
    const again = forget({ selection: byRules(2), plan: plan.id }, ports(backend), signal);
    await expect(again).rejects.toMatchObject({ code: 'plan.stale' });
  });

  it('knows its plan however the same scope is written', async () => {
    const { backend, ids } = await filled(4);
    const [first = '', second = ''] = ids;
    const idOf = async (selection: ForgetSelection, maxUnused: string): Promise<string> =>
      (await planForgetting({ selection, prune: { maxUnused } }, ports(backend), signal)).id;
    const points = (...named: string[]): ForgetSelection => ({ by: 'points', points: named });
    const id = await idOf(points(first, second), '0');
    expect(await idOf(points(second.slice(0, 12), first, second), ' 0% ')).toBe(id);
    expect(await idOf(points(first), '0')).not.toBe(id);
    expect(await idOf(points(first, second), '1%')).not.toBe(id);
    const rules = (hostnames: string[], last = 2): ForgetSelection => ({
      ...{ by: 'rules', rules: { last }, groupBy: ['host'] },
      filter: { ...EVERY_POINT, hostnames },
    });
    expect(await idOf(rules(['db1', 'web']), '1K')).toBe(await idOf(rules(['web', 'db1']), '1024'));
    expect(await idOf(rules(['db1']), '1K')).not.toBe(await idOf(rules(['db1'], 1), '1K'));
    const approved = parsePlanId(id);
    const scope = { selection: points(second, first), prune: { maxUnused: '0%' }, plan: approved };
    expect((await forget(scope, ports(backend), signal)).forgotten).toEqual([first, second]);
  });

  it('warns of what is named where nothing stays, and only there', async () => {
    const { backend, ids } = await filled(2);
    const risksOf = async (points: readonly string[]): Promise<readonly string[]> =>
      (await planForgetting({ selection: { by: 'points', points } }, ports(backend), signal)).risks;
    expect(await risksOf(ids.slice(0, 1))).toEqual([]);
    expect(await risksOf(ids)).toEqual(['No restore point stays in the repository.']);
  });

  it('takes ids and the starts of ids, and nothing that fits none or several', async () => {
    const { backend, ids } = await filled(3);
    const [first = '', second = ''] = ids;
    const scope = (...points: string[]) => ({ selection: { by: 'points', points } as const });
    for (const [text, code] of [
      ['', 'repository.unknown-point'],
      ['latest', 'repository.unknown-point'],
      ['0'.repeat(64), 'repository.unknown-point'],
    ] as const) {
      await expect(forget(scope(first, text), ports(backend), signal)).rejects.toMatchObject({ code });
    }
    expect(await pointsIn(backend)).toEqual(ids);
    await backend.save(
      { type: 'snapshots', name: `${second.slice(0, 20)}${'0'.repeat(44)}` },
      [Buffer.from('x')],
      signal,
    );
    await expect(forget(scope(second.slice(0, 12)), ports(backend), signal)).rejects.toMatchObject({
      code: 'repository.ambiguous-point',
    });
    // What cannot be read can go by its id only, and is said to be unreadable.
    const plan = await planForgetting(scope(`${second.slice(0, 20)}0000`), ports(backend), signal);
    expect(plan.notes).toEqual([expect.stringContaining('cannot be read')]);
    await forget(scope(`${second.slice(0, 20)}0000`, first.slice(0, 10)), ports(backend), signal);
    expect(await pointsIn(backend)).toEqual(ids.slice(1));
  });

  it('and prunes what only a restore point needed that cannot be read, when it is named', async () => {
    const { backend, ids } = await filled(2);
    const [first = '', second = ''] = ids;
    await backend.save({ type: 'snapshots', name: first }, [Buffer.from('noise')], signal);
    await expect(forget({ selection: byRules(1), prune: PRUNE }, ports(backend), signal)).rejects.toMatchObject({
      code: 'repository.damaged',
    });
    const named: ForgetSelection = { by: 'points', points: [first] };
    const report = await forget({ selection: named, prune: PRUNE }, ports(backend), signal);
    expect(report.prune?.packsDeleted).toBe(2);
    expect(await pointsIn(backend)).toEqual([second]);
    expect(await damageIn(backend, 'verify')).toEqual([]);
  });

  it('says before and after which restore points no rule could look at', async () => {
    const { backend, ids } = await filled(3);
    const [first = '', second = ''] = ids;
    await backend.save({ type: 'snapshots', name: first }, [Buffer.from('noise')], signal);
    const sources = [{ source: sourceName('odd'), rules: { last: 1 } }];
    for (const selection of [byRules(1), { by: 'sources', sources } as const]) {
      const reason = `The file of restore point ${first.slice(0, 8)} does not match its name.`;
      const unreadable = [{ restorePoint: first, reason }];
      const plan = await planForgetting({ selection }, ports(backend), signal);
      expect([plan.unreadable, plan.notes]).toEqual([unreadable, []]);
      const report = await forget({ selection }, ports(backend), signal);
      expect(report).toMatchObject({ unreadable, notes: [] });
    }
    expect(await pointsIn(backend)).not.toContain(second);
    const named = await forget({ selection: { by: 'points', points: [first] } }, ports(backend), signal);
    expect(named).toMatchObject({
      forgotten: [first],
      unreadable: [],
      notes: [expect.stringContaining('cannot be read')],
    });
  });

  it('looks at each source by its own rules, and at nothing else', async () => {
    const { backend, ids } = await filled(6);
    const sources = [{ source: sourceName('even'), rules: { last: 1 } }];
    const plan = await planForgetting({ selection: { by: 'sources', sources } }, ports(backend), signal);
    expect(plan.forget).toEqual([ids[1], ids[3]]);
    expect(plan.keep).toBe(1);
    const others = [{ source: sourceName('third'), rules: { last: 1 } }];
    const none = await planForgetting({ selection: { by: 'sources', sources: others } }, ports(backend), signal);
    expect([none.keep, none.notes]).toEqual([0, [expect.stringContaining('The 6 restore points')]]);
  });

  it('says that a tag to keep by is near another one, and nothing of one that nobody has set yet', async () => {
    const { backend } = await filled(3);
    const notesOn = async (rules: KeepRules): Promise<readonly string[]> => {
      const selection: ForgetSelection = { by: 'rules', rules, groupBy: [], filter: EVERY_POINT };
      const sources = [{ source: sourceName('even'), rules }];
      const plans = [
        await planForgetting({ selection }, ports(backend), signal),
        await planForgetting({ selection: { by: 'sources', sources } }, ports(backend), signal),
      ];
      const [one, other] = plans.map(({ notes }) => notes);
      expect(one).toEqual(other);
      return one ?? [];
    };
    expect(await notesOn({ last: 1, tags: [['source=evne'], ['important'], ['']] })).toEqual([
      'No restore point has the tag "source=evne" that is to be kept by; there is "source=even".',
    ]);
    expect(await notesOn({ last: 1, tags: [['source=even']] })).toEqual([]);
  });

  it('refuses rules that keep nothing of a group, as restic does', async () => {
    const { backend, ids } = await filled(2);
    const selection: ForgetSelection = {
      by: 'rules',
      rules: { tags: [['other']] },
      groupBy: ['tags'],
      filter: EVERY_POINT,
    };
    await expect(planForgetting({ selection }, ports(backend), signal)).rejects.toMatchObject({
      code: 'usage.invalid',
      message: expect.stringMatching(/^The rules keep no restore point of tags .* and of 1 other groups\.$/) as string,
    });
    await expect(forget({ selection }, ports(backend), signal)).rejects.toMatchObject({ code: 'usage.invalid' });
    expect(await pointsIn(backend)).toEqual(ids);
  });

  it('goes on to prune under the same lock', async () => {
    const { backend, ids } = await filled(4);
    const events: RunEventBody[] = [];
    const scope = { selection: byRules(1), prune: PRUNE };
    const plan = await planForgetting(scope, ports(backend), signal);
    // Per restore point a file and the tree above it.
    expect(plan.prune?.figures.blobs).toMatchObject({ used: 2, unused: 6 });
    const report = await forget({ ...scope, plan: plan.id }, ports(backend, events), signal);
    expect(report.prune?.packsDeleted).toBe(6);
    expect(await pointsIn(backend)).toEqual(ids.slice(3));
    expect(await damageIn(backend, 'verify')).toEqual([]);
    const phases = events.flatMap((event) => (event.type === 'phase-started' ? [event.phase] : []));
    expect(phases).toEqual(['open', 'plan', 'forget', 'prove', 'repack', 'index', 'remove']);
  });

  it('that is to prune begins nothing in a repository in which it could not', async () => {
    const { backend, ids } = await filled(3);
    const repository = await open(backend);
    await repository.loadIndex(signal);
    const [, , last] = (await repository.listRestorePoints(signal)).points;
    const place = repository.index.find('tree', last?.tree ?? ('' as never));
    await backend.remove({ type: 'data', name: place?.pack ?? '' }, signal);
    await expect(forget({ selection: byRules(1), prune: PRUNE }, ports(backend), signal)).rejects.toMatchObject({
      code: 'repository.damaged',
    });
    expect(await pointsIn(backend)).toEqual(ids);
  });

  it('stopped after any write or removal leaves a sound repository, and can be done again', async () => {
    const { backend: full, ids } = await filled(4);
    const scope = { selection: byRules(1), prune: PRUNE };
    for (let survived = 0; ; survived += 1) {
      const backend = await copyOf(full, signal);
      const dying = crashAfter(backend, survived);
      await forget(scope, ports(dying), signal).catch(() => undefined);
      const damage = (await damageIn(backend, 'verify')).filter((line) => line.startsWith('damage'));
      expect(damage, `after ${survived}`).toEqual([]);
      const left = await pointsIn(backend);
      expect(left, `after ${survived}`).toEqual(ids.slice(ids.length - left.length));
      await (await open(backend)).unlock('all', signal);
      await forget(scope, ports(backend), signal);
      expect([await pointsIn(backend), await damageIn(backend, 'verify')]).toEqual([ids.slice(3), []]);
      if (!dying.hasCrashed) break;
    }
  });

  it('waits for nobody: somebody at work keeps it out', async () => {
    const { backend } = await filled(2);
    await using _lock = await (await open(backend)).lock('shared', signal);
    await expect(forget({ selection: byRules(1) }, ports(backend), signal)).rejects.toMatchObject({
      code: 'repository.locked',
    });
  });
});

describe('prune', () => {
  it('knows its plan however the same options are written', async () => {
    const { backend } = await filled(2);
    const idOf = async (maxUnused: string, repackUncompressed?: boolean): Promise<string> =>
      (await planPruning({ maxUnused, repackUncompressed }, ports(backend), signal)).id;
    expect(await idOf('0', false)).toBe(await idOf('0%'));
    expect(await idOf('5.0%')).toBe(await idOf('05%'));
    expect(await idOf('5%')).not.toBe(await idOf('5'));
    const plan = parsePlanId(await idOf('0'));
    expect(await prune({ options: { maxUnused: '0%' }, plan }, ports(backend), signal)).toMatchObject({ plan });
    await expect(idOf('100%')).rejects.toMatchObject({ code: 'usage.invalid' });
  });

  it('does what its plan says, and no other plan', async () => {
    const { backend, ids } = await filled(3);
    await forget({ selection: byRules(1) }, ports(backend), signal);
    const plan = await planPruning(PRUNE, ports(backend), signal);
    await backUp(await open(backend), { late: 'comer' });
    await expect(prune({ options: PRUNE, plan: plan.id }, ports(backend), signal)).rejects.toMatchObject({
      code: 'plan.stale',
    });
    const now = await planPruning(PRUNE, ports(backend), signal);
    const report = await prune({ options: PRUNE, plan: now.id }, ports(backend), signal);
    expect(report).toMatchObject({ packsDeleted: 4, packsWritten: 0 });
    expect(await pointsIn(backend)).toContain(ids[2]);
    expect(await damageIn(backend, 'verify')).toEqual([]);
    expect(await prune({ options: PRUNE }, ports(backend), signal)).toMatchObject({ packsDeleted: 0, packsWritten: 0 });
  });
});
