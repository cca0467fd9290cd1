import { describe, expect, test } from 'vitest';
import { never } from '../../../shared/base/cancel.ts';
import type { PlannedSnapshot } from '../../../shared/domain/backup-plan.ts';
import { ownerId, runId } from '../../../shared/domain/names.ts';
import type { RemoteHost } from '../../../shared/remote/remote-host.ts';
import type { Lease } from '../../../shared/snapshot/host/lease.ts';
import { usedBytes } from '../../../shared/snapshot/lvm/thick/end-check.ts';
import { thickItem } from '../../../shared/snapshot/lvm/thick/item.ts';
import { observeSnapshots } from '../../../shared/snapshot/mounting.ts';
import type { DetectedVolume, ReadableSnapshot } from '../../../shared/snapshot/provider.ts';
import { REGISTRY } from '../../../shared/snapshot/registry.ts';
import { judgeSet } from '../../../shared/snapshot/snapshot-set.ts';
import { parsed } from './fixtures.ts';

const run = runId('00000000');
const owner = ownerId('00112233aabb');
const bootId = '6f0a2d0a-0000-4000-8000-000000000000';
const uuid = 'RWoQzf-skQD-p60E-GmPY-85Jl-5DSO-l59HCc';
const table = '0 2097152 snapshot 254:7 254:8 P 8';
const mountLine = '140 110 254:9 / /run/stillpoint/00000000/mnt/0 ro - ext4 /dev/mapper/vg0-sp rw';
const item = thickItem({
  identity: { run, owner },
  planned: {} as PlannedSnapshot,
  volume: {} as DetectedVolume,
  order: {
    ...{ group: 'vg0', origin: 'files', name: 'sp_00000000_11111111', fsType: 'ext4' },
    ...{ extents: 1, leastExtents: 1, reserveExtents: 1, extentBytes: 1 },
  },
});
const snapshot: ReadableSnapshot = {
  ...{ ...item, run, owner, id: 'vg0/sp_00000000_11111111' },
  ...{ beforeUptime: 1, afterUptime: 1, wallClockNs: 1n, path: '/run/stillpoint/00000000/mnt/0' },
  standing: { sizeBytes: 1, seen: { uuid } },
  mounted: { mountLine, rootInode: '2', seen: { table } },
};
const good = { uuid, status: '0 2097152 snapshot 4152/262144 32', table, mountLine, bootId, readable: 'yes' };
type Observed = typeof good;

/** Judges the answer of a host; "renewed" where the lease was asked before. */
async function judge(changes: Partial<Observed>, renew = async (): Promise<void> => undefined): Promise<string> {
  const { bootId: boot, mountLine: line, ...seen } = { ...good, ...changes };
  const host = {
    name: 'db1',
    run: () => Promise.resolve({ bootId: boot, snapshots: [{ mountLine: line, seen }] }),
  } as unknown as RemoteHost;
  const lease = { armed: { bootId }, renew } as unknown as Lease;
  return await judgeSet([snapshot], REGISTRY, host, lease, never).then(
    () => 'passed',
    (error: unknown) => (error as { code: string }).code,
  );
}
const codeOf = (changes: Partial<Observed>): Promise<string> => judge(changes);

describe('the verdict on a snapshot', () => {
  test.each<[string, Partial<Observed>, string]>([
    ['all as it was', {}, 'passed'],
    ['the store grown by the guard', { table: '0 2097152 snapshot 254:7 254:8 P 8 extra' }, 'passed'],
    ['another boot', { bootId: 'other' }, 'host.rebooted'],
    [
      'another boot, and all else gone with it',
      { bootId: 'other', uuid: '', status: '', table: '', mountLine: '' },
      'host.rebooted',
    ],
    ['Invalid', { status: '0 2097152 snapshot Invalid' }, 'snapshot.full'],
    ['Overflow', { status: '0 2097152 snapshot Overflow' }, 'snapshot.full'],
    ['Merge failed', { status: '0 2097152 snapshot Merge failed' }, 'snapshot.full'],
    ['full to the last sector', { status: '0 2097152 snapshot 262144/262144 32' }, 'snapshot.full'],
    ['no status though LVM knows it', { status: '' }, 'snapshot.full'],
    ['an empty uuid: removed', { uuid: '' }, 'snapshot.identity-changed'],
    [
      'another uuid under the same name',
      { uuid: 'XXXXXX-skQD-p60E-GmPY-85Jl-5DSO-l59HCc' },
      'snapshot.identity-changed',
    ],
    ['another origin', { table: '0 2097152 snapshot 254:1 254:8 P 8' }, 'snapshot.identity-changed'],
    ['another store', { table: '0 2097152 snapshot 254:7 254:3 P 8' }, 'snapshot.identity-changed'],
    ['a merge', { table: '0 2097152 snapshot-merge 254:7 254:8 P 8' }, 'snapshot.identity-changed'],
    ['another chunk size', { table: '0 2097152 snapshot 254:7 254:8 P 16' }, 'snapshot.identity-changed'],
    ['another length', { table: '0 2097160 snapshot 254:7 254:8 P 8' }, 'snapshot.identity-changed'],
    ['no mount', { mountLine: '' }, 'snapshot.identity-changed'],
    ['another mount', { mountLine: mountLine.replace('140', '141') }, 'snapshot.identity-changed'],
    ['a block that cannot be read', { readable: 'no' }, 'snapshot.identity-changed'],
  ])('%s', async (_what, observed, code) => {
    expect(await codeOf(observed)).toBe(code);
  });

  test('bytes in use come from sectors', () => {
    expect(usedBytes('0 2097152 snapshot 4152/262144 32')).toBe(4152 * 512);
    expect(usedBytes('0 2097152 linear')).toBeUndefined();
    expect(usedBytes('0 2097152 thin 34944 2097151')).toBeUndefined();
  });

  test('is that the lease ended, where our own watchman removed it', async () => {
    const gone = Object.assign(new Error('the lease is over'), { code: 'snapshot.lease-lost' });
    expect(await judge({ uuid: '' }, () => Promise.reject(gone))).toBe('snapshot.lease-lost');
    expect(await judge({}, () => Promise.reject(gone))).toBe('snapshot.lease-lost');
  });

  test('an answer that is cut is no answer', () => {
    const command = observeSnapshots(run, [item], REGISTRY.scripts);
    const whole = [bootId, 'line', 'uuid', 'status', 'table', 'yes', ''].join('\0');
    expect(parsed(command, whole)).toEqual({
      bootId,
      snapshots: [{ mountLine: 'line', seen: { uuid: 'uuid', status: 'status', table: 'table', readable: 'yes' } }],
    });
    expect(() => parsed(command, whole.slice(0, -1))).toThrow(/cannot be understood/);
    expect(() => parsed(command, '')).toThrow(/cannot be understood/);
  });
});
