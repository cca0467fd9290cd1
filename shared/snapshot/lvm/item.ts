/** One thick snapshot of a plan: what is done with it is in a file for each step. */
import type { DetectedVolume, PlannedItem, RunIdentity } from '../provider.ts';
import { createSnapshot, lvcreateLine, type SnapshotOrder } from './create.ts';
import { judgeSnapshot, observeSnapshot } from './end-check.ts';
import { createError, mountError } from './errors.ts';
import { type MountOrder, mountLine, mountSnapshot } from './mount.ts';

export type LvmOrder = SnapshotOrder & MountOrder;

export interface LvmItem extends PlannedItem {
  readonly order: LvmOrder;
}

export function lvmItem({
  identity,
  volume,
  planned,
  order,
}: Pick<LvmItem, 'planned' | 'order'> & {
  readonly identity: RunIdentity;
  readonly volume: DetectedVolume;
}): LvmItem {
  return {
    provider: 'lvm-thick',
    ...{ planned, volume, order },
    lines: {
      create: lvcreateLine(identity, order),
      mount: (path) => mountLine(order, path),
      remove: `lvremove -y ${order.group}/${order.name}`,
    },
    create: createSnapshot(identity, order),
    mount: (path) => mountSnapshot(order, path),
    observe: observeSnapshot(order),
    judge: (standing, mounted, observed, host) => judgeSnapshot(order, standing, mounted, observed, host),
    explain: (step, failed, host) =>
      step === 'create' ? createError(failed, host) : mountError(failed, planned.volume, host),
  };
}
