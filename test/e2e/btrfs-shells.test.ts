/** What the host does by itself with our snapshots of subvolumes, under each shell that a host may have. */
import { existsSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../shared/base/clock.ts';
import { silentLogger } from '../../shared/base/log.ts';
import { hostName, newRunId, ownerId, type RunId, repositoryName, sourceName } from '../../shared/domain/names.ts';
import type { RemoteCommand } from '../../shared/remote/command.ts';
import { INNER_EXITS } from '../../shared/snapshot/btrfs/private-namespace.ts';
import { btrfs } from '../../shared/snapshot/btrfs/provider.ts';
import { acquireLease, type Lease } from '../../shared/snapshot/host/lease.ts';
import type { TakenSnapshot } from '../../shared/snapshot/provider.ts';
import { createRegistry } from '../../shared/snapshot/registry.ts';
import { judgeSet, mountSet, planSnapshots } from '../../shared/snapshot/snapshot-set.ts';
import { surveyHost } from '../../shared/snapshot/survey.ts';
import { needing } from '../support/needing.ts';
import { type BtrfsHost, startBtrfsHost, whyNoBtrfsHost } from '../support/snapshot/btrfs-host.ts';
import { SHELLS, type Shell } from '../support/snapshot/paper-lvm.ts';
import { takeSet } from '../support/snapshot/take-set.ts';

const owner = ownerId('00112233aabb');
const registry = createRegistry([btrfs], []);
/** With busybox, the tools of the scripts are busybox's, too. */
const TOOLS =
  'cat date env grep head ls mkdir mount mv nsenter od printf readlink rm rmdir sed setsid sleep sort stat tail timeout tr umount unshare';
const reason = await whyNoBtrfsHost();
const whyNot = (shell: Shell): string | undefined =>
  reason ?? (existsSync(`/usr/bin/${shell}`) ? undefined : `needs the program ${shell}`);

describe.each(SHELLS)('under %s', (shell) => {
  describe('a snapshot of a subvolume', needing(whyNot(shell)), () => {
    const signal = AbortSignal.timeout(120_000);
    let world: BtrfsHost;
    let run: RunId;
    let lease: Lease;
    let taken: readonly TakenSnapshot[];

    beforeEach(async () => {
      const tools =
        shell === 'busybox' ? `for each in ${TOOLS}; do ln -s /usr/bin/busybox /usr/local/sbin/$each; done` : '';
      world = await startBtrfsHost(
        `btrfs -q subvolume create /mnt/@data; btrfs -q subvolume create $'/mnt/@data/two\\nlines'; echo old > /mnt/@data/note
mkdir -p '/run/data here' /run/more; mount -o subvol=@data $disk '/run/data here'; mount -o subvol=@data $disk /run/more
mount --bind /usr/bin/${shell} "$(readlink -f /bin/sh)"; ${tools}`,
        { megabytes: 128 },
      );
      run = newRunId();
      const survey = await surveyHost(world.host, { clock: systemClock, registry }, signal);
      const volumes = survey.volumes.filter(({ volume }) => volume.label.endsWith('/@data'));
      const source = {
        ...{ name: sourceName('s'), host: hostName('paper'), repository: repositoryName('main'), exclude: [] },
        paths: [Buffer.from('/run/more')],
      };
      const plan = planSnapshots(volumes, source, { survey, registry, identity: { run, owner } });
      lease = await acquireLease(
        { run, owner, leaseSeconds: 600, mounts: 1, holds: 0 },
        {
          ...{ host: world.host, scripts: registry.scripts, clock: systemClock, logger: silentLogger },
          onReleaseFailed: (error) => {
            throw error;
          },
        },
        signal,
      );
      ({ taken } = await takeSet(plan, registry, world.host, signal));
    });
    afterEach(() => world[Symbol.asyncDispose]());

    /** What one of its functions prints. */
    const call = (line: string): Promise<string> => {
      const command: RemoteCommand<string> = {
        ...{
          name: 'call-function',
          script: `${btrfs.onHost.script}${btrfs.onHost.foresee}\n${line}`,
          args: [],
          needs: 'root',
        },
        ...{ budgetMs: 60_000, repeatable: false, accepts: [0, 1] },
        parse: ({ stdout }) => stdout.toString('latin1'),
      };
      return world.host.run(command, signal);
    };
    /** What the removal prints, which was to be told before. */
    const remove = async (words: string): Promise<string> => {
      const foreseen = await call(`sp_btrfs_foresee ${words}`);
      const removed = await call(`sp_btrfs_remove ${words}`);
      expect(foreseen).toBe(removed);
      return removed;
    };
    const id = (): string => taken[0]?.id ?? '';
    const record = async (): Promise<string> =>
      (await world.sh(`cat /run/stillpoint/${run}/snapshots`)).replace(/^btrfs /, '').trim();

    test('is made, mounted, judged and taken back', async () => {
      await world.sh('echo new > /run/more/note');
      const readable = await mountSet(taken, registry, world.host, lease, signal);
      const read = await world.sh(`read -r pid ns < /run/stillpoint/${run}/keeper
nsenter --mount=/proc/$pid/ns/mnt cat /run/stillpoint/${run}/mnt/0/note`);
      expect(read).toBe('old');
      await judgeSet(readable, registry, world.host, lease, signal);
      expect(await lease.release()).toEqual({ removed: [id()], kept: [] });
      expect(await world.atTop('ls -A')).toBe('@data');
    });

    test('is listed and guarded, also where the host has unmounted all of it, until it is gone', async () => {
      const proofs = await record();
      expect(await call('sp_btrfs_list')).toBe(`object btrfs ${run} ${owner} ${id()}\n`);
      expect(await call(`sp_btrfs_guard ${proofs}`)).toBe('fine\n');
      // What is seen through a place that something else covers is not the file system.
      await world.sh('mount -t tmpfs cover /run/more');
      expect(await call(`sp_btrfs_guard ${proofs}`)).toBe('fine\n');
      await world.sh('umount /run/more');
      await mountSet(taken, registry, world.host, lease, signal);
      await world.sh('umount /run/more "/run/data here"');
      expect(await call(`sp_btrfs_guard ${proofs}`)).toBe('fine\n');
      await world.sh(`mount -o subvol=@data ${world.source} /run/more`);
      await world.atTop('btrfs -q subvolume delete .stillpoint/*/*');
      expect(await call(`sp_btrfs_guard ${proofs}`)).toBe('gone\n');
      expect(await lease.release()).toEqual({ removed: [], kept: [] });
      expect(await world.atTop('ls -A')).toBe('@data');
    });

    test('is not removed for another owner, another run or another proof', async () => {
      const [, uuid = ''] = (await record()).split(' ');
      expect(await remove(`${run} ffffffffffff ${id()}`)).toBe(`foreign ${id()}\n`);
      expect(await remove(`${run} ${owner} ${id()} ${uuid.replace(/.$/, uuid.endsWith('0') ? '1' : '0')}`)).toBe(
        `foreign ${id()}\n`,
      );
      expect(await remove(`${run} ${owner} ${id().replace(/.$/, 'x')}`)).toBe('');
      expect(await remove(`${run} ${owner} ${id()} ${uuid}`)).toBe(`removed ${id()}\n`);
      expect(await remove(`${run} ${owner} ${id()} ${uuid}`)).toBe('');
      await lease.release();
    });

    test('of another origin than the plan named goes at once', async () => {
      const [, , origin = ''] = (await record()).split(' ');
      const other = origin.replace(/.$/, origin.endsWith('0') ? '1' : '0');
      const name = `sp_${run}_ffffffff`;
      const folder = `${name}.${owner}.${other}`;
      const answer =
        await call(`device=$(sed -n 's/^[0-9]* [0-9]* \\([0-9:]*\\) .* - btrfs .*/\\1/p' /proc/self/mountinfo | head -n 1)
sp_btrfs_in make ${world.source} "$device" 256 ${folder} ${name} > /dev/null && echo made
sp_btrfs_in prove ${world.source} 256 ${folder} ${name} ${other} @data '' 3>&1; echo $?`);
      expect(answer).toBe(`made\n${INNER_EXITS.noOrigin}\n`);
      expect((await world.ours()).filter((path) => path.includes(`${name}.`))).toEqual([`.stillpoint/${folder}`]);
      expect(await remove(`${run} ${owner} ${id().replace(/_[^_]*$/, '_ffffffff')}`)).toBe('');
      await lease.release();
      expect(await world.atTop('ls -A')).toBe('@data');
    });

    test('is removed through no link that somebody put in the place of our folder', async () => {
      await world.atTop('mkdir decoy; mv .stillpoint decoy/ours; ln -s decoy/ours .stillpoint');
      expect(await remove(`${run} ${owner} ${await record()}`)).toBe(`foreign ${id()}\n`);
      expect(await call('sp_btrfs_list')).toBe(`unread ${world.source}:/.stillpoint\tit is no folder of root alone\n`);
      expect((await lease.release()).kept).toEqual([{ object: id(), reason: 'it does not bear our mark' }]);
      expect(await world.atTop('ls decoy/ours/*')).toMatch(/^sp_/);
    });

    test('of a file system that cannot be looked at is not called gone', async () => {
      await world.sh('umount /run/more "/run/data here"');
      const gone = id().replace(/^./, (digit) => (digit === '0' ? '1' : '0'));
      expect(await remove(`${run} ${owner} ${gone}`)).toBe(`unread ${gone}\n`);
      await world.sh(`mount -o subvol=@data ${world.source} /run/more`);
      await lease.release();
    });
  });
});
