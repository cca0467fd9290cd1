/** A package, and the program's name or the path that tells that it is there. */
export interface DebianPackageProbe {
  readonly package: string;
  readonly file: string;
}

type Group = 'lab' | 'restic' | 'stores' | 'ceph' | 'chromium' | 'peers';

export const DEBIAN_GROUPS: Readonly<Record<Group, readonly DebianPackageProbe[]>>;

/** The packages of these groups that are not here, each once. */
export function missingPackages(groups: readonly Group[]): string[];
