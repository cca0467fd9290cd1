/** What docs/host-setup.md promises of hosts without snapshots, and what holds it. */
import { ofPage } from './page.ts';

export const HOSTS_WITHOUT_SNAPSHOTS = ofPage('docs/host-setup.md', {
  promises: [
    [
      'A source that says `"withoutSnapshot": "read-live"` is read there as it lies; volumes of it that can be snapshotted still are.',
      {
        'test/unit/pipeline/paths.test.ts':
          'what cannot be snapshotted is read live where the source asks for it, and all else is snapshotted',
        'test/e2e/two-storages.test.ts': 'reads live what no snapshot can hold, and all else from its snapshot',
      },
    ],
    [
      'No root is needed: where the login is an ordinary user and `sudo` of the host is `"none"`, what that user may read is saved, and what he may not is named.',
      { 'test/interop/live-backup.test.ts': 'by an ordinary user holds what that one may read, and names the rest' },
    ],
    [
      'Nothing is made on the host.',
      {
        'test/interop/live-backup.test.ts': [
          'of files at rest is whole, called fuzzy, and leaves nothing on the host',
          'is planned as what it is, without a script that changes the host',
        ],
      },
    ],
    [
      'One that has changed meanwhile, by any of its size, times, inode, owner or mode, is read again, up to three times.',
      { 'test/unit/pipeline/changed-files.test.ts': 'a file of another %s has changed' },
    ],
    [
      'What then still changes is _torn_: it is saved, named with "perhaps torn", and the restore point is partial, so the command ends with 9.',
      { 'test/interop/live-backup.test.ts': 'names each file that is torn, and no other' },
    ],
    [
      'A file that vanishes while it is read is named too.',
      { 'test/unit/pipeline/changed-files.test.ts': 'a file that is not there any more is gone, or has another name' },
    ],
    [
      'The restore point is always called `fuzzy`, because its files are of different moments; the time from the first look to the last is its skew.',
      {
        'test/unit/domain/consistency.test.ts':
          'of which a part was read live is that of live files, from the first look to the last',
      },
    ],
    [
      'Such files are refused, and the backup with them: the data of MySQL and MariaDB (`ibdata1`), PostgreSQL (`global/pg_control`), MongoDB, etcd, LMDB, SQLite with a `-wal` or `-journal` beside it, and disks of virtual machines (`.qcow2`, `.vmdk`, `.vdi`, `.vhd`, `.vhdx`, `.raw`, `.img`).',
      { 'test/interop/live-backup.test.ts': 'refuses %s, and says what does work' },
    ],
    [
      "They are known by their names, and where a name may be anybody's by how they begin.",
      { 'test/interop/live-backup.test.ts': 'saves what only has the name of such a file' },
    ],
    [
      'Name them under `exclude` and save a dump, or put them on a storage that can be snapshotted.',
      { 'test/interop/live-backup.test.ts': 'holds the rest where such a file is excluded' },
    ],
    [
      'Root reads with care: what a name leads to when it is read must have the owner and the group that it had when it was looked at, so a user who puts a link in the way does not have a file of somebody else saved as his own.',
      {
        'test/interop/live-backup.test.ts':
          'does not take the content of a file of root for that of a user who puts a link in the way',
      },
    ],
  ],
  exceptions: [
    ['Most hosts have no storage that can freeze an instant.', 'the reason for what follows'],
    ['Each file is looked at before it is read and again after that.', 'how the next sentences are kept'],
    [
      'Some programs write through a mapping of the file, which changes no time, or keep one state in several files; no look from outside tells that.',
      'the reason for what follows',
    ],
    ['Others may do the same under names that Stillpoint does not know.', 'a limit of what a name can tell'],
  ],
});
