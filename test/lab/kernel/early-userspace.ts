/**
 * The first programs that a guest runs: a shell in an initial RAM disk that starts the guest's sign of life, finds the
 * root disk and hands over to its init. In a trial it only says that programs run and powers off, which tells whether
 * a kernel works on this processor without an image. The archive is the same for every guest with the same kernel, so
 * it is kept in the cache, named by what is in it.
 */
import { createHash } from 'node:crypto';
import { access, chmod, cp, mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { execa } from 'execa';
import { cacheRoot } from '../cache.ts';
import type { PreparedKernel } from './guest-kernel.ts';

/** What the shell prints when it runs; a trial is passed with this line. */
export const programsRun = 'lab: programs run';
/** What the guest prints every second for as long as it lives. */
export const signOfLife = /^lab: alive \d+\r?$/gm;

const initScript = join(import.meta.dirname, '..', 'guest', 'early', 'init');
const busybox = '/usr/bin/busybox';

/** The archive for `kernel`, made first where the cache has it not. */
export async function earlyUserspace(kernel: PreparedKernel, signal: AbortSignal): Promise<string> {
  const { stdout: listed } = await execa('ldd', [busybox], { cancelSignal: signal });
  const libraries = [...listed.matchAll(/(?:^|\s)(\/\S+)/gm)].map((match) => match[1] ?? '');
  const hash = createHash('sha256').update(await readFile(import.meta.filename));
  for (const file of [initScript, busybox, ...libraries, ...kernel.earlyModules]) {
    hash.update(`\0${file}\0`).update(await readFile(file));
  }
  const folder = join(cacheRoot(), 'early');
  const archive = join(folder, hash.digest('hex').slice(0, 20));
  if (await exists(archive)) return archive;

  await mkdir(folder, { recursive: true, mode: 0o700 });
  const workplace = await mkdtemp(join(folder, 'making-'));
  try {
    const root = join(workplace, 'root');
    for (const name of ['bin', 'dev', 'proc', 'modules', 'root']) await mkdir(join(root, name), { recursive: true });
    await cp(initScript, join(root, 'init'));
    await chmod(join(root, 'init'), 0o755);
    for (const file of [busybox, ...libraries]) {
      await mkdir(join(root, dirname(file)), { recursive: true });
      await cp(file, join(root, file), { dereference: true });
    }
    const numbered = kernel.earlyModules.map(
      (file, index) => [file, `${String(100 + index)}-${basename(file)}`] as const,
    );
    for (const [file, name] of numbered) await cp(file, join(root, 'modules', name));
    const pack = 'cd "$0" && find . | busybox cpio -o -H newc >../archive';
    await execa('sh', ['-c', pack, root], { cancelSignal: signal });
    await rename(join(workplace, 'archive'), archive);
  } finally {
    await rm(workplace, { recursive: true, force: true });
  }
  return archive;
}

async function exists(path: string): Promise<boolean> {
  return await access(path).then(
    () => true,
    () => false,
  );
}
