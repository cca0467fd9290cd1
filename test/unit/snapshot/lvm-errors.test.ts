/** What LVM says when a snapshot cannot be made, and what we make of it; the words are those of LVM 2.03.16. */
import { expect, test } from 'vitest';
import { createError } from '../../../shared/snapshot/lvm/errors.ts';

const failed = (stderr: string, exitCode = 76) => createError({ part: 0, exitCode, stderr }, 'db1', 'dm-thin-pool');

test.each([
  ['Volume group "vg0" has insufficient free space (3 extents): 64 required.', 'snapshot.no-room', /run again/],
  [
    'Cannot create new thin volume, free space in thin pool vg0/pool0 reached threshold.',
    ...(['snapshot.no-room', /lvextend.*thin_pool_autoextend_threshold/] as const),
  ],
  [
    'Required device-mapper target(s) not detected in your kernel.',
    'snapshot.kernel-lacks-it',
    /modprobe dm-thin-pool/,
  ],
  ['Failed to suspend thin snapshot origin vg0/thin.', 'snapshot.create-failed', /Correct what LVM complains of/],
])('LVM that says "%s" is told with what helps', (stderr, code, advice) => {
  const error = failed(`  WARNING: You have not turned on protection.\n  ${stderr}\n`);
  expect(error.code).toBe(code);
  expect(error.message).toContain(stderr.replaceAll('"', "'").slice(0, 30));
  expect(error.advice).toMatch(advice);
});

test('LVM that succeeds and activates nothing is not believed', () => {
  const error = failed('', 78);
  expect(error.code).toBe('snapshot.create-failed');
  expect(error.advice).toContain('volume_list');
});
