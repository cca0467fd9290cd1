/** One snapshot of a plan: what is done with it is in a file for each step. */
import { displayName } from '../../base/bytes.ts';
import { turnOf } from '../../domain/turn.ts';
import type { OriginVolume, PlannedItem } from '../provider.ts';
import { createSnapshot, type SnapshotOrder } from './create.ts';
import { judgeSnapshot, observeSnapshot } from './end-check.ts';
import { createError, mountError } from './errors.ts';
import { mountLine, mountSnapshot } from './mount.ts';
import { OURS } from './naming.ts';

export function subvolumeItem({
  volume,
  planned,
  order,
}: Pick<PlannedItem, 'planned' | 'volume'> & {
  readonly volume: OriginVolume;
  readonly order: SnapshotOrder;
}): PlannedItem {
  const { label } = volume.volume;
  const copy = `${OURS}/${order.folder}/${order.name}`;
  const top = `at the top level of ${order.source.toString('latin1')}`;
  return {
    provider: 'btrfs',
    ...{ planned, volume },
    turns: [turnOf('btrfs', order.fileSystem, `the Btrfs file system on "${displayName(order.source)}"`)],
    lines: {
      create: `btrfs subvolume snapshot -r ${label.slice(label.indexOf(':') + 1)} ${copy}   # ${top}`,
      mount: (path) => mountLine(order, path),
      remove: `btrfs subvolume delete -C ${copy}   # ${top}`,
    },
    create: createSnapshot(order),
    mount: (path) => mountSnapshot(order, path),
    observe: observeSnapshot(order),
    judge: (standing, mounted, observed, host) => judgeSnapshot(order, { standing, mounted, observed }, host),
    explain: (step, failed, host) =>
      step === 'create' ? createError(failed, label, host) : mountError(failed, label, host),
  };
}
