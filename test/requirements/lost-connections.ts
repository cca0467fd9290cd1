/** What docs/host-setup.md promises of a connection that is lost, and what holds it. */
import { ofPage } from './page.ts';

export const LOST_CONNECTIONS = ofPage('docs/host-setup.md', {
  promises: [
    [
      'A line that drops, a network that changes, a laptop whose lid is closed: a backup or an export says that it waits, and when the host answers again it goes on in the same snapshot where it was, within a file too. What had come is not sent again, and the restore point is no worse for it.',
      {
        'test/faults/kill/cut-line.test.ts': [
          'costs no run and no content, wherever it is cut',
          'goes on when it is there again, however often that was tried in vain, and in silence',
        ],
        'test/unit/pipeline/take-up.test.ts': 'is the stored bytes from where it was, whatever comes in which pieces',
        'test/unit/pipeline/backup-ends.test.ts': 'at "%s", and is there again, costs nothing but time',
      },
    ],
    [
      'It waits as long as its lease on the host lives: [`leaseSeconds`](configuration.md) after the host has heard from it for the last time, which is half an hour unless you say otherwise; that time passes also while this machine or the host sleeps. Then the host removes our snapshots by itself, the run ends with `snapshot.lease-lost`, and nothing is saved; start it again.',
      {
        'test/faults/kill/cut-line.test.ts':
          'ends the run where it stays away for longer than the lease, with one clear sentence and a clean host',
      },
    ],
    [
      'one that is lost before reading has begun, in something that must not be done twice: a dump, the holds and snapshots, the mounts (what only looks is tried again, after 1 s and after 5 s more);',
      {
        'test/unit/pipeline/backup-ends.test.ts': 'at "%s", %s it did its work',
        'test/faults/remote-connection.test.ts': 'that is cut runs a repeatable command again and no other',
      },
    ],
    [
      'one that is lost while files are [read live](#hosts-without-snapshots), because they may be others by now;',
      { 'test/unit/pipeline/take-up.test.ts': 'ends all where it is not to be taken up' },
    ],
    [
      'Killed, out of memory, or restarted with its machine: the next backup of the source goes on with that run by itself, on the snapshots that it had made, as long as the lease lives; so does `stillpoint jobs resume ID`.',
      {
        'test/faults/kill/resume.test.ts': [
          'is gone on with by the next backup of the source, and what had been stored is not sent twice',
          'is gone on with again and again, by its id',
          'is gone on with when the host could not be reached at first',
        ],
        'test/unit/pipeline/resume/tape.test.ts':
          'a host answers again what it answered then, byte for byte and in the order of asking, and so does the clock',
      },
    ],
    [
      'What had been stored is not sent again, but for what lay in packs that were not full, 16 MiB at the most; a large file is read on from where it was.',
      {
        'test/faults/kill/resume.test.ts':
          'is gone on with by the next backup of the source, and what had been stored is not sent twice',
        'test/unit/pipeline/resume/arrived.test.ts':
          'of a large file the parts are found in order, and what another process knows better counts',
        'test/unit/pipeline/resume/begun-file.test.ts':
          'what is left of a file is its end, wherever it begins and whatever is a hole',
      },
    ],
    [
      'The restore point is of the moment of these snapshots, which is said.',
      {
        'test/faults/kill/resume.test.ts':
          'is gone on with by the next backup of the source, and what had been stored is not sent twice',
      },
    ],
    [
      'Before anything is read, they are proved to be those of then.',
      { 'test/faults/kill/resume.test.ts': 'is over where its snapshots are not what they were' },
    ],
    [
      'Where they are not, or the lease is over, the run is: `jobs resume` says so, and a backup begins anew.',
      {
        'test/faults/kill/resume.test.ts':
          'is over where the host has let go of its snapshots: said in a sentence, or begun anew',
      },
    ],
    [
      'Should the machine that runs Stillpoint not come back at all, the host is clean when the lease is over.',
      { 'test/e2e/lease.test.ts': 'removes snapshot, mount, reader and itself when nobody renews' },
    ],
  ],
  exceptions: [
    [
      'Runs with dumps, runs that read live, exports, and runs of which the configuration says something else by now are not gone on with.',
      'a limit, of what is not done',
    ],
    ['Some connections are not waited for, and the run ends:', 'leads to the list below'],
    ['[Case by case](faults.md) there is more.', 'leads to another page'],
    [
      'one to the machine of a mirror. The store of a repository is [waited for](repositories.md#how-it-is-used) on terms of its own.',
      'a limit, and where the other page says it',
    ],
  ],
});
