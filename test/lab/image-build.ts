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
import { dataDiskBytes, imageSources } from './recipe.ts';
import { buildRootDisk } from './root-disk.ts';

/** Called with each phase that ended and how long it took. */
export type PhaseListener = (phase: string, milliseconds: number) => void;

/** Names of the files in an image's folder. */
export const imageFiles = {
  rootDisk: 'root.img',
  dataDisk: 'data.img',
  identity: 'id_ed25519',
  hostKey: 'host-key',
} as const;

/** Builds everything that {@link imageFiles} names in `directory`, which exists and is empty. */
export async function buildImage(
  kernel: PreparedKernel,
  directory: string,
  onPhase: PhaseListener,
  signal: AbortSignal,
): Promise<void> {
  const identity = join(directory, imageFiles.identity);
  const hostKey = join(directory, imageFiles.hostKey);
  const rootDisk = join(directory, imageFiles.rootDisk);
  const dataDisk = join(directory, imageFiles.dataDisk);
  for (const key of [identity, hostKey]) {
    await execa('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'stillpoint-lab', '-f', key]);
  }
  await timed('root disk', onPhase, async () => {
    await buildRootDisk({ kernel, image: rootDisk, directory, authorizedKey: `${identity}.pub`, hostKey }, signal);
  });
  await rm(hostKey);
  await createSparseFile(dataDisk, dataDiskBytes);

  const boot = join(directory, 'boot');
  const disks = [{ image: rootDisk }, { image: dataDisk }];
  const guest = await startGuestProcess({ kernel, directory: boot, disks, memoryMiB: 1024 }, signal);
  try {
    const configFile = await writeGuestSshConfig({
      directory: boot,
      guest,
      identityFile: identity,
      hostKey: await readFile(`${hostKey}.pub`, 'utf8'),
    });
    await provision(guest, { configFile, alias: 'lab' }, onPhase, signal);
  } finally {
    await guest.kill();
  }
  await rm(boot, { recursive: true, force: true });
}

async function provision(
  guest: GuestProcess,
  target: { readonly configFile: string; readonly alias: string },
  onPhase: PhaseListener,
  signal: AbortSignal,
): Promise<void> {
  await timed('first boot', onPhase, async () => {
    await waitForSsh(target, guest, signal);
  });
  await timed('volumes, file systems and database', onPhase, async () => {
    const script = await readFile(join(imageSources, 'provision.sh'), 'utf8');
    const result = await runOverSsh(target, script, { signal });
    if (result.code !== 0) throw new Error(`Provisioning failed (code ${String(result.code)}): ${result.stderr}`);
  });
  await timed('power off', onPhase, async () => {
    await runOverSsh(target, 'systemctl --force poweroff', { signal });
    await guest.waitForEnd(AbortSignal.any([signal, AbortSignal.timeout(90_000)]));
  });
}

async function createSparseFile(path: string, sizeBytes: number): Promise<void> {
  await using file = await open(path, 'wx');
  await file.truncate(sizeBytes);
}

async function timed(phase: string, onPhase: PhaseListener, work: () => Promise<void>): Promise<void> {
  const start = performance.now();
  await work();
  onPhase(phase, performance.now() - start);
}
