/**
 * A client that is killed while it reads snapshots of two pools: the next backup, a sweep, and the host by itself each leave the
 * pools as they were. Run it with: npm run test:zfs
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runSweep } from '../faults/kill/backup-fixture.ts';
import { type KillLab, startKillLab } from '../faults/kill/kill-lab.ts';
import { type Guest, startGuest } from '../lab/guest.ts';
import { reasonLabCannotRun } from '../lab/requirements.ts';
import { zfsGuest } from '../lab/zfs/zfs-guest.ts';
import { needing } from '../support/needing.ts';
import { NO_RESTIC } from '../support/restic.ts';
import { makePool } from '../support/snapshot/zfs-host.ts';

const MINUTE = 60_000;

const SETUP = `${makePool('tank', 256)}; ${makePool('other', 128)}
zfs create tank/files; zfs create tank/files/nested; zfs snapshot tank/files@before; zfs hold somebody tank/files@before
for folder in tank/files tank/files/nested other; do head -c 6000000 /dev/urandom > /srv/$folder/data; done; zpool sync`;

/** All that a pool is, but for how full it is; and what is mounted of it anywhere. */
const STATE = `zfs list -H -t all -o name,guid,userrefs | sort
zfs get -H -r -s local,received -o name,property,value all tank other | sort
cat /proc/[0-9]*/mountinfo | grep -o ' - zfs .*@.*' | sort -u; :`;

describe('a client that is killed while it reads ZFS', needing(NO_RESTIC ?? (await reasonLabCannotRun())), () => {
  const signal = AbortSignal.timeout(60 * MINUTE);
  let guest: Guest;
  let lab: KillLab;
  let before: string;
  const state = (): Promise<string> => guest.must(STATE, { signal });

  /** What is left then is what the tests are about. */
  const kill = async (): Promise<void> => {
    await lab.strike('client', { step: 'pack-files', moment: 'in' });
    const now = await state();
    for (const dataset of ['tank/files', 'tank/files/nested', 'other']) {
      expect(now).toMatch(new RegExp(`^${dataset}@sp_\\w+\t\\d+\t1$`, 'm'));
      expect(now).toMatch(new RegExp(`^ - zfs ${dataset}@sp_`, 'm'));
    }
  };

  beforeAll(async () => {
    guest = await startGuest({ kind: zfsGuest }, signal);
    await guest.must(SETUP, { signal });
    lab = await startKillLab({ paths: ['/srv/tank/files', '/srv/other'], leaseSeconds: 600 }, guest);
    await lab.expectNextBackup();
    before = await state();
  }, 15 * MINUTE);
  afterAll(async () => {
    await lab?.[Symbol.asyncDispose]();
    await guest?.[Symbol.asyncDispose]();
  });

  test('is swept by the next backup, which is whole', async () => {
    await kill();
    await lab.expectNextBackup();
    expect(await state()).toBe(before);
    expect(await guest.traces({ signal })).toEqual([]);
    await lab.expectWholeRepository();
  });

  test('is swept by a sweep, which says what it removed', async () => {
    await kill();
    const { removed, kept } = await runSweep(lab.setting, signal);
    expect(kept).toEqual([]);
    expect(
      removed
        .filter((object) => object.includes('@'))
        .map((object) => object.replace(/@.*/, ''))
        .toSorted(),
    ).toEqual([...['other', 'tank/files', 'tank/files/nested']]);
    expect(await state()).toBe(before);
    expect(await guest.traces({ signal })).toEqual([]);
  });

  test('is given up by the host itself when its lease is over', async () => {
    await kill();
    await lab.expireLeases();
    // How long it takes an emulated machine says nothing.
    await expect.poll(state, { timeout: 5 * MINUTE, interval: 2000 }).toBe(before);
    await lab.expectCleanHost();
    await lab.expectNextBackup();
    await lab.expectWholeRepository();
  });
});
