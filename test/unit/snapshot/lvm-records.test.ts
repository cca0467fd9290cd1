import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { listLogicalVolumes, listVolumeGroups } from '../../../shared/snapshot/lvm/list.ts';
import { fixture, guestGroups, guestVolumes, parsed, volumeCalled } from './fixtures.ts';
import { judge } from './origin-facts.ts';

const unreadable = expect.objectContaining({ code: 'remote.unreadable-output' }) as Error;

describe('reports of LVM 2.03.16', () => {
  test('give one record a volume, also for one of two segments', () => {
    const names = guestVolumes().map((volume) => volume.lv_name);
    expect(names).toEqual([...new Set(names)]);
    expect(volumeCalled('multi')).toMatchObject({ segtype: 'linear', lv_size: 33_554_432 });
    expect(volumeCalled('files')).toMatchObject({
      lv_attr: 'owi-aos---',
      lv_kernel_major: 254,
      lv_kernel_minor: 1,
      lv_tags: [],
      lv_active: true,
    });
    expect(volumeCalled('sp_aaaaaaaa_bbbbbbbb')).toMatchObject({
      origin: 'files',
      lv_tags: ['sp.owner=cccc', 'sp.run=aaaaaaaa', 'stillpoint'],
    });
    expect(volumeCalled('offline')).toMatchObject({ lv_kernel_major: -1, lv_kernel_minor: -1, lv_active: false });
    expect(guestGroups()).toEqual([expect.objectContaining({ vg_free_count: 1217, vg_extent_size: 4_194_304 })]);
  });

  test('are the same of the same volumes, whichever version of LVM tells of them', () => {
    const [older, newer] = ['2.03.11', '2.03.31'].map((version) => ({
      volumes: parsed(listLogicalVolumes, fixture(`lvs-${version}.txt`)),
      groups: parsed(listVolumeGroups, fixture(`vgs-${version}.txt`)),
    }));
    expect(newer).toEqual(older);
    expect(newer?.volumes.filter((volume) => volume.lv_active).map((volume) => volume.lv_name)).toEqual(
      expect.arrayContaining(['files', 'pool0', 'snap1', 'thin']),
    );
    expect(newer?.volumes.find((volume) => volume.lv_name === 'snap1')).toMatchObject({ origin: 'files' });
  });

  test('keep every kind of segment of a volume', () => {
    const report = JSON.parse(fixture('lvs-2.03.16.txt').toString()) as {
      report: [{ lv: { lv_name: string; segtype: string }[] }];
    };
    const segments = report.report[0].lv.filter((row) => row.lv_name === 'multi');
    if (segments[0] !== undefined) segments[0].segtype = 'error';
    const multi = parsed(listLogicalVolumes, JSON.stringify(report)).find((volume) => volume.lv_name === 'multi');
    expect(multi?.segtype).toBe('error,linear');
    expect(multi && judge({ volume: multi })).toMatchObject({ possible: false });
  });

  test('an answer of nothing is a host without LVM, unless it comes with an error', () => {
    for (const list of [listLogicalVolumes, listVolumeGroups]) {
      for (const why of [
        '/run/lock/lvm/P_global:aux: open failed: Read-only file system',
        "/run/lock/lvm/P_global: open failed: No space left on device\nCan't get lock for vg0.",
        'WARNING: Running as a non-root user. Functionality may be unavailable.',
      ]) {
        const said = { stdout: Buffer.alloc(0), stderr: why, exitCode: 5 };
        expect(() => list.parse(said)).toThrow(
          expect.objectContaining({
            code: 'remote.command-failed',
            message: expect.stringContaining(why.split('\n')[0] ?? '') as string,
          }) as Error,
        );
      }
      expect(parsed<readonly unknown[]>(list, '')).toEqual([]);
      const failed = { stdout: Buffer.alloc(0), stderr: '', exitCode: 5 };
      expect(() => list.parse(failed)).toThrow(unreadable);
    }
  });

  test('a flag that LVM could not tell is not a yes', () => {
    const text = fixture('lvs-2.03.16.txt').toString().replaceAll('"lv_active":"active"', '"lv_active":"-1"');
    expect(parsed(listLogicalVolumes, text).some((volume) => volume.lv_active)).toBe(false);
  });

  test.each([
    ['a prefix of log messages', `  WARNING: dup\n${fixture('lvs-2.03.16.txt').toString()}`],
    ['a field that is missing', fixture('lvs-2.03.16.txt').toString().replace('"lv_uuid"', '"other"')],
    ['a size with a unit', fixture('lvs-2.03.16.txt').toString().replace('"1073741824"', '"1.00g"')],
    ['a size with a comma', fixture('lvs-2.03.16.txt').toString().replace('"1073741824"', '"1073741824,00"')],
    ['another report', '{"report":[{"pv":[]}]}'],
    ['no object', 'null'],
  ])('refuses %s', (_what, text) => {
    expect(() => parsed(listLogicalVolumes, text)).toThrow(unreadable);
  });

  test('refuses a report that is cut anywhere', () => {
    const whole = fixture('vgs-2.03.16.txt').toString().trimEnd();
    fc.assert(
      fc.property(fc.integer({ min: 1, max: whole.length - 1 }), (length) => {
        expect(() => parsed(listVolumeGroups, whole.slice(0, length))).toThrow(unreadable);
      }),
    );
  });
});
