/**
 * Killed at random, again and again, and swept once: a backup of a database that is locked, of services that are stopped and
 * of commands of a person, over thick, thin and Btrfs volumes. At each strike the client is killed, the connection is cut
 * for good, or the host's sshd is killed, before, in or after any step; nothing is tidied up in between but by the next run.
 * Then the host is what it was, by everything that can be listed, and the repository is whole.
 */
import process from 'node:process';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { startWriter } from '../../lab/living-writer.ts';
import { reasonLabCannotRun } from '../../lab/requirements.ts';
import { MOMENTS } from '../../support/remote/striking.ts';
import { NO_RESTIC } from '../../support/restic.ts';
import { chanceFrom } from '../../support/seeded.ts';
import { runSweep } from './backup-fixture.ts';
import { type KillLab, startKillLab, WAYS } from './kill-lab.ts';

const whyNot = NO_RESTIC ?? (await reasonLabCannotRun());
const never = new AbortController().signal;
const KILLS = Number(process.env['STILLPOINT_KILLS'] ?? 4);
const SEED = Number(process.env['STILLPOINT_SEED'] ?? Date.now() % 1_000_000);

const SETUP = `exec 2>/dev/null
lvcreate -qq -y -n tree -L 400m vg0; mkfs.btrfs -q /dev/vg0/tree; modprobe btrfs; mkdir /srv/tree /run/lab
mount /dev/vg0/tree /srv/tree; btrfs -q subvolume create /srv/tree/nested
for each in files thin tree tree/nested; do head -c 500000 /dev/urandom > /srv/$each/data; done
printf '[Service]\\nExecStart=/bin/sleep infinity\\n' > /etc/systemd/system/shop.service
systemctl daemon-reload; systemctl start shop; sync`;

/** All that a backup could have changed, a line each; what comes and goes by itself is not in it. */
const LISTING = `lvs --noheadings -o vg_name,lv_name,lv_attr,lv_tags,origin | sort; vgs --noheadings -o vg_name,vg_free_count
dmsetup ls | sort; dmsetup info -c --noheadings -o name,suspended | sort; losetup -a
btrfs subvolume list -a /srv/tree | sed 's/gen [0-9]*//'; ls -A /srv/tree
cut -d ' ' -f 3- /proc/self/mountinfo | sort; ls -A /run/stillpoint /var/lib/stillpoint 2>/dev/null
systemctl list-units --all --plain --no-legend --type service,socket,timer,mount 'shop*' 'mariadb*' 'stillpoint*' '*.mount' | awk '{ print $1, $3, $4 }' | grep -v '^sys-\\|^run-user' | sort
systemctl list-unit-files --no-legend 'shop*' 'mariadb*' 'stillpoint*'; systemctl list-timers --all --no-legend 'stillpoint*'
pgrep -af 'stillpoint|mariadb --|mariadb-|sp_' | cut -d ' ' -f 2- | grep -v pgrep
mariadb -N -e 'SHOW PROCESSLIST' | awk '{ print $2 }' | sort -u; ls /tmp /var/tmp | sort`;

describe(`a backup that is killed ${KILLS} times (STILLPOINT_SEED=${SEED})`, () => {
  let lab: KillLab;
  const list = (): Promise<string> => lab.guest.must(LISTING, { signal: never });

  beforeEach(({ skip }) => skip(whyNot !== undefined, whyNot));
  beforeAll(async () => {
    if (whyNot !== undefined) return;
    lab = await startKillLab({
      paths: ['/var/lib/mysql', '/srv/files', '/srv/thin', '/srv/tree'],
      leaseSeconds: 60,
      stop: ['shop'],
      quiesce: [
        { of: 'mariadb', seconds: 120 },
        { of: 'commands', name: 'notes', before: ['touch', '/run/lab/held'], after: ['rm', '-f', '/run/lab/held'] },
      ],
    });
    await lab.guest.must(SETUP, { signal: never });
  });
  afterAll(() => lab?.[Symbol.asyncDispose]());

  test(
    'leaves the host as it was after one sweep, and the repository whole',
    async () => {
      const steps = [...(await lab.stepsOfBackup())].filter((step) => step !== undefined && step !== 'renew-lease');
      expect(steps).toEqual(expect.arrayContaining(['take-snapshots', 'pack-files', 'release-lease']));
      const before = await list();
      const chance = chanceFrom(SEED);
      const fallen: string[] = [];
      {
        await using _writer = await startWriter(lab.guest, { pauseMs: 200 }, never);
        for (let kill = 0; kill < KILLS; kill += 1) {
          const [way, moment] = [chance.pick(WAYS), chance.pick(MOMENTS)];
          const step = chance.pick(steps) ?? '';
          fallen.push(`${way} ${moment} ${step}`);
          await lab.strike(way, { step, moment });
        }
      }
      expect(fallen).toHaveLength(KILLS);
      await expect
        .poll(() => lab.guest.run('true', { signal: never }).then(({ code }) => code), { timeout: 30_000 })
        .toBe(0);
      await runSweep(lab.setting, never);
      expect(await list(), fallen.join('; ')).toBe(before);
      await lab.expectCleanHost();
      await lab.expectWholeRepository();
      await lab.expectNextBackup();
      expect(await lab.restic('check', '--read-data')).toContain('no errors were found');
    },
    120_000 + KILLS * 120_000,
  );
});
