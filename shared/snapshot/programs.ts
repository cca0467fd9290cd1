/** What our scripts call on a host beside the shell, and what is said of a host that lacks a part of it. */
import { StillpointError } from '../base/errors.ts';
import type { Programs } from '../remote/programs.ts';
import type { HostIdentity } from './identify-host.ts';
import type { Registry } from './registry.ts';

const FOR_READING: Programs = {
  tar: 'tar',
  findutils: 'find',
  coreutils: 'readlink stat timeout dd tr',
  sed: 'sed',
};

/** What the lease and the section call, whatever the storage. */
export const FOR_SNAPSHOTS: ProgramUser = {
  programs: { 'util-linux': 'unshare nsenter', mount: 'mount umount', grep: 'grep' },
};

/** A provider or a hook, for what it calls on a host. */
export interface ProgramUser {
  readonly programs: Programs;
}

interface Package {
  readonly name: string;
  readonly programs: readonly string[];
}

function packagesFor(users: readonly ProgramUser[]): readonly Package[] {
  return [FOR_READING, ...users.map(({ programs }) => programs)].flatMap((programs) =>
    Object.entries(programs).map(([name, list]) => ({ name, programs: list.split(' ') })),
  );
}

/** All that any of them calls: what is looked for on a host. */
export function neededPrograms({ providers, hooks }: Registry): readonly string[] {
  return [...new Set(packagesFor([FOR_SNAPSHOTS, ...providers, ...hooks]).flatMap(({ programs }) => programs))];
}

/**
 * The error of a host that lacks a program; undefined where none is missing. A host without a storage lacks nothing of it.
 *
 * @param users those that have something to do there
 */
export function lackOf(
  { missing, gnuTar, gnuFind }: HostIdentity,
  users: readonly ProgramUser[],
  host: string,
): StillpointError | undefined {
  const packages = packagesFor(users);
  const wanted = [
    ...missing.filter((name) => packages.some(({ programs }) => programs.includes(name))),
    ...(gnuTar || missing.includes('tar') ? [] : ['GNU tar']),
    ...(gnuFind || missing.includes('find') ? [] : ['GNU find']),
  ];
  if (wanted.length === 0) return undefined;
  const lacking = new Set(wanted.map((name) => name.replace('GNU ', '')));
  const lackingPackages = packages.filter(({ programs }) => programs.some((program) => lacking.has(program)));
  return new StillpointError('remote.tool-missing', `"${host}" lacks what a backup needs: ${wanted.join(', ')}.`, {
    advice: `Install it there, on Debian with "apt-get install ${[...new Set(lackingPackages.map(({ name }) => name))].join(' ')}".`,
    details: { host, missing: wanted },
    cause: undefined,
  });
}
