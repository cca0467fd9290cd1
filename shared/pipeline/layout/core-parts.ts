/** What every Linux can tell of its disks and of how it starts, whatever storage it has. Only programs that read. */
import type { LayoutPart } from '../../snapshot/layout-part.ts';

const SYSTEM: LayoutPart = {
  script: `
sp_file system.txt /bin/sh -c '
  echo "host: $(cat /proc/sys/kernel/hostname)"
  echo "kernel: $(uname -srvm)"
  cat /etc/os-release 2>/dev/null || :'`,
  files: [{ name: 'system.txt', about: 'the name, kernel and distribution' }],
};

const DISKS: LayoutPart = {
  script: `
for disk in /sys/block/*; do
  name=\${disk##*/}
  set -- "$disk/$name"*/partition
  [ -e "$1" ] || continue
  sp_file "disks/$name.sfdisk" sfdisk --dump "/dev/$(printf %s "$name" | tr '!' '/')"
done
sp_file lsblk.txt lsblk -o NAME,SIZE,TYPE,FSTYPE,LABEL,UUID,MOUNTPOINT
sp_file lsblk.json lsblk --json --bytes --output-all
# Another than that of util-linux knows no options; that one would keep what it found.
if blkid -V >/dev/null 2>&1; then sp_file blkid.txt blkid -c /dev/null; else sp_file blkid.txt blkid; fi`,
  files: [
    { name: 'disks/*.sfdisk', about: 'the partition table of a disk, for "sfdisk"' },
    { name: 'lsblk.txt', about: 'the disks and what lies on them, for people' },
    { name: 'lsblk.json', about: 'the same with all that lsblk knows' },
    { name: 'blkid.txt', about: 'file systems and their UUIDs and labels' },
  ],
};

const MOUNTS: LayoutPart = {
  script: `
sp_file findmnt.txt findmnt
sp_file mountinfo.txt cat /proc/self/mountinfo
sp_file swaps.txt cat /proc/swaps
for file in fstab crypttab mdadm.conf mdadm/mdadm.conf; do
  [ ! -f "/etc/$file" ] || sp_file "etc/\${file##*/}" cat "/etc/$file"
done`,
  files: [
    { name: 'etc/fstab', about: 'what is mounted where' },
    { name: 'etc/crypttab', about: 'what is decrypted at the start' },
    { name: 'etc/mdadm.conf', about: 'the arrays as they are configured' },
    { name: 'findmnt.txt', about: 'what was mounted, for people' },
    { name: 'mountinfo.txt', about: 'the same as the kernel says it' },
    { name: 'swaps.txt', about: 'where it swapped to' },
  ],
};

/** What "luksDump" prints has salts and parameters and no key, neither a bare one nor a wrapped one. */
const BELOW: LayoutPart = {
  script: `
if grep -qs '^md' /proc/mdstat; then
  sp_file mdstat.txt cat /proc/mdstat
  sp_file mdadm-scan.txt mdadm --detail --scan
  sed -n 's/^\\(md[A-Za-z0-9_]*\\) .*/\\1/p' /proc/mdstat | while read -r name; do
    sp_file "md/$name.txt" mdadm --detail "/dev/$name"
  done
fi
command -v blkid >/dev/null 2>&1 || exit 0
blkid -c /dev/null -t TYPE=crypto_LUKS -o device 2>/dev/null | while read -r device; do
  sp_file "luks/$(printf %s "\${device#/dev/}" | tr / _).txt" cryptsetup luksDump "$device"
done`,
  files: [
    { name: 'mdadm-scan.txt', about: 'the arrays of the kernel with their UUIDs' },
    { name: 'md/*.txt', about: 'one array: level, disks, chunk size' },
    { name: 'mdstat.txt', about: 'the arrays as they were then' },
    { name: 'luks/*.txt', about: 'the facts of a LUKS header: cipher, UUID, key slots; no key' },
  ],
};

const BOOT: LayoutPart = {
  script: `
sp_file boot.txt /bin/sh -c '
  if [ -d /sys/firmware/efi ]; then echo "firmware: EFI"; else echo "firmware: without EFI"; fi
  echo "command line of the kernel: $(cat /proc/cmdline)"
  for file in /boot/grub/grub.cfg /boot/grub2/grub.cfg /boot/loader /boot/efi/loader /efi/loader /boot/extlinux \\
    /boot/syslinux /boot/config.txt /boot/firmware/config.txt /etc/lilo.conf /etc/zipl.conf /etc/default/grub /etc/kernel/cmdline; do
    [ ! -e "$file" ] || echo "there is: $file"
  done
  for program in grub-install grub2-install bootctl extlinux lilo zipl u-boot-update; do
    ! command -v "$program" >/dev/null 2>&1 || echo "installed by: $program"
  done'
[ ! -d /sys/firmware/efi/efivars ] || sp_file efibootmgr.txt efibootmgr -v`,
  files: [
    { name: 'boot.txt', about: 'the firmware, the command line of the kernel, and which boot loaders there are' },
    { name: 'efibootmgr.txt', about: 'what the firmware starts, in which order' },
  ],
};

const PACKAGES: LayoutPart = {
  script: `
found=
has() { command -v "$1" >/dev/null 2>&1 && found=yes; }
! has dpkg-query || sp_file packages/dpkg.txt dpkg-query -W -f '\${db:Status-Abbrev} \${binary:Package} \${Version}\\n'
! has rpm || sp_file packages/rpm.txt rpm -qa
! has apk || sp_file packages/apk.txt apk info -v
! has pacman || sp_file packages/pacman.txt pacman -Q
[ -n "$found" ] || sp_missing packages/list.txt 'dpkg-query, rpm, apk or pacman'`,
  files: [{ name: 'packages/*', about: 'the packages that were installed' }],
};

export const CORE_PARTS: readonly LayoutPart[] = [SYSTEM, DISKS, BELOW, MOUNTS, BOOT, PACKAGES];
