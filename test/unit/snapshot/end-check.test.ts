import { describe, expect, test } from 'vitest';
import { runId } from '../../../shared/domain/names.ts';
import {
  type Expected,
  judgeSnapshot,
  type Observed,
  observeSnapshot,
  usedBytes,
} from '../../../shared/snapshot/lvm/end-check.ts';
import { parsed } from './fixtures.ts';

const expected: Expected = {
  group: 'vg0',
  name: 'sp_00000000_11111111',
  uuid: 'RWoQzf-skQD-p60E-GmPY-85Jl-5DSO-l59HCc',
  bootId: '6f0a2d0a-0000-4000-8000-000000000000',
  mounted: {
    path: '/run/stillpoint/00000000/mnt/0',
    mountLine: '140 110 254:9 / /run/stillpoint/00000000/mnt/0 ro - ext4 /dev/mapper/vg0-sp rw',
    table: '0 2097152 snapshot 254:7 254:8 P 8',
    rootInode: '2',
  },
};
const good: Observed = {
  uuid: expected.uuid,
  status: '0 2097152 snapshot 4152/262144 32',
  table: expected.mounted.table,
  mountLine: expected.mounted.mountLine,
  bootId: expected.bootId,
  readable: true,
};
const codeOf = (observed: Partial<Observed>): string => {
  try {
    judgeSnapshot(expected, { ...good, ...observed }, 'db1');
    return 'passed';
  } catch (error) {
    return (error as { code: string }).code;
  }
};

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
    ['another mount', { mountLine: expected.mounted.mountLine.replace('140', '141') }, 'snapshot.identity-changed'],
    ['a block that cannot be read', { readable: false }, 'snapshot.identity-changed'],
  ])('%s', (_what, observed, code) => {
    expect(codeOf(observed)).toBe(code);
  });

  test('bytes in use come from sectors', () => {
    expect(usedBytes('0 2097152 snapshot 4152/262144 32')).toBe(4152 * 512);
    expect(usedBytes('0 2097152 linear')).toBeUndefined();
    expect(usedBytes('0 2097152 thin 34944 2097151')).toBeUndefined();
  });

  test('an answer that is cut is no answer', () => {
    const command = observeSnapshot(runId('00000000'), expected);
    const whole = ['uuid', 'status', 'table', 'line', 'boot', 'yes', ''].join('\0');
    expect(parsed(command, whole)).toMatchObject({ uuid: 'uuid', readable: true });
    expect(() => parsed(command, whole.slice(0, -1))).toThrow(/cannot be understood/);
    expect(() => parsed(command, '')).toThrow(/cannot be understood/);
  });
});
