/**
 * How ready a host is to be backed up: what would be inconsistent, left out or dangerous, each with what mends it. What
 * a host says of itself is shown text here and nothing more; lines to be typed are quoted, and never run by us.
 */
import type { HostName } from './names.ts';

/** From grave to good to know; findings are listed in this order. */
export const FINDING_SEVERITIES = ['dangerous', 'left-out', 'inconsistent', 'advice'] as const;
export type FindingSeverity = (typeof FINDING_SEVERITIES)[number];

/** For people. */
export const SEVERITY_MEANING: Readonly<Record<FindingSeverity, string>> = {
  dangerous: 'data, or the host itself, is in danger already',
  'left-out': 'a backup is refused or would not hold it',
  inconsistent: 'a backup would hold it, but not of one moment',
  advice: 'good to know, or to mend at leisure',
};

/** What mends it. */
export interface Remedy {
  /**
   * Where the lines belong: a root shell on the host, a shell of the machine that runs Stillpoint, or the source's entry in
   * the configuration. "nowhere" where nothing has to be done, or no line could do it; the note says which.
   */
  readonly where: 'host' | 'here' | 'configuration' | 'nowhere';
  /** Exact and quoted, one after the other. */
  readonly lines: readonly string[];
  /** One sentence or two: what to think of before, or why nothing has to be done. */
  readonly note: string;
}

/** "readiness finding": what a person should see to on a host before a backup, or should know of it. */
export interface HostFinding {
  /** Which kind of finding it is, for programs: a word or two in kebab-case. */
  readonly kind: string;
  readonly severity: FindingSeverity;
  /** On what: a volume, a folder, a program. */
  readonly object: string;
  /** What is so, a sentence that names the object. */
  readonly message: string;
  /** What that means for a backup, a sentence. */
  readonly means: string;
  readonly remedy: Remedy;
}

/** Where a program keeps data that no copy of single files holds whole. */
export interface DataStore {
  /** "MariaDB", "a virtual machine (QEMU)". */
  readonly what: string;
  /** Where on the host; undefined where it is seen in a container only and nothing of the host's shows it. */
  readonly path: string | undefined;
  /** The service that runs it, as "systemctl stop" takes it; undefined where that is not known. */
  readonly service: string | undefined;
  /** The volume that holds it. */
  readonly volume: string | undefined;
}

/** How much is written to a volume, and whether a snapshot of it can take that. */
export interface RoomForecast {
  readonly volume: string;
  /** Over the seconds that were measured. */
  readonly writtenPerSecond: number;
  readonly readingSeconds: number;
  /** What is written while it is read, if that goes on. */
  readonly neededBytes: number;
  /** What a snapshot can take until it is full, or has to go. */
  readonly roomBytes: number;
}

/** A source as it could stand in the configuration, and why it is as it is. */
export interface ProposedSource {
  readonly name: string;
  readonly entry: ProposedEntry;
  /** A sentence for each thing that a person may wonder at. */
  readonly why: readonly string[];
}

/** Keys of the configuration. */
interface ProposedEntry {
  readonly host: string;
  readonly paths: readonly string[];
  readonly repository: string;
  readonly exclude?: readonly string[];
  readonly excludeCaches?: boolean;
  readonly stop?: readonly string[];
  readonly quiesce?: readonly { readonly of: string }[];
  readonly withoutSnapshot?: 'read-live';
}

/** How the host is reached, as it could stand under "hosts"; undefined where that is written already. */
export interface ProposedHost {
  readonly ssh: string;
  readonly sudo: 'none' | 'passwordless' | 'password';
}

export interface HostReadiness {
  readonly host: HostName;
  /** Kernel and distribution in words. */
  readonly system: string;
  readonly isRoot: boolean;
  /** By severity, dangerous ones first. */
  readonly findings: readonly HostFinding[];
  readonly stores: readonly DataStore[];
  readonly room: readonly RoomForecast[];
  /** What could not be seen, sentences. */
  readonly unseen: readonly string[];
  readonly proposedHost: ProposedHost | undefined;
  readonly proposedSources: readonly ProposedSource[];
}

/** One of each kind and object, grave ones first; the first of equal ones stays. */
export function ordered(findings: readonly HostFinding[]): readonly HostFinding[] {
  const one = new Map<string, HostFinding>();
  for (const finding of findings) {
    const key = `${finding.kind}\0${finding.object}`;
    if (!one.has(key)) one.set(key, finding);
  }
  const rank = ({ severity }: HostFinding): number => FINDING_SEVERITIES.indexOf(severity);
  return [...one.values()].toSorted((a, b) => rank(a) - rank(b));
}
