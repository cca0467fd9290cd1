/** Brings a tree of this machine into a guest with everything that it has, by GNU tar and the plain OpenSSH client. */
import { execa } from 'execa';
import type { Guest } from '../lab/guest.ts';

/** `target` is made in the guest. An ACL travels by tar's own option, everything else as an attribute. */
export async function packInto(guest: Guest, dir: string, target: string): Promise<void> {
  const keeping = ['--acls', '--xattrs', '--xattrs-include=*', '--numeric-owner', '--sparse'];
  const unpack = `set -f; mkdir '${target}' && exec tar --extract --same-permissions --same-owner ${keeping.join(' ')} --directory '${target}'`;
  await execa('tar', ['--create', '--format=posix', ...keeping, '--directory', dir, '.'], { buffer: false }).pipe(
    'ssh',
    ['-F', guest.sshConfigFile, '-o', 'BatchMode=yes', 'lab', unpack],
  );
}
