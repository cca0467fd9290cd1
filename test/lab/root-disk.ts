/**
 * The guest's root file system: Debian unpacked by mmdebstrap, the lab's own files laid over it, the kernel's modules
 * beside them, and all of it written into an ext4 image by mke2fs without mounting anything.
 */
import { cp, mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { debianMirrors } from './debian-suite.ts';
import type { PreparedKernel } from './kernel/guest-kernel.ts';
import { guestPackages, imageSources, type RootDiskExtras, rootDiskSize } from './recipe.ts';

/**
 * Builds the root disk at `image`, working in `directory`. The key in file `authorizedKey` may log in as root and as
 * every lab user; `hostKey` is the file of the private key of the guest's sshd, with the public one beside it.
 */
export async function buildRootDisk(
  options: {
    readonly kernel: PreparedKernel;
    readonly image: string;
    readonly directory: string;
    readonly authorizedKey: string;
    readonly hostKey: string;
    readonly extras: RootDiskExtras | undefined;
  },
  signal: AbortSignal,
): Promise<void> {
  const root = join(options.directory, 'root');
  await unpackDebian(root, options.extras, signal);
  const overlay = join(imageSources, 'overlay');
  await execa('cp', ['--recursive', '--preserve=mode', `${overlay}/.`, root], { cancelSignal: signal });
  await cp(options.kernel.modules, join(root, 'usr/lib/modules', options.kernel.release), { recursive: true });
  await mkdir(join(root, 'root/.ssh'), { recursive: true, mode: 0o700 });
  await execa('install', ['-m', '600', options.authorizedKey, join(root, 'root/.ssh/authorized_keys')]);
  const sshd = join(root, 'etc/ssh');
  await execa('sh', ['-c', 'rm -f "$0"/ssh_host_*', sshd]);
  await execa('install', ['-m', '600', options.hostKey, join(sshd, 'ssh_host_ed25519_key')]);
  await execa('install', ['-m', '644', `${options.hostKey}.pub`, join(sshd, 'ssh_host_ed25519_key.pub')]);
  await execa('chroot', [root, '/bin/sh', '-s'], {
    inputFile: join(imageSources, 'customise.sh'),
    cancelSignal: signal,
  });
  const masked = options.extras?.masked ?? [];
  if (masked.length > 0) await execa('chroot', [root, 'systemctl', 'mask', ...masked], { cancelSignal: signal });
  await execa('mke2fs', ['-q', '-F', '-t', 'ext4', '-d', root, options.image, rootDiskSize], { cancelSignal: signal });
  await rm(root, { recursive: true, force: true });
}

async function unpackDebian(root: string, extras: RootDiskExtras | undefined, signal: AbortSignal): Promise<void> {
  const mirror = process.env['STILLPOINT_LAB_MIRROR'];
  // Manual pages, documentation and translations are half of the files and are not needed in the guest.
  const excluded = ['/usr/share/man/*', '/usr/share/doc/*', '/usr/share/locale/*', '/usr/share/info/*'];
  await execa(
    'mmdebstrap',
    [
      '--mode=root',
      '--variant=minbase',
      `--include=${[...guestPackages, ...(extras?.packages ?? [])].join(',')}`,
      ...excluded.map((path) => `--dpkgopt=path-exclude=${path}`),
      '--dpkgopt=force-unsafe-io',
      // The database's files are made while it is installed; small ones save minutes on the guest's slow disk.
      '--essential-hook=mkdir -p "$1/etc/mysql/mariadb.conf.d"',
      `--essential-hook=copy-in ${join(imageSources, 'overlay/etc/mysql/mariadb.conf.d/99-lab.cnf')} /etc/mysql/mariadb.conf.d`,
      ...(extras === undefined ? [] : preferring(extras.preferences)),
      'bookworm',
      root,
      ...(extras === undefined ? (mirror ? [mirror] : []) : await sourceLines(extras.archives, signal)),
    ],
    { cancelSignal: signal, all: true, maxBuffer: 4 * 1024 * 1024 },
  );
}

/** Sources for mmdebstrap: from where this machine has its own packages, with what Debian corrected since where it has that. */
export async function sourceLines(archives: readonly string[], signal: AbortSignal): Promise<readonly string[]> {
  const mirrors = await debianMirrors(signal);
  const corrections = mirrors.filter((uri) => uri.endsWith('-security'));
  const [main] = mirrors.filter((uri) => !corrections.includes(uri));
  return [
    ...(main === undefined ? [] : archives.map((archive) => `deb ${main} ${archive}`)),
    ...corrections.map((uri) => `deb ${uri} bookworm-security main contrib`),
  ];
}

/** What makes mmdebstrap's apt prefer some packages of one archive. */
export const preferring = (preferences: string): readonly string[] =>
  preferences === ''
    ? []
    : [
        `--setup-hook=mkdir -p "$1/etc/apt/preferences.d"; printf '%s' '${preferences}' > "$1/etc/apt/preferences.d/lab"`,
      ];
