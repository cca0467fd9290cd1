/** What docs/host-setup.md promises of hosts without snapshots, and what holds it. */
import { ofPage } from './page.ts';

export const HOSTS_WITHOUT_SNAPSHOTS = ofPage('docs/host-setup.md', {
  promises: [
    [
      'What the kernel makes up (`/proc`, `/sys`) is refused all the same.',
      {
        'test/unit/pipeline/paths.test.ts':
          'what cannot be snapshotted is read live where the source asks for it, and all else is snapshotted',
      },
    ],
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
      { 'test/contract/storages/live.test.ts': 'by an ordinary user holds what that one may read, and names the rest' },
    ],
    [
      'For what is read live nothing is made on the host.',
      {
        'test/contract/storages/live.test.ts': [
          'of files at rest is whole, called fuzzy, and leaves nothing on the host',
          'is planned as what it is, without a script that changes the host',
        ],
        'test/contract/storages/live-changes.test.ts': [
          'is left alone by a cancel in the middle: no process, no file, no restore point',
          'never leaves anything on the host',
        ],
      },
    ],
    [
      'One that has changed meanwhile, by any of its size, times, inode, owner or mode, is read again, up to three times.',
      {
        'test/unit/pipeline/changed-files.test.ts': 'a file of another %s has changed',
        'test/contract/storages/live-changes.test.ts': [
          'a file that %s is saved as it was last',
          'a file that %s is read four times, saved and named as torn',
        ],
      },
    ],
    [
      'What then still changes is _torn_: it is saved, named with "perhaps torn", and the restore point is partial, so the command ends with 9.',
      {
        'test/contract/storages/live.test.ts': 'names each file that is torn, and no other',
        'test/contract/storages/live-changes.test.ts': 'a file that %s is read four times, saved and named as torn',
      },
    ],
    [
      'A file that vanishes while it is read is named too.',
      {
        'test/unit/pipeline/changed-files.test.ts': 'a file that is not there any more is gone, or has another name',
        'test/contract/storages/live-changes.test.ts':
          'a file that vanishes in the end is saved as what was read of it, and named',
      },
    ],
    [
      'The restore point is called `fuzzy`, because its files are of different moments; the time from the first look to the last is its skew.',
      {
        'test/unit/domain/consistency.test.ts':
          'of which a part was read live is that of live files, from the first look to the last',
      },
    ],
    [
      'With [services stopped](#cold-backups) it can be `cold`.',
      {
        'test/unit/domain/consistency.test.ts':
          'read live is cold where what writes it was stopped from the first look to the last, and nothing was torn',
      },
    ],
    [
      'Such files are refused, and the backup with them: the data of MySQL and MariaDB (`ibdata1`), PostgreSQL (`global/pg_control`), MongoDB, etcd, LMDB, SQLite with a `-wal` or `-journal` beside it, and disks of virtual machines (`.qcow2`, `.vmdk`, `.vdi`, `.vhd`, `.vhdx`, `.raw`, `.img`).',
      { 'test/contract/storages/live.test.ts': 'refuses %s, and says what does work' },
    ],
    [
      "They are known by their names, and where a name may be anybody's by how they begin.",
      { 'test/contract/storages/live.test.ts': 'saves what only has the name of such a file' },
    ],
    [
      'Name all that belongs to one under `exclude`, as the message does, and save a [dump](dumps.md), or put them on a storage that can be snapshotted.',
      {
        'test/contract/storages/live.test.ts': 'holds the rest where such a file is excluded',
        'test/unit/pipeline/unsafe-live.test.ts': 'leaves out all that belongs to %s',
      },
    ],
    [
      'A source that [stops services](#cold-backups) has them saved where no process has them open then: name there the one that writes them.',
      {
        'test/e2e/cold.test.ts':
          'stops a service until the last read where there is no snapshot, and is cold then, too',
        'test/unit/pipeline/unsafe-live.test.ts': 'it is refused only while a process has it open',
      },
    ],
    [
      'Root reads with care: what a name leads to when it is read must have the owner and the group that it had when it was looked at, so a user who puts a link in the way does not have a file of somebody else saved as his own.',
      {
        'test/contract/storages/live.test.ts':
          'does not take the content of a file of root for that of a user who puts a link in the way',
        'test/unit/pipeline/take-answer.test.ts': 'a file of another %s than was listed is not taken for it',
      },
    ],
  ],
  exceptions: [
    [
      'A lack of room for a snapshot, and one that fails, still end the backup: nothing is read live in their place.',
      'a limit: what is read live is known before anything is made',
    ],
    ['Most hosts have no storage that can freeze an instant.', 'the reason for what follows'],
    ['Each file is looked at before it is read and again after that.', 'how the next sentences are kept'],
    [
      'Some programs write through a mapping of the file, which changes no time, or keep one state in several files; no look from outside tells that.',
      'the reason for what follows',
    ],
    ['Others may do the same under names that Stillpoint does not know.', 'a limit of what a name can tell'],
  ],
});
