/** What docs/host-setup.md promises of volumes made out of empty devices, and what holds it. */
import { ofPage } from './page.ts';

const E2E = 'test/e2e/prepare.test.ts';
const UNIT = 'test/unit/snapshot/make-volume.test.ts';

export const FROM_AN_EMPTY_DISK = ofPage('docs/host-setup.md', {
  promises: [
    [
      'stillpoint prepare db1 /dev/sdb --group data --volume files --file-system xfs',
      { 'test/unit/cli/prepare.test.ts': '%j is understood' },
    ],
    ['stillpoint prepare db1 /dev/sdc --add-to data', { 'test/unit/cli/prepare.test.ts': '%j is understood' }],
    [
      '`stillpoint prepare HOST DEVICE` makes room for data, which can be snapshotted, out of an empty disk or partition: an LVM group, a volume with ext4 or XFS in it, and a fifth of the group (or what `--reserve` says) that stays free for snapshots.',
      {
        [E2E]: 'becomes a group with a reserve, a volume and a file system, of which a snapshot can be taken',
        [UNIT]: 'a volume never takes the whole of its group, and a reserve is at least what was asked for',
      },
    ],
    [
      'With `--add-to GROUP` the device gives a group that there is more room.',
      { [E2E]: 'gives a group more room, and no second time' },
    ],
    [
      'It looks at the device and shows what it would do; `--dry-run` ends there.',
      { 'test/unit/cli/prepare.test.ts': 'neither --json nor --dry-run makes anything' },
    ],
    [
      'Then a person at a terminal types the name of the device; no option stands for that, and assistants cannot do it.',
      {
        [E2E]: 'is left alone where another name is typed, or none',
        'test/unit/cli/prepare.test.ts': 'where %j is typed it ends with %i',
      },
    ],
    [
      'A device is refused that is mounted or swap, that anything lies on, that has partitions, a mark that is known (of a file system, RAID, LVM or a partition table), or anything but zeros in its first or last 16 MiB; that is read-only, a removable medium, a file or in memory; or that LVM would not take.',
      { [E2E]: 'is refused with everything that is found on it', [UNIT]: 'a device with %j is refused' },
    ],
    [
      'Everything that was found is said at once, and nothing on a device is ever removed.',
      { [E2E]: 'is refused with everything that is found on it', [UNIT]: 'all that is found is said at once' },
    ],
    [
      'Before its first step the script looks again that the device is the same and empty.',
      { [E2E]: 'that another has taken since the plan is refused by the script itself' },
    ],
    [
      'Where a step fails, those before it are taken back.',
      { [E2E]: 'is as it was where a step fails, and where another device has come to its name' },
    ],
    [
      'When the connection ends, it goes on to its end on the host.',
      { [E2E]: 'becomes a volume also where the connection ends in the middle' },
    ],
    [
      'At the end you get the lines that mount the volume, with its UUID.',
      { [E2E]: 'becomes a group with a reserve, a volume and a file system, of which a snapshot can be taken' },
    ],
  ],
});
