/**
 * Debian's kernel for clouds with Debian's module of ZFS built for it, and for it only, in a root file system that exists
 * for the purpose. That takes minutes, so what comes out of it is cached by what it is made of; builders are serialised by
 * a lock, and what is finished appears by one rename.
 */
import { createHash } from 'node:crypto';
import { cp, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { cacheRoot } from '../cache.ts';
import { lockFile } from '../file-lock.ts';
import { describeEmulated, emulatorPackages } from '../kernel/emulated.ts';
import type { PreparedKernel } from '../kernel/guest-kernel.ts';
import { type Progress, runPhase } from '../progress.ts';
import type { RootDiskExtras } from '../recipe.ts';
import { ensureDebianPackages } from '../requirements.ts';
import { preferring, sourceLines } from '../root-disk.ts';

/** A compiler, the headers and some 6 minutes of two processors. */
const buildSeconds = 2400;
const excluded = ['/usr/share/man/*', '/usr/share/doc/*', '/usr/share/locale/*', '/usr/share/info/*'];

/** @param archive which one has this ZFS */
export async function zfsKernel(
  archive: string,
  { archives, preferences }: RootDiskExtras,
  context: { readonly progress: Progress; readonly signal: AbortSignal },
): Promise<PreparedKernel> {
  const { signal } = context;
  await ensureDebianPackages(emulatorPackages, signal);
  const hash = createHash('sha256').update(await readFile(import.meta.filename));
  hash.update(`\0${JSON.stringify([archives, preferences])}`);
  const folder = join(cacheRoot(), 'zfs', hash.digest('hex').slice(0, 20));
  const describe = async (): Promise<PreparedKernel | undefined> => {
    const version = await readFile(join(folder, 'version'), 'utf8').catch(() => undefined);
    if (version === undefined) return undefined;
    return await describeEmulated(
      { name: 'qemu-zfs', root: folder, origin: `ZFS ${version.trim()} of Debian ${archive}` },
      signal,
    );
  };
  const cached = await describe();
  if (cached !== undefined) return cached;

  await mkdir(join(cacheRoot(), 'zfs'), { recursive: true, mode: 0o700 });
  await using _lock = await lockFile(join(cacheRoot(), 'zfs', 'build.lock'), signal);
  const builtMeanwhile = await describe();
  if (builtMeanwhile !== undefined) return builtMeanwhile;
  const workplace = `${folder}.building`;
  await rm(workplace, { recursive: true, force: true });
  await mkdir(workplace);
  try {
    await runPhase(
      { name: 'the module of ZFS, built for its kernel', seconds: buildSeconds },
      context,
      async (limit) => {
        await build(workplace, { archives, preferences }, limit);
      },
    );
    await rename(workplace, folder);
  } finally {
    await rm(workplace, { recursive: true, force: true });
  }
  const built = await describe();
  if (built === undefined) throw new Error(`The kernel in "${folder}" is not whole after its build`);
  return built;
}

async function build(
  workplace: string,
  { archives, preferences }: Pick<RootDiskExtras, 'archives' | 'preferences'>,
  signal: AbortSignal,
): Promise<void> {
  const root = join(workplace, 'root');
  const built = await execa(
    'mmdebstrap',
    [
      ...['--mode=root', '--variant=minbase'],
      '--include=linux-image-cloud-amd64,linux-headers-cloud-amd64,dkms,initramfs-tools,kmod',
      ...excluded.map((path) => `--dpkgopt=path-exclude=${path}`),
      '--dpkgopt=force-unsafe-io',
      ...preferring(preferences),
      // After the headers, which nothing of it depends on. The programs tell the version.
      '--customize-hook=DEBIAN_FRONTEND=noninteractive chroot "$1" apt-get --yes --no-install-recommends install zfs-dkms',
      '--customize-hook=chroot "$1" dpkg-query --show --showformat "\\${Version}\\n" zfs-dkms > "$1/version"',
      ...['bookworm', root],
      ...(await sourceLines(archives, signal)),
    ],
    { cancelSignal: signal, all: true, maxBuffer: 64 * 1024 * 1024, reject: false },
  );
  signal.throwIfAborted();
  const [release = 'none'] = await readdir(join(root, 'lib/modules')).catch(() => []);
  const modules = join(root, 'lib/modules', release);
  const files = await readdir(modules, { recursive: true }).catch(() => []);
  if (built.exitCode !== 0 || !files.some((file) => /\/zfs\.ko(\.xz)?$/.test(file))) {
    const log = join(cacheRoot(), 'zfs', 'failed.log');
    await writeFile(log, built.all ?? '');
    const dkms = await execa('sh', ['-c', 'tail -n 200 "$0"/var/lib/dkms/zfs/*/build/make.log', root], {
      reject: false,
    });
    await writeFile(`${log}.make`, dkms.stdout);
    throw new Error(`The module of ZFS could not be built for Linux ${release}; "${log}" and "${log}.make" say why`);
  }
  await cp(join(root, 'version'), join(workplace, 'version'));
  await mkdir(join(workplace, 'boot'));
  await cp(join(root, 'boot', `vmlinuz-${release}`), join(workplace, 'boot', `vmlinuz-${release}`));
  // Links to the headers lead nowhere in a guest.
  const keep = (path: string): boolean => !/\/(build|source)$/.test(path);
  await cp(modules, join(workplace, 'lib/modules', release), { recursive: true, filter: keep });
  await rm(root, { recursive: true, force: true });
}
