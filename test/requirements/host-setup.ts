/** What docs/host-setup.md promises, and what holds it. */
import { ofPage } from './page.ts';
import { ZFS_ON_HOSTS } from './zfs.ts';

export const HOST_SETUP = ofPage('docs/host-setup.md', {
  promises: [
    ['Nothing is installed on the host.', { 'test/e2e/living-database.test.ts': 'the guest is left without a trace' }],
    [
      "It needs an SSH server and programs that a Debian server has anyway: GNU tar and find; for snapshots util-linux (`mount`, `unshare`, `nsenter`, `flock`) and a writable `/run`, for those of LVM `dmsetup` and LVM's programs, for those of Btrfs `btrfs` (btrfs-progs), for those of ZFS `zfs` and `zpool` (zfsutils-linux).",
      { 'test/unit/snapshot/lease-answers.test.ts': 'a host that lacks a program is told which package has it' },
    ],
    [
      'A plan or a backup says which program is missing, `stillpoint inspect` too; `stillpoint inspect HOST` shows the volumes, and why one cannot be snapshotted.',
      {
        'test/unit/pipeline/automounts.test.ts': 'a program that is not there',
        'test/unit/snapshot/lease-answers.test.ts': 'a host that lacks a program is told which package has it',
        'test/e2e/hostile-host.test.ts': 'says of each volume that cannot be saved what is wrong with it',
      },
    ],
    [
      'Each comes with the lines that mend it, which you look at and run; Stillpoint runs none of them.',
      { 'test/e2e/advise.test.ts': 'has each of them named, and the lines that come with them mend them' },
    ],
    [
      'For an account that is there already, `stillpoint advise HOST` prints the lines that write this file and check it.',
      {
        'test/e2e/advise.test.ts': 'has each of them named, and the lines that come with them mend them',
        'test/unit/pipeline/advise/judge.test.ts':
          'that are missing come as lines that check themselves before they count',
      },
    ],
    [
      'To be asked for sudo\'s password instead, leave out `NOPASSWD:` and write `"sudo": "password"`; such a host cannot be backed up from cron.',
      {
        'test/contract/remote-shells.test.ts': 'with a password that a person types once, and nobody can read anywhere',
        'test/contract/stillpoint-host.test.ts': 'fails the job where nobody can be asked',
      },
    ],
    [
      "The password goes to sudo's own prompt and nowhere else.",
      {
        'test/contract/remote-shells.test.ts': [
          'never gives the password to a shell: where sudo stops asking, nothing is sent',
          'with a password that a person types once, and nobody can read anywhere',
        ],
      },
    ],
    [
      'A sudo that records input or output (`log_output` and the like) is refused, because the whole backup would be copied into that record.',
      { 'test/contract/remote-shells.test.ts': 'is refused with the line that would help' },
    ],
    [
      "| sudo, sudo-rs (Ubuntu's since 25.10) | used |",
      {
        'test/contract/remote-sudo.test.ts': [
          'without a password',
          'with a password, again and again, and with input behind it',
        ],
      },
    ],
    [
      '| `use_pty`, a lecture, `passprompt` | make no difference |',
      {
        'test/contract/remote-shells.test.ts': 'carries bytes, also where sudo makes a terminal of its own',
        'test/contract/remote-sudo.test.ts': 'is not disturbed by a lecture and a prompt of its own',
      },
    ],
    [
      '| `rootpw`, `targetpw`, `runaspw` | the question names the account whose password sudo wants |',
      { 'test/contract/remote-sudo.test.ts': 'asks for the password that sudo wants, and says whose it is' },
    ],
    [
      '| `requiretty`, `log_output` and the like, `noexec` or `NOEXEC:` on the rule | refused, with the line of sudoers that would help |',
      {
        'test/contract/remote-shells.test.ts': 'is refused with the line that would help',
        'test/contract/remote-sudo.test.ts': [
          'refuses by name what cannot be',
          'refuses by name a shell that may start nothing, and does not blame the password',
        ],
      },
    ],
    [
      '| a one-time code or a touch instead of a password | refused, with what sudo asks |',
      { 'test/contract/remote-sudo.test.ts': 'is refused with what it asks' },
    ],
    [
      '| doas | not used: it reads passwords from a terminal only; refused by its name where there is no sudo |',
      { 'test/contract/remote-sudo.test.ts': 'is refused by the name of doas' },
    ],
    [
      'What a source names has to lie on LVM volumes: thick ones (linear, striped or RAID) or thin ones, with ext2, ext3, ext4 or XFS directly on them; or on Btrfs or ZFS, on whatever devices that lies.',
      {
        'test/unit/snapshot/thin-refusal.test.ts': 'a thin volume can be snapshotted, on ext and XFS',
        'test/unit/snapshot/btrfs-volumes.test.ts': 'are its subvolumes, each at all places where it is seen',
        'test/unit/snapshot/zfs-volumes.test.ts':
          'are the datasets that are mounted, by the name that the kernel has for them, at all their places',
        'test/unit/snapshot/origin.test.ts': [
          'of type %s can',
          'that holds %s %j cannot',
          'what is on no logical volume',
        ],
      },
    ],
    [
      '`stillpoint inspect HOST` says for every other mount why not and what would help, and a plan or a backup names everything that stands in the way at once.',
      {
        'test/unit/snapshot/detect.test.ts': 'say why there is no snapshot of them, and what would help',
        'test/e2e/hostile-host.test.ts': 'says of each volume that cannot be saved what is wrong with it',
        'test/unit/pipeline/paths.test.ts':
          'everything that stands in the way is told at once, each with its reason and remedy',
      },
    ],
    ['Nothing is made before.', { 'test/e2e/lease.test.ts': 'refuses what cannot be had, before anything is made' }],
    [
      'A source that asks for it has what no snapshot can hold [read live](#hosts-without-snapshots) instead.',
      {
        'test/unit/pipeline/paths.test.ts':
          'what cannot be snapshotted is read live where the source asks for it, and all else is snapshotted',
      },
    ],
    [
      '| cache or write cache (`lvconvert --splitcache` detaches it), VDO, dm-integrity, old `mirror` | LVM or this version makes no snapshot of it | another type of volume |',
      {
        'test/unit/snapshot/origin.test.ts': [
          'of type "%s" cannot, and the reason fits',
          'that is a RAID with checksums in its images cannot; one beside such a RAID can',
        ],
      },
    ],
    [
      '| thin volume over an external origin; thin pool with a cache, a write cache or VDO under it | this version makes no snapshot of it | `lvconvert --splitcache`, or another volume |',
      {
        'test/unit/snapshot/thin-refusal.test.ts': [
          'that lies over a volume outside of its pool, or over one that nobody knows',
          'whose pool has %s of type %s',
        ],
        'test/e2e/thin.test.ts': 'are refused where a layer of theirs is no thin volume, or the pool is in trouble',
      },
    ],
    [
      '| thin pool that is suspended, without room, read-only, failed, or to be checked (`needs_check`) | its volumes are in danger already | `lvextend`, or `lvconvert --repair` with nothing of it in use |',
      {
        'test/unit/snapshot/thin-refusal.test.ts': [
          'whose pool says "%s"',
          'whose pool has failed, is suspended, or is not there',
        ],
        'test/e2e/thin.test.ts': 'are refused where a layer of theirs is no thin volume, or the pool is in trouble',
      },
    ],
    [
      '| a snapshot, a volume that is being merged, converted or moved (`pvmove`) | LVM keeps it locked, or it is not an origin | its origin, or waiting |',
      { 'test/unit/snapshot/origin.test.ts': 'with the attributes %s cannot' },
    ],
    [
      '| encryption, a partition table or a loop device on top of a volume | LVM cannot hold the file system still through it | encryption below LVM |',
      { 'test/unit/snapshot/origin.test.ts': 'what is on no logical volume' },
    ],
    [
      '| journal, log or real-time part on another device | the snapshot does not contain it | a journal inside |',
      { 'test/unit/snapshot/origin.test.ts': ['whose journal is on another device cannot', 'that holds %s %j cannot'] },
    ],
    [
      '| group that is shared, exported, of another machine, with a disk that is missing or visible twice | LVM changes nothing in it | what `inspect` says |',
      {
        'test/unit/snapshot/origin.test.ts': 'a volume group',
        'test/faults/watchman/unsuitable-lvm.test.ts':
          'names a group of another machine, one that is exported, and one with a disk that is visible twice',
      },
    ],
    [
      '| `activation/volume_list`, `global/test` and the like in lvm.conf | LVM may activate or change nothing | adding `"@stillpoint"` to the list |',
      {
        'test/unit/snapshot/origin.test.ts': 'the settings of LVM',
        'test/faults/watchman/unsuitable-lvm.test.ts': 'names a setting that makes LVM do nothing',
      },
    ],
    [
      '| Btrfs that is read-only as a whole | nothing can be made in it | `mount -o remount,rw`; a look into `dmesg` |',
      { 'test/e2e/btrfs.test.ts': 'that is read-only is refused, with what would help' },
    ],
    [
      '| a subvolume with a file that is swapped to | Btrfs makes no snapshot of it | the swap file in a subvolume of its own, named under `exclude` |',
      { 'test/unit/snapshot/btrfs-volumes.test.ts': 'holds a file that is swapped to, in that subvolume only' },
    ],
    [
      '| Btrfs whose metadata is nearly full and cannot grow | it could stop being writable | removing what is not needed, another device, `btrfs balance` |',
      {
        'test/unit/snapshot/btrfs-volumes.test.ts': 'is refused once for a file system whose metadata can hardly grow',
      },
    ],
    [
      '| Btrfs whose top level cannot be mounted, as in most containers | snapshots are made there | a backup of the machine around it |',
      {
        'test/unit/snapshot/btrfs-volumes.test.ts':
          'could not be looked at (%s), and all that is mounted of it says so',
      },
    ],
    [
      '| plain partitions, md, bcache, multipath without LVM, Btrfs or ZFS | nothing can snapshot them | LVM or Btrfs on top of them, or [reading them live](#hosts-without-snapshots) |',
      {
        'test/unit/snapshot/origin.test.ts': 'what is on no logical volume',
        'test/unit/snapshot/detect.test.ts': 'cannot be snapshotted',
      },
    ],
    [
      '| read-only images (squashfs, ISO 9660), partitions of the firmware, network, memory | there is nothing to snapshot | `exclude` |',
      {
        'test/unit/snapshot/origin.test.ts': [
          'images that are never written to are not told to move',
          'what the firmware reads cannot be moved',
        ],
        'test/unit/snapshot/detect.test.ts': 'without data are only those of the kernel',
      },
    ],
    [
      'A RAID that is being rebuilt is saved, with a note in the plan.',
      { 'test/unit/snapshot/lvm-plan.test.ts': 'with the attributes' },
    ],
    [
      "Settings of lvm.conf that only change how LVM's answers look have no effect on Stillpoint ([record 18](decisions/0018-presentation-is-ours-policy-theirs.md)).",
      { 'test/faults/watchman/hostile-lvm.test.ts': 'wants %s is seen as it is, and rid of what is ours' },
    ],
    [
      'Each subvolume is a volume of its own. Those that lie below a path of a source are saved with it, mounted or not. Each has an instant of its own, one directly after the other, and the report says how far they are apart.',
      {
        'test/e2e/btrfs.test.ts': 'is saved with what is nested in it, mounted or not, and comes back byte for byte',
        'test/contract/provider.ts':
          'makes the snapshots of nested volumes in one script, and mounts each at its place',
      },
    ],
    [
      'What must not be saved, such as the layers of containers below `/var/lib/docker/btrfs`, is named under `exclude`; then no snapshot is made of it either.',
      { 'test/e2e/btrfs.test.ts': 'gives a snapshot of somebody where a source names it' },
    ],
    [
      'Read-only snapshots that others keep (snapper and btrbk do) are left out where what they are snapshots of is still there. They are empty folders in the restore point, and one note of the plan and of the backup counts them.',
      {
        'test/e2e/btrfs.test.ts': 'is saved with what is nested in it, mounted or not, and comes back byte for byte',
        'test/unit/pipeline/set-aside.test.ts': 'is left out and told of in one note for each kind, as an empty place',
      },
    ],
    [
      'A path under `paths` that leads to one saves it.',
      {
        'test/e2e/btrfs.test.ts': 'gives a snapshot of somebody where a source names it',
        'test/unit/pipeline/set-aside.test.ts': 'is saved where a source names it, or something in it',
      },
    ],
    [
      'Writable subvolumes, and read-only ones whose origin is gone or that never had one, are saved.',
      {
        'test/e2e/btrfs.test.ts': 'is saved with what is nested in it, mounted or not, and comes back byte for byte',
        'test/unit/snapshot/btrfs-volumes.test.ts': 'that are snapshots of others are set aside within another one: %s',
      },
    ],
    [
      'A subvolume that is made when the backup has begun to look and has no snapshot yet is an empty folder, of which a warning tells.',
      { 'test/e2e/btrfs.test.ts': 'tells of a subvolume that came after the plan, unless it is left out' },
    ],
    [
      'One that is removed, renamed or moved in that time, and was to be saved, ends the backup, which can be run again.',
      { 'test/e2e/btrfs.test.ts': 'fails where a subvolume %s after the plan, and leaves nothing' },
    ],
    [
      'Snapshots lie in `.stillpoint` at the top level of the file system, which is made for the first and removed with the last.',
      { 'test/e2e/btrfs.test.ts': 'is saved with what is nested in it, mounted or not, and comes back byte for byte' },
    ],
    [
      'No mount of the host shows them but one of the top level itself, and a backup of the top level leaves the folder out.',
      { 'test/e2e/btrfs.test.ts': 'is saved from its top level without the folder that is ours' },
    ],
    [
      "A `.stillpoint` that is a link, or not root's alone (mode 0700), is not touched, and no snapshot is made then.",
      { 'test/e2e/btrfs.test.ts': 'is not snapshotted into %s' },
    ],
    [
      'Where less than a twentieth of a Btrfs, or 10 GiB, is free, the plan says so; where its metadata is filled to more than 75 % and there is less than 1 GiB (of a small one a tenth) from which it could grow, nothing is made.',
      {
        'test/unit/snapshot/btrfs-volumes.test.ts': 'is refused once for a file system whose metadata can hardly grow',
      },
    ],
    [
      'Where there is more, it takes up to half of the free space, but never more than the volume could need, which makes an overflow impossible.',
      {
        'test/unit/snapshot/sizing.test.ts': [
          'never shrinks with more room, nor with more writing',
          'is enough for every chunk where there is room for it',
        ],
      },
    ],
    [
      'A tenth of the free space stays untouched.',
      {
        'test/unit/snapshot/sizing.test.ts':
          'is whole extents, at least what is needed, at most what is useful, and leaves the reserve',
        'test/faults/watchman/volumes.ts': 'grows a snapshot at 70 % by a quarter, as long as the reserve stays',
      },
    ],
    [
      'A snapshot that is filled to 70 % is made larger while room lasts.',
      {
        'test/e2e/lease.test.ts': 'grows a snapshot that is 70 % full',
        'test/faults/watchman/volumes.ts': 'grows a snapshot at 70 % by a quarter, as long as the reserve stays',
      },
    ],
    [
      '`stillpoint plan SOURCE` prints the sizes that would be taken and what is left.',
      { 'test/e2e/shells.test.ts': 'prints the plan, the restore and the sweep for people' },
    ],
    [
      "So a backup is begun only where the pool's data is full to 80 % at the most and its metadata to 70 %, and where what is likely to be written while it is read fits below 90 %, judged by the average since the host started.",
      {
        'test/unit/snapshot/thin-plan.test.ts': [
          'is made up to %s',
          'is refused where what is likely to be written is more than the pool has',
        ],
      },
    ],
    [
      'Otherwise it is refused with the numbers and the `lvextend` line that would help; Stillpoint never makes a pool larger.',
      {
        'test/unit/snapshot/thin-plan.test.ts': [
          'is refused above 80 % of the data, with the numbers and the line that helps',
          'is refused above 70 % of the metadata',
        ],
        'test/e2e/thin.test.ts': 'are refused with numbers and remedy where the pool is too full to begin',
      },
    ],
    [
      'At 90 % of the data or 85 % of the metadata, whoever fills it, the snapshot is removed at once, also when the machine that reads it is away.',
      {
        'test/e2e/thin.test.ts': 'lose it also while no client is there, who hears afterwards why',
        'test/faults/watchman/threats.ts': [
          'gives up the snapshot of a pool %s, with nobody there, and says why afterwards',
          'leaves a pool alone that is just below 90 % of its data and 85 % of its metadata',
        ],
      },
    ],
    [
      'The run then fails with `snapshot.given-up` and says which pool it was, what was running out and how full it was; the volume goes on, and has back the room that the snapshot took.',
      {
        'test/e2e/thin.test.ts':
          'lose their snapshot and not their room when somebody fills the pool in the middle of a backup',
      },
    ],
    [
      "A thin snapshot is activated for the backup alone: it has LVM's flag against activation, so neither a restart nor `vgchange -ay` brings it up again. Links in `/dev/disk/by-uuid` and `by-label` lead to the snapshot for about a second after it was made, because udev gives them to what it saw last; then Stillpoint has udev look at the volume again, and they lead to that.",
      {
        'test/e2e/thin.test.ts':
          'keep their names by file system, their monitor and their flags while a snapshot stands',
      },
    ],
    [
      'A thin snapshot of ours whose volume was removed is left alone, and `sweep` says so: it may be all that is left of it.',
      {
        'test/e2e/thin.test.ts': 'leave a snapshot of ours alone that has lost its origin: it may be all that is left',
      },
    ],
    [
      "Snapshots are mounted in a mount namespace of their own, which follows the host's where mounts are _shared_, as systemd makes them: what is unmounted on the host is unmounted there too.",
      { 'test/faults/watchman/suite.ts': 'lets go of what the host unmounts' },
    ],
    [
      'A volume that is not mounted when a backup begins is an empty folder of the file system around it, which may well be saved. The backup warns where the restore point before had something there.',
      {
        'test/unit/pipeline/emptied.test.ts': [
          'a folder that is empty now and was not before is named, once',
          'a folder that was always empty, or has something in it, is not',
        ],
      },
    ],
    [
      'A backup looks at each automount below its paths before it takes stock of the volumes, as `ls` would, so that it holds the same whether or not it was used lately.',
      { 'test/unit/pipeline/automounts.test.ts': 'is looked at, so that idle and in use come to the same' },
    ],
    [
      'What does not mount then, and maps in which folders appear by being asked for, stop the backup: name them under `exclude`.',
      {
        'test/unit/pipeline/automounts.test.ts': [
          'is refused by name where it stays idle',
          'is refused where it is a map, whatever is in it just now',
          'is left alone where it, or a folder on the way to it, is excluded',
        ],
      },
    ],
    [
      'What `ssh db1` reaches, Stillpoint reaches, with `ProxyJump` and all the rest of the OpenSSH configuration ([every keyword](ssh.md)).',
      {
        'test/contract/remote-login.test.ts': 'around the corner',
        'test/contract/ssh-keywords.test.ts': 'has a case for every row',
      },
    ],
    [
      'When no backup runs, the first three show nothing but [snapshots that are kept](kept-snapshots.md), and the folder is not there.',
      {
        'test/e2e/btrfs.test.ts': 'is saved with what is nested in it, mounted or not, and comes back byte for byte',
        'test/e2e/living-database.test.ts': 'the guest is left without a trace',
      },
    ],
    [
      "A `/run/stillpoint` that is a link, or in which others than root can write, is not Stillpoint's: backups refuse it until it is removed.",
      { 'test/faults/watchman/suite.ts': 'puts nothing into %s, and touches nothing in it' },
    ],
    [
      'If a host was restarted in the middle of one, a snapshot may wait there for the next backup, or for `stillpoint sweep HOST`, which removes what _this_ installation made.',
      { 'test/e2e/lease.test.ts': 'sweeps what a restart left, and leaves foreign, other and living things alone' },
    ],
    [
      'Of a snapshot that another one made, and that no longer exists, `sweep` says that it belongs to another Stillpoint; if you are sure, remove it by its full name, which begins with `sp_`: `lvremove VG/sp_…`, or, at the top level of a Btrfs (`mount -o subvolid=5`), `btrfs subvolume delete .stillpoint/sp_…/sp_…`, or `zfs release sp_RUN DATASET@sp_…` and `zfs destroy DATASET@sp_…`.',
      {
        'test/faults/watchman/suite.ts':
          'sweeps orphans of ours and leaves the living, the foreign and those of others',
      },
    ],
    [
      'A thick snapshot takes its room from the free space of the volume group, and holds what is _changed_ on the origin while it is read. Stillpoint wants at least the largest of 256 MiB, a twentieth of the volume, and three times what is likely to be written in that time, judged by the average since the host started.',
      {
        'test/unit/snapshot/sizing.test.ts': [
          'is whole extents, at least what is needed, at most what is useful, and leaves the reserve',
          'needs no more than the floor for a quiet volume',
        ],
      },
    ],
    ...ZFS_ON_HOSTS,
  ],
  exceptions: [
    [
      'LVM has two kinds of volumes. A _thick_ one has all of its room from the beginning, and its snapshot needs free room in the volume group. A _thin_ one gets its room from a _pool_ as it is written to, and its snapshot takes what it needs from the same pool. `lvs` names the pool of a thin one in the column `Pool`.',
      'how thick and thin volumes are',
    ],
    [
      'A thin snapshot takes no room when it is made. From then on, what is written to its volume takes new room of the pool, and a pool without room stops everything that writes to any of its volumes.',
      'how thin snapshots and pools are',
    ],
    [
      'While a snapshot lives, the host looks at the pool every two seconds.',
      'the next sentence says what comes of it, and is held',
    ],
    [
      'What dmeventd does for a pool (`thin_pool_autoextend_threshold`) is left as it is set; a pool that grows by itself in time is the better answer.',
      'advice; that the monitor stays is tested with the flags',
    ],
    [
      'Where udev was slow or `udevadm` is missing they lead to the snapshot until it is removed. Nothing that is mounted notices; do not mount by UUID or label in that time.',
      'how udev and mounts are, and advice',
    ],
    [
      'A snapshot of a dataset takes no room at first and then holds what is changed or removed, out of what the pool and each `quota` above leave; in a `refquota` it does not count.',
      'a property of ZFS',
    ],
    [
      'A snapshot of a subvolume takes no room at first. What is changed or removed while it lives goes on taking its room until the end of the backup.',
      'a property of Btrfs',
    ],
    ['`vgs` shows what is free; `vgextend` adds a disk.', 'commands of LVM, for the administrator'],
    [
      'While a snapshot lives, every first write to a part of its volume costs an additional copy.',
      'a property of LVM',
    ],
    [
      'Where they are private (`findmnt -o TARGET,PROPAGATION` says so; usual without systemd), a volume that is unmounted during a backup stays in use until the backup or its lease ends.',
      "a limit: the kernel's way with private mounts",
    ],
    [
      '[Security](security.md#what-stillpoint-leaves-on-a-host) lists it. To look for yourself:',
      'leads to the page about security, and to the commands below',
    ],
    [
      "lvs -o vg_name,lv_name,lv_tags @stillpoint btrfs subvolume list MOUNTPOINT | grep '\\.stillpoint/sp_' zfs list -t snapshot | grep @sp_ ls /run/stillpoint",
      'commands for the administrator; the sentence below them says what they show',
    ],
  ],
});
