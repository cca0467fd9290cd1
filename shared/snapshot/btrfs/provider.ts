/** Read-only snapshots of Btrfs subvolumes. */
import type { SnapshotProvider } from '../provider.ts';
import { btrfsOnHost } from './host-functions.ts';
import { btrfsLayout } from './layout.ts';
import { surveyBtrfs } from './storage.ts';

export const btrfs: SnapshotProvider = {
  kind: 'btrfs',
  programs: { 'btrfs-progs': 'btrfs', coreutils: 'mkdir rmdir sort od' },
  onHost: btrfsOnHost,
  layout: btrfsLayout,

  remedy: (base) => `Make a Btrfs file system on ${base} and keep the data in it; then a snapshot is possible.`,

  survey: async (host, mounts, signal) => await surveyBtrfs(btrfs, host, mounts, signal),
};
