/**
 * Kept snapshots on a real host, through the life that they have there: beside backups, filled up, and after the volumes
 * were activated anew as by a restart.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { systemClock } from '../../shared/base/clock.ts';
import { silentLogger } from '../../shared/base/log.ts';
import type { KeptSet } from '../../shared/domain/kept.ts';
import { hostName, sourceName } from '../../shared/domain/names.ts';
import type { Source } from '../../shared/domain/source.ts';
import type { KeepReport } from '../../shared/domain/verbs/keep.ts';
import { compareKept } from '../../shared/pipeline/kept/compare.ts';
import { drop, planDrop } from '../../shared/pipeline/kept/drop.ts';
import { keep } from '../../shared/pipeline/kept/keep.ts';
import { listKept } from '../../shared/pipeline/kept/listing.ts';
import { takeKept } from '../../shared/pipeline/kept/take.ts';
import { sweep } from '../../shared/pipeline/sweep.ts';
import type { RemoteHost } from '../../shared/remote/remote-host.ts';
import { REGISTRY } from '../../shared/snapshot/registry.ts';
import { type Guest, startGuest } from '../lab/guest.ts';
import { reasonLabCannotRun } from '../lab/requirements.ts';
import { backupsOf, type GuestBackups, OWNER } from '../support/guest-backups.ts';
import { needing } from '../support/needing.ts';
import { noRuns } from '../support/pipeline/no-runs.ts';

const name = hostName('lab');

describe('kept snapshots of a living host', needing(await reasonLabCannotRun()), () => {
  let guest: Guest;
  let backups: GuestBackups;
  let host: RemoteHost;
  const signal = AbortSignal.timeout(600_000);
  const must = (script: string): Promise<string> => guest.must(script, { signal });

  beforeAll(async () => {
    guest = await startGuest({}, AbortSignal.timeout(290_000));
    backups = await backupsOf(guest, signal);
    host = await backups.connect();
  });
  afterAll(async () => {
    await host?.[Symbol.asyncDispose]();
    await guest?.[Symbol.asyncDispose]();
  });

  const common = { registry: REGISTRY, clock: systemClock, owner: OWNER };
  const ports = () => ({
    ...{ ...common, runs: noRuns(), logger: silentLogger, emit: () => undefined, openHost: backups.connect },
  });
  const keepIt = (paths: readonly string[], source?: Source): Promise<KeepReport> =>
    keep(
      {
        ...{ paths, reason: 'r', lifetimeSeconds: 60, source },
        host: {
          ...{ name, ssh: 'lab', sshConfigFile: guest.sshConfigFile, sudo: 'none' },
          ...{ leaseSeconds: 600, maxClockSkewSeconds: 86_400 },
        },
      },
      ports(),
      signal,
    );
  const sets = async (): Promise<readonly KeptSet[]> => (await listKept(name, { ...common, host }, signal)).sets;
  const dropAll = async (): Promise<readonly string[]> => {
    const choice = { by: 'ids', ids: (await sets()).map(({ id }) => id) } as const;
    const plan = await planDrop(name, choice, { ...common, host }, signal);
    return (await drop({ host: name, choice, plan: plan.id }, ports(), signal)).removed;
  };

  test('backups and sweeps go on beside them, and what a set of a source stops runs again', async () => {
    await must('echo one > /srv/files/a; sync');
    const source = {
      ...{ name: sourceName('shop'), host: name, repository: 'main' as never, exclude: [], stop: ['mariadb'] },
      paths: [Buffer.from('/var/lib/mysql'), Buffer.from('/srv/files')],
    };
    const kept = await keepIt([], source);
    expect(kept).toMatchObject({ consistency: 'cold', snapshots: [{}, {}] });
    expect(await must('systemctl is-active mariadb')).toBe('active\n');
    await must('echo two > /srv/files/a; sync');
    const saved = await backups.save({ paths: ['/srv/files', '/srv/thin'] });
    expect(saved).toMatchObject({ missingCount: 0 });
    expect((await backups.content(saved, '/srv/files/a')).toString()).toBe('two\n');
    const swept = await sweep({ host: name }, ports(), signal);
    expect(swept).toEqual({ kind: 'sweep', removed: [], kept: [] });
    expect(await sets()).toMatchObject([{ id: kept.set, missing: 0, snapshots: [{}, {}] }]);
    const changes: string[] = [];
    await compareKept(
      { host: name, before: kept.set },
      { ...common, host },
      async ({ change, path }) => void (path.startsWith('/srv') && changes.push(`${change} ${path}`)),
      signal,
    );
    expect(changes).toEqual(['content /srv/files/a']);
    expect(await dropAll()).toHaveLength(2);
  });

  test('a file and a folder come back from one, as they were, to where nothing is', async () => {
    await must(`mkdir -p /srv/files/shop/sub; cd /srv/files/shop; echo one > a; ln a sub/hard; ln -s a sub/link
truncate -s 4M sparse; echo odd > "$(printf 'n\\n\\377')"; chown 12:34 sub; chmod 4750 a; touch -d 2001-02-03T04:05:06.789 a sub; setfattr -n user.k -v w a; sync`);
    const kept = await keepIt(['/srv/files', '/srv/thin']);
    const take = (path: string, to?: string) =>
      takeKept({ host: name, set: kept.set, path, ...(to === undefined ? {} : { to }) }, { ...common, host }, signal);
    const described = (folder: string): Promise<string> =>
      must(
        `cd ${folder}; find . -printf '%y %m %U %G %s %T@ %n %l %p\\n' | sort; getfattr -d -m - -R . | sort; find . -type f -exec sha256sum {} + | sort`,
      );
    const before = await described('/srv/files/shop');
    await must('rm -rf /srv/files/shop; mkdir /srv/files/shop; echo two > /srv/files/shop/a; sync');
    const { to, entries } = await take('/srv/files/shop');
    expect({ to, entries }).toEqual({ to: `/srv/files/shop.${kept.set}`, entries: 7 });
    expect(await described(to)).toBe(before);
    expect(await must('cat /srv/files/shop/a')).toBe('two\n');
    // To another file system, and a single file.
    expect(await take('/srv/files/shop/a', '/srv/thin/a')).toMatchObject({ entries: 1, bytes: 4 });
    expect(await must('cat /srv/thin/a; stat -c %a /srv/thin/a')).toBe('one\n4750\n');
    await must('ln -s /srv/thin /srv/elsewhere; ln -s nowhere /srv/thin/dangling');
    for (const [path, place, code] of [
      ['/srv/files/shop', '/srv/files/shop', 'restore.target'],
      ['/srv/files/shop', '/srv/thin/dangling', 'restore.target'],
      ['/srv/files/shop', '/srv/elsewhere/b', 'restore.target'],
      ['/srv/files/shop', '/srv/none/b', 'restore.target'],
      ['/srv/files/none', '/srv/thin/b', 'host.path-not-found'],
      ['/srv/files/shop/sub/link', '/srv/thin/b', 'usage.invalid'],
      ['/etc/passwd', '/srv/thin/b', 'snapshot.unknown-kept'],
      ['/srv/files/../x', '/srv/thin/b', 'usage.invalid'],
    ] as const)
      await expect(take(path, place), `${path} ${place}`).rejects.toMatchObject({ code });
    // No room: nothing stays.
    await must(
      'dd if=/dev/zero of=/srv/files/shop/big bs=1M count=8 status=none; sync; mount -t tmpfs -o size=1m none /mnt',
    );
    const second = await keepIt(['/srv/files']);
    const tooMuch = { host: name, set: second.set, path: '/srv/files/shop', to: '/mnt/shop' };
    await expect(takeKept(tooMuch, { ...common, host }, signal)).rejects.toMatchObject({ code: 'restore.target' });
    expect(await must('ls -A /mnt; ls -A /srv/thin; ls -A /srv/files; umount /mnt')).not.toContain('stillpoint');
    await dropAll();
    expect(await guest.traces({ signal })).toEqual([]);
    await must(`rm -rf ${to} /srv/thin/a /srv/thin/dangling /srv/elsewhere /srv/files/shop`);
  });

  test('a thin one is there after a restart, not active, and can be read; it takes no name from its origin', async () => {
    const link = 'readlink -f /dev/disk/by-uuid/$(blkid -o value -s UUID /dev/vg0/thin); readlink -f /dev/vg0/thin';
    const kept = await keepIt(['/srv/thin']);
    await must(
      'umount /srv/thin; vgchange -qq -an vg0/thin 2>/dev/null || lvchange -an vg0/thin; vgchange -qq -ay vg0; mount /dev/vg0/thin /srv/thin; udevadm settle',
    );
    expect(await must(`lvs --noheadings -o lv_active -S 'lv_name=~"^spk_"' | tr -d ' \\n'`)).toBe('');
    await must('echo new > /srv/thin/after; sync');
    const changes: string[] = [];
    const take = async ({ change, path }: { change: string; path: string }) => void changes.push(`${change} ${path}`);
    await compareKept({ host: name, before: kept.set }, { ...common, host }, take, signal);
    expect(changes).toEqual(['added /srv/thin/after']);
    expect(await must(`lvs --noheadings -o lv_active -S 'lv_name=~"^spk_"' | tr -d ' \\n'`)).toBe('');
    const [byUuid, origin] = (await must(`udevadm settle; ${link}`)).split('\n');
    expect(byUuid).toBe(origin);
    expect(await dropAll()).toHaveLength(1);
  });

  test('a thick one that overflows is called worth nothing, is not compared, and can be removed', async () => {
    await must(
      'lvcreate -qq -y -n small -L 600m vg0; mkfs.ext4 -q /dev/vg0/small; mkdir /srv/small; mount /dev/vg0/small /srv/small',
    );
    const kept = await keepIt(['/srv/small']);
    expect(kept.snapshots[0]?.sizeBytes).toBe(256 * 1024 ** 2);
    await must('dd if=/dev/urandom of=/srv/small/fill bs=1M count=400 conv=fsync status=none');
    expect(await sets()).toMatchObject([{ snapshots: [{ state: 'full' }] }]);
    const compared = await compareKept(
      ...([{ host: name, before: kept.set }, { ...common, host }, async () => undefined, signal] as const),
    );
    expect(compared).toMatchObject({ volumes: [], notCompared: ['vg0/small'] });
    expect(await dropAll()).toHaveLength(1);
    expect(await must('cat /srv/small/fill | wc -c')).toBe(`${400 * 1024 ** 2}\n`);
  });
});
