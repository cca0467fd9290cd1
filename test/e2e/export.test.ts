/**
 * Exports as people make them: the real command line, a real host with LVM and a service that writes, GNU tar and sha256sum
 * on what comes of it, and a mirror on that host by its name in the SSH configuration.
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ExportPlan } from '../../shared/domain/backup-plan.ts';
import { type Guest, startGuest } from '../lab/guest.ts';
import { reasonLabCannotRun } from '../lab/requirements.ts';
import { type InstalledUser, installedUser } from '../support/installed-user.ts';
import { needing } from '../support/needing.ts';

describe('an export by the command line', needing(await reasonLabCannotRun()), () => {
  let guest: Guest;
  let user: InstalledUser;
  const signal = AbortSignal.timeout(900_000);
  const sh = (script: string): Promise<string> => guest.must(script, { signal });

  /** The writer holds its file half written; when it is stopped it completes it. */
  beforeAll(async () => {
    guest = await startGuest({}, AbortSignal.timeout(290_000));
    user = await installedUser();
    const at = { ssh: 'lab', sshConfigFile: guest.sshConfigFile, sudo: 'none' };
    await user.configure({
      hosts: { lab: at },
      sources: { shop: { host: 'lab', paths: ['/srv/files'], repository: 'main', stop: ['shop'] } },
    });
    await sh(`cat > /usr/local/bin/shop <<'END'
#!/bin/sh
trap 'echo whole > /srv/files/state; exit 0' TERM
while :; do echo half > /srv/files/state; sleep 0.2; done
END
chmod 755 /usr/local/bin/shop
printf '[Service]\\nExecStart=/usr/local/bin/shop\\n' > /etc/systemd/system/shop.service
systemctl daemon-reload; systemctl start shop`);
  }, 300_000);
  afterAll(async () => {
    await user?.[Symbol.asyncDispose]();
    await guest?.[Symbol.asyncDispose]();
  });

  const isClean = async (): Promise<void> => {
    expect(
      await sh('lvs --noheadings -o lv_name | grep sp_ || :; ls /run/stillpoint /var/lib/stillpoint 2>/dev/null || :'),
    ).toBe('');
    expect((await sh('systemctl is-active shop')).trim()).toBe('active');
  };

  test('is planned, done by the id of the plan, and what plain tools find whole', async () => {
    await mkdir(join(user.home, 'out'));
    const file = join(user.home, 'out', 'shop.tar.zst');
    const { plan } = (await user.ask(['plan', 'shop', '--tar', file], signal)) as { plan: ExportPlan };
    expect(plan).toMatchObject({ kind: 'export', consistency: 'cold', to: { kind: 'archive', file } });
    const other = await user.run(['export', 'shop', '--tar', `${file}.tar.zst`, '--plan', plan.id], signal);
    expect([other.exitCode, other.stderr]).toEqual([1, expect.stringContaining('There is no plan')]);
    const { exitCode, stdout, stderr } = await user.run(['export', 'shop', '--tar', file, '--plan', plan.id], signal);
    expect([exitCode, stderr, stdout]).toEqual([0, expect.any(String), expect.stringContaining(`Archive ${file}`)]);
    await execa('sha256sum', ['-c', 'shop.tar.zst.sha256'], { cwd: join(user.home, 'out') });
    const state = await execa('tar', ['--zstd', '-xOf', file, 'srv/files/state']);
    expect(state.stdout).toBe('whole');
    await isClean();
    const again = await user.run(['export', 'shop', '--tar', file], signal);
    expect([again.exitCode, again.stderr]).toEqual([7, expect.stringContaining('Nothing was written.')]);
    await isClean();
  });

  test('goes to a mirror on a host by its name, and shares what has not changed', async () => {
    const words = ['export', 'shop', '--mirror', 'lab:/root/mirror'];
    for (const run of [1, 2]) {
      const { exitCode, stderr } = await user.run(words, signal);
      expect([run, exitCode, stderr]).toEqual([run, 0, expect.any(String)]);
    }
    expect(await sh('cat /root/mirror/latest/srv/files/state')).toBe('whole\n');
    expect((await sh('ls /root/mirror')).trim().split('\n')).toHaveLength(3);
    await isClean();
  });
});
