/**
 * Kept snapshots on a real pool: the contract, and what only ZFS has, which are holds, properties that are handed down, and
 * copies that `zfs receive` makes. Run it with: npm run test:zfs
 */
import process from 'node:process';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { systemClock } from '../../shared/base/clock.ts';
import { silentLogger } from '../../shared/base/log.ts';
import type { KeptSet } from '../../shared/domain/kept.ts';
import { hostName, ownerId, type RunId } from '../../shared/domain/names.ts';
import type { KeepReport } from '../../shared/domain/verbs/keep.ts';
import { drop, planDrop } from '../../shared/pipeline/kept/drop.ts';
import { keep } from '../../shared/pipeline/kept/keep.ts';
import { listKept } from '../../shared/pipeline/kept/listing.ts';
import { takeKept } from '../../shared/pipeline/kept/take.ts';
import type { RemoteHost } from '../../shared/remote/remote-host.ts';
import { sweepHost } from '../../shared/snapshot/host/commands.ts';
import { createRegistry } from '../../shared/snapshot/registry.ts';
import { zfs } from '../../shared/snapshot/zfs/provider.ts';
import { type KeptFixture, keptContract } from '../contract/kept.ts';
import { reasonLabCannotRun } from '../lab/requirements.ts';
import { needing } from '../support/needing.ts';
import { noRuns } from '../support/pipeline/no-runs.ts';
import { CuttingPrograms } from '../support/snapshot/cutting-programs.ts';
import { keptDatasets } from '../support/snapshot/kept-fixtures.ts';
import { zfsFixture } from '../support/snapshot/zfs-host.ts';

const MINUTE = 60_000;
const whyNot = await reasonLabCannotRun();
/** One guest for both suites. */
let fixture: KeptFixture;

beforeAll(async () => {
  if (whyNot === undefined) fixture = keptDatasets(await zfsFixture());
}, 15 * MINUTE);
afterAll(() => fixture?.[Symbol.asyncDispose]());

keptContract('ZFS', whyNot, async () => ({ ...fixture, [Symbol.asyncDispose]: async () => undefined }));

/** Of the calls of ZFS that make a kept one, those after which a kill leaves something else than one after the call before. */
const CHANGING = [2, 4, 5, 6];

/** All of ours that a pool can have: snapshots, properties that somebody set, and holds. */
const TRACES = `zfs list -H -t snapshot -o name | grep -e @sp_ -e @spk_
zfs get -H -r -s local,received -o name,property all tank | grep stillpoint
zfs list -H -t snapshot -o name | while read -r name; do zfs holds -H "$name"; done | grep sp
ls -A /run/stillpoint 2>/dev/null; :`;

describe('kept snapshots of ZFS', needing(whyNot), () => {
  const name = hostName('lab');
  const owner = ownerId('00112233aabb');
  const registry = createRegistry([zfs], []);
  const common = { registry, clock: systemClock, owner };
  const signal = AbortSignal.timeout(60 * MINUTE);
  const must = (script: string): Promise<string> => fixture.sh(script);
  const borrowed = (run: RemoteHost['run'] = (command, one) => fixture.host.run(command, one)): RemoteHost => ({
    name: fixture.host.name,
    run,
    stream: (command, input, one) => fixture.host.stream(command, input, one),
    [Symbol.asyncDispose]: async () => undefined,
  });
  const ports = (host = borrowed()) => ({
    ...{ ...common, runs: noRuns(), logger: silentLogger, emit: () => undefined, openHost: async () => host },
  });
  const keepIt = (paths: readonly string[], host?: RemoteHost): Promise<KeepReport> =>
    keep(
      {
        ...{ paths, reason: 'r', lifetimeSeconds: 3600, source: undefined },
        host: {
          ...{ name, ssh: 'lab', sshConfigFile: undefined, sudo: 'none' },
          ...{ leaseSeconds: 600, maxClockSkewSeconds: 86_400 },
        },
      },
      ports(host),
      signal,
    );
  const sets = async (): Promise<readonly KeptSet[]> =>
    (await listKept(name, { ...common, host: fixture.host }, signal)).sets;
  const dropAll = async (): Promise<readonly string[]> => {
    const ids = (await sets()).map(({ id }) => id);
    if (ids.length === 0) return [];
    const choice = { by: 'ids', ids } as const;
    const plan = await planDrop(name, choice, { ...common, host: fixture.host }, signal);
    return (await drop({ host: name, choice, plan: plan.id }, ports(), signal)).removed;
  };
  const named = (report: KeepReport, at = 0): string => (report.snapshots[at]?.id ?? '').replaceAll('=', ' ');

  afterEach(async () => {
    if (fixture === undefined) return;
    const left = await must(TRACES);
    await dropAll();
    if (left !== '') throw new Error(`the pool is not as it was: ${left}`);
  });

  test(
    'have one hold, which is of their own, and stay where others destroy, roll back, export and copy',
    async () => {
      await must('zfs snapshot tank/files/nested@older');
      const report = await keepIt(['/srv/tank/files/nested']);
      const [kept, set] = [named(report), report.set];
      expect((await must(`zfs holds -H ${kept} | cut -f 2`)).trim()).toBe(`spk_${set}`);
      expect(await must(`zfs get -H -s local -o property all ${kept} | sort`)).toBe(
        'stillpoint:kept\nstillpoint:owner\n',
      );
      for (const attempt of [
        `zfs destroy ${kept}`,
        'zfs rollback -r tank/files/nested@older',
        'zfs destroy -r tank/files/nested',
      ])
        expect(await must(`${attempt} 2>&1 && echo done || :`), attempt).toMatch(/busy/);
      await must('zfs mount -a; mountpoint -q /srv/tank/files/nested');
      // What travels with a stream is no mark of ours.
      await must(`zfs send -p ${kept} | zfs receive -u tank/copy`);
      const copy = kept.replace('tank/files/nested@', 'tank/copy@');
      expect(await sets()).toMatchObject([{ id: set, missing: 0, snapshots: { length: 2 } }]);
      await must(`umount /srv/tank/files/legacy; zpool export tank; zpool import -d /root tank
zfs mount tank/files/manual; mount -t zfs 'tank/of fstab' /srv/tank/files/legacy`);
      expect((await must(`zfs holds -H ${kept} | cut -f 2`)).trim()).toBe(`spk_${set}`);
      expect(await dropAll()).toEqual([kept]);
      expect((await must(`zfs list -H -t snapshot -o name | grep @spk_`)).trim()).toBe(copy);
      await must('zfs destroy -r tank/copy; zfs destroy tank/files/nested@older');
    },
    10 * MINUTE,
  );

  test(
    'go with their run, or stay and can be removed, wherever their making is killed',
    async () => {
      const cutting = new CuttingPrograms(fixture, ['zfs']);
      const keeping =
        (around: (work: () => Promise<unknown>) => Promise<void>): RemoteHost['run'] =>
        async (command, one) => {
          // We are gone, too.
          if (command.name === 'remove-kept-snapshots') throw new Error('gone');
          if (command.name !== 'keep-snapshots') return await fixture.host.run(command, one);
          let answer: Promise<unknown> = Promise.resolve();
          await around(() => {
            answer = fixture.host.run(command, one);
            return answer.catch(() => undefined);
          });
          return (await answer) as never;
        };
      let calls = 0;
      await keepIt(
        ['/srv/tank/files/manual'],
        borrowed(keeping(async (work) => void (calls = await cutting.count(work)))),
      );
      await dropAll();
      // Looked at, marked; looked at, renamed, held, without the mark of its run, not held by its run.
      expect(calls).toBe(7);
      const all = Array.from({ length: calls }, (_, index) => index + 1);
      for (const call of process.env['STILLPOINT_KILL'] === 'all'
        ? all
        : all.filter((each) => CHANGING.includes(each))) {
        const cut = keeping((work) => cutting.cut({ call, when: 'after' }, work));
        await keepIt(['/srv/tank/files/manual'], borrowed(cut)).catch(() => undefined);
        const runs = (await must('ls /run/stillpoint 2>/dev/null || :')).split('\n').filter((each) => each !== '');
        await fixture.host.run(sweepHost(registry.scripts, owner, runs as RunId[]), signal);
        expect(await fixture.present(), `call ${call}`).toEqual([]);
        expect(await dropAll(), `call ${call}`).toHaveLength(call < 4 ? 0 : 1);
        expect(await must(TRACES), `call ${call}`).toBe('');
      }
    },
    15 * MINUTE,
  );

  test(
    'give a file and a folder back, as they were, also to another dataset',
    async () => {
      await must(`mkdir -p /srv/tank/files/nested/shop/sub; cd /srv/tank/files/nested/shop; echo one > a; ln a sub/hard; ln -s a sub/link
truncate -s 4M sparse; head -c 300000 /dev/urandom > large; echo odd > "$(printf 'n\\n\\377')"
chown 12:34 sub; chmod 4750 a; setfattr -n user.k -v w a; touch -d 2001-02-03T04:05:06.789 a sub; zpool sync tank`);
      const report = await keepIt(['/srv/tank/files/nested', '/srv/tank/files/legacy']);
      const take = (path: string, to?: string) =>
        takeKept(
          { host: name, set: report.set, path, ...(to === undefined ? {} : { to }) },
          { ...common, host: fixture.host },
          signal,
        );
      const described = (folder: string): Promise<string> =>
        must(
          `cd ${folder}; find . -type d -printf '%y %m %U %G %T@ %p\\n' -o -printf '%y %m %U %G %s %T@ %n %l %p\\n' | sort; getfattr -d -m - -R . | sort; find . -type f -exec sha256sum {} + | sort`,
        );
      const before = await described('/srv/tank/files/nested/shop');
      await must(
        'rm -rf /srv/tank/files/nested/shop; mkdir /srv/tank/files/nested/shop; echo two > /srv/tank/files/nested/shop/a',
      );
      const { to, entries } = await take('/srv/tank/files/nested/shop');
      expect({ to, entries }).toEqual({ to: `/srv/tank/files/nested/shop.${report.set}`, entries: 8 });
      expect(await described(to)).toBe(before);
      expect(await must('cat /srv/tank/files/nested/shop/a')).toBe('two\n');
      expect(await take('/srv/tank/files/nested/shop/a', '/srv/tank/files/manual/a')).toMatchObject({
        entries: 1,
        bytes: 4,
      });
      expect(await must('cat /srv/tank/files/manual/a; stat -c %a /srv/tank/files/manual/a')).toBe('one\n4750\n');
      await expect(take('/srv/tank/files/manual/a', '/srv/tank/files/b')).rejects.toMatchObject({
        code: 'snapshot.unknown-kept',
      });
      expect(await dropAll()).toHaveLength(2);
      await must(`rm -rf ${to} /srv/tank/files/nested/shop /srv/tank/files/manual/a`);
    },
    10 * MINUTE,
  );
});
