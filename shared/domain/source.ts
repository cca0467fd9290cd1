/** What to back up from where to where, as the configuration says it and every room understands it. */
import type { HostName, RepositoryName, SourceName } from './names.ts';

type SudoMode = 'none' | 'passwordless' | 'password';

export interface HostSpec {
  readonly name: HostName;
  /** The name that OpenSSH's configuration knows. */
  readonly ssh: string;
  readonly sshConfigFile: string | undefined;
  readonly sudo: SudoMode;
  /** How long the host keeps our traces when it hears nothing from us; 1800 unless configured, 5 at least. */
  readonly leaseSeconds: number;
}

export interface RepositorySpec {
  readonly name: RepositoryName;
  /** restic's location syntax; today a local folder. */
  readonly location: string;
  readonly passwordFile: string | undefined;
  readonly passwordCommand: readonly string[] | undefined;
}

export interface Source {
  readonly name: SourceName;
  readonly host: HostName;
  /** Absolute paths on the host. Text in the configuration, bytes from here on. */
  readonly paths: readonly Buffer[];
  readonly repository: RepositoryName;
  /** Patterns of paths to leave out; see the exclude room for their meaning. */
  readonly exclude: readonly string[];
}
