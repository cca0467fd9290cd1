/** The fixtures of storages, as the contract of kept snapshots wants them. */
import type { KeptFixture } from '../../contract/kept.ts';
import type { ProviderFixture } from '../../contract/provider.ts';
import { btrfsFixture } from './btrfs-host.ts';
import { COPIES } from './folder-copy.ts';
import { folderCopyFixture, lvmFixture, lvmThinFixture } from './provider-fixtures.ts';

const IMPOSTOR = 'spk_0badbeef_0000abcd';

const linesOf = (text: string): readonly string[] =>
  text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');

function keptVolumes(base: ProviderFixture, make: string): KeptFixture {
  return {
    ...base,
    kept: async () => linesOf(await base.sh(`lvs --noheadings -o vg_name,lv_name,lv_uuid -S 'lv_name=~"^spk_"'`)),
    putKeptImpostor: async () => void (await base.sh(`lvcreate -qq -y -s -n ${IMPOSTOR} ${make} 2>/dev/null`)),
    removeKeptImpostor: async () => void (await base.sh(`lvremove -qq -y vg0/${IMPOSTOR}`)),
  };
}

export const keptThick = async (): Promise<KeptFixture> => keptVolumes(await lvmFixture(), '-l 8 vg0/files');

export const keptThin = async (): Promise<KeptFixture> => keptVolumes(await lvmThinFixture('xfs')(), 'vg0/outer');

export async function keptSubvolumes(): Promise<KeptFixture> {
  const base = await btrfsFixture();
  const { atTop } = base;
  return {
    ...base,
    kept: async () =>
      linesOf(await atTop('cd .stillpoint 2>/dev/null && find . -maxdepth 2 -path "./spk_*" | sort || :')),
    putKeptImpostor: async () =>
      void (await atTop(`mkdir -p -m 700 .stillpoint; mkdir .stillpoint/${IMPOSTOR}.x
btrfs -q subvolume snapshot @files .stillpoint/${IMPOSTOR}.x/${IMPOSTOR}`)),
    removeKeptImpostor: async () =>
      void (await atTop(`btrfs -q subvolume delete .stillpoint/${IMPOSTOR}.x/${IMPOSTOR}
rmdir .stillpoint/${IMPOSTOR}.x .stillpoint`)),
  };
}

export async function keptCopies(): Promise<KeptFixture> {
  const base = await folderCopyFixture();
  return {
    ...base,
    kept: async () => linesOf(await base.sh(`ls -d ${COPIES}/spk_* 2>/dev/null || :`)),
    putKeptImpostor: async () => void (await base.sh(`mkdir -p ${COPIES}/${IMPOSTOR}/data`)),
    removeKeptImpostor: async () => void (await base.sh(`rm -r ${COPIES}/${IMPOSTOR}`)),
  };
}

/** @param base the guest with ZFS */
export function keptDatasets(base: ProviderFixture): KeptFixture {
  return {
    ...base,
    kept: async () => linesOf(await base.sh(`zfs list -H -t snapshot -o name,guid | grep '@spk_' || :`)),
    putKeptImpostor: async () => void (await base.sh(`zfs snapshot tank/files@${IMPOSTOR}`)),
    removeKeptImpostor: async () => void (await base.sh(`zfs destroy tank/files@${IMPOSTOR}`)),
  };
}
