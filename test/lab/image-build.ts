/**
 * Builds the guest's two disks in a folder. The root disk is made from packages; the data disk is made by the guest
 * itself, booted once for the purpose, so that LVM's metadata, the file systems and the database are exactly what a
 * real host has.
 */
import { open, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import type { GuestProcess } from './guest-process.ts';
import { startGuestProcess } from './guest-process.ts';
import { waitForSsh, writeGuestSshConfig } from './guest-ssh.ts';
import type { PreparedKernel } from './kernel/guest-kernel.ts';
import { runOverSsh } from './open-ssh.ts';
import { type Progress, runPhase } from './progress.ts';
import { dataDiskBytes, imageSources, type RootDiskExtras } from './recipe.ts';
import { buildRootDisk } from './root-disk.ts';

/** Names of the files in an image's folder. */
export const imageFiles = {
  rootDisk: 'root.img',
  dataDisk: 'data.img',
  identity: 'id_ed25519',
  hostKey: 'host-key',
} as const;

/** Builds everything that {@link imageFiles} names in `directory`, which exists and is empty. */
export async function buildImage(
  { kernel, extras }: { readonly kernel: PreparedKernel; readonly extras: RootDiskExtras | undefined },
  directory: string,
  context: { readonly progress: Progress; readonly signal: AbortSignal },
): Promise<void> {
  const identity = join(directory, imageFiles.identity);
  const hostKey = join(directory, imageFiles.hostKey);
  const rootDisk = join(directory, imageFiles.rootDisk);
  const dataDisk = join(directory, imageFiles.dataDisk);
  for (const key of [identity, hostKey]) {
    await execa('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'stillpoint-lab', '-f', key]);
  }
  await runPhase({ name: "the image's root disk, from Debian packages", seconds: 900 }, context, async (signal) => {
    await buildRootDisk(
      { kernel, image: rootDisk, directory, authorizedKey: `${identity}.pub`, hostKey, extras },
      signal,
    );
  });
  await rm(hostKey);
  await createSparseFile(dataDisk, dataDiskBytes);

  const boot = join(directory, 'boot');
  const disks = [{ image: rootDisk }, { image: dataDisk }];
  const guest = await startGuestProcess({ kernel, directory: boot, disks, memoryMiB: 1024 }, context.signal);
  try {
    const configFile = await writeGuestSshConfig({
      directory: boot,
      guest,
      identityFile: identity,
      hostKey: await readFile(`${hostKey}.pub`, 'utf8'),
    });
    await provision(guest, { configFile, alias: 'lab' }, context);
  } finally {
    await guest.kill();
  }
  await rm(boot, { recursive: true, force: true });
}

async function provision(
  guest: GuestProcess,
  target: { readonly configFile: string; readonly alias: string },
  context: { readonly progress: Progress; readonly signal: AbortSignal },
): Promise<void> {
  await runPhase({ name: "the image's first boot", seconds: 120 }, context, async (signal) => {
    await waitForSsh(target, guest, signal);
  });
  await runPhase({ name: "the image's volumes, file systems and database", seconds: 300 }, context, async (signal) => {
    const script = await readFile(join(imageSources, 'provision.sh'), 'utf8');
    const limit = AbortSignal.any([signal, guest.endedSignal]);
    const result = await runOverSsh(target, script, { signal: limit });
    if (result.code !== 0) throw new Error(`Provisioning failed (code ${String(result.code)}): ${result.stderr}`);
  });
  await runPhase({ name: "the image's power off", seconds: 90 }, context, async (signal) => {
    await runOverSsh(target, 'systemctl --force poweroff', { signal });
    await guest.waitForEnd(signal);
  });
}

async function createSparseFile(path: string, sizeBytes: number): Promise<void> {
  await using file = await open(path, 'wx');
  await file.truncate(sizeBytes);
}
