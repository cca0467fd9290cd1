/** What docs/faults.md says of each case, by its number, and what holds it. */
import { ofPage } from './page.ts';

export const FAULTS = ofPage('docs/faults.md', {
  promises: [
    [
      '| 1 | The connection dies before our command began | Nothing ran on the host; it is tried again, after 1 s and after 5 s more. |',
      {
        'test/unit/remote/wire.test.ts': 'cut anywhere, it does nothing at all',
        'test/faults/remote-connection.test.ts': 'that is cut runs a repeatable command again and no other',
      },
    ],
    [
      '| 2 | The connection dies while an application is held still | The host finishes by itself: the section lets go, and the watchman where it hangs. |',
      {
        'test/contract/hook.ts': [
          'is let go where the section is killed',
          'is let go where section and watchman are killed',
        ],
        'test/faults/kill/cold.test.ts': 'a cold backup ${name}',
      },
    ],
    [
      '| 3 | The connection dies when the snapshots stand | Once they are mounted, the run waits for the host and goes on; before that it ends, and the watchman removes everything. |',
      {
        'test/unit/pipeline/backup-ends.test.ts': 'at "%s", and is there again, costs nothing but time',
        'test/faults/kill/strike-each.ts': 'is struck %s',
      },
    ],
    [
      '| 4 | The connection dies in the middle of content | What came counts, with what the host had said of it; a file that was on its way is read on from there. |',
      {
        'test/faults/kill/cut-line.test.ts': [
          'costs no run and no content, wherever it is cut',
          'goes on when it is there again, however often that was tried in vain, and in silence',
        ],
        'test/unit/pipeline/take-up.test.ts': 'at entry $entries, byte $bytes of it, is taken up',
      },
    ],
    [
      '| 5 | The connection dies between the content and its trailer | The content is not believed to be whole: it is taken up, or there is no restore point. |',
      {
        'test/faults/remote-connection.test.ts':
          'cut after any number of bytes never gives a short answer for a whole one',
        'test/unit/pipeline/read-tree.test.ts': '$kind at "$path" ends it all with that error',
      },
    ],
    [
      '| 6 | The connection dies while the snapshots are removed | The restore point stands; the watchman goes on, and the next run looks. |',
      {
        'test/faults/kill/kill.test.ts': 'at the release, when the connection is cut for good too',
      },
    ],
    [
      '| 7 | The lid of the laptop stays closed for hours | The host is clean at the end of the lease; on waking, one sentence says so. |',
      {
        'test/faults/kill/cut-line.test.ts':
          'ends the run where it stays away for longer than the lease, with one clear sentence and a clean host',
      },
    ],
    [
      '| 8 | Our process is killed between the commit and the release | The restore point stands, the next run sweeps. |',
      {
        'test/faults/kill/kill.test.ts': 'between the commit and the release',
        'test/unit/jobs/processes.test.ts':
          'whose process is killed after its commit says that the restore point is saved',
      },
    ],
    [
      '| 9 | A thick snapshot overflows while it is read | The watchman stops the readers; nothing read from it becomes a restore point. |',
      {
        'test/e2e/lease.test.ts':
          'stops the readers of a snapshot that overflowed, and nothing read from it becomes a restore point',
      },
    ],
    [
      '| 10 | It overflows after the last read and before the check | Nothing is committed. |',
      {
        'test/unit/snapshot/end-check.test.ts': 'the verdict on a snapshot',
        'test/contract/provider.ts': 'is not believed where its snapshot is gone before the last read',
      },
    ],
    [
      '| 11 | Something on the host unmounts what it mounted | Our mounts are in a namespace of their own; a snapshot that is unmounted there is not believed. |',
      {
        'test/faults/watchman/suite.ts': 'lets go of what the host unmounts',
        'test/unit/snapshot/end-check.test.ts': 'the verdict on a snapshot',
      },
    ],
    [
      '| 12 | The volume group is full | Refused before anything is made, with the numbers and the line that helps. |',
      {
        'test/e2e/lease.test.ts': 'refuses what cannot be had, before anything is made',
        'test/unit/snapshot/lvm-plan.test.ts': 'names every volume without room, not the first one alone',
      },
    ],
    [
      '| 13 | A thin pool is nearly full | Refused before anything is made, with the numbers and the line that helps. |',
      {
        'test/e2e/thin.test.ts': 'are refused with numbers and remedy where the pool is too full to begin',
      },
    ],
    [
      '| 14 | A thin pool fills up while it is read, its data or its metadata | Our snapshot goes first, then the run fails; the origin goes on. |',
      {
        'test/e2e/thin.test.ts': [
          'lose their snapshot and not their room when somebody fills the pool in the middle of a backup',
          'are refused, and lose their snapshot, where the metadata of their pool fill up while its data have room',
        ],
      },
    ],
    [
      '| 15 | A Btrfs or a ZFS pool has no room for a snapshot | Refused by that name, with the numbers; nothing is left. |',
      {
        'test/contract/provider.ts': 'calls a lack of room by its name, and leaves nothing of it',
        'test/zfs/room.test.ts': 'without room is not snapshotted, and the numbers are said',
      },
    ],
    [
      '| 16 | Somebody else removes our snapshot while it is read | No restore point, although what is left can be read. |',
      {
        'test/e2e/btrfs.test.ts':
          'gives no restore point where its snapshot is removed before "%s", although what is left can be read',
        'test/contract/provider.ts': 'is not believed where its snapshot is gone before the last read',
        'test/zfs/backup.test.ts': 'gives no restore point where its snapshot is taken away by force before "%s"',
      },
    ],
    [
      '| 17 | An administrator merges our snapshot, or extends it | Merged: nothing is committed. Extended: it is as good as before. |',
      {
        'test/unit/snapshot/end-check.test.ts': 'the verdict on a snapshot',
        'test/e2e/lease.test.ts': 'grows a snapshot that is 70 % full',
      },
    ],
    [
      '| 18 | The host is restarted while it is read | Nothing is committed; the next run removes what the restart left. |',
      {
        'test/e2e/lease.test.ts': 'sweeps what a restart left, and leaves foreign, other and living things alone',
        'test/contract/provider.ts': 'is swept after a restart that took processes and /run',
        'test/contract/storages/containers.test.ts':
          'come back when the daemon is started anew in the meantime, and are not believed to have been still',
      },
    ],
    [
      '| 19 | The disk of the repository is full | The host is released at once; earlier restore points are whole, and the next backup works. |',
      {
        'test/faults/repository.test.ts':
          'at any save leaves earlier restore points whole and the repository sound, and the next backup works',
        'test/unit/pipeline/backup-ends.test.ts': 'to save "%s" (after it has: %s)',
      },
    ],
    [
      '| 20 | What is stored is not what was meant to be | It is found, with what it hits, and earlier restore points are untouched. |',
      {
        'test/faults/repository.test.ts': [
          'of a writer with bad memory, who sealed other bytes than it hashed, is found',
          'names the restore points and files that it hits, and no others',
        ],
      },
    ],
    [
      '| 21 | A run that died left a snapshot | It is removed where it is ours and its run is over, and never used again. |',
      {
        'test/faults/watchman/suite.ts':
          'sweeps orphans of ours and leaves the living, the foreign and those of others',
        'test/faults/kill/kill.test.ts':
          'a client that is killed three times within one lease leaves nothing to the fourth',
      },
    ],
    [
      '| 22 | A snapshot of somebody else has a name like ours | It is left alone, and said. |',
      {
        'test/contract/provider.ts': 'leaves alone what has a name of ours and not our marks, and says so',
      },
    ],
    [
      "| 23 | Two clients, or five, save one host | What only one can have at a time each has in its turn, and the others wait. Each has snapshots of its own and removes no other's; the room is shared. |",
      {
        'test/e2e/hostile-host.test.ts': 'is backed up by five at once, of the same volumes',
        'test/contract/provider.ts':
          'serves two runs at once, one after the other in the section, though both planned with the same room',
        'test/faults/watchman/volumes.ts':
          'shares the room with runs that were quicker, down to what the snapshot needs',
      },
    ],
    [
      '| 24 | A mount of ours is busy | Our own readers are ended, strangers are not; what stays is named and tried again. |',
      {
        'test/faults/watchman/suite.ts': [
          'kills no process of a namespace that has none of our mounts',
          'tries again when lvremove fails, and goes on after a release that could not',
        ],
        'test/unit/pipeline/backup-ends.test.ts':
          'a snapshot that cannot be removed does not undo the restore point, and is named',
      },
    ],
    [
      '| 25 | The removal of a snapshot fails or hangs | It ends after a minute and is tried again; what stays is named. |',
      {
        'test/faults/watchman/suite.ts': 'tries again when lvremove fails, and goes on after a release that could not',
        'test/contract/provider.ts': 'in "%s", leaves nothing that a sweep does not find',
      },
    ],
    [
      '| 26 | The making of a snapshot hangs | What is held still is let go in time all the same, and nothing is claimed; what LVM finishes later is removed. |',
      {
        'test/contract/hook.ts': 'is let go by the watchman in time, where the section hangs, and then claims nothing',
        'test/faults/watchman/volumes.ts': 'removes a snapshot that LVM finished after the client had given up',
      },
    ],
    [
      "| 27 | A snapshot cannot be mounted | It is removed in the same run, with the kernel's reason. |",
      {
        'test/e2e/lease.test.ts': 'mounts nothing that it cannot, and gives the kernel’s reason',
      },
    ],
    [
      '| 28 | A snapshot is mounted and is not what it should be | The run fails; there is no empty backup. |',
      {
        'test/unit/snapshot/lease-answers.test.ts': 'pins what it mounted, or is not believed',
        'test/unit/snapshot/btrfs-volumes.test.ts': 'is bad for one %s',
      },
    ],
    [
      '| 29 | tar says that a file changed while it was read | From a snapshot that ends the run; read live, the file is read again, and named where it never stands still. |',
      {
        'test/unit/pipeline/take-answer.test.ts': 'of a snapshot a file that is not as it was listed ends the reading',
        'test/contract/storages/live-changes.test.ts': 'a file that %s is read four times, saved and named as torn',
      },
    ],
    [
      "| 30 | One file cannot be read: a bad sector, a damaged inode | It is named with the kernel's reason, all else is saved; zeros are never content. |",
      {
        'test/faults/unreadable.test.ts': 'is left out by name, with the kernel’s reason, and all else is saved',
      },
    ],
    [
      '| 31 | The program that reads is killed on the host | What came does not count as whole. |',
      {
        'test/unit/remote/shell-host.test.ts': 'that is killed on the host has no answer, however its output looks',
        'test/unit/pipeline/read-tree.test.ts': 'an exit code that is a failure fails it, although every entry came',
      },
    ],
    [
      '| 32 | sudo asks for a password, wants a terminal, lectures | Said before anything is made, with the line that helps. |',
      {
        'test/contract/remote-sudo.test.ts': [
          'refuses by name what cannot be: %s (%s)',
          'is not disturbed by a lecture and a prompt of its own',
        ],
      },
    ],
    [
      '| 33 | Our rights on the host are taken away in the middle | The watchman has run as root since the beginning and cleans up. |',
      {
        'test/e2e/lease.test.ts': 'removes snapshot, mount, reader and itself when nobody renews',
      },
    ],
    [
      '| 34 | The host shows another key than before | A hard stop, with both fingerprints; nobody is asked. |',
      {
        'test/contract/remote-login.test.ts':
          'and stops hard at a changed one, whoever is there, with both fingerprints',
      },
    ],
    [
      '| 35 | A key needs a passphrase, or a touch, and nobody is there | Refused at once; a person who is there is asked. |',
      {
        'test/contract/remote-login.test.ts': [
          'asks for the passphrase of a key that the host wants, and again when it was wrong',
          'is never asked for where the configuration says BatchMode',
        ],
      },
    ],
    [
      '| 36 | The host speaks another language, with other decimals | Our scripts have an environment of their own; other forms of an answer are refused. |',
      {
        'test/unit/remote/wire.test.ts': 'runs under %s in an environment of ours alone',
        'test/unit/snapshot/lvm-records.test.ts': 'refuses %s',
      },
    ],
    [
      '| 37 | A startup file prints where nobody asked | It is dropped before our command begins, and is no content. |',
      {
        'test/unit/remote/shell-host.test.ts': [
          'may print before our command; it is dropped',
          'passes content that looks like framing',
        ],
      },
    ],
    [
      '| 38 | A startup file starts another program, ends, or asks | Given up in time, with its name. |',
      {
        'test/contract/remote-shells.test.ts': 'an rc file that starts something else never runs what we send',
        'test/unit/remote/shell-host.test.ts': 'that never answers is given up in time',
      },
    ],
    [
      '| 39 | Aliases, functions and settings stand for other programs | They are not seen: our shell is a fresh one with a path of its own. |',
      {
        'test/e2e/hostile-host.test.ts':
          'whose settings, environment and rc files would steer every program is backed up and left clean',
      },
    ],
    [
      '| 40 | The login shell is fish, csh, zsh, or a restricted one | It works, or is refused with the reason. |',
      {
        'test/contract/remote-shells.test.ts': [
          'runs our commands, untouched by its rc file',
          'a restricted shell is refused cleanly or works',
        ],
      },
    ],
    [
      '| 41 | Names have newlines, escapes, any bytes | They are saved and restored byte for byte, and shown harmlessly. |',
      {
        'test/e2e/torture-tree.test.ts': 'comes back identical by our restore',
        'test/unit/base/bytes.test.ts': 'nothing that is shown can move the cursor or hide',
      },
    ],
    [
      '| 42 | Paths are longer than a path may be, trees are huge | They are walked in bounded memory, without recursion. |',
      {
        'test/e2e/torture-tree.test.ts': 'is in the restore point whole',
        'test/unit/pipeline/restore/walk.test.ts': 'a tree of any depth is walked without recursion',
        'test/faults/remote-connection.test.ts': 'carries 1 GiB within bounded memory',
      },
    ],
    [
      '| 43 | There are pipes, sockets and devices in the tree | They are recorded and never opened. |',
      {
        'test/unit/pipeline/read-tree.test.ts': 'stores every entry at its place, with its content',
        'test/e2e/torture-tree.test.ts': 'is in the restore point whole',
      },
    ],
    [
      '| 44 | Somebody puts a link in the way while files are read live | It is not followed: the file of another is never taken for it. |',
      {
        'test/contract/storages/live.test.ts':
          'does not take the content of a file of root for that of a user who puts a link in the way',
      },
    ],
    [
      "| 45 | A clock jumps, there or here | Leases go by the host's uptime, restore points bear our time, and what changed is found by being different. |",
      {
        'test/e2e/hostile-host.test.ts': 'keeps its promises while its clock jumps',
        'test/unit/pipeline/clocks.test.ts': [
          'is dated by our clock where that of the host is %s, and keeps the other',
          'though its times are the same again: %s',
        ],
      },
    ],
    [
      '| 46 | The host is suspended for a while | It is asked again when it wakes; what was held is let go by its own clock. |',
      {
        'test/e2e/hostile-host.test.ts': 'that is suspended for longer than a command may take to begin is asked again',
        'test/contract/hook.ts': 'is let go by the watchman in time, where the section hangs, and then claims nothing',
      },
    ],
    [
      '| 47 | The session that holds a database is ended in the middle | It is not proved that it stood still, and nothing is claimed. |',
      {
        'test/contract/hook.ts': 'claims nothing where somebody let go in between',
      },
    ],
    [
      '| 48 | A database cannot be locked in time | It is given up; no snapshot is made, and the database goes on. |',
      {
        'test/contract/hook.ts': 'makes no snapshot where the application does not hold still',
      },
    ],
    [
      '| 49 | A service does not come back after a cold backup | Said louder than anything; the backup is kept, and the host goes on trying. |',
      {
        'test/e2e/cold.test.ts':
          'of a service that does not come back fails as loudly as anything can, and keeps what it saved',
      },
    ],
    [
      '| 50 | A service that was stopped is started again in the middle | It is not believed to have stood still. |',
      {
        'test/contract/hook.ts': 'claims nothing where somebody let go in between',
      },
    ],
    [
      '| 51 | A nested volume comes between the look and the snapshot | It is told, and empty in this restore point. |',
      {
        'test/e2e/btrfs.test.ts': 'tells of a subvolume that came after the plan, unless it is left out',
        'test/zfs/backup.test.ts': 'tells of a dataset that came after the plan',
      },
    ],
    [
      '| 52 | Something is mounted or unmounted below the tree in the middle | What is read from a snapshot does not change by it; read live, it is told. |',
      {
        'test/faults/watchman/suite.ts': 'lets go of what the host unmounts',
        'test/contract/storages/live-changes.test.ts':
          'tells of what is mounted below: what is in memory is not saved, another file system is',
      },
    ],
    [
      '| 53 | There are files beneath a mount point | They are not mixed with those of what is mounted, and not in the restore point. |',
      {
        'test/unit/pipeline/paths.test.ts': 'of the place of a nested tree only the place',
      },
    ],
    [
      '| 54 | A volume holds another volume manager, or is encrypted | Refused with the reason and with what would work. |',
      {
        'test/unit/snapshot/origin.test.ts': 'that holds %s %j cannot',
        'test/unit/snapshot/detect.test.ts': 'are not seen through what lies between them and the file system',
      },
    ],
    [
      '| 55 | The kernel lacks the module for snapshots | Refused with its name. |',
      {
        'test/unit/snapshot/lvm-errors.test.ts': 'LVM that says "%s" is told with what helps',
      },
    ],
    [
      "| 56 | /run of the host is full, read-only, or somebody else's | Refused before anything is made. |",
      {
        'test/e2e/lease.test.ts': 'refuses what cannot be had, before anything is made',
        'test/faults/watchman/suite.ts': 'puts nothing into %s, and touches nothing in it',
      },
    ],
    [
      '| 57 | The host has busybox, or lacks a program | It works, or says which program and package is missing before anything is made. |',
      {
        'test/unit/snapshot/lease-answers.test.ts': 'a host that lacks a program is told which package has it',
        'test/unit/remote/shell-host.test.ts': 'runs scripts with arguments, input and exit codes',
      },
    ],
    [
      '| 59 | The backup before was cut | A restore point is whole or not there, so none that was cut is built upon. |',
      {
        'test/faults/repository-kill.test.ts': '${KILLS} kills leave every restore point whole (seed ${SEED})',
        'test/unit/pipeline/unchanged.test.ts': 'that could not be read wholly is read again',
      },
    ],
    [
      '| 60 | The network changes bytes | The connection notices and is lost, and the run takes it up; nothing of it becomes content. |',
      {
        'test/faults/kill/cut-line.test.ts': 'is not believed where bytes are changed on the way',
      },
    ],
    [
      '| 58 | The repository lies within what is saved | It is known by its file `config`, left out, and told. |',
      {
        'test/e2e/btrfs.test.ts': 'is saved without the repository into which the backup goes, which is told',
      },
    ],
  ],
});
