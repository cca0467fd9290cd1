/** What a plan may count as free: only what a sweep is sure to remove. */
import { describe, expect, test } from 'vitest';
import { never } from '../../../shared/base/cancel.ts';
import { systemClock } from '../../../shared/base/clock.ts';
import { hostName, ownerId, repositoryName, runId, sourceName } from '../../../shared/domain/names.ts';
import type { HostSpec } from '../../../shared/domain/source.ts';
import { planBackup } from '../../../shared/pipeline/plan-backup.ts';
import type { RemoteHost } from '../../../shared/remote/remote-host.ts';
import type { LogicalVolumeRecord } from '../../../shared/snapshot/lvm/records.ts';
import { REGISTRY } from '../../../shared/snapshot/registry.ts';
import { guestGroups, guestStorage, guestVolumes, surveyAnswer, volumeCalled } from './fixtures.ts';

const OWNER = ownerId('00112233aabb');
const RUN = runId('0a1b2c3d');
const HOST: HostSpec = {
  ...{ name: hostName('db1'), ssh: 'db1', sshConfigFile: undefined, sudo: 'none' },
  ...{ leaseSeconds: 600, maxClockSkewSeconds: 600 },
};
const [GROUP] = guestGroups();
if (GROUP === undefined) throw new Error('the fixture has no group');
const extentBytes = GROUP.vg_extent_size;

const snapshot = (facts: Partial<LogicalVolumeRecord> = {}): LogicalVolumeRecord => ({
  ...volumeCalled('files'),
  lv_name: `sp_${RUN}_11111111`,
  lv_attr: 'swi-aos---',
  lv_size: 10 * GROUP.vg_extent_size,
  lv_tags: ['stillpoint', `sp.run=${RUN}`, `sp.owner=${OWNER}`],
  ...facts,
});

function freed(volumes: readonly LogicalVolumeRecord[], dead = [RUN]) {
  const before = guestStorage({ volumes: [...guestVolumes(), ...volumes] });
  const { storage, removes } = before.afterSweep(OWNER, dead);
  const [was, is] = [before, storage].map(({ pools }) => pools[0]?.freeBytes ?? 0);
  return { extents: ((is ?? 0) - (was ?? 0)) / extentBytes, removes };
}

test('the snapshots of dead runs, of all of them', () => {
  const other = runId('ffffffff');
  const second = snapshot({
    lv_name: `sp_${other}_22222222`,
    lv_tags: ['stillpoint', `sp.run=${other}`, `sp.owner=${OWNER}`],
  });
  expect(freed([snapshot(), second], [RUN, other])).toEqual({
    extents: 20,
    removes: ['lvremove -y vg0/sp_0a1b2c3d_11111111', 'lvremove -y vg0/sp_ffffffff_22222222'],
  });
});

describe('nothing', () => {
  test.each<[string, Partial<LogicalVolumeRecord>]>([
    ['of another owner', { lv_tags: ['stillpoint', `sp.run=${RUN}`, 'sp.owner=ffffffffffff'] }],
    ['that only has our name', { lv_tags: [] }],
    ['with the mark of another run', { lv_tags: ['stillpoint', 'sp.run=ffffffff', `sp.owner=${OWNER}`] }],
    ['that is being merged', { lv_attr: 'Swi-aos---' }],
    ['that is no snapshot', { lv_attr: '-wi-ao----' }],
    ['with a longer name', { lv_name: `sp_${RUN}_11111111x` }],
  ])('%s', (_, facts) => {
    expect(freed([snapshot(facts)])).toEqual({ extents: 0, removes: [] });
  });

  test('of a run that may live', () => {
    expect(freed([snapshot()], [])).toEqual({ extents: 0, removes: [] });
  });

  test('in another group', () => {
    expect(freed([snapshot({ vg_uuid: 'another' })]).extents).toBe(0);
  });
});

describe('the plan of a backup', () => {
  const source = {
    ...{ name: sourceName('shop'), host: hostName('db1'), repository: repositoryName('main'), exclude: [] },
    paths: [Buffer.from('/srv/files')],
  };
  /** What is left over of three runs fills the group. */
  const left = ['0a1b2c3d', '1a1b2c3d', '2a1b2c3d'].map((run) =>
    snapshot({
      lv_name: `sp_${run}_11111111`,
      lv_tags: ['stillpoint', `sp.run=${run}`, `sp.owner=${OWNER}`],
      lv_kernel_minor: 100 + (Number.parseInt(run, 16) % 100),
    }),
  );
  const host: RemoteHost = {
    name: 'db1',
    run: (command) =>
      Promise.resolve(surveyAnswer(command as never, { volumes: [...guestVolumes(), ...left] }) as never),
    stream: () => Promise.reject(new Error('nothing is read here')),
    async [Symbol.asyncDispose]() {},
  };
  const planned = (dead: readonly string[]) =>
    planBackup(
      { source, host: HOST },
      { owner: OWNER, dead: dead.map(runId) },
      { host, clock: systemClock, registry: REGISTRY },
      never,
    );

  test.each<[string, string[], string[]]>([
    ['the only dead run', ['0a1b2c3d'], ['lvremove -y vg0/sp_0a1b2c3d_11111111']],
    [
      'all of several',
      ['2a1b2c3d', '1a1b2c3d'],
      ['lvremove -y vg0/sp_1a1b2c3d_11111111', 'lvremove -y vg0/sp_2a1b2c3d_11111111'],
    ],
    ['none that may live', [], []],
    ['none of which nothing is left', ['ffffffff'], []],
  ])('removes first what is left of %s, and counts its room', async (_, dead, removed) => {
    const [before, after] = [await planned([]), await planned(dead)];
    expect(after.steps[0]?.does.slice(1)).toEqual(removed);
    const room = ({ snapshots: [one] }: typeof after) => (one?.sizeBytes ?? 0) + (one?.freeBytesAfter ?? 0);
    expect(room(after) - room(before)).toBe(removed.length * 10 * GROUP.vg_extent_size);
  });
});
