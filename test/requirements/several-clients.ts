/** What docs/host-setup.md promises of several clients of one host, and what holds it. */
import { ofPage } from './page.ts';

export const SEVERAL_CLIENTS = ofPage('docs/host-setup.md', {
  promises: [
    [
      'Backups from one machine have the host one after the other anyway; those of several run side by side, but for what only one can have at a time: an application or a service that is held, paused or stopped, the commands of one program, and the volume group, pool or file system in which snapshots are made.',
      {
        'test/contract/two-clients.ts':
          'two clients at the very same time hold it one after the other, and both prove it',
        'test/contract/provider.ts':
          'serves two runs at once, one after the other in the section, though both planned with the same room',
        'test/faults/watchman/turns.ts': 'of many at the very same time each has its turn alone',
      },
    ],
    [
      'That takes seconds, unless services are stopped until all is read.',
      {
        'test/contract/two-clients.ts':
          'who holds until the last read has it until then, and the other one is told whom he waits for',
      },
    ],
    [
      'Whoever comes meanwhile waits, and holds nothing while he does; every shell says what for: "MariaDB is held by run 0a1b2c3d of ada@laptop since 2026-11-30 03:12 UTC (2 min)".',
      {
        'test/contract/two-clients.ts': 'who is gone while he waits leaves nothing that others would wait for',
        'test/unit/domain/turn.test.ts': 'says who has it since when, in the same words in each shell',
      },
    ],
    [
      'It can be cancelled, and ends after ten minutes with `host.busy`; [`waitSeconds`](configuration.md) of the host says another time.',
      {
        'test/unit/pipeline/turns.test.ts': [
          'ends when it was waited for long enough, and says who has it',
          'ends at once when the run is cancelled',
        ],
      },
    ],
    [
      'A plan says what it would have to wait for if it were begun now.',
      { 'test/faults/watchman/turns.ts': 'are told before one begins, and nothing is taken by that' },
    ],
    [
      'A name such as `ada@laptop` is what that client calls itself.',
      {
        'test/faults/watchman/turns.ts':
          'who is told of one hears whose it is and since when, with nothing in it that acts',
      },
    ],
    [
      'What a client that vanished had is free again when its snapshots would have stood; what it holds until the last read, two minutes after it was last heard from.',
      {
        'test/faults/watchman/turns.ts': 'one %s',
        'test/unit/pipeline/terms.test.ts':
          'services that are stopped until the last read are not stopped for long when nobody is heard of any more',
      },
    ],
  ],
  exceptions: [
    [
      'Two laptops, or an editor and the cron of another machine, may back up one host.',
      'what the section is about; how is said after it',
    ],
    ['Clients of versions before this one are not waited for.', 'a limit that nothing of this version can hold'],
  ],
});
