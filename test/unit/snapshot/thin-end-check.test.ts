/** The verdict on a thin snapshot after the last read: the same volume in the same pool, whose metadata is whole. */
import { describe, expect, test } from 'vitest';
import type { PlannedSnapshot } from '../../../shared/domain/backup-plan.ts';
import { ownerId, runId } from '../../../shared/domain/names.ts';
import { thinItem } from '../../../shared/snapshot/lvm/thin/item.ts';
import { mountSnapshots, observeSnapshots } from '../../../shared/snapshot/mounting.ts';
import type { DetectedVolume } from '../../../shared/snapshot/provider.ts';
import { REGISTRY } from '../../../shared/snapshot/registry.ts';
import { parsed } from './fixtures.ts';

const run = runId('00000000');
const item = thinItem({
  identity: { run, owner: ownerId('00112233aabb') },
  planned: {} as PlannedSnapshot,
  volume: {} as DetectedVolume,
  order: {
    ...{ group: 'vg0', origin: 'thin', name: 'sp_00000000_11111111' },
    ...{ pool: 'pool0', chunkBytes: 65_536, fsType: 'xfs' },
  },
});
const uuid = 'RWoQzf-skQD-p60E-GmPY-85Jl-5DSO-l59HCc';
const table = '0 2097152 thin 254:5 7';
const good = {
  ...{ uuid, table, readable: 'yes', status: '0 2097152 thin 34944 2097151' },
  poolStatus: '0 2097152 thin-pool 7 25/4096 273/16384 - rw discard_passdown queue_if_no_space - 1024',
};

function judge(changes: Partial<typeof good>): string {
  try {
    item.judge({ sizeBytes: 0, seen: { uuid } }, { table }, { ...good, ...changes }, 'db1');
    return 'passed';
  } catch (error) {
    return (error as { code: string }).code;
  }
}
const pool = (rest: string): string => `0 2097152 thin-pool 7 25/4096 273/16384 - ${rest}`;

describe('the verdict on a thin snapshot', () => {
  test.each<[string, Partial<typeof good>, string]>([
    ['all as it was', {}, 'passed'],
    ['more written to the pool', { poolStatus: good.poolStatus.replace('273/', '15000/') }, 'passed'],
    ['a pool that was made larger', { poolStatus: good.poolStatus.replace('/16384', '/32768') }, 'passed'],
    ['one of which nothing is mapped', { status: '0 2097152 thin 0 -' }, 'passed'],
    ['a pool without room: writers wait', { poolStatus: pool('out_of_data_space discard_passdown') }, 'passed'],
    ['a pool that is read-only', { poolStatus: pool('ro discard_passdown') }, 'snapshot.full'],
    ['a pool that needs a check', { poolStatus: pool('rw discard_passdown needs_check') }, 'snapshot.full'],
    ['a pool that failed', { poolStatus: '0 2097152 thin-pool Fail' }, 'snapshot.full'],
    ['a pool without a status', { poolStatus: '' }, 'snapshot.full'],
    ['a snapshot that failed', { status: '0 2097152 thin Fail' }, 'snapshot.full'],
    ['a snapshot without a status', { status: '' }, 'snapshot.full'],
    ['a thick one', { status: '0 2097152 snapshot 16/256 16' }, 'snapshot.full'],
    ['an empty uuid: removed', { uuid: '', status: '', table: '' }, 'snapshot.identity-changed'],
    ['another uuid under the same name', { uuid: uuid.replace('R', 'X') }, 'snapshot.identity-changed'],
    ['another number in the pool', { table: '0 2097152 thin 254:5 8' }, 'snapshot.identity-changed'],
    ['another pool', { table: '0 2097152 thin 254:6 7' }, 'snapshot.identity-changed'],
    ['another length', { table: '0 2097160 thin 254:5 7' }, 'snapshot.identity-changed'],
    ['a block that cannot be read', { readable: 'no' }, 'snapshot.identity-changed'],
  ])('%s', (_what, observed, code) => {
    expect(judge(observed)).toBe(code);
  });

  test('rests on what the host was asked, all of it', () => {
    const command = observeSnapshots(run, [item], REGISTRY.scripts);
    const whole = ['boot', 'line', uuid, 's', 't', 'p', 'yes', ''];
    expect(parsed(command, whole.join('\0'))).toEqual({
      bootId: 'boot',
      snapshots: [{ mountLine: 'line', seen: { uuid, status: 's', table: 't', poolStatus: 'p', readable: 'yes' } }],
    });
    expect(() => parsed(command, whole.slice(0, -2).join('\0'))).toThrow(/cannot be understood/);
  });

  test('begins with the mount: a thin volume and no other was mounted', () => {
    const command = mountSnapshots(run, [item], REGISTRY.scripts);
    const line = '140 110 254:9 / /run/stillpoint/00000000/mnt/0 ro - xfs /dev/mapper/vg0-sp ro';
    expect(parsed(command, `${table}\0${line}\x00128\0`)).toMatchObject({ mounted: [{ seen: { table } }] });
    for (const other of ['0 2097152 snapshot 254:7 254:8 P 8', '0 8 thin-pool 254:1 254:2 128', '']) {
      expect(() => parsed(command, `${other}\0${line}\x00128\0`)).toThrow(/cannot be understood/);
    }
    expect(item.lines.mount('/x')).toContain('nouuid');
  });
});
