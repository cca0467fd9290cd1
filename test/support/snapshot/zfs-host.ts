/** The guest with ZFS, as a fixture of the provider contract and for whole backups. */
import { zfs } from '../../../shared/snapshot/zfs/provider.ts';
import type { ProviderFixture } from '../../contract/provider.ts';
import { zfsGuest } from '../../lab/zfs/zfs-guest.ts';
import { inGuest } from './provider-fixtures.ts';

/** Makes a pool of this name on a file, mounted at /srv/NAME. */
export const makePool = (name: string, megabytes: number): string =>
  `modprobe zfs; truncate -s ${megabytes}M /root/${name}.img; zpool create -O compression=off -O mountpoint=/srv/${name} ${name} /root/${name}.img`;

/** Destroys a snapshot, whoever holds it. */
const destroySnapshot = (
  name: string,
): string => `for tag in $(zfs holds -H '${name}' | cut -f 2); do zfs release "$tag" '${name}'; done
zfs destroy '${name}'`;

/** Nested datasets: one mounted by itself, one that is never mounted by itself, one of /etc/fstab with a blank in its name. */
export async function zfsFixture(): Promise<ProviderFixture> {
  const base = await inGuest(zfsGuest);
  const { sh } = base;
  await sh(`${makePool('tank', 256)}
zfs create tank/files; zfs create tank/files/nested
zfs create -o canmount=noauto tank/files/manual; mkdir /srv/tank/files/manual; zfs mount tank/files/manual
zfs create -o mountpoint=legacy 'tank/of fstab'; mkdir /srv/tank/files/legacy; mount -t zfs 'tank/of fstab' /srv/tank/files/legacy`);
  return {
    ...base,
    provider: zfs,
    isSlow: true,
    // In the order in which they are mounted.
    folders: ['/srv/tank/files', '/srv/tank/files/nested', '/srv/tank/files/manual', '/srv/tank/files/legacy'],
    async present() {
      const names = await sh(`zfs list -H -t snapshot -o name | grep @sp_ | tr ' ' = || :`);
      return names.split('\n').filter((name) => name !== '');
    },
    async putImpostor(run) {
      await sh(`zfs snapshot tank/files@sp_${run}_0000abcd`);
      return `tank/files@sp_${run}_0000abcd`;
    },
    unmark: async (id) => void (await sh(`zfs inherit stillpoint:run '${id.replaceAll('=', ' ')}'`)),
    remove: async (id) => void (await sh(destroySnapshot(id.replaceAll('=', ' ')))),
    // To the last block: what is left behind large writes is room enough for a snapshot.
    async withoutRoom(work) {
      await sh(`cd /srv/tank/files; for size in 1M 64k 4k 4k; do
  dd if=/dev/zero of=fill bs=$size oflag=append conv=notrunc 2>/dev/null || :; zpool sync tank
done`);
      try {
        await work();
      } finally {
        await sh('rm /srv/tank/files/fill; zpool sync tank');
      }
    },
    lackOfRoom: 'snapshot.no-room',
  };
}
