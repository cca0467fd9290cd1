/** What docs/host-setup.md promises of cold backups, and what holds it. */
import { ofPage } from './page.ts';

export const COLD_BACKUPS = ofPage('docs/host-setup.md', {
  promises: [
    [
      '`"compose:PROJECT"` stops the running containers of a project of docker compose, `"container:NAME"` one container: the newest first, and they are started in the other order.',
      {
        'test/contract/storages/containers.test.ts': [
          'are stopped the last first, come back in the other order, and have their restart policies again',
          'are left stopped where they were stopped before',
        ],
      },
    ],
    [
      'While it is stopped, a container with the restart policy `unless-stopped` has `always`, because Docker would not start it after a restart of the host.',
      {
        'test/contract/storages/containers.test.ts':
          'come back when the daemon is started anew in the meantime, and are not believed to have been still',
      },
    ],
    [
      'A container that is paused, that is removed when it stops (`--rm`) or that belongs to a swarm is refused.',
      {
        'test/contract/storages/containers.test.ts': 'with %s are not stopped',
        'test/contract/hook.ts': 'makes no snapshot where the application does not hold still',
      },
    ],
    [
      'One that somebody replaces in the meantime is not waited for.',
      { 'test/contract/storages/containers.test.ts': 'that somebody replaced are not waited for' },
    ],
    [
      'Services are those of systemd, OpenRC or `/etc/init.d`, and containers of Docker.',
      { 'test/contract/hook.ts': 'holds while the snapshots are made, proves it, and lets go' },
    ],
    [
      'Services that a source names under `stop` are stopped, the snapshots are made, and the services run again: they are down for seconds.',
      { 'test/e2e/cold.test.ts': 'is cold, and the service runs again before anything is read' },
    ],
    [
      'Where a part of the source has no snapshot, they are down until it is read.',
      {
        'test/e2e/cold.test.ts':
          'stops a service until the last read where there is no snapshot, and is cold then, too',
      },
    ],
    [
      'The restore point is called `cold` where it is proved that none of them ran from before the first instant, or the first look, to after the last, and no file is torn; else the backup fails, unless `require` of the source [accepts less](consistency.md).',
      {
        'test/unit/domain/consistency.test.ts':
          'read live is cold where what writes it was stopped from the first look to the last, and nothing was torn',
        'test/contract/hook.ts': 'claims nothing where somebody let go in between',
      },
    ],
    [
      'With a service of systemd what triggers it (sockets, timers, paths) and what depends on it is stopped too, with one of OpenRC what needs it, and only what ran is started again.',
      { 'test/contract/hook.ts': 'holds while the snapshots are made, proves it, and lets go' },
    ],
    [
      "What is to be started is written to `/var/lib/stillpoint/stopped` on the host's disk before anything is stopped, and goes when all of it runs.",
      { 'test/e2e/cold.test.ts': 'is cold, and the service runs again before anything is read' },
    ],
    [
      'Whichever process dies meanwhile, the services come back: by the section that stopped them, by the watchman after five minutes, by a guard of its own (`stillpoint-start-…`) when there is no watchman either, by a release or by a sweep.',
      {
        'test/contract/hook.ts': [
          'is let go where the section is killed',
          'is let go where section and watchman are killed',
          'is let go by a release and by a sweep, whatever was done before',
          'is let go after every kill of a program that it calls',
        ],
        'test/unit/quiesce/services.test.ts':
          'services are held for minutes while snapshots are made, and for hours where all is read',
      },
    ],
    [
      'Where a part is read live, the limit is four hours instead of five minutes, and two minutes after the host has heard of us for the last time.',
      {
        'test/unit/quiesce/services.test.ts':
          'services are held for minutes while snapshots are made, and for hours where all is read',
        'test/unit/pipeline/terms.test.ts':
          'services that are stopped until the last read are not stopped for long when nobody is heard of any more',
        'test/faults/kill/strike-each.ts': 'is struck %s',
      },
    ],
    [
      'A warning says so at once, and the job fails with `quiesce.thaw-failed`, even where its restore point is saved.',
      {
        'test/e2e/cold.test.ts':
          'of a service that does not come back fails as loudly as anything can, and keeps what it saved',
      },
    ],
  ],
  exceptions: [
    [
      'When the host itself is started anew, its services start as they always do.',
      'nothing of ours is there then; the file is read by the next backup',
    ],
    [
      'A service that does not come back is tried four times and then every half minute.',
      'a test that waits as long would be a slow one; that it is tried again is tested',
    ],
  ],
});
