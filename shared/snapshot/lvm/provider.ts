/** The snapshots of LVM: thick (copy-on-write) ones, and those of thin volumes. */
import type { SnapshotProvider } from '../provider.ts';
import { lvmOnHost } from './host-functions.ts';
import { lvmLayout } from './layout.ts';
import { lvmMaker } from './make/maker.ts';
import { lvmStorage } from './storage.ts';
import { surveyLvm } from './survey.ts';
import { THICK } from './thick/kind.ts';
import { THIN } from './thin/kind.ts';

const ON_LVM = 'keep the data on a logical volume; then a snapshot is possible.';

const remedy: SnapshotProvider['remedy'] = (base) =>
  base === 'the opened device'
    ? `Make the opened device a physical volume (LVM on LUKS) and ${ON_LVM}`
    : `Set up LVM on ${base} and ${ON_LVM}`;

export const lvmThick: SnapshotProvider = {
  kind: 'lvm-thick',
  programs: { dmsetup: 'dmsetup', lvm2: 'lvs vgs pvs lvmconfig lvcreate lvextend lvremove' },
  onHost: lvmOnHost,
  remedy,
  maker: lvmMaker,
  layout: lvmLayout,
  survey: async (host, mounts, signal) => lvmStorage(lvmThick, THICK, await surveyLvm(host, mounts, signal)),
};

export const lvmThin: SnapshotProvider = {
  kind: 'lvm-thin',
  programs: { dmsetup: 'dmsetup', lvm2: 'lvs vgs pvs lvmconfig lvcreate lvremove' },
  onHost: lvmOnHost,
  remedy,
  layout: lvmLayout,
  survey: async (host, mounts, signal) => lvmStorage(lvmThin, THIN, await surveyLvm(host, mounts, signal)),
};
