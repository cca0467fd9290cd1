/**
 * The Debian packages behind each group of tests and tools. `file` tells that a package is there: a program's name, or
 * a path. Looking for files takes no time, while asking dpkg would slow every script down.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';

export const DEBIAN_GROUPS = {
  /** The throw-away guests and the private sshd of test/lab. Kernels are fetched by test/lab/kernel. */
  lab: [
    { package: 'mmdebstrap', file: 'mmdebstrap' },
    { package: 'e2fsprogs', file: 'mke2fs' },
    { package: 'debian-archive-keyring', file: '/usr/share/keyrings/debian-archive-keyring.gpg' },
    { package: 'util-linux', file: 'unshare' },
    { package: 'iproute2', file: 'ip' },
    { package: 'netcat-openbsd', file: 'nc.openbsd' },
    { package: 'socat', file: 'socat' },
    { package: 'openssh-client', file: 'ssh' },
    { package: 'openssh-server', file: 'sshd' },
    { package: 'btrfs-progs', file: 'mkfs.btrfs' },
    { package: 'xfsprogs', file: 'mkfs.xfs' },
    { package: 'python3', file: 'python3' },
    { package: 'acl', file: 'setfacl' },
    { package: 'attr', file: 'setfattr' },
    { package: 'lvm2', file: 'lvs' },
    { package: 'dmsetup', file: 'dmsetup' },
    { package: 'libcap2-bin', file: 'setcap' },
    { package: 'sudo', file: 'sudo' },
    { package: 'busybox', file: 'busybox' },
    { package: 'tcsh', file: 'tcsh' },
    { package: 'fish', file: 'fish' },
    { package: 'zsh', file: 'zsh' },
    { package: 'zstd', file: 'zstd' },
  ],
  /** The reference program that reads what we wrote and writes what we read. */
  restic: [
    { package: 'restic', file: 'restic' },
    { package: 'fuse3', file: 'fusermount3' },
    { package: 'tzdata', file: '/usr/share/zoneinfo/Europe/Berlin' },
  ],
  /** A real server of restic's REST protocol, and what makes its certificate. */
  stores: [
    { package: 'rclone', file: 'rclone' },
    { package: 'openssl', file: 'openssl' },
  ],
  /** What reads every remote script for likely mistakes. */
  shell: [{ package: 'shellcheck', file: 'shellcheck' }],
  /** A Ceph of one node, 310 MB of packages; its tests run only when they are asked for. */
  ceph: [
    { package: 'ceph-mon', file: 'ceph-mon' },
    { package: 'ceph-osd', file: 'ceph-osd' },
    { package: 'radosgw', file: 'radosgw' },
    { package: 'restic', file: 'restic' },
  ],
  /** The browser that shows the editor's workbench in the editor tests. */
  chromium: [{ package: 'chromium', file: 'chromium' }],
  /** The programs that the benchmarks compare with. */
  peers: [
    { package: 'borgbackup', file: 'borg' },
    { package: 'rsync', file: 'rsync' },
    { package: 'hyperfine', file: 'hyperfine' },
    { package: 'zstd', file: 'zstd' },
  ],
};

const SYSTEM_PATH = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'];

function isPresent({ file }) {
  const candidates = file.startsWith('/') ? [file] : SYSTEM_PATH.map((folder) => join(folder, file));
  return candidates.some((candidate) => existsSync(candidate));
}

export function missingPackages(groups) {
  const wanted = groups.flatMap((group) => DEBIAN_GROUPS[group]);
  return [...new Set(wanted.filter((entry) => !isPresent(entry)).map((entry) => entry.package))];
}
