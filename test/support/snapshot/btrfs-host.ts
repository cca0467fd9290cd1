/** This machine as a host with a real Btrfs, on a loop device that nothing but its namespaces sees. */
import { rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { btrfs } from '../../../shared/snapshot/btrfs/provider.ts';
import type { ProviderFixture } from '../../contract/provider.ts';
import { whyNoProgram } from '../needing.ts';
import { temporaryFolder } from '../temporary-folder.ts';
import { type NamespaceHost, startNamespaceHost, whyNoNamespaceHost } from './namespace-host.ts';

export interface BtrfsHost extends NamespaceHost {
  /** UUID of the file system. */
  readonly uuid: string;
  /** Its device. */
  readonly source: string;
  /** Where this process sees its root folder. */
  readonly root: string;
  /** Runs sh at the top level of the file system, where nothing else sees it. */
  readonly atTop: (script: string) => Promise<string>;
  /** Paths of what lies in our folder there. */
  ours(): Promise<readonly string[]>;
}

/** What must be on the machine for it; undefined when all is there. */
export async function whyNoBtrfsHost(): Promise<string | undefined> {
  const lack = (await whyNoNamespaceHost()) ?? whyNoProgram('mkfs.btrfs') ?? whyNoProgram('losetup');
  if (lack !== undefined) return lack;
  await using folder = await temporaryFolder();
  const image = join(folder.path, 'probe');
  await makeFileSystem(image, { megabytes: 128 });
  const mount = `mount -o loop ${image} /mnt`;
  const probe = await execa('unshare', ['-m', 'sh', '-c', mount], { reject: false });
  return probe.exitCode === 0 ? undefined : `Btrfs on a loop device cannot be mounted: ${probe.stderr}`;
}

export interface Shape {
  readonly megabytes: number;
  /** More arguments of mkfs.btrfs. */
  readonly options?: readonly string[];
}

async function makeFileSystem(image: string, { megabytes, options = [] }: Shape): Promise<void> {
  await writeFile(image, '');
  await truncate(image, megabytes * 1024 ** 2);
  await execa('mkfs.btrfs', ['-q', ...options, image]);
}

/**
 * @param setup bash that runs with the top level at /mnt before anything else; whatever it mounts elsewhere stays. $disk is
 * the device.
 */
export async function startBtrfsHost(setup: string, shape: Shape = { megabytes: 512 }): Promise<BtrfsHost> {
  await using started = new AsyncDisposableStack();
  const folder = started.use(await temporaryFolder());
  const image = join(folder.path, 'disk');
  await makeFileSystem(image, shape);
  started.defer(() => rm(image));
  const world = started.use(
    await startNamespaceHost(`mount -t tmpfs -o mode=755 tmpfs /usr/local/sbin
mount -o loop ${image} /mnt; disk=$(findmnt -no SOURCE /mnt)
${setup}
umount /mnt`),
  );
  const source = (await world.sh(`findmnt -rno SOURCE -t btrfs | head -n 1 | sed 's/\\[.*//'`)).trim();
  const uuid = (await world.sh(`blkid -p -o value -s UUID ${source}`)).trim();
  const atTop = (script: string): Promise<string> =>
    world.sh(`unshare -m bash -euc "$(cat <<'AT_TOP'
mount -o subvolid=5 ${source} /mnt
cd /mnt
${script}
AT_TOP
)"`);
  const owned = started.move();
  return {
    ...world,
    ...{ uuid, source, atTop },
    root: (world.enter[0] ?? '').replace(/^--mount=(.*)\/ns\/mnt$/, '$1/root'),
    async ours() {
      const paths = await atTop('find .stillpoint -mindepth 1 -maxdepth 2 2>/dev/null || :');
      return paths.split('\n').filter((path) => path !== '');
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** The file system is of one kind of blocks, so that whoever fills it with data fills it. */
export async function btrfsFixture(): Promise<ProviderFixture & Pick<BtrfsHost, 'atTop'>> {
  const base = await startBtrfsHost(
    `btrfs -q subvolume create /mnt/@files; mkdir /mnt/@files/deep /mnt/@files/mounted
btrfs -q subvolume create /mnt/@files/deep/unmounted; btrfs -q subvolume create /mnt/@other
mkdir /run/files; mount -o subvol=@files $disk /run/files; mount -o subvol=@other $disk /run/files/mounted`,
    { megabytes: 96, options: ['--mixed'] },
  );
  const { sh, uuid, atTop } = base;
  return {
    ...base,
    provider: btrfs,
    folders: ['/run/files', '/run/files/deep/unmounted', '/run/files/mounted'],
    async present() {
      const folders = await atTop('ls -A .stillpoint 2>/dev/null || :');
      return folders
        .split('\n')
        .flatMap((name) => (!name.startsWith('sp_') ? [] : [`${uuid}/${name.replace(/\..*/, '')}`]));
    },
    async putImpostor(run) {
      const name = `sp_${run}_0000abcd`;
      await atTop(`mkdir -p -m 700 .stillpoint; btrfs -q subvolume snapshot -r @files .stillpoint/${name}`);
      return `${uuid}/${name}`;
    },
    async unmark(id) {
      const name = id.replace(/.*\//, '');
      await atTop(`btrfs property set -t subvol .stillpoint/${name}.*/${name} ro false`);
    },
    async remove(id) {
      const name = id.replace(/.*\//, '');
      await atTop(`cd .stillpoint; for each in ${name}.*/${name} ${name}; do
  [ ! -d $each ] || btrfs -q subvolume delete $each
done; rmdir ${name}.* 2>/dev/null || :; cd ..; rmdir .stillpoint 2>/dev/null || :`);
    },
    async withoutRoom(work) {
      await sh('head -c 1G /dev/zero > /run/files/fill 2>/dev/null || :');
      await work();
      await sh('rm /run/files/fill; btrfs filesystem sync /run/files');
    },
    lackOfRoom: 'snapshot.no-room',
  };
}
