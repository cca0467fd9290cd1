/** What docs/restore-without-stillpoint.md promises, and what holds it. */
import { ofPage } from './page.ts';

export const WITHOUT_STILLPOINT = ofPage('docs/restore-without-stillpoint.md', {
  promises: [
    [
      "The commands of the next two sections, of the owners', of the position of a log and of the last one are run by a test (`test/interop/without-stillpoint.test.ts`) as they stand here.",
      { 'test/interop/without-stillpoint.test.ts': 'the page about restoring without Stillpoint' },
    ],
    [
      'export RESTIC_REPOSITORY=/path/to/repository export RESTIC_PASSWORD_FILE=/path/to/password # or leave it out, and restic asks restic snapshots # what Stillpoint calls restore points restic check --read-data # reads and proves every byte; optional restic ls --long 40a79e49 /var/lib/mysql # one folder of one of them restic find ibdata1 # in which of them a file is',
      { 'test/interop/without-stillpoint.test.ts': 'shows what is there' },
    ],
    [
      '`restic snapshots --tag source=shop` shows those of one source.',
      { 'test/interop/without-stillpoint.test.ts': 'shows what is there' },
    ],
    [
      '`restic unlock` alone removes what was not renewed for 30 minutes and what a dead process of this machine left; of the lock of another machine, which may be the one that died, it says `successfully removed locks` and leaves it.',
      { 'test/interop/without-stillpoint.test.ts': 'is right in what it says of a lock of another machine' },
    ],
    [
      'restic restore 40a79e49 --target /srv/restored',
      {
        'test/interop/without-stillpoint.test.ts':
          'brings everything back, with what the table promises and without what it does not',
      },
    ],
    [
      'restic restore 40a79e49 --target /srv/restored --include /srv/files/documents',
      {
        'test/interop/without-stillpoint.test.ts':
          'brings some paths and single files back, and warns of an --include that matches nothing',
      },
    ],
    [
      'Beware: an `--include` that matches nothing succeeds and restores nothing.',
      {
        'test/interop/without-stillpoint.test.ts':
          'brings some paths and single files back, and warns of an --include that matches nothing',
      },
    ],
    [
      'restic dump 40a79e49 /srv/files/documents/contract.pdf > contract.pdf',
      {
        'test/interop/without-stillpoint.test.ts':
          'brings some paths and single files back, and warns of an --include that matches nothing',
      },
    ],
    [
      'mkdir /mnt/restic && restic mount /mnt/restic # in one terminal; Ctrl-C ends it',
      { 'test/interop/without-stillpoint.test.ts': 'looks around in a mount' },
    ],
    [
      'ls /mnt/restic/ids/40a79e49/ # in another',
      { 'test/interop/without-stillpoint.test.ts': 'looks around in a mount' },
    ],
    [
      '| `/.stillpoint-dumps` | [dumps](dumps.md): what databases wrote out, as files | restore the folder, and load what is in it as [its kind](dumps.md#what-each-does) is loaded |',
      { 'test/contract/dump.ts': 'has all that was there, and says of what moment it is' },
    ],
    [
      '| `/.stillpoint-devices` | [images](whole-system.md#images-of-devices): each a file under the path of its device | [write it back](whole-system.md#images-of-devices) onto a volume of the same size or larger, or look into it with `mount -o loop,ro` |',
      {
        'test/e2e/devices.test.ts': [
          'come back in their size, with holes where there was nothing',
          'are of one instant each: what is written back mounts, is clean, and has what was there',
        ],
      },
    ],
    [
      '| `/.stillpoint-layout` | how the disks were partitioned and put together | begin with its `README.txt`; [the steps](whole-system.md#building-the-machine-again) |',
      {
        'test/e2e/whole-system.test.ts': [
          'has a partition table that makes the same one on another disk',
          'has the metadata of a group that make the same volumes on an empty disk',
        ],
      },
    ],
    [
      '| `application` | of a moment at which it stood still, or from which it was proved to recover, if the source had it under `quiesce`; else as with `crash-skewed` | a recovery, as below |',
      {
        'test/unit/domain/consistency.test.ts': [
          'is that of the application where every hold was proved across every instant',
          'of what recovers by itself is that of the application where all is of one instant, and there alone',
        ],
      },
    ],
    [
      '| `cold` | of a server that was stopped, if the source had it under `stop`; else as with `crash-skewed` | mostly nothing to recover |',
      { 'test/e2e/cold.test.ts': 'is cold, and the service runs again before anything is read' },
    ],
    [
      '| `crash` | of one moment at which it ran, as if the power had failed then | a recovery, as below; tables without a journal may be damaged |',
      { 'test/unit/domain/consistency.test.ts': 'of one volume is that of a power cut' },
    ],
    [
      '| `crash-skewed` | each volume of one moment, and not all of the same; a database whose files all lie on one volume is whole | as with `crash`, if all of its files lay on one volume or [were proved to fit](#the-position-of-a-log); else do not trust it, and use a dump |',
      {
        'test/unit/domain/consistency.test.ts':
          'of several volumes one after another is skewed, by a bound of the time between them',
      },
    ],
    [
      '| `fuzzy` | something was read live, one file after the other; [the evidence](#the-position-of-a-log) names the folders under `live`, of a whole system mostly `/boot` alone. Databases that Stillpoint knows are refused there | as with `crash-skewed`, if the database lay in none of these folders; else do not trust it, and use a dump |',
      { 'test/unit/pipeline/unsafe-live.test.ts': 'it is refused only while a process has it open' },
    ],
    [
      String.raw`file=$(echo "$RESTIC_REPOSITORY"/snapshots/40a79e49*) hex() { od -An -v -tx1 | tr -d ' \n'; } key=$(restic cat masterkey | sed -n 's/.*"encrypt": "\([^"]*\)".*/\1/p' | base64 -d | hex) tail -c +17 "$file" | head -c -16 | openssl enc -d -aes-256-ctr -K "$key" -iv "$(head -c 16 "$file" | hex)" | tail -c +2 | zstd -dc`,
      { 'test/interop/without-stillpoint.test.ts': 'gives out what was proved, with the position of a log' },
    ],
    [
      '| content, names of any bytes, modes, times to the nanosecond | yes |',
      {
        'test/interop/without-stillpoint.test.ts':
          'brings everything back, with what the table promises and without what it does not',
        'test/e2e/torture-tree.test.ts':
          'comes back by restic but for what restic itself cannot keep, and restic finds the repository sound',
      },
    ],
    [
      '| owners and groups | by number. `mysql` may be 100 on the old host and something else on the new one, see below |',
      {
        'test/interop/without-stillpoint.test.ts': [
          'brings everything back, with what the table promises and without what it does not',
          'gives files to other numbers',
        ],
      },
    ],
    [
      "| ACLs, extended attributes, file capabilities | yes, where the target's file system has them |",
      {
        'test/e2e/torture-tree.test.ts':
          'comes back by restic but for what restic itself cannot keep, and restic finds the repository sound',
      },
    ],
    [
      '| hard links, symbolic links, pipes, device nodes | yes |',
      {
        'test/interop/without-stillpoint.test.ts':
          'brings everything back, with what the table promises and without what it does not',
      },
    ],
    [
      '| holes | written as zeros: a sparse file of 100 MiB takes 100 MiB. restic 0.15 and newer have `--sparse` |',
      {
        'test/interop/without-stillpoint.test.ts':
          'brings everything back, with what the table promises and without what it does not',
      },
    ],
    [
      '| sockets | no; the program that listens makes them anew |',
      { 'test/interop/equal-ids.test.ts': 'differs in nothing but what is known' },
    ],
    [
      '| access times | no; they are set to the time of the last change |',
      {
        'test/interop/without-stillpoint.test.ts':
          'brings everything back, with what the table promises and without what it does not',
      },
    ],
    [
      '**Do not use `restic dump` of a whole folder** as a restore: in the tar archive that 0.14 writes, pipes, device nodes and sockets become empty files.',
      { 'test/interop/without-stillpoint.test.ts': 'is right in what it says of a dump of a whole folder' },
    ],
    [
      'find /srv/restored -uid 100 -exec chown -h mysql {} + find /srv/restored -gid 107 -exec chgrp -h mysql {} +',
      { 'test/interop/without-stillpoint.test.ts': 'gives files to other numbers' },
    ],
    [
      'restic may also continue with the repository: `restic forget --keep-last 7 --prune` and `restic check` work, and Stillpoint reads and verifies the result.',
      { 'test/interop/without-stillpoint.test.ts': 'lets restic go on with the repository' },
    ],
    [
      'Both may also write into it in turn: `test/interop/two-way.test.ts` lets them share one repository, each backing up and each pruning, and afterwards both find it whole.',
      {
        'test/interop/two-way.test.ts': [
          'both read what each wrote, and stay whole when each removes',
          'a repository lives',
        ],
      },
    ],
    ['Locks of both are understood by both.', { 'test/interop/keys-and-locks.test.ts': 'locks' }],
    [
      'Where the two write the same data, it is stored once: both cut files at the same places, which their content and the repository say ([how](decisions/0037-cut-like-restic.md)).',
      { 'test/interop/same-pieces.test.ts': 'what %s stored first the other does not store again' },
    ],
    [
      '`test/interop/equal-ids.test.ts` compares both to the letter and lists every other difference: sockets (restic leaves them out), attributes of symbolic links and link targets that are no UTF-8 (restic 0.14 loses those).',
      {
        'test/interop/equal-ids.test.ts': [
          'differs in nothing but what is known',
          'has the same ids, folder by folder, once restic leaves out what we leave out',
        ],
      },
    ],
  ],
  exceptions: [
    [
      "systemctl stop mariadb mkdir /srv/before # with room for what is there now find /var/lib/mysql -mindepth 1 -maxdepth 1 ! -name lost+found -exec mv -t /srv/before {} + cp -a /srv/restored/var/lib/mysql/. /var/lib/mysql/ # a copy: what was restored stays as it is rm -f /var/lib/mysql/*.pid # of the old server, if it kept it there chown -R mysql: /var/lib/mysql systemctl start mariadb journalctl -u mariadb | grep -iE 'innodb|ready for' # or the server's own log file mariadb-check --all-databases",
      'tried by hand, as the page says; the demo starts MariaDB on restored files in its own way',
    ],
    [
      "mkdir /srv/copy && cp -a /srv/restored/var/lib/mysql /srv/copy/mysql && chown -R mysql: /srv/copy mariadbd --user=mysql --datadir=/srv/copy/mysql --socket=/srv/copy/sock --pid-file=/srv/copy/pid \\ --skip-networking --log-error=/srv/copy/log.err & mariadb --socket=/srv/copy/sock -e 'SHOW DATABASES' mariadb-check --socket=/srv/copy/sock --all-databases mariadb-admin --socket=/srv/copy/sock shutdown",
      'tried by hand, as the page says; the demo starts a second MariaDB on restored files in its own way',
    ],
    [
      'rm -f /srv/restored/var/lib/postgresql/15/main/postmaster.pid chown -R postgres: /srv/restored/var/lib/postgresql',
      'tried by hand with PostgreSQL 15, as the page says',
    ],
  ],
});
