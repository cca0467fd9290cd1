/** How much a verify says that it read: what was not there, or broke off, is in no figure of what was read. */
import { beforeAll, expect, it } from 'vitest';
import type { ProvedContent } from '../../../shared/domain/verbs/verify.ts';
import { verifyRepository } from '../../../shared/repository/check/verify.ts';
import type { DamageLab } from '../../support/damage/damage-lab.ts';
import { openLab, type Shelf, shelve } from '../../support/damage/damage-lab.ts';
import { FaultPlan, passing, withFaults } from '../../support/fault-plan.ts';

let shelf: Shelf;
beforeAll(async () => {
  shelf = await shelve(2);
});

async function provedIn(lab: DamageLab, backend = lab.backend): Promise<ProvedContent | undefined> {
  return (await verifyRepository(await lab.open(backend), { signal: lab.signal })).proved;
}

it('a pack that is missing, cut short or cannot be read was not read', async () => {
  const whole = await provedIn(await openLab(shelf));
  const { packs = 0, bytes = 0 } = whole ?? {};
  expect(whole).toMatchObject({
    packsTotal: packs,
    bytesTotal: bytes,
    missing: { packs: 0, bytes: 0 },
    lostIndexes: 0,
  });
  const lab = await openLab(shelf);
  const pack = await lab.pack(1, '/docs/b.txt');
  const size = (await lab.load(pack)).length;
  const rest = { packs: packs - 1, bytes: bytes - size };

  const plan = new FaultPlan().add({
    on: 'load',
    where: ({ name }) => name === pack.name,
    error: passing(),
    times: 99,
  });
  const unread = await provedIn(lab, withFaults(lab.backend, plan));
  expect(unread).toMatchObject({ ...rest, packsTotal: packs, bytesTotal: bytes });

  await lab.cut(pack, size - 1);
  expect(await provedIn(lab)).toMatchObject({ ...rest, packsTotal: packs, bytesTotal: bytes - 1 });

  await lab.remove(pack);
  const gone = { packsTotal: rest.packs, bytesTotal: rest.bytes, missing: { packs: 1, bytes: size } };
  expect(await provedIn(lab)).toMatchObject({ ...rest, ...gone });
});

it('an index file that cannot be read leaves content that nobody counted', async () => {
  const lab = await openLab(shelf);
  const [name = ''] = await lab.names('index');
  await lab.flip({ type: 'index', name }, 20);
  expect(await provedIn(lab)).toMatchObject({ lostIndexes: 1 });
});
