/** What to back up, and how to talk to where it is. */
import type { HostSpec, Source } from '../../domain/source.ts';

export interface BackupRequest {
  readonly source: Source;
  readonly host: HostSpec;
  /** A person has decided that a host whose clock is far off is backed up all the same. */
  readonly acceptClockSkew: boolean;
}
