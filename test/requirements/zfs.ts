/** What docs/host-setup.md promises of ZFS, and what holds it. */
import type { Promised } from './page.ts';

export const ZFS_ON_HOSTS: readonly Promised[] = [
  [
    '| ZFS dataset that is not mounted, encrypted without its key or not | nothing of it is seen at its place | `zfs load-key`, `zfs mount` |',
    {
      'test/zfs/backup.test.ts': 'is refused where a source names "%s", with what would help',
      'test/unit/pipeline/unmounted.test.ts': 'is refused where a source names it, or what is below',
    },
  ],
  [
    '| ZFS pool that is imported read-only, suspended or faulted | nothing can be made in it, or it does not answer | what `zpool status` says |',
    {
      'test/zfs/backup.test.ts': 'of a pool that is imported read-only says why not',
      'test/unit/snapshot/zfs-volumes.test.ts': 'of %s say why not',
    },
  ],
  [
    '| ZFS dataset whose pool or `quota` is nearly full | what is changed while it is read takes its room | removing what is not needed, a larger quota, another device |',
    {
      'test/zfs/room.test.ts': 'without room is not snapshotted, and the numbers are said',
      'test/unit/snapshot/zfs-volumes.test.ts': 'is refused where %s',
    },
  ],
  [
    '| file system on a zvol | ZFS cannot hold the file system in it still | a dataset that is a file system, or LVM on the zvol |',
    { 'test/zfs/backup.test.ts': 'of a file system on a zvol says why not' },
  ],
  [
    '| ZFS in a container; ZFS before 0.8 | it cannot be managed, or is not understood | a backup of the machine around it; a later ZFS |',
    { 'test/unit/snapshot/zfs-volumes.test.ts': 'of %s say why not' },
  ],
  [
    'Each dataset that is mounted is a volume of its own, whatever mounted it: itself, `zfs mount`, or `/etc/fstab` for one that is `legacy`. Those that lie below a path of a source are saved with it, also from other pools.',
    {
      'test/zfs/backup.test.ts':
        'is saved with what is nested in it, by whatever it is mounted, and comes back byte for byte',
    },
  ],
  [
    'All datasets of a pool are snapshotted by one command and have one instant; the restore point is then `crash`, with a skew of 0.',
    {
      'test/zfs/backup.test.ts':
        'has one instant for all datasets of a pool, as the plan says, and one more for another pool',
      'test/unit/snapshot/zfs-volumes.test.ts': 'makes all of a pool by one command, which the first of them has',
    },
  ],
  [
    'Datasets that are not below a path get no snapshot, so the clones of containers elsewhere in the pool are not touched.',
    {
      'test/zfs/backup.test.ts':
        'has one instant for all datasets of a pool, as the plan says, and one more for another pool',
    },
  ],
  [
    'A dataset that is not mounted is not in the backup: what is seen at its place is. One note of the plan and of the backup counts those that belong below a path, apart from those whose key is not loaded.',
    {
      'test/zfs/backup.test.ts':
        'is saved with what is nested in it, by whatever it is mounted, and comes back byte for byte',
      'test/unit/pipeline/unmounted.test.ts': 'is told of once for each kind, but for what is left out',
    },
  ],
  [
    'A source that names the place of one, or what is below it, is refused with the command that mounts it.',
    {
      'test/zfs/backup.test.ts': 'is refused where a source names "%s", with what would help',
      'test/unit/pipeline/unmounted.test.ts': 'is refused where a source names it, or what is below',
    },
  ],
  [
    'Datasets with `canmount=off`, and those whose place is taken by another mount, as other systems to boot from are, are not told of.',
    {
      'test/unit/snapshot/zfs-volumes.test.ts':
        'that are not mounted are known by their places, but for what is never mounted or has one that is taken',
    },
  ],
  [
    'Snapshots are called `DATASET@sp_…`, bear the properties `stillpoint:run` and `stillpoint:owner`, and are held (`zfs hold`) until they are removed.',
    { 'test/zfs/backup.test.ts': 'cannot be taken away by others while it is read' },
  ],
  [
    'They are mounted by their names, not through `.zfs/snapshot`, so `snapdir` makes no difference.',
    { 'test/zfs/backup.test.ts': 'is not read through what a look into ".zfs/snapshot" has the kernel mount' },
  ],
  [
    'While one is there, `zfs rollback -r` to an older snapshot and `zpool export` fail with "busy".',
    { 'test/zfs/backup.test.ts': 'cannot be taken away by others while it is read' },
  ],
  [
    'Programs that send all snapshots of a dataset elsewhere (`zfs send -R`, `-I`) may take one of ours along; Stillpoint does not touch the copy, and `sweep` names it where it looks.',
    { 'test/zfs/room.test.ts': 'that is no snapshot of ours is left alone by a sweep, and named' },
  ],
  [
    'A backup is begun only where 6 % of that room are left, or 64 GiB.',
    {
      'test/unit/snapshot/zfs-volumes.test.ts': [
        'is refused where %s',
        'of a pool of many terabytes wants an amount, and no share of it',
      ],
    },
  ],
  [
    'While a snapshot lives, the host looks every two seconds, and removes it where less than 3 % are left, or 32 GiB, whoever takes them, also when the machine that reads is away. The run then fails with `snapshot.given-up` and the numbers.',
    { 'test/zfs/room.test.ts': 'is given up by the watchman before writers have no room, and all of it comes back' },
  ],
];
