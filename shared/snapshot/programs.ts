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
  programs: { 'util-linux': 'unshare nsenter flock', coreutils: 'head', mount: 'mount umount', grep: 'grep' },
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

export interface Lack {
  /** Programs, and "GNU tar" where there is another one. */
  readonly wanted: readonly string[];
  /** Of Debian. */
  readonly packages: readonly string[];
}

/**
 * What a host lacks; undefined where nothing is missing. A host without a storage lacks nothing of it.
 *
 * @param users those that have something to do there
 */
export function lackIn({ missing, gnuTar, gnuFind }: HostIdentity, users: readonly ProgramUser[]): Lack | undefined {
  const packages = packagesFor(users);
  const wanted = [
    ...missing.filter((name) => packages.some(({ programs }) => programs.includes(name))),
    ...(gnuTar || missing.includes('tar') ? [] : ['GNU tar']),
    ...(gnuFind || missing.includes('find') ? [] : ['GNU find']),
  ];
  if (wanted.length === 0) return undefined;
  const lacking = new Set(wanted.map((name) => name.replace('GNU ', '')));
  const lackingPackages = packages.filter(({ programs }) => programs.some((program) => lacking.has(program)));
  return { wanted, packages: [...new Set(lackingPackages.map(({ name }) => name))] };
}

export const installing = ({ packages }: Lack): string => `apt-get install ${packages.join(' ')}`;

/** The error of a host that lacks a program. */
export function lackOf(
  identity: HostIdentity,
  users: readonly ProgramUser[],
  host: string,
): StillpointError | undefined {
  const lack = lackIn(identity, users);
  if (lack === undefined) return undefined;
  return new StillpointError('remote.tool-missing', `"${host}" lacks what a backup needs: ${lack.wanted.join(', ')}.`, {
    advice: `Install it there, on Debian with "${installing(lack)}".`,
    details: { host, missing: lack.wanted },
    cause: undefined,
  });
}
