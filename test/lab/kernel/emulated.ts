/**
 * QEMU without KVM: a whole emulated machine with the kernel that Debian makes for clouds. It is several times slower
 * than User-Mode Linux, and needs nothing of the processor; the last resort.
 */
import { access, readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { execa } from 'execa';
import { fetchDebianPackage } from '../debian-suite.ts';
import { ensureDebianPackages } from '../requirements.ts';
import type { GuestDisk, GuestKernel, Machine, PreparedKernel } from './guest-kernel.ts';

const suite = 'bookworm';
/** What the early user space needs for the root disk and the network; what is built into a kernel has no file. */
const early = ['virtio_pci', 'virtio_blk', 'virtio_net'];

/** Debian packages that an emulated machine needs here. */
export const emulatorPackages: readonly string[] = ['qemu-system-x86', 'qemu-utils', 'kmod'];

export const emulatedMachine: GuestKernel = {
  name: 'qemu',
  prepare: async (signal) => {
    await ensureDebianPackages(emulatorPackages, signal);
    const { root, version } = await fetchDebianPackage(
      { suite, package: 'linux-image-cloud-amd64', dependency: /^linux-image-[\d.]+-\d+-cloud-amd64$/ },
      signal,
    );
    return await describeEmulated({ name: 'qemu', root, origin: `Debian ${suite}, ${version}` }, signal);
  },
};

interface UnpackedKernel {
  readonly name: string;
  /** Folder that stands for `/`: it has one kernel in `boot` and the modules of it in `lib/modules`. */
  readonly root: string;
  /** For people: where it is from. */
  readonly origin: string;
}

/** An unpacked kernel as one that the emulator boots. */
export async function describeEmulated(
  { name, root, origin }: UnpackedKernel,
  signal: AbortSignal,
): Promise<PreparedKernel> {
  const [release] = await readdir(join(root, 'lib/modules'));
  if (release === undefined) throw new Error(`Debian's kernel for clouds has no modules in "${root}"`);
  const modules = join(root, 'lib/modules', release);
  // The list of what depends on what is made when a kernel is installed, which this one is not.
  if (!(await exists(join(modules, 'modules.dep')))) {
    await execa('/sbin/depmod', ['--basedir', root, release], { cancelSignal: signal });
  }
  return {
    name,
    title: `Linux ${release} in an emulated machine (${origin})`,
    release,
    modules,
    earlyModules: (await withDependencies(early, modules)).map((file) => join(modules, file)),
    rootDevice: '/dev/vda',
    // What its kernel does without a pause takes it ten times as long, as encryption does.
    hangMs: 30_000,
    launch: async (machine) => {
      for (const disk of machine.disks) await makeOverlay(disk);
      const image = join(root, 'boot', `vmlinuz-${release}`);
      return {
        command: ['qemu-system-x86_64', ...emulatorArguments(machine, image)],
        environment: {},
        workingDirectory: '/',
      };
    },
  };
}

/** Files of these modules and of what they need, in the order in which they load; it differs from kernel to kernel. */
async function withDependencies(names: readonly string[], folder: string): Promise<readonly string[]> {
  const lines = (await readFile(join(folder, 'modules.dep'), 'utf8')).split('\n').map((line) => line.split(/:? /));
  const needed = names.flatMap((name) => {
    const [file, ...dependencies] = lines.find(([first = '']) => basename(first).startsWith(`${name}.ko`)) ?? [];
    return file === undefined ? [] : [...dependencies.reverse(), file.replace(/:$/, '')];
  });
  return [...new Set(needed)];
}

function emulatorArguments({ disks, memoryMiB, initialRamDisk, words }: Machine, image: string): readonly string[] {
  const append = ['console=ttyS0', 'earlyprintk=ttyS0', 'net.ifnames=0', 'mitigations=off', ...words];
  return [
    ...['-nodefaults', '-no-user-config', '-no-reboot', '-display', 'none'],
    ...['-machine', 'q35', '-accel', 'tcg', '-cpu', 'max', '-m', String(memoryMiB)],
    ...['-chardev', 'stdio,id=console,signal=off', '-serial', 'chardev:console'],
    ...['-netdev', 'tap,id=net,ifname=tap0,script=no,downscript=no', '-device', 'virtio-net-pci,netdev=net,romfile='],
    ...disks.flatMap((disk) => ['-drive', `${driveOf(disk)},if=virtio,cache=unsafe`]),
    ...['-kernel', image, '-initrd', initialRamDisk, '-append', append.join(' ')],
  ];
}

function driveOf(disk: GuestDisk): string {
  return 'image' in disk ? `format=raw,file=${disk.image}` : `format=qcow2,file=${disk.copyOnWrite}`;
}

/** After a power cut the overlay of the boot before is there, and is what the disk is. */
async function makeOverlay(disk: GuestDisk): Promise<void> {
  if ('image' in disk || (await exists(disk.copyOnWrite))) return;
  await execa('qemu-img', ['create', '-q', '-f', 'qcow2', '-b', disk.base, '-F', 'raw', disk.copyOnWrite]);
}

async function exists(path: string): Promise<boolean> {
  return await access(path).then(
    () => true,
    () => false,
  );
}
