/**
 * QEMU without KVM: a whole emulated machine with the kernel that Debian makes for clouds. It is several times slower
 * than User-Mode Linux, and needs nothing of the processor; the last resort.
 */
import { access, readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { execa } from 'execa';
import { fetchDebianPackage } from '../debian-suite.ts';
import { ensureDebianPackages } from '../requirements.ts';
import type { GuestDisk, GuestKernel, Machine } from './guest-kernel.ts';

const suite = 'bookworm';
/** What the early user space loads, in this order; what is built into a kernel has no file. */
const early = [
  ...['virtio', 'virtio_ring', 'virtio_pci_modern_dev', 'virtio_pci_legacy_dev', 'virtio_pci', 'virtio_blk'],
  ...['failover', 'net_failover', 'virtio_net'],
];

export const emulatedMachine: GuestKernel = {
  name: 'qemu',
  prepare: async (signal) => {
    await ensureDebianPackages(['qemu-system-x86', 'qemu-utils', 'kmod'], signal);
    const { root, version } = await fetchDebianPackage(
      { suite, package: 'linux-image-cloud-amd64', dependency: /^linux-image-[\d.]+-\d+-cloud-amd64$/ },
      signal,
    );
    const [release] = await readdir(join(root, 'lib/modules'));
    if (release === undefined) throw new Error(`Debian's kernel for clouds has no modules in "${root}"`);
    const modules = join(root, 'lib/modules', release);
    // The list of what depends on what is made when a kernel is installed, which this one is not.
    if (!(await exists(join(modules, 'modules.dep')))) {
      await execa('/sbin/depmod', ['--basedir', root, release], { cancelSignal: signal });
    }
    const files = await readdir(modules, { recursive: true });
    const fileOf = (module: string): string | undefined => files.find((file) => basename(file) === `${module}.ko`);
    return {
      name: 'qemu',
      title: `Linux ${release} in an emulated machine (Debian ${suite}, ${version})`,
      release,
      modules,
      earlyModules: early
        .map(fileOf)
        .filter((file) => file !== undefined)
        .map((file) => join(modules, file)),
      rootDevice: '/dev/vda',
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
  },
};

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
