/** One thick snapshot of a plan: what is done with it is in a file for each step. */
import type { OriginVolume, PlannedItem, RunIdentity } from '../../provider.ts';
import { createError, mountError } from '../errors.ts';
import { type MountOrder, mountLine, mountSnapshot } from '../mount.ts';
import { turnOfGroup } from '../names.ts';
import { createSnapshot, lvcreateLine, type SnapshotOrder } from './create.ts';
import { judgeSnapshot, observeSnapshot } from './end-check.ts';

export type ThickOrder = SnapshotOrder & Omit<MountOrder, 'target'>;

export interface ThickItem extends PlannedItem {
  readonly order: ThickOrder;
}

export function thickItem({
  identity,
  volume,
  planned,
  order,
  mostBytes,
}: Pick<ThickItem, 'planned' | 'order' | 'mostBytes'> & {
  readonly identity: RunIdentity;
  readonly volume: OriginVolume;
}): ThickItem {
  const mounting = { ...order, target: 'snapshot' } as const;
  return {
    provider: 'lvm-thick',
    ...{ planned, volume, order, mostBytes },
    turns: [turnOfGroup(order.group)],
    lines: {
      create: lvcreateLine(identity, order),
      mount: (path) => mountLine(mounting, path),
      remove: `lvremove -y ${order.group}/${order.name}`,
    },
    create: createSnapshot(identity, order),
    mount: (path) => mountSnapshot(mounting, path),
    observe: observeSnapshot(order),
    judge: (standing, mounted, observed, host) => judgeSnapshot(order, standing, mounted, observed, host),
    explain: (step, failed, host) =>
      step === 'create' ? createError(failed, host, 'dm-snapshot') : mountError(failed, planned.volume, host),
  };
}
