/** Snapshots of ZFS datasets that are file systems. */
import type { SnapshotProvider } from '../provider.ts';
import { zfsOnHost } from './host-functions.ts';
import { zfsLayout } from './layout.ts';
import { surveyZfs } from './storage.ts';

export const zfs: SnapshotProvider = {
  kind: 'zfs',
  programs: { 'zfsutils-linux': 'zfs zpool' },
  onHost: zfsOnHost,
  layout: zfsLayout,

  remedy: (base) => `Make a ZFS pool on ${base} and keep the data in its datasets; then a snapshot is possible.`,

  survey: async (host, mounts, signal) => await surveyZfs(zfs, host, mounts, signal),
};
