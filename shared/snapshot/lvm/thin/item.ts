/** One thin snapshot of a plan: what is done with it is in a file for each step. */
import type { OriginVolume, PlannedItem, RunIdentity } from '../../provider.ts';
import { createError, mountError } from '../errors.ts';
import { type MountOrder, mountLine, mountSnapshot } from '../mount.ts';
import { turnOfGroup } from '../names.ts';
import { createSnapshot, lvcreateLine, type ThinSnapshotOrder } from './create.ts';
import { judgeSnapshot, observeSnapshot } from './end-check.ts';

type ThinOrder = ThinSnapshotOrder & Omit<MountOrder, 'target'>;

export interface ThinItem extends PlannedItem {
  readonly order: ThinOrder;
}

export function thinItem({
  identity,
  volume,
  planned,
  order,
}: Pick<ThinItem, 'planned' | 'order'> & {
  readonly identity: RunIdentity;
  readonly volume: OriginVolume;
}): ThinItem {
  const mounting = { ...order, target: 'thin' } as const;
  return {
    provider: 'lvm-thin',
    ...{ planned, volume, order },
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
      step === 'create' ? createError(failed, host, 'dm-thin-pool') : mountError(failed, planned.volume, host),
  };
}
