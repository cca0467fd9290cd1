/** What the kernel says of thin pools is read as numbers, or not believed. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parsePoolStatus, readThinPools, roomOf } from '../../../shared/snapshot/lvm/thin/pool-status.ts';
import { parsed } from './fixtures.ts';

const unreadable = expect.objectContaining({ code: 'remote.unreadable-output' }) as Error;
const good = '0 2097152 thin-pool 7 25/4096 273/16384 - rw discard_passdown queue_if_no_space - 1024';

describe('the status of a thin pool', () => {
  test('is that of each pool, by the name of its device; what is suspended is named', () => {
    const text = `vg0-pool0-tpool: ${good}\nvg--1-p-tpool: 0 8 thin-pool Fail\n\0Active|vg0-pool0-tpool\nSuspended|vg--1-p-tpool\n\0`;
    expect(parsed(readThinPools, text)).toEqual({
      statuses: [
        {
          mapper: 'vg0-pool0-tpool',
          metadata: { used: 25, total: 4096 },
          data: { used: 273, total: 16_384 },
          mode: 'rw',
          needsCheck: false,
        },
        expect.objectContaining({ mapper: 'vg--1-p-tpool', mode: 'failed' }),
      ],
      suspended: new Set(['vg--1-p-tpool']),
    });
    expect(parsed(readThinPools, 'No devices found\n\0No devices found\n\0')).toEqual({
      statuses: [],
      suspended: new Set(),
    });
  });

  test.each([
    ['rw', 'no_discard_passdown error_if_no_space needs_check 1024', { mode: 'rw', needsCheck: true }],
    ['ro', 'discard_passdown queue_if_no_space needs_check 1024', { mode: 'ro', needsCheck: true }],
    ['out_of_data_space', 'discard_passdown queue_if_no_space -', { mode: 'out_of_data_space', needsCheck: false }],
    // Kernel 3.10 says no more.
    ['rw', 'discard_passdown', { mode: 'rw', needsCheck: false }],
  ])('in the mode "%s" with "%s"', (mode, rest, expected) => {
    expect(parsePoolStatus(`0 2097152 thin-pool 7 25/4096 273/16384 - ${mode} ${rest}`)).toMatchObject(expected);
  });

  test('has a held root as it is', () => {
    expect(parsePoolStatus(good.replace(' - rw', ' 4711 rw'))?.mode).toBe('rw');
  });

  test.each([
    '',
    'vg0: 0 8 linear',
    `vg0-pool0-tpool: ${good.replace('273/16384', '273')}`,
    `vg0-pool0-tpool: ${good.replace('25/4096', '25/0')}`,
    `vg0-pool0-tpool: ${good.replace(' rw ', ' rx ')}`,
    `vg0-pool0-tpool: ${good.replace(' 7 ', ' x ')}`,
    `vg0-pool0-tpool ${good}`,
    'Command failed',
  ])('is not believed: %j', (line) => {
    if (line !== '') expect(() => parsed(readThinPools, `${line}\n\0\0`)).toThrow(unreadable);
    expect(() => parsed(readThinPools, `${line}\n\0`)).toThrow(unreadable);
    expect(() => parsed(readThinPools, `${line}\n\0\0more`)).toThrow(unreadable);
  });

  test.each(['vg0-thin', 'Asleep|vg0-thin', 'Active|a b'])('does not believe of devices: %j', (line) => {
    expect(() => parsed(readThinPools, `\0${line}\n\0`)).toThrow(unreadable);
  });

  test('cut anywhere says nothing, or what it said before', () => {
    fc.assert(
      fc.property(fc.nat(good.length - 1), (length) => {
        const cut = parsePoolStatus(good.slice(0, length));
        expect([undefined, 'rw']).toContain(cut?.mode);
      }),
    );
  });

  test('is bytes by its own blocks', () => {
    const status = parsed(readThinPools, `p: ${good}\n\0\0`).statuses[0];
    expect(status && roomOf(status, 65_536)).toEqual({
      data: { used: 273 * 65_536, total: 16_384 * 65_536 },
      metadata: { used: 25 * 4096, total: 4096 * 4096 },
    });
  });
});
