#!/bin/sh
# Runs inside the unpacked root file system (chroot) before it becomes a disk:
# users, services that the lab needs, and no others.
set -eu
export PATH=/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin

for user in bak bakpw nosudo; do
  useradd --create-home --shell /bin/bash "$user"
  install -d -m 700 -o "$user" -g "$user" "/home/$user/.ssh"
  install -m 600 -o "$user" -g "$user" /root/.ssh/authorized_keys "/home/$user/.ssh/authorized_keys"
done
# '*' allows key logins and no password, unlike the '!' of a locked account.
usermod --password '*' root
usermod --password '*' bak
usermod --password '*' nosudo
printf 'bakpw:correct horse\n' | chpasswd

systemctl enable lab-boot.service
systemctl disable mariadb.service
systemctl set-default multi-user.target
systemctl mask \
  apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer e2scrub_reap.service \
  fstrim.timer systemd-tmpfiles-clean.timer getty.target getty@tty1.service getty-static.service \
  systemd-logind.service systemd-user-sessions.service systemd-update-utmp.service \
  systemd-update-utmp-runlevel.service systemd-pstore.service systemd-firstboot.service \
  systemd-binfmt.service proc-sys-fs-binfmt_misc.automount systemd-ask-password-wall.path \
  systemd-ask-password-console.path systemd-hwdb-update.service systemd-journal-flush.service \
  systemd-journal-catalog-update.service systemd-update-done.service systemd-random-seed.service \
  systemd-sysusers.service systemd-machine-id-commit.service systemd-boot-update.service \
  dev-hugepages.mount dev-mqueue.mount sys-kernel-debug.mount sys-kernel-tracing.mount \
  sys-kernel-config.mount sys-fs-fuse-connections.mount systemd-quotacheck.service \
  systemd-remount-fs.service
# Each unit and each login is paid in slow forks: no static device nodes (lab-boot.service loads the modules whose
# nodes are missed), no message of the day, no last-login file.
systemctl mask kmod-static-nodes.service systemd-modules-load.service systemd-sysctl.service \
  systemd-tmpfiles-setup-dev.service modprobe@loop.service modprobe@dm_mod.service
sed -i -E '/pam_(motd|mail|lastlog|selinux|loginuid|limits)\.so/d' /etc/pam.d/sshd
rm -f /etc/resolv.conf /var/lib/apt/lists/*_*
