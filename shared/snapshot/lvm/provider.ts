/** Thick (copy-on-write) LVM snapshots. */
import type { SnapshotProvider } from '../provider.ts';
import { lvmOnHost } from './host-functions.ts';
import { surveyLvm } from './storage.ts';

const ON_LVM = 'keep the data on a logical volume; then a snapshot is possible.';

export const lvmThick: SnapshotProvider = {
  kind: 'lvm-thick',
  programs: { dmsetup: 'dmsetup', lvm2: 'lvs vgs pvs lvmconfig lvcreate lvextend lvremove' },
  onHost: lvmOnHost,

  remedy: (base) =>
    base === 'the opened device'
      ? `Make the opened device a physical volume (LVM on LUKS) and ${ON_LVM}`
      : `Set up LVM on ${base} and ${ON_LVM}`,

  survey: async (host, mounts, signal) => await surveyLvm(lvmThick, host, mounts, signal),
};
