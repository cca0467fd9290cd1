/** The text that lies beside the layout of a host in a restore point: what each file is, and how one builds the machine again. */
import type { LayoutPart } from '../../snapshot/layout-part.ts';
import type { Layout } from './gather.ts';

/** It says nothing that changes from run to run, so that it is stored once. */
export function readMe({ files, losses }: Layout, parts: readonly LayoutPart[]): string {
  const known = parts.flatMap((part) => part.files.map((file) => ({ ...file, part })));
  const found = known.map((file) => ({
    ...file,
    names: files.map(({ name }) => name).filter((name) => isLike(name, file.name)),
  }));
  const list = found.flatMap(({ names, about }) => names.map((name) => `  ${name.padEnd(28)} ${about}`));
  const rebuilds = parts
    .filter((part) => found.some((file) => file.part === part && file.names.length > 0))
    .flatMap(({ rebuild }) => (rebuild === undefined ? [] : [rebuild]));
  const lost = losses.map(({ name, reason }) => `  ${name}: ${reason}`);
  return `${HEAD}
${list.join('\n')}
${lost.length === 0 ? '' : `\nWhat could not be had:\n\n${lost.join('\n')}\n`}
How the machine is built again, from a rescue system, as root:

${[...BEFORE, ...rebuilds, ...AFTER].map((step, index) => numbered(index + 1, step)).join('\n\n')}
`;
}

const HEAD = `This folder is no folder of the host. Stillpoint put it into the restore point: it tells how the disks were laid out,
asked from the host just before the snapshots were made, each file as a program there printed it.
`;

const BEFORE = [
  `Partition tables, for each disk of disks/ on one that is as large or larger:
  sfdisk /dev/DISK < disks/DISK.sfdisk
The names of disks may differ today; lsblk.txt says what was on which.`,
  `Arrays and encryption, where mdadm-scan.txt or luks/ is here: "mdadm --create" with the level, number of disks, metadata
and chunk size of md/*.txt; "cryptsetup luksFormat --uuid UUID" with the cipher of luks/*.txt and a new passphrase: the
old keys are not in here. Open it by the name that etc/crypttab gives it.`,
];

const AFTER = [
  `File systems, with the UUIDs and labels of blkid.txt, so that etc/fstab finds them:
  mkfs.ext4 -U UUID -L LABEL DEVICE
  mkfs.xfs -m uuid=UUID -L LABEL DEVICE
  mkfs.vfat -F 32 -i UUID-WITHOUT-DASH -n LABEL DEVICE           (the EFI partition)
  mkswap -U UUID -L LABEL DEVICE`,
  `Mount them below one folder, such as /mnt, in the order of etc/fstab: "/" first, then what lies in it.`,
  `Restore, either of:
  restic restore ID --target /mnt
  stillpoint restore …                                           (see "stillpoint restore --help")`,
  `See that etc/fstab and etc/crypttab in what was restored fit what was made. The folders of proc, sys, dev and run are there,
and empty, as they should be.`,
  `The boot loader; boot.txt says which. For GRUB:
  for d in dev proc sys run; do mount --rbind /$d /mnt/$d; done
  chroot /mnt grub-install /dev/DISK                             (EFI: chroot /mnt grub-install)
  chroot /mnt update-grub
and the initial RAM disk, where the names or UUIDs of disks differ: "update-initramfs -u -k all" or "dracut -f".
Where efibootmgr.txt is here, the entries of the firmware are in it; grub-install and "bootctl install" write their own.`,
];

const numbered = (number: number, text: string): string => `${number}. ${text.replaceAll('\n', '\n   ')}`;

/** `*` is any part of a name. */
function isLike(name: string, pattern: string): boolean {
  const parts = pattern.split('*').map((part) => part.replaceAll(/[.+]/g, String.raw`\$&`));
  return new RegExp(`^${parts.join('[^/]*')}$`).test(name);
}
