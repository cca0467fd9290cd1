/**
 * A guest with ZFS: an emulated machine with Debian's kernel for clouds, for which Debian's module was built, and the
 * programs of the same package. It has all else that the plain guest has, so it is a second kernel for LVM, too.
 */
import process from 'node:process';
import type { GuestKind } from '../guest-kind.ts';
import type { RootDiskExtras } from '../recipe.ts';
import { zfsKernel } from './zfs-kernel.ts';

/** Archives of Debian that have a ZFS for the kernel of bookworm, the oldest first. */
const archives = ['bookworm', 'bookworm-backports'] as const;
type Archive = (typeof archives)[number];

/** The archive that STILLPOINT_LAB_ZFS names, else the first. */
function chosenArchive(): Archive {
  const named = process.env['STILLPOINT_LAB_ZFS'] ?? '';
  if (named === '') return archives[0];
  const found = archives.find((archive) => archive === named);
  if (found === undefined) throw new Error(`STILLPOINT_LAB_ZFS is none of ${archives.join(', ')}: "${named}"`);
  return found;
}

function extrasOf(archive: Archive): RootDiskExtras {
  return {
    archives: [...new Set([archives[0], archive])].map((name) => `${name} main contrib`),
    packages: ['zfsutils-linux'],
    preferences:
      archive === archives[0] ? '' : `Package: src:zfs-linux:any\nPin: release n=${archive}\nPin-Priority: 990\n`,
    masked: ['import-cache', 'import-scan', 'mount', 'share', 'zed', 'volume-wait', 'load-module'].map(
      (name) => `zfs-${name}.service`,
    ),
  };
}

export const zfsGuest: GuestKind = {
  chooseKernel: async (context) => {
    const archive = chosenArchive();
    return await zfsKernel(archive, extrasOf(archive), context);
  },
  extras: () => extrasOf(chosenArchive()),
};
