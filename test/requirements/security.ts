/** What docs/security.md promises, and what holds it. */
import { ofPage } from './page.ts';

export const SECURITY = ofPage('docs/security.md', {
  promises: [
    [
      "What backups remember of unchanged folders (`remembered/` in the state folder) is sealed by the repository's key; hashes and ids are in it, and no names.",
      {
        'test/unit/pipeline/remembered-folders.test.ts':
          'are none of them with another parent, another context, a file of another key, a damaged file, or a week later',
      },
    ],
    [
      "**A host that was broken into** cannot read or delete its backups: it never holds the repository's keys, and it cannot log in anywhere; we log in to it.",
      {
        'test/unit/pipeline/backup-ends.test.ts': 'the host is sent neither the password nor the key of the repository',
        'test/contract/ssh-keywords.test.ts': 'has a case for every row',
      },
    ],
    [
      "It cannot make keep rules give up the good ones before their time either: restore points bear our time and not the host's, and one whose time cannot be believed counts for nothing ([record 19](decisions/0019-whose-clock-dates-a-restore-point.md)).",
      {
        'test/unit/pipeline/clocks.test.ts': 'a host cannot destroy its own backups',
        'test/unit/pipeline/forget-clocks.test.ts':
          'twelve restore points of the future push out none of the past, and stay until a person names them',
      },
    ],
    [
      'Text from a host (names, messages) is data: names are shown with control characters escaped, outputs are parsed strictly, sizes are bounded.',
      {
        'test/unit/base/bytes.test.ts': 'nothing that is shown can move the cursor or hide',
        'test/unit/cli/render.test.ts': 'can neither move the cursor nor begin a line',
        'test/unit/pipeline/listing.test.ts': 'does not understand %j',
        'test/unit/remote/shell-host.test.ts': [
          'has at most 64 MiB of answer',
          'whose output cannot be understood says so and is not an answer',
        ],
      },
    ],
    [
      '**A store that was broken into** sees encrypted files with random names, their sizes and times.',
      {
        'test/unit/repository/aes-poly1305.test.ts': 'gives back every message, with fresh random bytes each time',
        'test/unit/repository/local-backend.test.ts': 'has the layout and modes of restic',
      },
    ],
    [
      'It can delete or damage them; what that takes from a restore point that is there, `check` and `verify` find.',
      {
        'test/faults/repository.test.ts': [
          'in any bit of any kind of file is found (format %i)',
          'by cutting or emptying or losing any file is found by check alone',
        ],
      },
    ],
    [
      "What is stored is authenticated with the repository's key, and node names that would lead out of a folder are refused, and nothing is made below an entry that is no folder.",
      {
        'test/unit/repository/aes-poly1305.test.ts': ['shows every flipped bit', 'opens with no other key'],
        'test/unit/repository/format/tree.test.ts': 'refuse the name %j both ways',
        'test/interop/restore-hostile.test.ts': 'a node that is no folder has no children',
      },
    ],
    [
      'A restore works in a folder that is closed to other users, whoever the target belongs to, and moves what came to its place at the end; so it writes nothing outside of the target ([record 10](decisions/0010-restores-go-through-tar.md)).',
      {
        'test/interop/restore-attacked.test.ts': [
          'the target is exchanged for a link',
          'the names of what is restored are taken by links before it is moved to its place',
          'until it is complete nobody else can look into it, and then it is as it was',
        ],
      },
    ],
    [
      'A snapshot that is [kept on purpose](kept-snapshots.md) is called `spk_…` and stays until somebody removes it.',
      {
        'test/contract/kept.ts':
          'stays beside sweeps and surveys, says by itself what it is, and goes when a person wants it',
      },
    ],
    [
      '**An assistant that was talked into something** can look, plan and start backups.',
      { 'test/e2e/shells.test.ts': 'looks at the host, plans, backs up, waits, and finds the file again' },
    ],
    [
      'There is no tool that deletes, overwrites, restores, changes the configuration or accepts a host key.',
      {
        'test/mcp/contract.test.ts': [
          'docs/mcp.md tells of exactly these tools',
          'no tool takes a secret, a command, an address or a yes',
          'the annotations are the agreed ones',
        ],
      },
    ],
    [
      "A backup stops the services that its source names under `stop`, holds what it names under `quiesce`, and runs its commands and dumps with root's rights, whoever starts it.",
      { 'test/e2e/cold.test.ts': 'is cold, and the service runs again before anything is read' },
    ],
    [
      '**A person at the next desk** finds job records and logs in the state folder (mode 0700) without secrets in them.',
      {
        'test/unit/jobs/job-store.test.ts': 'is for the user alone, also when it was there with other rights',
        'test/unit/jobs/processes.test.ts': 'reach the runner, and neither its arguments, its environment nor any file',
      },
    ],
    [
      "**Another user of the host** sees in the list of processes that a backup runs, with the words of its programs and of the person's commands; passwords are in none of them, and in no environment.",
      { 'test/canary/canary.test.ts': 'in any process, program, file or word, and whoever looks can see' },
    ],
    [
      'What a run keeps on the host is for root alone: its snapshots and holds, what is to run afterwards, and what tar has said, with names of files in it, for a client that comes back after a lost connection.',
      { 'test/canary/canary.test.ts': 'where the line is cut, and where the process is killed' },
    ],
    [
      'It goes with the run.',
      { 'test/faults/watchman/suite.ts': 'leaves nothing after a release: no folder, no snapshot, no process' },
    ],
    [
      'A plan refuses an account that lacks one of the rights that a hold takes, and says which.',
      {
        'test/contract/storages/mariadb.test.ts':
          'is held by an account with exactly the rights of the page, and refused by name without one of them',
        'test/contract/storages/postgresql.test.ts':
          'is asked by an account with exactly the rights of the page, and refused by name without one of them',
        'test/contract/storages/redis.test.ts':
          'is asked by an account with exactly the rights of the page, and refused by name without one of them',
      },
    ],
    [
      "**Who cuts the line** costs time and no more: a client that comes back checks the host's key again, and goes on under its own lease alone.",
      {
        'test/faults/kill/cut-line.test.ts': [
          'costs no run and no content, wherever it is cut',
          'ends the run where it stays away for longer than the lease, with one clear sentence and a clean host',
        ],
        'test/contract/remote-login.test.ts': 'looks at the host key',
      },
    ],
    [
      'Passwords of repositories come from a file, a command or a question, and live in memory.',
      {
        'test/unit/access/repository-secrets.test.ts': [
          'the password in a file',
          'the password from a command',
          'the password from a person',
        ],
      },
    ],
    [
      "SSH keys and agents are used as OpenSSH's configuration says.",
      {
        'test/contract/ssh-keywords.test.ts': 'has a case for every row',
        'test/contract/remote-login.test.ts': 'with keys',
      },
    ],
    [
      'Nothing is written to settings, logs, arguments or environments; values of secrets are replaced in log lines, should a library print one.',
      {
        'test/unit/base/log.test.ts':
          'a registered secret is shown nowhere: not in the message, a field, an error or within',
        'test/unit/jobs/processes.test.ts': [
          'reach the runner, and neither its arguments, its environment nor any file',
          'are taken out of what a foreign library says',
        ],
        'test/unit/extension/prompter.test.ts': 'nothing is remembered without being asked to',
      },
    ],
    [
      'What a store asks for (a secret key of S3, a password of a REST server) is kept likewise.',
      { 'test/unit/access/repository-secrets.test.ts': 'what a store asks for' },
    ],
    [
      'A password in a location is shown as `***` everywhere.',
      {
        'test/unit/domain/location.test.ts': 'never shows its password, however it is printed',
        'test/unit/config/configuration.test.ts': 'knows how a place elsewhere is reached, and shows no password of it',
      },
    ],
    [
      'Keys that the AWS tools keep are read by the process that uses them.',
      { 'test/contract/s3.test.ts': 'finds keys in the environment, as the AWS tools do' },
    ],
    [
      'Indexes and trees of remote repositories are kept in the cache folder, encrypted as they are stored (mode 0700).',
      {
        'test/unit/repository/backend/cache.test.ts': [
          'can be read by their owner alone, and tell backup programs to leave them out',
          'are taken of the trees in packs, and of nothing else in them',
        ],
      },
    ],
    [
      'What Node made of our programs when it compiled them is kept in `~/.cache/stillpoint-programs`, or below `$XDG_CACHE_HOME`, which saves a part of each start; nothing is loaded from there when others can write in it.',
      {
        'test/unit/base/compiled-programs.test.ts': [
          'a folder that is made is for us alone, and stays in use',
          'a folder in which others can write is not used: %o',
          'a folder of somebody else is not used',
          'what is no folder, or leads to one, is not used, and neither is an error',
        ],
      },
    ],
    [
      'The runner process gets the secrets that were asked for through a pipe, once.',
      {
        'test/unit/jobs/processes.test.ts': 'reach the runner, and neither its arguments, its environment nor any file',
      },
    ],
    [
      "The extension keeps answers to questions in the editor's secret storage when the person wants that, and only after they were proved right; one that is refused later is deleted there.",
      {
        'test/unit/extension/prompter.test.ts': [
          'is stored when it was proved, and not before',
          'is forgotten when it is refused later, also by somebody who did not ask for it',
          'nothing is remembered without being asked to',
        ],
      },
    ],
    [
      "OpenSSH's client makes the connection and checks the host key, with everything that its configuration says ([record 20](decisions/0020-openssh-carries-us.md)).",
      {
        'test/contract/ssh-keywords.test.ts': 'has a case for every row',
        'test/contract/remote-login.test.ts': 'looks at the host key',
      },
    ],
    [
      'An unknown key is shown with its fingerprint to a person and refused where there is none, on every host of the way, also where OpenSSH is told to accept new keys silently; a changed or revoked key is a hard stop.',
      {
        'test/contract/remote-login.test.ts': [
          'and shows an unknown one to a person, and remembers a yes',
          'and refuses an unknown one where nobody can be asked, even where OpenSSH would not',
          'through two other hosts',
          'and stops hard at a changed one, whoever is there, with both fingerprints',
          'and stops hard at a revoked one',
        ],
      },
    ],
    [
      '`ProxyCommand`, `Match exec` and `KnownHostsCommand` run on this machine as the user.',
      {
        'test/contract/remote-login.test.ts': 'through a ProxyCommand, which ends with the connection',
        'test/contract/remote-odd-ways.test.ts': 'a slow Match exec is waited for',
        'test/contract/ssh-keywords.test.ts': 'has a case for every row',
      },
    ],
    [
      'Passwords reach the client through a socket in a folder of mode 0700, and stand in no argument, environment or file.',
      {
        'test/contract/remote-odd-ways.test.ts':
          'what a person types stands in no argument, environment or file, and its folder is closed to others',
      },
    ],
    [
      'Where there is no such client ssh2 connects; it reads `known_hosts` (hashed names, several keys, `@revoked`), no host certificates.',
      {
        'test/unit/remote/known-hosts.test.ts': [
          'with the names that it hashed',
          'that is revoked stays so, whatever else is said',
          'of an authority that signs certificates is no key of the host',
        ],
        'test/contract/remote-login.test.ts': 'and asks the host for the key that is known, when it has several',
      },
    ],
    [
      'Without root there is [reading live](host-setup.md#hosts-without-snapshots) of what the account may read.',
      { 'test/contract/storages/live.test.ts': 'by an ordinary user holds what that one may read, and names the rest' },
    ],
    [
      'The words of a command under `quiesce` or `dumps` stand in plans and records, so a secret does not belong there: name a script that only root can read.',
      {
        'test/unit/dump/planning.test.ts': 'the option file comes first, and no password anywhere',
        'test/contract/hook.ts': 'holds while the snapshots are made, proves it, and lets go',
      },
    ],
    [
      "A dump that goes into an archive or a mirror lies whole and unencrypted in the job's work folder while it is written on, readable for the user who runs the job alone; [exports](exports.md) says until when.",
      {
        'test/unit/jobs/job-store.test.ts': 'is for the user alone, also when it was there with other rights',
        'test/unit/pipeline/spooled-content.test.ts': 'is for the user alone, and is gone when it was read',
      },
    ],
    [
      'The folder of a run names the account and the machine that it is of, such as `ada@laptop`: other clients that [wait for it](host-setup.md#several-clients) show that as text, and never act upon it.',
      {
        'test/faults/watchman/turns.ts':
          'who is told of one hears whose it is and since when, with nothing in it that acts',
      },
    ],
    [
      "Passwords of databases stay on the host: `optionFile` and `passwordFileOnHost` of `quiesce` and `dumps` are files there, which the servers' own clients read.",
      {
        'test/contract/storages/redis.test.ts':
          'has written it already where it has a log, and its password is seen by nobody',
      },
    ],
    [
      'Dumps run as root, or as the owner of the server or file.',
      { 'test/unit/dump/planning.test.ts': 'each database is a dump, with the roles beside them' },
    ],
    [
      'While applications are held: the client of a server with its keeper, or a transient unit `stillpoint-guard-…` (without systemd, a process).',
      { 'test/contract/hook.ts': 'is let go where section and watchman are killed' },
    ],
    [
      'Snapshots and mounts need root, and so do stopping services, holding applications still and reading all files.',
      { 'test/contract/remote-shells.test.ts': 'is refused to others without sudo, and what needs no root still runs' },
    ],
    [
      "While a run lives: a folder under `/run/stillpoint/`, a transient systemd unit `stillpoint-<run>` (without systemd, a process in a session of its own), read-only mounts in a mount namespace that no other process sees, and snapshots named `sp_<run>_<volume>`: of LVM volumes with the tags `stillpoint`, `sp.run=…` and `sp.owner=…`; of Btrfs subvolumes in a folder that has the run, the owner and the UUID of the origin in its name, within `.stillpoint` at the top level of the file system, which is root's alone; of ZFS datasets with the properties `stillpoint:run` and `stillpoint:owner`, held under the tag `sp_<run>`.",
      {
        'test/e2e/btrfs.test.ts': 'is left alone by a sweep where it is not what its folder says',
        'test/e2e/lease.test.ts':
          'is given back: mounted in its own namespace, gone after the release, and a second release does nothing',
        'test/faults/watchman/volumes.ts': 'leaves alone what is not ours, however it is called',
        'test/contract/provider.ts': 'leaves alone what has a name of ours and not our marks, and says so',
      },
    ],
    [
      'Names are asked for by the number of the subvolume and never read out of a list; a snapshot whose origin is another one than the plan named is removed at once.',
      {
        'test/unit/snapshot/btrfs-records.test.ts':
          'with any names whatever gives each number its own path and nothing else',
        'test/e2e/btrfs.test.ts': 'is saved with what is nested in it, mounted or not, and comes back byte for byte',
        'test/e2e/btrfs-shells.test.ts': 'of another origin than the plan named goes at once',
      },
    ],
    [
      'Whoever owns the top level of a Btrfs can rename our folder in it, or put a link in its place: then no snapshot is made, and nothing is removed through it.',
      {
        'test/e2e/btrfs.test.ts': 'is not snapshotted into %s',
        'test/e2e/btrfs-shells.test.ts': 'is removed through no link that somebody put in the place of our folder',
      },
    ],
    [
      'A dataset hands its properties down to its snapshots, and `zfs send` carries them to copies. So only properties that were set on the snapshot itself count as our marks, and a recorded one must also have been created in the same transaction.',
      { 'test/zfs/room.test.ts': 'that is no snapshot of ours is left alone by a sweep, and named' },
    ],
    [
      'It is destroyed by its full name, after a dry run has named it and nothing else, and never with what depends on it: a snapshot of ours that somebody cloned or holds stays, and is named.',
      { 'test/zfs/room.test.ts': 'that is no snapshot of ours is left alone by a sweep, and named' },
    ],
    [
      'While services are stopped for a cold backup: a folder `/var/lib/stillpoint/stopped` and a transient unit `stillpoint-start-…` (without systemd, a process).',
      { 'test/e2e/cold.test.ts': 'is cold, and the service runs again before anything is read' },
    ],
    [
      'Of a run in which all is read live and nothing is stopped or held: nothing, but for the program of a dump.',
      {
        'test/contract/storages/live.test.ts':
          'of files at rest is whole, called fuzzy, and leaves nothing on the host',
      },
    ],
    [
      'Afterwards: nothing but what Redis has written out, and what sshd, sudo, systemd and LVM write into their own logs and metadata archives.',
      {
        'test/e2e/living-database.test.ts': 'the guest is left without a trace',
        'test/faults/watchman/suite.ts': 'leaves nothing after a release: no folder, no snapshot, no process',
      },
    ],
    [
      'A client that comes back before [goes on](host-setup.md#when-the-connection-is-lost).',
      { 'test/faults/kill/cut-line.test.ts': 'costs no run and no content, wherever it is cut' },
    ],
    [
      'If the client vanishes, the watchman removes all of it when the lease ends, 30 minutes after it last heard from us unless configured.',
      {
        'test/faults/watchman/suite.ts': 'removes everything by itself when nobody renews, one object a command',
        'test/e2e/lease.test.ts': 'removes snapshot, mount, reader and itself when nobody renews',
        'test/unit/config/configuration.test.ts': 'becomes hosts, repositories and sources',
      },
    ],
    [
      'Where the process of a run is proved to be gone (no such process on this machine, or this machine was started again), the next job of the same installation on that host removes it at once, lease or not; a run of another machine that shares the state folder is left to its lease, because from here its death cannot be proved.',
      {
        'test/unit/jobs/dead-runs.test.ts': ['a run is dead', 'a run is not dead'],
        'test/faults/watchman/suite.ts': 'removes a run whose process is known to be dead, though its lease still runs',
        'test/faults/kill/kill.test.ts':
          'a client that is killed three times within one lease leaves nothing to the fourth',
      },
    ],
    [
      'If the host is restarted in the middle, the snapshot survives and the rest does not; the next backup from the same installation removes it, or `stillpoint sweep HOST`.',
      { 'test/e2e/lease.test.ts': 'sweeps what a restart left, and leaves foreign, other and living things alone' },
    ],
    [
      '`sp.owner` is made once per state folder of this machine: a run of another Stillpoint is left alone.',
      {
        'test/unit/jobs/job-store.test.ts': 'has one owner, whoever asks first',
        'test/faults/watchman/suite.ts':
          'sweeps orphans of ours and leaves the living, the foreign and those of others',
      },
    ],
  ],
  exceptions: [
    [
      "**Who gets hold of a database's account of ours** can do what [consistency](consistency.md#holding-applications-still) and [dumps](dumps.md) list: the one for a hold stops writers and sees which statements run, the one for a dump reads everything.",
      'what the rights mean that other pages list',
    ],
    ['Two accounts are better than one.', 'advice to the reader'],
    [
      'A restore point that is gone without a trace, or an older state of the whole, they cannot tell from what you have forgotten: look at `list`, or keep [a second copy](cli.md#a-second-copy) elsewhere.',
      'a limit: nothing in a repository names its restore points',
    ],
    [
      'A run whose process died is taken up only by who opens the repository, because what it knew of the host is [sealed with its key](decisions/0035-a-run-is-taken-up.md).',
      'what the record decides, with a link to it',
    ],
    [
      '**A snapshot that is kept on purpose** holds what its volume held, for root of the host: a password that was changed, or a file that was deleted since, is still in it.',
      'a limit: that is what a snapshot is',
    ],
    [
      'Beside it stand the name of the user and of the machine that made it, and the reason that was given.',
      'what a reader of a host can see; the promise is the sentence before',
    ],
    ['Any user of a host may make subvolumes, and give them any name.', 'a property of Btrfs'],
    [
      'It can lie about its own files, so a restore point made after the break-in is worth what the host was worth.',
      'a limit: nobody can prove what a host says of itself',
    ],
    [
      'What it can do is be backed up: with `keep` counting days, as many spoilt days as the rules keep push the good ones out, as any other days would.',
      'a limit: what is backed up on time is counted as any other',
    ],
    [
      'Whoever has to reckon with a break-in that goes unnoticed for weeks keeps some by `monthly`, `yearly` or tags.',
      'advice to the reader',
    ],
    [
      'Either log in as root with a key that may be used from one address only, or give the account sudo; see [host set-up](host-setup.md).',
      'advice to the reader, with a link to how it is done',
    ],
    [
      'Whoever may mount and read as root is root: a long list of allowed commands would look safer than it is.',
      'a reason, and not a promise',
    ],
  ],
});
