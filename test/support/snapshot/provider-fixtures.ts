/** Storages as fixtures of the provider contract: LVM in a guest, copies of folders in namespaces of this machine. */
import { systemClock } from '../../../shared/base/clock.ts';
import { silentLogger } from '../../../shared/base/log.ts';
import { connectHost } from '../../../shared/remote/connect-host.ts';
import type { RemoteHost } from '../../../shared/remote/remote-host.ts';
import { lvmThick, lvmThin } from '../../../shared/snapshot/lvm/provider.ts';
import type { ProviderFixture } from '../../contract/provider.ts';
import { type Guest, startGuest } from '../../lab/guest.ts';
import type { GuestKind } from '../../lab/guest-kind.ts';
import { COPIES, folderCopy, MARK, SOURCE } from './folder-copy.ts';
import { type NamespaceHost, startNamespaceHost } from './namespace-host.ts';

async function openGuest(kind?: GuestKind): Promise<{ readonly guest: Guest; readonly host: RemoteHost }> {
  const guest = await startGuest({ ...(kind === undefined ? {} : { kind }) }, AbortSignal.timeout(290_000));
  const host = await connectHost(
    { name: 'lab', ssh: 'lab', sshConfigFile: guest.sshConfigFile, sudo: 'none' },
    {
      ...{ prompter: undefined, logger: silentLogger, clock: systemClock, agentSocket: undefined },
      homeFolder: '/nonexistent',
    },
    AbortSignal.timeout(60_000),
  );
  return { guest, host };
}

type InGuest = Pick<ProviderFixture, 'host' | 'sh' | typeof Symbol.asyncDispose>;

/** @param kind another one than the plain guest */
export async function inGuest(kind?: GuestKind): Promise<InGuest> {
  const { guest, host } = await openGuest(kind);
  return {
    host,
    sh: (script) => guest.must(script, { signal: AbortSignal.timeout(120_000) }),
    async [Symbol.asyncDispose]() {
      await host[Symbol.asyncDispose]();
      await guest[Symbol.asyncDispose]();
    },
  };
}

export async function lvmFixture(kind?: GuestKind): Promise<ProviderFixture> {
  const base = await inGuest(kind);
  const { sh } = base;
  await sh(`lvcreate -qq -y -n nested -L 64m vg0; mkfs.ext4 -q /dev/vg0/nested
mkdir /srv/files/nested; mount /dev/vg0/nested /srv/files/nested`);
  return {
    ...base,
    provider: lvmThick,
    isSlow: true,
    folders: ['/srv/files', '/srv/files/nested'],
    ...namedVolumes(sh),
    async putImpostor(run) {
      await sh(`lvcreate -qq -y -s -n sp_${run}_0000abcd -l 8 vg0/files`);
      return `vg0/sp_${run}_0000abcd`;
    },
    async withoutRoom(work) {
      await sh('lvcreate -qq -y -n filler -l 100%FREE vg0');
      await work();
      await sh('lvremove -qq -y vg0/filler');
    },
    lackOfRoom: 'snapshot.no-room',
  };
}

function namedVolumes(sh: InGuest['sh']): Pick<ProviderFixture, 'present' | 'unmark' | 'remove'> {
  return {
    async present() {
      const names = await sh(`lvs --noheadings -o vg_name,lv_name -S 'lv_name=~"^sp_"' --separator /`);
      return names.split('\n').flatMap((line) => (line.trim() === '' ? [] : [line.trim()]));
    },
    unmark: async (id) => void (await sh(`lvchange -qq --deltag ${id.replace(/.*\/sp_(.*)_.*/, 'sp.run=$1')} ${id}`)),
    remove: async (id) => void (await sh(`lvremove -qq -y ${id}`)),
  };
}

const MAKE = { ext4: 'mkfs.ext4 -q', xfs: 'mkfs.xfs -q' } as const;

/** Two volumes of a small pool, which is quick to fill; the outer one holds this file system, the nested one the other. */
export const lvmThinFixture = (outer: keyof typeof MAKE, kind?: GuestKind) => async (): Promise<ProviderFixture> => {
  const base = await inGuest(kind);
  const { sh } = base;
  await sh(`lvcreate -qq -y --type thin-pool -n small -L 256m --monitor n vg0
for name in outer nested; do lvcreate -qq -y -n $name -V 320m --thinpool small vg0 2>/dev/null; done
${MAKE[outer]} /dev/vg0/outer 2>/dev/null; ${MAKE[outer === 'xfs' ? 'ext4' : 'xfs']} /dev/vg0/nested 2>/dev/null
mkdir /srv/outer; mount /dev/vg0/outer /srv/outer; mkdir /srv/outer/nested; mount /dev/vg0/nested /srv/outer/nested`);
  return {
    ...base,
    provider: lvmThin,
    isSlow: true,
    folders: ['/srv/outer', '/srv/outer/nested'],
    ...namedVolumes(sh),
    async putImpostor(run) {
      await sh(`lvcreate -qq -y -s -n sp_${run}_0000abcd vg0/outer 2>/dev/null`);
      return `vg0/sp_${run}_0000abcd`;
    },
    // LVM itself makes nothing new in a pool that is filled to the administrator's threshold, 50 % at the least: more than
    // that is written here, because what the file systems take comes in the background.
    async withoutRoom(work) {
      await sh(`lvcreate -qq -y -n filler -V 160m --thinpool small vg0 2>/dev/null
dd if=/dev/zero of=/dev/vg0/filler bs=1M count=140 conv=fsync status=none
cp /etc/lvm/lvm.conf /root/lvm.conf; echo 'activation { thin_pool_autoextend_threshold=50 }' >> /etc/lvm/lvm.conf`);
      await work();
      await sh('cp /root/lvm.conf /etc/lvm/lvm.conf; lvremove -qq -y vg0/filler');
    },
    lackOfRoom: 'snapshot.no-room',
  };
};

/** Nothing of it is written to this machine's disks. */
export async function startFolderCopyHost(): Promise<NamespaceHost> {
  return await startNamespaceHost(`mount -t tmpfs tmpfs /var/tmp; mount -t tmpfs -o mode=755 tmpfs /usr/local/sbin
mkdir /run/copied; mount -t tmpfs ${SOURCE} /run/copied; mkdir /run/copied/nested; mount -t tmpfs ${SOURCE} /run/copied/nested
mkdir -p /run/copied/deep/marked; : > /run/copied/deep/marked/${MARK}`);
}

export async function folderCopyFixture(): Promise<ProviderFixture> {
  const base = await startFolderCopyHost();
  const { sh } = base;
  return {
    ...base,
    provider: folderCopy,
    folders: ['/run/copied', '/run/copied/deep/marked', '/run/copied/nested'],
    async present() {
      const names = await sh(`ls -A ${COPIES} 2>/dev/null || :`);
      return names.split('\n').flatMap((name) => (name === '' || name.startsWith('spk_') ? [] : [`${COPIES}/${name}`]));
    },
    async putImpostor(run) {
      await sh(`mkdir -p ${COPIES}/sp_${run}_0000abcd/data`);
      return `${COPIES}/sp_${run}_0000abcd`;
    },
    unmark: async (id) => void (await sh(`rm ${id}/mark`)),
    remove: async (id) => void (await sh(`rm -rf ${id}`)),
    async withoutRoom(work) {
      await sh(
        `head -c 200000 /dev/urandom > /run/copied/large; mkdir -p ${COPIES}; mount -t tmpfs -o size=64k small ${COPIES}`,
      );
      await work();
      await sh(`umount ${COPIES}; rm /run/copied/large`);
    },
    lackOfRoom: 'snapshot.create-failed',
  };
}
