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
      'Should the machine that runs Stillpoint not come back at all, the host is clean when the lease is over.',
      { 'test/e2e/lease.test.ts': 'removes snapshot, mount, reader and itself when nobody renews' },
    ],
  ],
  exceptions: [
    ['Some connections are not waited for, and the run ends:', 'leads to the list below'],
    ['[Case by case](faults.md) there is more.', 'leads to another page'],
    [
      'one to the machine of a mirror. The store of a repository is [waited for](repositories.md#how-it-is-used) on terms of its own.',
      'a limit, and where the other page says it',
    ],
  ],
});
