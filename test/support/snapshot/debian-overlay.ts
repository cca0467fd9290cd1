/** Programs of Debian that this machine has not, for a host in namespaces. */
import { mkdir } from 'node:fs/promises';
import { execa } from 'execa';
import { fetchDebianPackage } from '../../lab/debian-suite.ts';
import { whyNoNamespaceHost } from './namespace-host.ts';

/**
 * Packages of Debian 12 below `root`, which lie over this machine's own files for those in the namespaces alone; or why they
 * cannot be had.
 */
export async function unpackDebian(root: string, packages: readonly string[]): Promise<string | undefined> {
  const whyNot = await whyNoNamespaceHost();
  if (whyNot !== undefined) return whyNot;
  try {
    await mkdir(root);
    for (const name of packages) {
      const unpacked = await fetchDebianPackage({ suite: 'bookworm', package: name }, AbortSignal.timeout(180_000));
      await execa('cp', ['-a', `${unpacked.root}/.`, root]);
    }
    // Where /bin, /lib and /sbin are links into /usr.
    const merge = 'for f in bin lib sbin; do [ ! -d $f ] || { mkdir -p usr/$f; cp -a $f/. usr/$f/; }; done';
    await execa('sh', ['-ec', merge], { cwd: root });
    return undefined;
  } catch (error) {
    return `${packages[0] ?? ''} cannot be had: ${(error as Error).message}`;
  }
}
