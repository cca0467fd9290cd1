/** Snapshots that are kept on a host, as the shells are given them in tests. */
import type { KeptListing, KeptSet } from '../../shared/domain/kept.ts';
import { keptId } from '../../shared/domain/kept-name.ts';
import { dropPlan, type KeepPlan } from '../../shared/domain/kept-plans.ts';
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
