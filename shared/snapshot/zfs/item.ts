/** One snapshot of a plan: what is done with it is in a file for each step. */
import { turnOf } from '../../domain/turn.ts';
import type { PlannedItem, RunIdentity } from '../provider.ts';
import { createLine, createSnapshots, fullName, type SnapshotOrder, typed } from './create.ts';
import { judgeSnapshot, observeSnapshot } from './end-check.ts';
import { createError, mountError } from './errors.ts';
import { mountLine, mountSnapshot } from './mount.ts';
import { holdTag } from './naming.ts';

export function datasetItem({
  identity,
  volume,
  planned,
  order,
}: Pick<PlannedItem, 'planned' | 'volume'> & {
  readonly identity: RunIdentity;
  readonly order: SnapshotOrder;
}): PlannedItem {
  const name = typed(fullName(order));
  return {
    provider: 'zfs',
    ...{ planned, volume },
    instant: `zfs:${order.poolGuid}`,
    turns: [turnOf('zfs', order.poolGuid, `the ZFS pool "${order.pool}"`)],
    lines: {
      create: createLine(identity, order),
      mount: (path) => mountLine(order, path),
      remove: `zfs release ${holdTag(identity.run)} ${name}; zfs destroy ${name}`,
    },
    create: createSnapshots(identity, order),
    mount: (path) => mountSnapshot(order, path),
    observe: observeSnapshot(order),
    judge: (standing, mounted, observed, host) => judgeSnapshot(order, { standing, mounted, observed }, host),
    explain: (step, failed, host) =>
      step === 'create' ? createError(failed, order, host) : mountError(failed, order, host),
  };
}
