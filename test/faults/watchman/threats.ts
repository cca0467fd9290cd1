/**
 * Thin snapshots and their pool: one that has no room left is a threat to its origin, so the watchman gives the run up, also
 * where no client is there, and whoever asks learns why. What is not ours stays, thin or not.
 */
import { beforeEach, expect, test } from 'vitest';
import { never } from '../../../shared/base/cancel.ts';
import type { RunId } from '../../../shared/domain/names.ts';
import { takeSnapshots } from '../../../shared/snapshot/critical-section.ts';
import { releaseLease, renewLease, sweepHost } from '../../../shared/snapshot/host/commands.ts';
import type { LeaseState } from '../../../shared/snapshot/host/lease-state.ts';
import { createSnapshot, type ThinSnapshotOrder } from '../../../shared/snapshot/lvm/thin/create.ts';
import { eventually, type PaperHost } from '../../support/snapshot/paper-lvm.ts';
import { owner, type PaperRun, scripts } from './paper-run.ts';

const POOL = 'vg0-pool0-tpool';
const poolStatus = (
  data: string,
  metadata = '25/4096',
  rest = '- rw discard_passdown queue_if_no_space - 1024',
): string => `0 2097152 thin-pool 7 ${metadata} ${data} ${rest}`;

export function judgeThreats(lab: PaperRun): void {
  const { shell, folder, ourTags, arm, exists, gone, startReader, lives } = lab;
  let paper: PaperHost;
  let run: RunId;
  let id: string;
  beforeEach(async () => {
    paper = lab.paper();
    run = lab.run();
    id = `vg0/sp_${run}_11111111`;
    await paper.setStatus(POOL, poolStatus('273/16384'));
  });
  const order = (): ThinSnapshotOrder => ({
    ...{ group: 'vg0', origin: 'thin', pool: 'pool0', chunkBytes: 65_536 },
    name: `sp_${run}_11111111`,
  });
  const create = async (orders = [order()]): Promise<number> => {
    const identity = { run, owner };
    const section = { ...identity, holds: [], creates: orders.map((each) => createSnapshot(identity, each)) };
    const answer = await paper.host.run(takeSnapshots(section, scripts), never);
    return 'failed' in answer ? answer.failed.exitCode : 0;
  };
  const renew = (): Promise<LeaseState> => paper.host.run(renewLease(run, 60), never);

  test('makes a thin snapshot with its marks and without a size, and removes it', async () => {
    await arm(600);
    expect(await create()).toBe(0);
    const [made] = await paper.changes();
    expect(made).toMatch(
      / -s -n sp_\w+ -k y -K --addtag stillpoint --addtag sp\.run=\w+ --addtag sp\.owner=\w+ vg0\/thin$/,
    );
    expect(await renew()).toMatchObject({ state: 'alive', peaks: [], full: [], gone: [], threat: undefined });
    // What is nearer to its limit: 90 % of the data, or 85 % of the metadata.
    const shares = async () => (await renew()).shares;
    const share = { snapshot: id, where: 'vg0/pool0' };
    const data = { ...share, what: 'data', usedBytes: 273 * 65_536, limitBytes: Math.floor(16_384 * 65_536 * 0.9) };
    await eventually(async () => (await shares()).length > 0, 'the watchman has looked');
    expect(await shares()).toEqual([data]);
    await paper.setStatus(POOL, poolStatus('273/16384', '400/4096'));
    const metadata = { what: 'metadata', usedBytes: 400 * 4096, limitBytes: Math.floor(4096 * 4096 * 0.85) };
    await eventually(async () => (await shares())[0]?.what === 'metadata', 'the watchman has looked again');
    expect(await shares()).toEqual([{ ...share, ...metadata }]);
    expect(await paper.host.run(releaseLease(scripts, run, owner), never)).toEqual({ removed: [id], kept: [] });
  });

  test.each<[string, string, string, number, number]>([
    ['at 90 % of its data', poolStatus('14746/16384'), 'data', 14_746 * 65_536, 16_384 * 65_536],
    ['at 85 % of its metadata', poolStatus('9/16384', '3482/4096'), 'metadata', 3482 * 4096, 4096 * 4096],
    [
      'without room',
      poolStatus('16384/16384', '25/4096', '- out_of_data_space discard_passdown queue_if_no_space - 1024'),
      ...(['data', 16_384 * 65_536, 16_384 * 65_536] as const),
    ],
    [
      'that is read-only',
      poolStatus('9/16384', '25/4096', '- ro discard_passdown queue_if_no_space - 1024'),
      'read-only',
      0,
      0,
    ],
    [
      'that needs a check',
      poolStatus('9/16384', '25/4096', '- rw discard_passdown queue_if_no_space needs_check 1024'),
      ...(['needs-check', 0, 0] as const),
    ],
    ['that failed', '0 2097152 thin-pool Fail', 'failed', 0, 0],
  ])(
    'gives up the snapshot of a pool %s, with nobody there, and says why afterwards',
    async (_how, status, what, usedBytes, totalBytes) => {
      await arm(20);
      await create();
      const reader = await startReader();
      await paper.setStatus(POOL, status);
      await eventually(async () => (await paper.volumes()).length === 0, 'the snapshot is gone');
      expect(await lives(reader)).toBe(false);
      const threat = { snapshot: id, where: 'vg0/pool0', what, usedBytes, totalBytes };
      expect(await renew()).toMatchObject({ state: 'alive', full: [], gone: [], threat });
      expect(await paper.host.run(releaseLease(scripts, run, owner), never)).toEqual({ removed: [], kept: [] });
      await gone();
    },
  );

  test('leaves a pool alone that is just below 90 % of its data and 85 % of its metadata', async () => {
    await arm(20);
    await create();
    await paper.setStatus(POOL, poolStatus('14745/16384', '3481/4096'));
    await paper.sh('sleep 2.5');
    expect(await renew()).toMatchObject({ full: [], gone: [], threat: undefined });
    expect(await paper.volumes()).toEqual([id]);
  });

  test.each<[string, string]>([
    ['has no status', ''],
    ['has a status of another form', '0 2097152 thin-pool 7 25 273/16384 - rw'],
    ['has a status without an end', '0 2097152 thin-pool 7 25/4096'],
    ['is no pool', '0 2097152 linear 8:1 0'],
  ])('takes nothing for a threat where the pool %s, but stops the readers', async (_how, status) => {
    await arm(20);
    await create();
    const reader = await startReader();
    await paper.setStatus(POOL, status);
    await eventually(async () => !(await lives(reader)), 'the reader is stopped');
    expect(await renew()).toMatchObject({ gone: [id], threat: undefined });
    expect(await paper.volumes()).toEqual([id]);
  });

  test('removes every snapshot of a run that is given up, and none of another run', async () => {
    await arm(20);
    await create([order(), { ...order(), name: `sp_${run}_22222222` }]);
    await paper.put({ name: `sp_${run}_33333333`, tags: ourTags() });
    await paper.put({ name: 'sp_0000aaaa_11111111', tags: `sp.owner=${owner},sp.run=0000aaaa,stillpoint` });
    await paper.put({ name: 'precious', attr: 'Vwi-aotz--', origin: 'thin' });
    await paper.setStatus(POOL, poolStatus('16000/16384'));
    await eventually(async () => (await paper.volumes()).length === 2, 'those of the run are gone');
    expect(await paper.volumes()).toEqual(['vg0/precious', 'vg0/sp_0000aaaa_11111111']);
    // It stays the reason, however long one waits with asking.
    await paper.setStatus(POOL, poolStatus('273/16384'));
    await paper.sh('sleep 2.5');
    expect(await renew()).toMatchObject({ full: [], gone: [], threat: { what: 'data' } });
  });

  // Most of it is waiting, and the same under every shell.
  test.each(shell === 'dash' ? ['a threat'] : [])('tries again to remove %s, and pauses in between', async () => {
    await arm(20);
    await create();
    // Each is tried five times, and it is found twice: as recorded, and by its name.
    await paper.fail('lvremove', 10);
    await paper.setStatus(POOL, poolStatus('16000/16384'));
    await eventually(async () => (await renew()).threat !== undefined, 'the run is given up');
    const calls = async (): Promise<number> =>
      (await paper.changes()).filter((line) => line.startsWith('lvremove')).length;
    await eventually(async () => (await calls()) === 10, 'all attempts have failed');
    await paper.sh('sleep 3');
    expect([await calls(), await paper.volumes()]).toEqual([10, [id]]);
    expect(await paper.host.run(releaseLease(scripts, run, owner), never)).toMatchObject({ removed: [id] });
  });

  test('makes no snapshot any more in a run that is given up, and leaves the reason where it is', async () => {
    await arm(600);
    await paper.before('lvcreate', `echo '${id} vg0/pool0 data 9 10' > ${folder()}/given-up`);
    expect(await create([order(), { ...order(), name: `sp_${run}_22222222` }])).toBe(75);
    expect(await paper.volumes()).toEqual([]);
    expect((await paper.changes()).filter((line) => line.startsWith('lvcreate'))).toHaveLength(1);
    expect((await renew()).threat).toEqual({
      snapshot: id,
      where: 'vg0/pool0',
      what: 'data',
      usedBytes: 9,
      totalBytes: 10,
    });
    // A sweep leaves it to the lease, so that its client can still learn why.
    expect((await paper.host.run(sweepHost(scripts, owner), never)).kept).toEqual([
      { object: folder(), reason: 'a run is using it now' },
    ]);
    await paper.sh(`echo 1 > ${folder()}/expires`);
    expect((await renew()).state).toBe('gone');
    await gone();
    expect(await exists('/run/stillpoint')).toBe(false);
  });

  test('removes of thin volumes only snapshots of ours', async () => {
    await arm(600);
    await create();
    const thin = { attr: 'Vwi-a-tz-k', origin: 'thin', status: '0 9 thin 1 2' };
    await paper.put({ ...thin, name: `sp_${run}_00000001` });
    await paper.put({ ...thin, name: `sp_${run}_00000002`, tags: ourTags(), origin: '' });
    await paper.put({ ...thin, name: `sp_${run}_00000003`, tags: ourTags(), attr: 'Swi-a-tz-k' });
    await paper.put({ ...thin, name: `sp_${run}_00000004`, tags: ourTags(), attr: 'Owi-aotz--' });
    await paper.put({ ...thin, name: `sp_${run}_00000005`, tags: ourTags(), attr: 'twi-aotz--' });
    await paper.put({ ...thin, name: `sp_${run}_00000006`, tags: ourTags() });
    await paper.put({ ...thin, name: 'thin', tags: ourTags(), origin: '' });
    const { removed, kept } = await paper.host.run(releaseLease(scripts, run, owner), never);
    expect(removed.toSorted()).toEqual([`vg0/sp_${run}_00000006`, id].toSorted());
    expect(Object.fromEntries(kept.map(({ object, reason }) => [object.slice(-1), reason]))).toEqual({
      1: 'it does not bear our mark',
      2: 'its origin is gone, so it may be all that is left of that',
      3: 'an administrator is merging it into its origin',
      4: 'it does not bear our mark',
      5: 'it does not bear our mark',
    });
    expect(await paper.volumes()).toHaveLength(6);
  });
}
