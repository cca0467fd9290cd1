/** Snapshots that are kept on a host, as the shells are given them in tests. */
import type { KeptListing, KeptSet } from '../../shared/domain/kept.ts';
import type { KeptChange, KeptComparison } from '../../shared/domain/kept-comparison.ts';
import { keptId } from '../../shared/domain/kept-name.ts';
import { dropPlan, type KeepPlan } from '../../shared/domain/kept-plans.ts';
import type { KeptTaken } from '../../shared/domain/kept-take.ts';
import { hostName, ownerId } from '../../shared/domain/names.ts';
import { parsePlanId } from '../../shared/domain/plan-id.ts';

const host = hostName('db1');

const full: KeptSet = {
  id: keptId('7f3c01ab'),
  about: {
    ...{ owner: ownerId('00112233aabb'), by: 'ann@laptop', reason: 'before the upgrade' },
    ...{ taken: 1_795_976_191, expires: 1_796_235_391, pair: undefined },
  },
  isOwn: true,
  snapshots: [
    {
      ...{ id: 'vg0/spk_7f3c01ab_0a1b2c3d', kind: 'lvm', volume: 'vg0/mysql', state: 'full' },
      room: { usedBytes: 268_435_456, totalBytes: 268_435_456 },
    },
  ],
  ...{ missing: 1, isExpired: true },
};

export const sampleKept: KeptListing = { host, sets: [full] };

export const sampleDropPlan = dropPlan({ host, sets: [full], leaves: [] }, ['lvremove -y vg0/spk_7f3c01ab_0a1b2c3d']);

export const sampleKeepPlan: KeepPlan = {
  ...{ kind: 'keep-snapshots', id: parsePlanId('7f3c01ab00112233'), host, set: keptId('7f3c01ab'), paths: ['/srv'] },
  ...{ basis: 'the host', steps: [], risks: [], rollback: '', snapshots: [], consistency: 'crash' },
};

export const sampleKeptChanges: readonly KeptChange[] = [
  { change: 'removed', path: '/srv/old', kind: 'dir' },
  { change: 'content', path: '/srv/a\\n', kind: 'file' },
  { change: 'unclear', path: '/srv/b', kind: 'file' },
];

export const sampleKeptComparison: KeptComparison = {
  ...{ before: keptId('7f3c01ab'), after: undefined, volumes: ['vg0/files'], notCompared: ['vg0/mysql'], unlisted: [] },
  counts: { added: 0, removed: 1, content: 1, metadata: 0, type: 0, unclear: 1 },
};

export const sampleTaken: KeptTaken = {
  ...{ host: hostName('db1'), set: keptId('0a1b2c3d'), path: '/srv/shop', to: '/srv/shop.0a1b2c3d' },
  ...{ entries: 12, bytes: 34_567, otherVolumes: ['/srv/shop/uploads'] },
};
