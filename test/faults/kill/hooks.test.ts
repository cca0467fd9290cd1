/**
 * The kill test of everything that is held: a database by its lock, a person's commands and services that
 * are stopped, over thick, thin and Btrfs volumes, whose snapshots are made meanwhile. Before, in and after every step on the
 * host, and while all is held and the section hangs, the client is killed, the connection is cut for good, the host's sshd is
 * killed, or all of it with everything that sshd has started. Each time whoever is held up goes on by their own clock before the
 * deadline, and a sweep leaves nothing. How long they waited at the worst is printed.
 *
 * And at random, again and again, with nothing tidied up in between but by the next run, and swept once: then the host is what it
 * was, by everything that can be listed, and the repository is whole.
 */
import process from 'node:process';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { startWriter } from '../../lab/living-writer.ts';
import { reasonLabCannotRun } from '../../lab/requirements.ts';
import { MOMENTS } from '../../support/remote/striking.ts';
import { NO_RESTIC } from '../../support/restic.ts';
import { chanceFrom } from '../../support/seeded.ts';
import { runSweep } from './backup-fixture.ts';
import { HELD_BY, type HeldUsers, holdingAll, installWhatIsHeld, type Longest, startHeldUsers } from './held-users.ts';
import { type KillLab, NOT_DUE, startKillLab, type UsualStrikes, WAYS, type Way } from './kill-lab.ts';
import { strikeEach } from './strike-each.ts';

const whyNot = NO_RESTIC ?? (await reasonLabCannotRun());
const never = new AbortController().signal;
const KILLS = Number(process.env['STILLPOINT_KILLS'] ?? 2);
const SEED = Number(process.env['STILLPOINT_SEED'] ?? Date.now() % 1_000_000);

const LEASE_SECONDS = 60;
/** Of what is held in a run that goes well, and of what is known to hang. */
const SECONDS = 45;
const SECONDS_OF_HANGING = 15;
/** What the slow guest may take on top to let go, and to notice it. */
const SLACK_SECONDS = 15;

const SETUP = `exec 2>/dev/null
lvcreate -qq -y -n tree -L 400m vg0; mkfs.btrfs -q /dev/vg0/tree; modprobe btrfs; mkdir /srv/tree
mount /dev/vg0/tree /srv/tree; btrfs -q subvolume create /srv/tree/nested
for each in files thin tree tree/nested; do head -c 500000 /dev/urandom > /srv/$each/data; done; sync`;

/** All remote commands of such a backup, in the order in which each runs first. */
const STEPS = [
  ...['identify-account', 'sweep-host', 'identify-host', 'read-mounts', 'list-block-devices'],
  ...['list-logical-volumes', 'list-volume-groups', 'read-lvm-limits', 'read-thin-pools', 'list-datasets'],
  ...['list-subvolumes', 'find-absent-services', 'look-at-mariadb', 'find-programs', 'measure-mounts', 'resolve-paths'],
  ...['arm-lease', 'take-snapshots', 'mount-snapshots', 'list-tree', 'list-ancestors', 'pack-files'],
  ...['observe-snapshots', 'release-lease'],
] as const;
type Step = (typeof STEPS)[number];

const USUAL: UsualStrikes<Step> = { 'take-snapshots': { in: 'all' } };
const USUAL_OF_HANGING: readonly Way[] = ['all'];

/** All that a backup could have changed, a line each; what comes and goes by itself is not in it. */
const LISTING = `lvs --noheadings -o vg_name,lv_name,lv_attr,lv_tags,origin | sort; vgs --noheadings -o vg_name,vg_free_count
dmsetup ls | sort; dmsetup info -c --noheadings -o name,suspended | sort; losetup -a
btrfs subvolume list -a /srv/tree | sed 's/gen [0-9]*//'; ls -A /srv/tree
cut -d ' ' -f 3- /proc/self/mountinfo | sort; ls -A /run/stillpoint /var/lib/stillpoint 2>/dev/null
systemctl list-units --all --plain --no-legend --type service,socket,timer,mount 'shop*' 'mariadb*' 'stillpoint*' '*.mount' | awk '{ print $1, $3, $4 }' | grep -v '^sys-\\|^run-user' | sort
systemctl list-unit-files --no-legend 'shop*' 'mariadb*' 'stillpoint*'; systemctl list-timers --all --no-legend 'stillpoint*'
pgrep -af 'stillpoint|mariadb --|mariadb-|sp_' | cut -d ' ' -f 2- | grep -v pgrep
mariadb -N -e 'SHOW PROCESSLIST' | awk '{ print $2 }' | sort -u; ls /tmp /var/tmp | sort`;

let lab: KillLab;

beforeEach(({ skip }) => skip(whyNot !== undefined, whyNot));
beforeAll(async () => {
  if (whyNot !== undefined) return;
  lab = await startKillLab({
    paths: ['/var/lib/mysql', '/srv/files', '/srv/thin', '/srv/tree'],
    ...{ leaseSeconds: LEASE_SECONDS, ...holdingAll(SECONDS) },
  });
  await lab.guest.must(SETUP, { signal: never });
  await installWhatIsHeld(lab.guest);
});
afterAll(() => lab?.[Symbol.asyncDispose]());

describe('a backup that holds everything', () => {
  let users: HeldUsers;
  const all: Longest[] = [];

  beforeAll(async () => {
    if (whyNot === undefined) users = await startHeldUsers(lab.guest);
  });
  afterAll(async () => {
    await users?.[Symbol.asyncDispose]();
    const worst = HELD_BY.map((by) => `${by} ${Math.max(0, ...all.map((each) => each[by]))} s`).join(', ');
    console.log(`Held at the worst in ${all.length} strikes: ${worst}`);
  });

  async function expectAllGoOn(seconds: number): Promise<void> {
    const longest = await users.waits((LEASE_SECONDS + 60) * 1000);
    all.push(longest);
    console.log(`Held: ${JSON.stringify(longest)}`);
    for (const by of HELD_BY)
      expect(longest[by], by).toBeLessThan((by === 'service' ? LEASE_SECONDS : seconds) + SLACK_SECONDS);
    // Of a process that lives nothing is swept under its lease; and what was not swept would be gone on with by the next run.
    await lab.expireLeases();
    await runSweep(lab.setting, never);
    await lab.expectCleanHost();
    await lab.expectWholeRepository();
  }

  test('its steps on the host are those that are struck', async () => {
    const steps = new Set(await lab.stepsOfBackup());
    // How often it runs is a matter of time.
    steps.delete('renew-lease');
    expect(steps).toEqual(new Set(STEPS));
    const longest = await users.waits(30_000);
    for (const by of HELD_BY) expect(longest[by], `${by} is held`).toBeGreaterThan(0);
  });

  describe.each(WAYS)('while all is held and the section hangs, struck at %s', (way) => {
    test('all go on in time', async ({ skip }) => {
      skip(process.env['STILLPOINT_KILL'] !== 'all' && !USUAL_OF_HANGING.includes(way), NOT_DUE);
      await users.hang(true);
      await lab.strikeWhen(way, () => users.isHeld(), { ...lab.setting, ...holdingAll(SECONDS_OF_HANGING) });
      await expect(expectAllGoOn(SECONDS_OF_HANGING)).resolves.toBeUndefined();
      await users.hang(false);
    });
  });

  strikeEach(
    { steps: STEPS, usual: USUAL, ways: WAYS },
    () => lab,
    () => expectAllGoOn(SECONDS),
  );
});

describe(`a backup that is killed ${KILLS} times (STILLPOINT_SEED=${SEED})`, () => {
  const list = (): Promise<string> => lab.guest.must(LISTING, { signal: never });

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
      // A watchman whose run is gone ends at its next look.
      await lab.expectCleanHost();
      expect(await list(), fallen.join('; ')).toBe(before);
      await lab.expectWholeRepository();
      await lab.expectNextBackup();
      expect(await lab.restic('check', '--read-data')).toContain('no errors were found');
    },
    120_000 + KILLS * 120_000,
  );
});
