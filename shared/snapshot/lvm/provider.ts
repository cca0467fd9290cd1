/** Thick (copy-on-write) LVM snapshots: the order of steps. What each step runs on the host is in its own file. */
import { isStillpointError } from '../../base/errors.ts';
import type { PlannedItem, SnapshotProvider } from '../provider.ts';
import { createSnapshots } from './create.ts';
import { judgeSnapshot, observeSnapshot } from './end-check.ts';
import { createError, mountError } from './errors.ts';
import { type MountedSnapshot, mountSnapshot } from './mount.ts';
import type { LvmOrder } from './plan.ts';
import { surveyLvm } from './storage.ts';

const ON_LVM = 'keep the data on a logical volume; then a snapshot is possible.';

export const lvmThick: SnapshotProvider = {
  kind: 'lvm-thick',
  programs: { dmsetup: 'dmsetup', lvm2: 'lvs vgs pvs lvmconfig lvcreate lvextend lvremove' },

  remedy: (base) =>
    base === 'the opened device'
      ? `Make the opened device a physical volume (LVM on LUKS) and ${ON_LVM}`
      : `Set up LVM on ${base} and ${ON_LVM}`,

  survey: async (host, mounts, signal) => await surveyLvm(lvmThick, host, mounts, signal),

  async create(plan, host, signal) {
    const created = await host
      .run(createSnapshots(plan.run, plan.owner, plan.items.map(orderOf)), signal)
      .catch((error: unknown) => Promise.reject(createError(error, host.name)));
    return plan.items.map((item, index) => {
      const made = created[index];
      if (made?.name !== item.planned.snapshot)
        throw new Error(`the host answered for another snapshot than ${item.planned.snapshot}`);
      const { extents, ...facts } = made;
      const sizeBytes = extents * orderOf(item).extentBytes;
      return { ...item, run: plan.run, owner: plan.owner, planned: { ...item.planned, sizeBytes }, ...facts };
    });
  },

  async mount(taken, host, lease, signal) {
    const readable = [];
    for (const [index, snapshot] of taken.entries()) {
      lease.signal.throwIfAborted();
      const { group, name, fsType } = orderOf(snapshot);
      const pinned = await host
        .run(mountSnapshot(snapshot.run, { index, group, snapshot: name, fsType }), signal)
        .catch((error: unknown) => Promise.reject(mountError(error, snapshot, host.name)));
      readable.push({ ...snapshot, path: pinned.path, pinned });
    }
    return readable;
  },

  async judge(snapshots, host, lease, signal) {
    for (const snapshot of snapshots) {
      const { group, name } = orderOf(snapshot);
      const expected = {
        ...{ group, name, uuid: snapshot.uuid, bootId: lease.armed.bootId },
        mounted: snapshot.pinned as MountedSnapshot,
      };
      const observed = await host.run(observeSnapshot(snapshot.run, expected), signal);
      try {
        judgeSnapshot(expected, observed, host.name);
      } catch (error) {
        // Our own watchman removes it at the end of a lease: renewing that says so.
        if (isStillpointError(error, 'snapshot.identity-changed')) await lease.renew(signal);
        throw error;
      }
    }
    await lease.renew(signal);
  },
};

const orderOf = ({ order }: PlannedItem): LvmOrder => order as LvmOrder;
