/** What to back up from where to where, as the configuration says it and every room understands it. */

import type { Consistency } from './consistency.ts';
import { DUMPS_FOLDER, type DumpWish, dumpPlace } from './dump.ts';
import type { KeepRules } from './keep-rules.ts';
import type { Location } from './location.ts';
import type { HostName, RepositoryName, SourceName } from './names.ts';
import type { QuiesceSpec } from './quiesce.ts';

type SudoMode = 'none' | 'passwordless' | 'password';

export interface HostSpec {
  readonly name: HostName;
  /** The name that OpenSSH's configuration knows. */
  readonly ssh: string;
  readonly sshConfigFile: string | undefined;
  readonly sudo: SudoMode;
  /** How long the host keeps our traces when it hears nothing from us; 1800 unless configured, 5 at least. */
  readonly leaseSeconds: number;
  /** By how much its clock may differ from ours before a person has to look; 86400 unless configured. */
  readonly maxClockSkewSeconds: number;
  /** How long a run waits at most for what another one holds there; 600 unless configured. */
  readonly waitSeconds?: number | undefined;
}

export interface RepositorySpec {
  readonly name: RepositoryName;
  /** In restic's syntax, for people: a password in it is shown as `***`. */
  readonly location: string;
  readonly place: Location;
  /** Only for a place that is reached by SSH: the host of it. */
  readonly sshHost?: SshHost | undefined;
  readonly passwordFile: string | undefined;
  readonly passwordCommand: readonly string[] | undefined;
  readonly store: StoreOptions;
}

/** A host that only keeps files for us. */
export interface SshHost {
  /** As in the location; questions on the way there are about this name. */
  readonly name: string;
  /** The name that OpenSSH's configuration knows. */
  readonly ssh: string;
  readonly sshConfigFile: string | undefined;
}

/** How the store of a repository is used. All of it may be left out. */
export interface StoreOptions {
  readonly limitUploadKiB?: number | undefined;
  readonly limitDownloadKiB?: number | undefined;
  /** How many calls at once. */
  readonly connections?: number | undefined;
  /** How much of a repository elsewhere is kept on this machine; nothing at 0. */
  readonly cacheMiB?: number | undefined;
  /** Certificates in PEM that are trusted beside those of the system. */
  readonly caCertificateFile?: string | undefined;
  readonly s3?: S3Options | undefined;
  readonly rest?: RestOptions | undefined;
}

export interface S3Options {
  readonly region?: string | undefined;
  /** Where the bucket's name goes: into the path, or before the host's name. */
  readonly bucketLookup?: 'auto' | 'path' | 'dns' | undefined;
  /** Not a secret, like a user name. Without it, the keys are looked for where the AWS tools keep them. */
  readonly accessKeyId?: string | undefined;
  readonly secretKeyFile?: string | undefined;
  readonly secretKeyCommand?: readonly string[] | undefined;
  /** A profile of the user's AWS configuration. */
  readonly profile?: string | undefined;
}

interface RestOptions {
  readonly user?: string | undefined;
  readonly passwordFile?: string | undefined;
  readonly passwordCommand?: readonly string[] | undefined;
}

export interface LeaveOut {
  /** What is in folders that a valid CACHEDIR.TAG marks as a cache, but for that file. */
  readonly caches: boolean;
  /** Names; what is in folders that hold an entry called so is left out, but for that entry. */
  readonly ifPresent: readonly string[];
  readonly largerThanBytes: number | undefined;
  /** What is mounted below a path of the source. */
  readonly otherFileSystems: boolean;
}

/** What of a host is meant: by a source, or by paths that are named for once. */
export interface SourceScope {
  /** Of a source. */
  readonly name?: SourceName;
  readonly host: HostName;
  /** Absolute paths on the host. Text in the configuration, bytes from here on. */
  readonly paths: readonly Buffer[];
  /** Block devices that are saved as images of their bytes, by their absolute paths. */
  readonly devices?: readonly Buffer[];
  /** The path is "/", and all that belongs to the system is saved with it, and how its disks are laid out. */
  readonly system?: boolean;
  /** Patterns of paths to leave out. */
  readonly exclude: readonly string[];
  /** What else is left out, whatever it is called. */
  readonly leaveOut?: LeaveOut;
  /** Services that are stopped while the snapshots are made, in this order. */
  readonly stop?: readonly string[];
  /** What is held still while the snapshots are made, in this order. */
  readonly quiesce?: readonly QuiesceSpec[];
  /** The weakest consistency with which a run may end; what its plan foresees where it is left out. */
  readonly require?: Consistency;
  /** What no snapshot can hold is refused unless it may be read live, while it may be changing. */
  readonly withoutSnapshot?: 'refuse' | 'read-live';
  /** What programs of the host write out, each a file of the restore point. */
  readonly dumps?: readonly DumpWish[];
}

export interface Source extends SourceScope {
  readonly name: SourceName;
  readonly repository: RepositoryName;
  /** By which `forget` chooses when it is given no rules of its own. */
  readonly keep?: KeepRules;
}

/** What is saved of the host, by name. */
export const contentsOf = ({
  paths,
  devices = [],
  dumps = [],
}: Pick<Source, 'paths' | 'devices' | 'dumps'>): readonly Buffer[] => [
  ...paths,
  ...devices,
  ...dumps.map((dump) => Buffer.from(`/${DUMPS_FOLDER}/${dumpPlace(dump)}`)),
];

/** Whether nothing is read of the host's file systems. */
export const hasDumpsAlone = ({ paths, devices = [], dumps = [] }: SourceScope): boolean =>
  paths.length + devices.length === 0 && dumps.length > 0;
