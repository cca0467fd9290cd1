/** The frame of a repair: a plan changes nothing, and only the plan that was approved is carried out. */
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../../shared/base/clock.ts';
import type { RunEventBody } from '../../../shared/domain/events.ts';
import { parsePlanId } from '../../../shared/domain/plan-id.ts';
import type { RepairJobRequest } from '../../../shared/domain/verbs/repair.ts';
import { repair } from '../../../shared/pipeline/repair.ts';
import type { DamageLab } from '../../support/damage/damage-lab.ts';
import { openLab, shelve } from '../../support/damage/damage-lab.ts';

const WISH = { part: 'packs' } as const;

async function damagedLab(): Promise<DamageLab> {
  const lab = await openLab(await shelve(2));
  await lab.flip(await lab.pack(1, '/docs/b.txt'), 20);
  return lab;
}

async function run(
  lab: DamageLab,
  request: Omit<RepairJobRequest, 'kind' | 'repository'>,
): Promise<{ events: RunEventBody[]; report: Awaited<ReturnType<typeof repair>> }> {
  const events: RunEventBody[] = [];
  const ports = {
    clock: systemClock,
    emit: (event: RunEventBody) => void events.push(event),
    openRepository: () => lab.open(),
  };
  return { events, report: await repair(request, ports, lab.signal) };
}

describe('repair', () => {
  it('without --apply makes the plan, changes nothing, and makes the same plan again', async () => {
    const lab = await damagedLab();
    const before = await Promise.all((['data', 'index', 'snapshots'] as const).map((type) => lab.names(type)));
    const { report, events } = await run(lab, { scope: WISH, apply: false });
    expect(report).toMatchObject({
      applied: false,
      plan: { part: 'packs', lost: [{ affects: [lab.victim(1, '/docs/b.txt')] }] },
    });
    expect(events.flatMap((event) => (event.type === 'phase-started' ? [event.phase] : []))).toEqual(['open', 'plan']);
    expect((await run(lab, { scope: WISH, apply: false })).report.plan.id).toBe(report.plan.id);
    expect(await Promise.all((['data', 'index', 'snapshots'] as const).map((type) => lab.names(type)))).toEqual(before);
  });

  it('does exactly the plan that was approved, or refuses', async () => {
    const lab = await damagedLab();
    const { plan } = (await run(lab, { scope: WISH, apply: false })).report;
    await lab.flip(await lab.pack(2, '/docs/c.txt'), 20);
    const stale = run(lab, { scope: WISH, apply: true, plan: plan.id });
    await expect(stale).rejects.toMatchObject({ code: 'plan.stale' });
    await expect(run(lab, { scope: WISH, apply: true, plan: parsePlanId('0'.repeat(16)) })).rejects.toThrow(
      'There is no plan',
    );
    const now = (await run(lab, { scope: WISH, apply: false })).report.plan;
    const { report } = await run(lab, { scope: WISH, apply: true, plan: now.id });
    expect(report).toEqual({ kind: 'repair', plan: now, applied: true });
    expect((await run(lab, { scope: WISH, apply: true })).report.applied).toBe(false);
  });

  it('waits for nobody and works beside nobody', async () => {
    const lab = await damagedLab();
    await using repository = await lab.open();
    await using _lock = await repository.lock('shared', lab.signal);
    await expect(run(lab, { scope: WISH, apply: true })).rejects.toMatchObject({ code: 'repository.locked' });
    expect((await run(lab, { scope: WISH, apply: false })).report.applied).toBe(false);
  });
});
