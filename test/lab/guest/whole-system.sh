# A system within the guest whose root is a logical volume: /boot (ext4) and the EFI partition (vfat) are partitions of a
# disk of their own, a volume group lies on another one. Whoever logs in as "bak" is root in it. Its programs are the
# guest's own, which are too many to be saved in a test.
set -e
modprobe loop; modprobe vfat
mkdir -p /srv/disks /new
truncate -s 160M /srv/disks/boot.img
truncate -s 160M /srv/disks/other.img
truncate -s 64M /srv/disks/group.img
losetup -P /dev/loop0 /srv/disks/boot.img
losetup -P /dev/loop1 /srv/disks/other.img
losetup /dev/loop2 /srv/disks/group.img
sfdisk -q /dev/loop0 <<TABLE
label: gpt
label-id: 6D0E3C2A-0000-4000-8000-000000000001
name="EFI", size=64M, type=uefi, uuid=6D0E3C2A-0000-4000-8000-000000000002
name="boot", size=80M, type=linux, uuid=6D0E3C2A-0000-4000-8000-000000000003
TABLE
udevadm settle
busybox mkdosfs -n ESP /dev/loop0p1 >/dev/null
mkfs.ext4 -q -L boot /dev/loop0p2
pvcreate -qq /dev/loop2; vgcreate -qq archive /dev/loop2
lvcreate -qq -y -n letters -L 12m archive; lvcreate -qq -y -n sums -L 8m archive
lvcreate -qq -y -n root -L 256m vg0
mkfs.ext4 -q -L root /dev/vg0/root
mount /dev/vg0/root /new
cd /new
mkdir boot dev old proc run srv sys tmp usr var var/lib var/log media
chmod 1777 tmp
for link in bin sbin lib lib64; do cp -a /$link .; done
cp -a /etc /root /home .
head -c 3000000 /dev/urandom > var/lib/state
printf 'hello\n' > 'srv/a
b'; ln srv/a* srv/hard; ln -s ../hard srv/soft; setfattr -n user.note -v 1 srv/hard
mount /dev/loop0p2 boot; mkdir boot/efi boot/grub; mount /dev/loop0p1 boot/efi
head -c 5000000 /dev/urandom > boot/vmlinuz-7; echo 'set default=0' > boot/grub/grub.cfg
mkdir -p boot/efi/EFI/debian; head -c 1500000 /dev/urandom > boot/efi/EFI/debian/grubx64.efi
cat > etc/fstab <<TABLE
LABEL=root / ext4 defaults 0 1
LABEL=boot /boot ext4 defaults 0 2
LABEL=ESP /boot/efi vfat umask=0077 0 1
LABEL=gone /var/gone ext4 noauto 0 2
TABLE
cd /
systemd-run -q --unit=system-within unshare -m --propagation private sh -c '
  mount --bind /usr /new/usr
  for each in dev proc sys run; do mount --rbind /$each /new/$each; done
  mount -t tmpfs memory /new/tmp
  mount -t ramfs fast /new/media
  cd /new; pivot_root . old; cd /; umount -l /old
  echo $$$$ > /run/system.pid
  exec sleep infinity'
until [ -s /run/system.pid ]; do sleep 0.1; done
umount /new/boot/efi /new/boot /new
printf '%s\n' '#!/bin/sh' 'exec sudo nsenter --mount=/proc/$(cat /run/system.pid)/ns/mnt -- /bin/sh -c "$SSH_ORIGINAL_COMMAND"' > /usr/local/bin/into-system
chmod 755 /usr/local/bin/into-system
sed -i 's|^|command="/usr/local/bin/into-system" |' /home/bak/.ssh/authorized_keys
