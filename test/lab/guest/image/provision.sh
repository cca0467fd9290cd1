#!/bin/sh
# Runs once in the booted guest at build time: makes volume group vg0 on the second disk, its file systems and the
# database, and has them mounted and started at every later boot.
set -eu
export PATH=/usr/sbin:/sbin:/usr/bin:/bin LC_ALL=C

disk=/dev/ubdb
[ -b "$disk" ] || disk=/dev/vdb
pvcreate -q -y "$disk"
vgcreate -q vg0 "$disk"
lvcreate -q -y -n mysql -L 1g vg0
lvcreate -q -y -n files -L 1g vg0
lvcreate -q -y --type thin-pool -n pool0 -L 1g --poolmetadatasize 16m vg0
lvcreate -q -y --type thin -n thin -V 1g --thinpool pool0 vg0
udevadm settle

mkfs.ext4 -q -E lazy_itable_init=1,lazy_journal_init=1 -J size=16 /dev/vg0/mysql
mkfs.xfs -q /dev/vg0/files
mkfs.ext4 -q -E lazy_itable_init=1,lazy_journal_init=1 -J size=16 /dev/vg0/thin

mkdir -p /srv/files /srv/thin
cat >>/etc/fstab <<'END'
/dev/vg0/mysql /var/lib/mysql ext4 noatime,nofail 0 0
/dev/vg0/files /srv/files xfs noatime,nofail 0 0
/dev/vg0/thin /srv/thin ext4 noatime,nofail 0 0
END
systemctl daemon-reload

mount /dev/vg0/mysql /mnt
cp -a /var/lib/mysql/. /mnt/
umount /mnt
rm -rf /var/lib/mysql/*
mount /var/lib/mysql
mount /srv/files
mount /srv/thin

systemctl enable -q mariadb.service
systemctl start mariadb.service
mariadb <<'END'
CREATE DATABASE shop;
CREATE TABLE shop.orders (
  id BIGINT UNSIGNED NOT NULL PRIMARY KEY,
  payload VARBINARY(2048) NOT NULL,
  checksum CHAR(64) CHARACTER SET ascii NOT NULL
) ENGINE=InnoDB;
END
mkdir -p /srv/files/documents /srv/thin/documents
echo 'kept on a thick volume with XFS' >/srv/files/documents/note.txt
echo 'kept on a thin volume with ext4' >/srv/thin/documents/note.txt
sync

# Left running, the monitor of snapshots and pools holds the power-off up for a minute.
systemctl stop mariadb.service
umount /var/lib/mysql /srv/files /srv/thin
vgchange -q -an vg0
