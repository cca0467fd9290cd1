/** What our scripts call on a host beside the shell, and what is said of a host that lacks a part of it. */
import { StillpointError } from '../base/errors.ts';
import type { Programs } from '../remote/programs.ts';
import type { HostIdentity } from './identify-host.ts';
import type { Registry } from './registry.ts';

const FOR_EVERY_BACKUP: Programs = {
  tar: 'tar',
  findutils: 'find',
  'util-linux': 'unshare nsenter',
  mount: 'mount umount',
  coreutils: 'readlink stat timeout dd tr',
  grep: 'grep',
  sed: 'sed',
};

interface Package {
  readonly name: string;
  readonly programs: readonly string[];
}

function packagesFor({ providers, hooks }: Registry): readonly Package[] {
  return [FOR_EVERY_BACKUP, ...[...providers, ...hooks].map(({ programs }) => programs)].flatMap((programs) =>
    Object.entries(programs).map(([name, list]) => ({ name, programs: list.split(' ') })),
  );
}

export function neededPrograms(registry: Registry): readonly string[] {
  return [...new Set(packagesFor(registry).flatMap(({ programs }) => programs))];
}

/** The error of a host that lacks a program; undefined where none is missing. */
export function lackOf(
  { missing, gnuTar, gnuFind }: HostIdentity,
  registry: Registry,
  host: string,
): StillpointError | undefined {
  const wanted = [
    ...missing,
    ...(gnuTar || missing.includes('tar') ? [] : ['GNU tar']),
    ...(gnuFind || missing.includes('find') ? [] : ['GNU find']),
  ];
  if (wanted.length === 0) return undefined;
  const lacking = new Set(wanted.map((name) => name.replace('GNU ', '')));
  const packages = packagesFor(registry).filter(({ programs }) => programs.some((program) => lacking.has(program)));
  return new StillpointError('remote.tool-missing', `"${host}" lacks what a backup needs: ${wanted.join(', ')}.`, {
    advice: `Install it there, on Debian with "apt-get install ${[...new Set(packages.map(({ name }) => name))].join(' ')}".`,
    details: { host, missing: wanted },
    cause: undefined,
  });
}
