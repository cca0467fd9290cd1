/**
 * The port of a storage that can make room for data out of an empty device. It is asked by a person at a terminal only.
 *
 * Invariants: a device on which anything is found, or that anything uses, is refused; between the look and the work
 * nothing is believed to be as it was, so the script looks again; what was begun and could not be ended is taken back.
 */
import type { NewVolumePlan, NewVolumeRequest } from '../domain/new-volume.ts';
import type { RemoteCommand } from '../remote/command.ts';
import type { RemoteHost } from '../remote/remote-host.ts';

export interface VolumeMaker {
  /** Whatever would do on no host. Errors: `usage.invalid`. */
  refuse(wanted: NewVolumeRequest['wanted']): void;

  /**
   * Looks, and changes nothing. Errors: `host.device-in-use` with all that was found; `usage.invalid` for what cannot be
   * had on this host; `remote.tool-missing`.
   */
  plan(request: NewVolumeRequest, host: RemoteHost, signal: AbortSignal): Promise<PlannedVolume>;
}

export interface PlannedVolume {
  readonly plan: NewVolumePlan;
  /** Does the plan; its answer is the uuid of the file system, where one was made. Errors: `host.volume-not-made`. */
  readonly work: RemoteCommand<string | undefined>;
}
