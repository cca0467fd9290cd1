/** What a host might have to be seen to, for tests of the shells. */
import { hostName, repositoryName, sourceName } from '../../shared/domain/names.ts';
import { parsePlanId } from '../../shared/domain/plan-id.ts';
import type { HostReadiness } from '../../shared/domain/readiness.ts';
import type { SetupPlan } from '../../shared/domain/setup-plan.ts';

export const sampleReadiness: HostReadiness = {
  host: hostName('db1'),
  system: 'Linux 6.1.0 x86_64, Debian GNU/Linux 12 (bookworm)',
  isRoot: true,
  findings: [
    {
      ...{ kind: 'pool-data', severity: 'dangerous', object: 'vg0/pool0' },
      message: 'The data of the thin pool "vg0/pool0" is 91 % full (932 MiB of 1.0 GiB).',
      means:
        'A backup begins no snapshot there above 80 %; when it is full, everything that writes to its volumes stops.',
      remedy: {
        ...{ where: 'host', lines: ['lvextend -L +308m vg0/pool0'] },
        note: 'It takes room of the volume group, and can be done while it is in use.',
      },
    },
    {
      ...{ kind: 'in-memory', severity: 'left-out', object: '/srv/scratch' },
      message: '"/srv/scratch" is in memory (tmpfs).',
      means: 'What is in it is gone after a restart, and a backup leaves it out.',
      remedy: { where: 'nowhere', lines: [], note: 'Nothing has to be done if it is meant to be so.' },
    },
  ],
  stores: [{ what: 'MariaDB or MySQL', path: '/var/lib/mysql', service: 'mariadb', volume: 'vg0/mysql' }],
  room: [
    {
      volume: 'vg0/mysql',
      writtenPerSecond: 1_400_000,
      readingSeconds: 62,
      neededBytes: 90_000_000,
      roomBytes: 1_073_741_824,
    },
  ],
  unseen: [],
  proposedHost: undefined,
  proposedSources: [
    {
      name: 'db1',
      why: [],
      entry: { host: 'db1', paths: ['/srv/files', '/var/lib/mysql'], repository: 'main', excludeCaches: true },
    },
    {
      name: 'db1-live',
      why: ['Read live, while it may be changing, because no snapshot of it can be made.'],
      entry: {
        ...{ host: 'db1', paths: ['/'], repository: 'main', exclude: ['/srv/files', '/var/lib/mysql', '/tmp/*'] },
        ...{ excludeCaches: true, withoutSnapshot: 'read-live' },
      },
    },
  ],
};

export const sampleSetupPlan: SetupPlan = {
  ...{
    kind: 'setup',
    id: parsePlanId('00112233445566aa'),
    basis: 'the configuration',
    file: '/home/ann/.config/stillpoint/config.jsonc',
  },
  addition: JSON.stringify({ sources: { db1: sampleReadiness.proposedSources[0]?.entry } }, undefined, 2),
  sources: [sourceName('db1')],
  repository: repositoryName('main'),
  makes: undefined,
  steps: [{ does: ['add to "/home/ann/.config/stillpoint/config.jsonc" what is shown'] }],
  risks: [],
  rollback: 'What comes to "/home/ann/.config/stillpoint/config.jsonc" can be taken out of it by hand.',
};
