/**
 * A real host that does what hosts do: lvm.conf, environment and rc files of its administrator's own, a clock that
 * jumps, a machine that is suspended, several backups at once. Backups succeed, and nothing of ours is left.
 */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { systemClock } from '../../shared/base/clock.ts';
import { silentLogger } from '../../shared/base/log.ts';
import type { RunEventBody } from '../../shared/domain/events.ts';
import { hostName, newRunId, ownerId, repositoryName, sourceName } from '../../shared/domain/names.ts';
import type { BackupReport } from '../../shared/domain/verbs/backup.ts';
import { backup } from '../../shared/pipeline/backup.ts';
import { inspect } from '../../shared/pipeline/inspect.ts';
import { connectHost } from '../../shared/remote/connect-host.ts';
import type { RemoteHost } from '../../shared/remote/remote-host.ts';
import { openRepository } from '../../shared/repository/open-repository.ts';
import { sweepHost } from '../../shared/snapshot/host/commands.ts';
import { acquireLease } from '../../shared/snapshot/host/lease.ts';
import { REGISTRY } from '../../shared/snapshot/registry.ts';
import type { Guest } from '../lab/guest.ts';
import { startGuest } from '../lab/guest.ts';
import type { GuestAlias } from '../lab/guest-ssh.ts';
import { reasonLabCannotRun } from '../lab/requirements.ts';
import { needing } from '../support/needing.ts';
import { noRuns } from '../support/pipeline/no-runs.ts';
import { createMemoryBackend } from '../support/stores/memory.ts';
import { createTestRepository, PASSWORD } from '../support/test-repository.ts';

const obstacle = await reasonLabCannotRun();

const owner = ownerId('00112233aabb');

describe('a real host', needing(obstacle), () => {
  let guest: Guest;
  const signal = AbortSignal.timeout(1_200_000);
  const failures: unknown[] = [];
  beforeAll(async () => {
    guest = await startGuest({}, AbortSignal.timeout(290_000));
  }, 300_000);
  afterAll(() => guest?.[Symbol.asyncDispose]());
  afterEach(async () => {
    const left = [...failures.splice(0), ...(await guest.traces({ signal }))];
    if (left.length > 0) throw new Error(`The host is not as it was: ${JSON.stringify(left)}`);
  });

  interface Way {
    readonly alias?: GuestAlias;
    readonly sudo?: 'none' | 'passwordless';
    readonly nonceBudgetMs?: number;
    readonly emit?: (event: RunEventBody) => void;
  }

  const connect = ({ alias = 'lab', sudo = 'none', nonceBudgetMs = 20_000 }: Way = {}): Promise<RemoteHost> =>
    connectHost(
      { name: 'lab', ssh: alias, sshConfigFile: guest.sshConfigFile, sudo },
      {
        prompter: undefined,
        logger: silentLogger,
        clock: systemClock,
        agentSocket: undefined,
        homeFolder: '/root',
        nonceBudgetMs,
      },
      signal,
    );

  const save = async (paths: readonly string[], way: Way = {}): Promise<BackupReport> => {
    const { alias = 'lab', sudo = 'none', emit = () => undefined } = way;
    const backend = createMemoryBackend();
    await (await createTestRepository(backend)).close();
    const host = hostName('lab');
    const source = {
      name: sourceName('files'),
      host,
      paths: paths.map((path) => Buffer.from(path)),
      repository: repositoryName('main'),
      exclude: [],
    };
    const limits = { leaseSeconds: 600, maxClockSkewSeconds: 86_400 };
    const spec = { name: host, ssh: alias, sshConfigFile: guest.sshConfigFile, sudo, ...limits } as const;
    return await backup(
      { source, host: spec, acceptClockSkew: false },
      {
        openHost: () => connect(way),
        openRepository: (openSignal) => openRepository(backend, PASSWORD, openSignal),
        registry: REGISTRY,
        owner,
        runs: noRuns(),
        clock: systemClock,
        logger: silentLogger,
        emit,
        workFolder: guest.directory,
      },
      signal,
    );
  };

  test('whose settings, environment and rc files would steer every program is backed up and left clean', async () => {
    await guest.must(
      `cp -a /etc/lvm/lvm.conf /root/lvm.conf.kept
cat >> /etc/lvm/lvm.conf <<'END'
report { output_format="json" prefixes=1 quoted=1 headings=1 list_item_separator=";" time_format="%c" compact_output=1 }
log { verbose=2 command_names=1 prefix="LVM: " report_command_log=1 indent=1 }
global { units="h" suffix=1 }
END
cat >> /etc/environment <<'END'
TAR_OPTIONS=--remove-files
LVM_SYSTEM_DIR=/nowhere
POSIXLY_CORRECT=1
LC_ALL=de_DE.UTF-8
TZ=Asia/Tokyo
LD_LIBRARY_PATH=/nowhere
END
mkdir -p /etc/systemd/system.conf.d
printf '[Manager]\\nDefaultEnvironment=TAR_OPTIONS=--remove-files LVM_SYSTEM_DIR=/nowhere LC_ALL=de_DE.UTF-8\\n' > /etc/systemd/system.conf.d/env.conf
systemctl daemon-reexec
for home in /root /home/bak; do
cp -a $home/.bashrc $home/.bashrc.kept 2>/dev/null || :
cat > $home/.bashrc <<'END'
echo "Welcome to $(hostname)"; echo noise >&2
alias tar=false lvs=false mount=false
lvs() { echo hijacked; }; tar() { echo hijacked; }; printf() { echo hijacked; }; export -f lvs tar printf
export LS_COLORS=x GREP_OPTIONS=-v CDPATH=/etc BASH_ENV=/etc/profile ENV=/etc/profile
END
done`,
      { signal },
    );
    try {
      const report = await save(['/srv/files'], { alias: 'lab-bak', sudo: 'passwordless' });
      expect(report).toMatchObject({ skipped: [], snapshots: { length: 1 } });
      expect(await guest.must('cat /srv/files/documents/note.txt', { signal })).toContain('thick volume');
      // A runner that was killed: the snapshot is there, its process and its folder are not.
      await guest.must(
        `lvcreate -qq -y -s -n sp_0000aaaa_11111111 -l 8 --addtag stillpoint --addtag sp.run=0000aaaa --addtag sp.owner=${owner} vg0/files >/dev/null 2>&1`,
        { signal },
      );
      await using host = await connect({ alias: 'lab-bak', sudo: 'passwordless' });
      expect(await host.run(sweepHost(REGISTRY.scripts, owner), signal)).toEqual({
        removed: ['vg0/sp_0000aaaa_11111111'],
        kept: [],
      });
    } finally {
      await guest.must(
        `mv /root/lvm.conf.kept /etc/lvm/lvm.conf; sed -i '/TAR_OPTIONS/,$d' /etc/environment
rm /etc/systemd/system.conf.d/env.conf; systemctl daemon-reexec
for home in /root /home/bak; do rm -f $home/.bashrc; mv $home/.bashrc.kept $home/.bashrc 2>/dev/null || :; done`,
        { signal },
      );
    }
  });

  test('keeps its promises while its clock jumps', async () => {
    await using host = await connect();
    const run = newRunId();
    const lease = await acquireLease(
      { run, owner, leaseSeconds: 60, mounts: 1, holds: 0 },
      {
        host,
        scripts: REGISTRY.scripts,
        clock: systemClock,
        logger: silentLogger,
        onReleaseFailed: (error) => failures.push(error),
      },
      signal,
    );
    for (const jump of ['+2 days', '-9 days', '+7 days']) {
      await guest.must(`date -s '${jump}' >/dev/null; sleep 4`, { signal });
      await lease.renew(signal);
      expect(await guest.must(`ls /run/stillpoint`, { signal })).toBe(`${run}\n`);
    }
    await lease[Symbol.asyncDispose]();
  });

  test('that is suspended for longer than a command may take to begin is asked again', async () => {
    const events: RunEventBody[] = [];
    const saving = save(['/srv/files'], { nonceBudgetMs: 10_000, emit: (event) => events.push(event) });
    saving.catch(() => undefined);
    while (!events.some((event) => event.type === 'phase-started' && event.phase === 'preflight')) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    await guest.suspend();
    await new Promise((resolve) => setTimeout(resolve, 14_000));
    await guest.resume();
    expect((await saving).snapshots).toHaveLength(1);
  });

  test('is backed up by five at once, of the same volumes', async () => {
    const sources = [
      ['/srv/files'],
      ['/var/lib/mysql'],
      ['/srv/files', '/var/lib/mysql'],
      ['/srv/files'],
      ['/var/lib/mysql'],
    ];
    const reports = await Promise.all(sources.map((paths) => save(paths)));
    expect(reports.map(({ snapshots }) => snapshots.length)).toEqual([1, 1, 2, 1, 1]);
  });

  test('says of each volume that cannot be saved what is wrong with it', async () => {
    await guest.must(
      `lvcreate -qq -y -n journal -L 16m vg0; lvcreate -qq -y -n outside -L 64m vg0
mke2fs -q -O journal_dev /dev/vg0/journal; mkfs.ext4 -q -J device=/dev/vg0/journal /dev/vg0/outside
lvcreate -qq -y -n xlog -L 64m vg0; lvcreate -qq -y -n xfs2 -L 320m vg0; mkfs.xfs -q -l logdev=/dev/vg0/xlog /dev/vg0/xfs2
truncate -s 8m /srv/files/disk.img; mkfs.ext4 -q /srv/files/disk.img
mkdir -p /mnt/outside /mnt/xfs2 /mnt/loop
mount /dev/vg0/outside /mnt/outside; mount -o logdev=/dev/vg0/xlog /dev/vg0/xfs2 /mnt/xfs2; mount -o loop /srv/files/disk.img /mnt/loop || :`,
      { signal },
    );
    try {
      await using host = await connect();
      const { volumes } = await inspect(hostName('lab'), host, { clock: systemClock, registry: REGISTRY }, signal);
      const reason = (place: string): string => {
        const found = volumes.find(({ mountpoints }) => mountpoints.includes(place));
        return found === undefined ? 'not mounted' : found.snapshot.possible ? 'possible' : found.snapshot.reason;
      };
      expect(reason('/mnt/outside')).toContain('journal on another device');
      expect(reason('/mnt/xfs2')).toContain('part on another device (logdev=');
      expect(reason('/srv/thin')).toBe('possible');
      expect(reason('/mnt/loop')).toMatch(/comes from the file "\/srv\/files\/disk.img"|not mounted/);
      expect(reason('/srv/files')).toBe('possible');
      await expect(save(['/mnt/outside', '/mnt/xfs2', '/run', '/etc', '/nowhere'])).rejects.toMatchObject({
        code: 'host.path-not-snapshottable',
        message: expect.stringMatching(/^5 problems stand in the way/) as unknown,
      });
      await guest.must(`echo 'activation { volume_list=["@prod"] }' >> /etc/lvm/lvm.conf`, { signal });
      await expect(save(['/srv/files'])).rejects.toMatchObject({
        message: expect.stringContaining('activation/volume_list') as unknown,
      });
    } finally {
      await guest.must(
        `sed -i '/@prod/d' /etc/lvm/lvm.conf
for place in outside xfs2 loop; do umount /mnt/$place 2>/dev/null || :; done; rm -f /srv/files/disk.img
for name in outside journal xfs2 xlog; do lvremove -qq -y vg0/$name; done`,
        { signal },
      );
    }
  });
});
