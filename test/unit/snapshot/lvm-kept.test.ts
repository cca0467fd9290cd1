import { describe, expect, test } from 'vitest';
import type { RemoteHost } from '../../../shared/remote/remote-host.ts';
import { lvmKept } from '../../../shared/snapshot/lvm/kept.ts';
import { isThin, type LogicalVolumeRecord } from '../../../shared/snapshot/lvm/records.ts';
import { thickFindings } from '../../../shared/snapshot/lvm/thick/findings.ts';
import { sizeSnapshot } from '../../../shared/snapshot/lvm/thick/sizing.ts';

const GIB = 1024 ** 3;
const record = (more: Partial<LogicalVolumeRecord>): LogicalVolumeRecord => ({
  ...{ vg_name: 'vg0', vg_uuid: 'v', lv_name: 'x', lv_uuid: 'u', lv_attr: '-wi-a-----', lv_size: GIB, lv_role: '' },
  ...{ segtype: 'linear', origin: '', pool_lv: '', chunk_size: 0, lv_active: true, lv_tags: [] },
  ...{ lv_kernel_major: 254, lv_kernel_minor: 1, ...more },
});
const origin = record({ lv_name: 'files', lv_uuid: 'origin' });
const kept = record({
  ...{ lv_name: 'spk_0a1b2c3d_11111111', lv_uuid: 'kept', origin: 'files', lv_attr: 'swi-a-s---' },
  lv_tags: ['spk.owner=00112233aabb', 'stillpoint'],
});

async function look(volumes: readonly LogicalVolumeRecord[], percent: number | undefined) {
  const answers: Record<string, unknown> = {
    'list-logical-volumes': volumes,
    'read-lvm-upkeep': { records: new Map([['kept', { data_percent: percent }]]), thresholds: new Map() },
  };
  const host = { run: async (command: { name: string }) => answers[command.name] } as unknown as RemoteHost;
  return lvmKept((volume) => !isThin(volume), []).look(host, AbortSignal.timeout(1000));
}

describe('kept snapshots of LVM', () => {
  test('are told with their origin, their tags and how full they are', async () => {
    expect(await look([origin, kept], 25)).toEqual([
      {
        ...{ kind: 'lvm', id: 'vg0/spk_0a1b2c3d_11111111', set: '0a1b2c3d', proof: 'kept', state: 'whole' },
        ...{ volumeId: 'lvm:origin', volume: 'vg0/files', words: kept.lv_tags },
        room: { usedBytes: GIB / 4, totalBytes: GIB },
      },
    ]);
  });

  test.each([
    ['full by its state', { lv_attr: 'swi-I-s---' }, undefined, 'full'],
    ['full by its numbers', {}, 100, 'full'],
    ['being merged', { lv_attr: 'Swi-a-s---' }, 3, 'merging'],
    ['no snapshot', { lv_attr: '-wi-a-----', origin: '' }, undefined, 'foreign'],
  ])('one that is %s is said to be so', async (_, more, percent, state) => {
    expect(await look([origin, { ...kept, ...more }], percent)).toMatchObject([{ state }]);
  });

  test('one without our tag says nothing of itself', async () => {
    expect(await look([{ ...kept, lv_tags: ['spk.owner=00112233aabb'] }], 1)).toMatchObject([{ words: [] }]);
  });

  test('short-lived ones, and those of other kinds, are not among them', async () => {
    expect(
      await look(
        [
          { ...kept, lv_name: 'sp_0a1b2c3d_11111111' },
          { ...kept, segtype: 'thin' },
        ],
        1,
      ),
    ).toEqual([]);
  });

  test('are no finding of advice: somebody wanted them', () => {
    const facts = { volumes: [kept], groups: [], limits: { duplicateGroups: new Set() } } as never;
    expect(thickFindings(facts, { records: new Map() } as never)).toEqual([]);
  });

  test('take what is likely to be written while they live, half of what is free at the most, and what a backup needs at the least', () => {
    const sizeFor = (days: number | undefined) =>
      sizeSnapshot({
        ...{ originBytes: 100 * GIB, usedBytes: GIB, freeBytes: 80 * GIB, extentBytes: 4 * 1024 ** 2 },
        writtenBytesPerSecond: GIB / 86_400,
        lifetimeSeconds: days === undefined ? undefined : days * 86_400,
      }).size?.sizeBytes ?? 0;
    expect(sizeFor(undefined)).toBe(40 * GIB);
    expect(sizeFor(0.1)).toBe(5 * GIB);
    expect(sizeFor(3) / GIB).toBeGreaterThanOrEqual(9);
    expect(sizeFor(3) / GIB).toBeLessThan(20);
    expect(sizeFor(60)).toBe(40 * GIB);
  });
});
