/** What README.md promises, and what holds it. */
import { ofPage } from './page.ts';

export const README = ofPage('README.md', {
  promises: [
    [
      'Stillpoint takes consistent backups of running Linux hosts over SSH. It logs in with the keys and host names that you already have, takes copy-on-write snapshots of the volumes that hold your data, reads the frozen copies into an encrypted, deduplicating repository on your side, and leaves the host as it found it.',
      {
        'test/e2e/living-database.test.ts': [
          'restic finds the repository whole',
          "restic's restore and ours are equal in bytes and metadata",
          'the guest is left without a trace',
        ],
      },
    ],
    [
      "Nothing is installed on the host, and the host never holds the repository's password: a server that was broken into cannot read or delete its own backups.",
      {
        'test/unit/pipeline/backup-ends.test.ts': 'the host is sent neither the password nor the key of the repository',
        'test/e2e/living-database.test.ts': 'the guest is left without a trace',
      },
    ],
    [
      "The repository has [restic](https://restic.net)'s format, so restic alone gets everything back, and every restore point says how consistent it is and claims no more than was proved.",
      {
        'test/interop/restic.test.ts': 'restic lists, checks, reads and restores what we wrote',
        'test/unit/domain/consistency.test.ts': 'the consistency of a restore point',
      },
    ],
    [
      'You use Stillpoint from VS Code, from the command line, or through an AI assistant; all three start the same jobs, which continue when the window, the terminal or the conversation is closed.',
      {
        'test/e2e/shells.test.ts': 'may leave: the backup that it started goes on, and the command line follows it',
        'test/unit/jobs/processes.test.ts':
          'goes on when the one who started it is killed, with all that hang on its terminal',
      },
    ],
    [
      'A line that drops, or a laptop whose lid is closed, costs a backup time: it waits for the host and [goes on where it was](docs/host-setup.md#when-the-connection-is-lost), for half an hour unless you say otherwise.',
      {
        'test/faults/kill/cut-line.test.ts': [
          'costs no run and no content, wherever it is cut',
          'goes on when it is there again, however often that was tried in vain, and in silence',
        ],
      },
    ],
    [
      'If the machine that runs a backup vanishes in the middle of it, the host removes our snapshots by itself.',
      {
        'test/e2e/lease.test.ts': 'removes snapshot, mount, reader and itself when nobody renews',
        'test/faults/kill/kill.test.ts': 'the client is killed',
      },
    ],
    [
      'It logs in, says what would be inconsistent, left out or dangerous there, each with the line that mends it, and proposes sources.',
      { 'test/e2e/advise.test.ts': 'has each of them named, and the lines that come with them mend them' },
    ],
    [
      'You are asked which of them you want, where to put the repository, and to confirm.',
      {
        'test/e2e/advise.test.ts': 'comes from a name of the SSH configuration to a first backup with three answers',
      },
    ],
    [
      'Then it writes the configuration, makes the repository and the first backup.',
      {
        'test/e2e/advise.test.ts': 'comes from a name of the SSH configuration to a first backup with three answers',
      },
    ],
    ['This is version 0.1.0, not released.', { 'test/unit/docs-numbers.test.ts': 'says' }],
    ['npm run demo npm test', { 'test/unit/docs-links.test.ts': 'npm scripts that the pages name exist' }],
    [
      '**`npm run demo`** boots a throw-away Debian guest with LVM and a MariaDB that is being written to, backs it up over SSH twice, has restic check every byte, restores with restic and with Stillpoint and compares both, starts MariaDB on the restored files and counts the rows, and looks for anything left behind on the guest.',
      {
        'test/e2e/living-database.test.ts': [
          'restic finds the repository whole',
          "restic's restore and ours are equal in bytes and metadata",
          'the database starts on the restored files, and its own check finds nothing',
          'every order committed before the snapshot is there, and none begun after it',
          'the second backup builds on the first and leaves alone what had not changed',
          'the guest is left without a trace',
        ],
        'test/e2e/lab-failures.test.ts': 'a demo that is interrupted in the middle of a backup leaves nothing behind',
      },
    ],
    [
      'Four groups that need more of a machine have commands of their own, `npm run test:endless`, `npm run test:canary`, `npm run test:ceph` and [`npm run test:zfs`](docs/zfs-tests.md); it names them.',
      { 'test/unit/docs-links.test.ts': 'npm test runs every group of tests, or names the script that does' },
    ],
    [
      '`npm run test:unit` takes the ones that need nothing.',
      { 'test/unit/docs-links.test.ts': 'npm scripts that the pages name exist' },
    ],
    [
      '[Configuration](docs/configuration.md) explains every key.',
      { 'test/unit/config/docs.test.ts': 'docs/configuration.md has every key of the schema, and no other' },
    ],
    [
      'stillpoint inspect db1 # which volumes there are, and which can be snapshotted; changes nothing stillpoint advise db1 # what to see to there before a backup; changes nothing stillpoint plan shop # what a backup would do, step by step; changes nothing stillpoint backup shop # do it stillpoint list # the restore points stillpoint ls latest /srv/files stillpoint restore latest /srv/files --to ./restored stillpoint verify # read every stored byte and compare it with its hash',
      {
        'test/unit/docs-links.test.ts': 'commands in the shell blocks of the pages exist, with their options',
        'test/e2e/cli.test.ts': 'it is listed, looked into, proved and restored, with names of every kind',
        'test/e2e/shells.test.ts': 'prints the plan, the restore and the sweep for people',
      },
    ],
    [
      'The first connection shows an unknown host key and asks.',
      { 'test/contract/remote-login.test.ts': 'and shows an unknown one to a person, and remembers a yes' },
    ],
    [
      '`restore` wants a new or empty folder, unless `--overwrite` says what becomes of what is there, and keeps the whole path below it: the files are in `./restored/srv/files`; `--strip` leaves folders of it away.',
      {
        'test/interop/restore.test.ts': [
          'a target that is not empty, not a folder, or cannot be made is refused and left alone',
          'chosen paths come with the folders on their way, and a hard link without its first name is a file',
        ],
        'test/interop/restore-existing.test.ts': 'never: only what is missing comes',
        'test/interop/restore-chosen.test.ts': 'leading folders are not made',
      },
    ],
    [
      'Restore as root to get owners back.',
      { 'test/interop/restore.test.ts': 'a user who is not root gets the content, and is told what is not kept' },
    ],
    [
      'A second `stillpoint backup shop` reads only what changed.',
      {
        'test/e2e/torture-tree.test.ts': [
          'is neither read nor stored again while it stays as it is',
          'is read only where it changed',
        ],
      },
    ],
    [
      '`stillpoint jobs` lists what ran, whoever started it; the [command line](docs/cli.md) page has all commands, exit codes and the JSON output.',
      {
        'test/e2e/cli.test.ts': 'jobs are seen by later commands',
        'test/unit/cli/docs.test.ts': 'docs/cli.md says what the program does',
      },
    ],
    [
      'It can look, plan and start backups; it cannot restore, delete, overwrite, accept a host key or see a password.',
      {
        'test/mcp/contract.test.ts': [
          'docs/mcp.md tells of exactly these tools',
          'no tool takes a secret, a command, an address or a yes',
        ],
      },
    ],
    [
      '| storage of the host | LVM volumes, thick (linear, striped, mirrored, RAID) and thin, with ext2, ext3, ext4 or XFS; Btrfs, each subvolume, and ZFS, each mounted dataset, nested ones too; everything else read live, as `fuzzy`, where the source asks for it | LUKS on top of a logical volume |',
      {
        'test/e2e/btrfs.test.ts': 'is saved with what is nested in it, mounted or not, and comes back byte for byte',
        'test/zfs/backup.test.ts':
          'is saved with what is nested in it, by whatever it is mounted, and comes back byte for byte',
        'test/unit/snapshot/origin.test.ts': [
          'of type %s can',
          'that holds %s can',
          'of type "%s" cannot, and the reason fits',
          'what is on no logical volume',
        ],
        'test/e2e/lease.test.ts':
          'is given back: mounted in its own namespace, gone after the release, and a second release does nothing',
        'test/e2e/two-storages.test.ts': 'reads live what no snapshot can hold, and all else from its snapshot',
        'test/unit/snapshot/thin-refusal.test.ts': 'a thin volume can be snapshotted, on ext and XFS',
        'test/e2e/thin.test.ts': 'are saved in one run, each at an instant of its own, of which the skew is measured',
      },
    ],
    [
      '| consistency | `application`: MariaDB held by its own lock, PostgreSQL, Redis and SQLite proved to recover, or your own commands. `cold`: services stopped for the moment of the snapshots, or until all is read live. `crash`: one instant, like a power cut; `crash-skewed`: several volumes, one after another, the time between them reported. `fuzzy`: read live, torn files named ([consistency](docs/consistency.md)) | MongoDB; MariaDB held with its files on several volumes, but for those of one ZFS pool ([`stop`](docs/host-setup.md#cold-backups) does it); a database in a container held ([what works](docs/consistency.md#a-database-in-a-container)); MySQL is untried |',
      {
        'test/unit/domain/consistency.test.ts': [
          'of one volume is that of a power cut',
          'of several volumes one after another is skewed, by a bound of the time between them',
        ],
        'test/e2e/living-database.test.ts': 'two volumes are told as two instants',
        'test/contract/storages/live.test.ts': 'names each file that is torn, and no other',
        'test/e2e/cold.test.ts': 'is cold, and the service runs again before anything is read',
        'test/e2e/mariadb.test.ts': 'each copy is of the moment at which it stood still, and of where the log goes on',
        'test/e2e/postgresql.test.ts': 'each copy starts, passes its checkers, and is a state between two transactions',
        'test/contract/storages/redis.test.ts':
          'writes all that it has into its file before the instant, where it has no log',
        'test/contract/hook.ts': 'holds while the snapshots are made, proves it, and lets go',
      },
    ],
    [
      '| whole machines | `"system": true` of a source: all local file systems with `/boot` and the EFI partition, and partition tables and volume metadata as files, [to build the machine again by hand](docs/whole-system.md) | building it again by a command |',
      {
        'test/e2e/whole-system.test.ts': [
          'comes back with /boot and the EFI partition, and with empty folders for what is no data',
          'has a partition table that makes the same one on another disk',
          'has the metadata of a group that make the same volumes on an empty disk',
        ],
      },
    ],
    [
      '| dumps | of MariaDB, PostgreSQL, Redis, SQLite or any command, as files of a restore point: streamed, whole or not at all, each with its own consistency ([dumps](docs/dumps.md)) | MongoDB other than by a command; several at once |',
      {
        'test/contract/dump.ts': [
          'has all that was there, and says of what moment it is',
          'is of one moment while somebody writes',
          'that ends badly leaves no restore point',
        ],
      },
    ],
    [
      '| block devices | as images from a snapshot of them: LVM volumes, thick and thin, whatever is in them ([images of devices](docs/whole-system.md#images-of-devices)) | zvols; reading only what changed |',
      {
        'test/e2e/devices.test.ts': [
          'come back in their size, with holes where there was nothing',
          'are of one instant each: what is written back mounts, is clean, and has what was there',
        ],
        'test/unit/pipeline/devices.test.ts': ['a device can be saved as an image', 'a device is refused'],
      },
    ],
    [
      '| repository | a folder on the machine that runs Stillpoint or on another host over SFTP, a bucket of an S3 store, a REST server of restic | |',
      {
        'test/contract/backend.ts': 'backend',
        'test/interop/stores.test.ts': 'a repository that restic and we share',
        'test/interop/sftp.test.ts': 'reads what restic wrote, and goes on in it',
      },
    ],
    [
      '| other places | a plain `tar.zst` with manifest and checksums, and a mirror with a state for each run, here or over SSH ([archives and mirrors](docs/exports.md)) | parts of files: of a file in a mirror that changed, all is sent |',
      {
        'test/interop/export-archive.test.ts': [
          'of everything nasty comes back by GNU tar as it was',
          'has a manifest of what was read and proved, with sums that sha256sum finds in what is extracted',
        ],
        'test/interop/export-mirror.test.ts': [
          'of everything nasty is as its source, and so is the next one, almost without reading',
        ],
        'test/interop/export-frozen.test.ts': ['to a mirror lies on another host, over SSH'],
      },
    ],
    [
      "| keeping | keep rules as restic's, forgetting by rules or by id, pruning: as plans first, on the command line | from VS Code; by a schedule of our own |",
      {
        'test/interop/retention.test.ts': 'keep what restic keeps, in the same groups and by the same rules',
        'test/unit/pipeline/forget.test.ts': [
          'does what its plan says, and no other plan',
          'takes ids and the starts of ids, and nothing that fits none or several',
        ],
        'test/faults/prune.test.ts': 'leaves every restore point whole wherever it dies (format %i, unused %s)',
      },
    ],
    [
      '| a second copy | restore points into another repository of any kind, each blob proved on the way; several passwords for each | from VS Code |',
      {
        'test/unit/pipeline/copy/copy.test.ts': [
          'is whole, and the second copy does nothing',
          'proves each blob: one that was changed is not copied, and the others are',
        ],
        'test/interop/copy.test.ts': 'is clean for restic, restores the same, and is known to both as a copy',
        'test/unit/repository/keys.test.ts': 'all open the same repository',
      },
    ],
    [
      '| restoring | into a folder of this machine, empty or, by a plan, with other things in it: all of it, chosen paths or patterns; as a tar stream for another program or host; from the command line | onto a host by itself, from VS Code, from an assistant |',
      {
        'test/interop/restore.test.ts': [
          'the whole torture tree comes back identical on',
          'chosen paths come with the folders on their way, and a hard link without its first name is a file',
        ],
        'test/interop/restore-existing.test.ts': [
          'never: only what is missing comes',
          'older: what is there goes where it was modified before',
          'always: all of it, and what the restore point does not have stays with the folders as they are',
        ],
        'test/interop/restore-chosen.test.ts': 'what fits --include comes with the folders on its way and no others',
        'test/interop/restore-stream.test.ts': 'GNU tar makes the whole torture tree of it',
        'test/unit/cli/commands.test.ts': 'starts the job',
      },
    ],
    [
      '| before a backup | `advise` names what would be dangerous, left out or inconsistent on a host, with the line that mends it; `setup` writes the configuration; `prepare` makes an LVM volume with room for snapshots of an empty disk | setting up from VS Code |',
      {
        'test/e2e/prepare.test.ts':
          'becomes a group with a reserve, a volume and a file system, of which a snapshot can be taken',
        'test/e2e/advise.test.ts': [
          'has each of them named, and the lines that come with them mend them',
          'comes from a name of the SSH configuration to a first backup with three answers',
        ],
      },
    ],
    [
      '| looking | folders of a restore point are listed on the command line and by assistants; differences of two, files by name over all, and sizes on the command line; restic mounts them | opening and comparing files in VS Code |',
      {
        'test/e2e/cli.test.ts': 'it is listed, looked into, proved and restored, with names of every kind',
        'test/mcp/tools.test.ts':
          'a folder is browsed in the latest of a source, and what has to be known of the choice is said',
        'test/interop/comparisons.test.ts': [
          'the same differs between restore points',
          'the same is found by %j with %j',
          'the same sizes for restore points',
        ],
        'test/interop/without-stillpoint.test.ts': 'looks around in a mount',
      },
    ],
    [
      '| proof | `check` (structure), `verify` (every byte); the demo starts a database from restored files | rehearsing your own restores as a command |',
      {
        'test/faults/repository.test.ts': [
          'by cutting or emptying or losing any file is found by check alone',
          'in any bit of any kind of file is found (format %i)',
        ],
        'test/e2e/living-database.test.ts':
          'the database starts on the restored files, and its own check finds nothing',
      },
    ],
    [
      '| when | you start a backup, or cron or a systemd timer does with `stillpoint backup` | schedules and notifications of our own |',
      {
        'test/unit/cli/commands.test.ts': 'following a job',
        'test/contract/stillpoint-host.test.ts': 'fails the job where nobody can be asked',
      },
    ],
    [
      '| several clients | back up one host side by side; what only one can have at a time, such as a database that is held, each has in its turn, and says for whom it waits ([how](docs/host-setup.md#several-clients)) | |',
      {
        'test/contract/two-clients.ts': [
          'two clients at the very same time hold it one after the other, and both prove it',
          'who holds until the last read has it until then, and the other one is told whom he waits for',
        ],
        'test/e2e/hostile-host.test.ts': 'is backed up by five at once, of the same volumes',
      },
    ],
    [
      "| SSH | whatever OpenSSH's client (7.4 or newer) on this machine can do, as your SSH configuration says: agent, key files, certificates, `ProxyJump`, `ProxyCommand`, `known_hosts` | host certificates, FIDO keys (`sk-…`) and GSSAPI where there is no such client |",
      {
        'test/contract/ssh-keywords.test.ts': 'has a case for every row',
        'test/contract/remote-login.test.ts': 'logging in, carried by',
        'test/unit/remote/known-hosts.test.ts': 'of an authority that signs certificates is no key of the host',
      },
    ],
    [
      "| hosts | tried: Debian 12 with systemd | other distributions are untried; busybox's `tar` and `find` are refused |",
      { 'test/unit/snapshot/lease-answers.test.ts': 'a host that lacks a program is told which package has it' },
    ],
    [
      'Several volumes are several moments, unless one ZFS pool has them: keep the files of one database on one volume or in one pool.',
      {
        'test/e2e/living-database.test.ts': 'two volumes are told as two instants',
        'test/unit/domain/consistency.test.ts':
          'of several volumes one after another is skewed, by a bound of the time between them',
      },
    ],
    [
      'Where that is not enough, have it [held still](docs/consistency.md#holding-applications-still), or [stopped](docs/host-setup.md#cold-backups), for that moment.',
      {
        'test/e2e/mariadb.test.ts': 'each copy is of the moment at which it stood still, and of where the log goes on',
        'test/e2e/cold.test.ts': 'is cold, and the service runs again before anything is read',
      },
    ],
    [
      'The host needs GNU tar and GNU find, and so does this machine to restore.',
      {
        'test/unit/snapshot/lease-answers.test.ts': 'a host that lacks a program is told which package has it',
        'test/unit/pipeline/restore/target-errors.test.ts':
          'a machine with GNU tar will do, and one with another tar or none is refused by that name',
      },
    ],
    [
      'Sockets are noted in the restore point and not restored; access times are not kept.',
      {
        'test/unit/pipeline/restore/tar-items.test.ts': 'sockets and what has no type are left out with a reason',
        'test/unit/pipeline/read-tree.test.ts': 'keeps no access times: that of the last change stands in their place',
      },
    ],
    [
      'Files over 4 TiB are left out and reported.',
      { 'test/unit/pipeline/read-tree.test.ts': 'leaves out what nobody could store or open, says so, and goes on' },
    ],
    [
      'The time for which writers are held is reported as an upper bound: the time that it took to make the snapshot.',
      {
        'test/unit/pipeline/snapshot-report.test.ts':
          'writers are held for at most the time of the one program that makes the snapshot: from %d to %d s',
        'test/unit/extension/texts.test.ts': 'tells how long the writers were held',
      },
    ],
    [
      'If it overflows, the run fails and commits nothing; the volume itself is not harmed.',
      {
        'test/e2e/lease.test.ts':
          'stops the readers of a snapshot that overflowed, and nothing read from it becomes a restore point',
      },
    ],
    [
      'Before the pool is full, the host itself removes our snapshot, and the run fails and commits nothing.',
      {
        'test/e2e/thin.test.ts':
          'lose their snapshot and not their room when somebody fills the pool in the middle of a backup',
      },
    ],
  ],
  exceptions: [
    ['One such run on two cores, with nothing cached:', 'leads to the sample below'],
    [
      'That took a minute and a half: twenty-five seconds fetched npm packages and Node, and three quarters of a minute fetched a kernel and built and booted the guest. Where the Debian packages are missing too, count one minute more, and on a busy machine several times as much. The guest runs a kernel in user mode on one slow processor, where starting any program takes some 5 to 15 ms: the times are an upper bound, not a benchmark.',
      'measured once, on the machine that is described',
    ],
    [
      '**`npm test`** runs the tests, with the guest, restic and a real VS Code workbench among them: about 30 minutes on two cores.',
      'what the whole run takes, measured once; the next sentence says what is not in it',
    ],
    [
      "Both want Linux on x86-64 with npm and Node 18 or newer; they fetch Node 24 from the npm registry where the machine's own is older. The guest, restic and the browser are Debian packages: as root on Debian 12 they are installed with apt-get, otherwise one message lists what is missing; the tests that need them are then skipped with that reason, and the demo does not start.",
      'what the bootstrap does before there are tests to run',
    ],
    [
      "The guest's kernel is the newest User-Mode Linux that Debian offers and that boots on the processor, fetched into `~/.cache/stillpoint-lab`; both commands say which one it is ([the lab](test/lab/README.md)).",
      'what the lab does, with a page of its own',
    ],
    [
      '| this machine | tried: Debian 12, x86-64 | other Linux, macOS and Windows are untried |',
      'says what was tried: the tests run on such a machine',
    ],
    ['Limits that stay for now:', 'leads to the list below'],
    [
      '**A snapshot of what is being written is what a power cut would leave.** Databases with a journal (InnoDB, PostgreSQL, SQLite) recover from that; MyISAM tables may not.',
      'a limit, and what each database says of itself',
    ],
    [
      'Where mounts are private, as usual without systemd, a volume that is unmounted during a backup stays in use until its end.',
      "a limit: the kernel's way with private mounts",
    ],
    [
      'A thick snapshot slows writes to its volume while it lives, and takes room from the volume group.',
      "a property of LVM's thick snapshots",
    ],
    ['A thin snapshot takes the room of the pool that its volume is in.', "a property of LVM's thin snapshots"],
  ],
});
