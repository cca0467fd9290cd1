/** A file or a folder taken back from a kept set, to a new place on the same host. */
import type { KeptId } from './kept-name.ts';
import type { HostName } from './names.ts';

export interface TakeRequest {
  readonly host: HostName;
  /** Id of a set. */
  readonly set: string;
  /** Absolute, on the host, as it was when the set was made; it need not be there any more. */
  readonly path: string;
  /** Absolute, on the host; nothing may be there. Absent: beside the path, with the set's id behind its name. */
  readonly to?: string;
}

export interface KeptTaken {
  readonly host: HostName;
  readonly set: KeptId;
  readonly path: string;
  /** Where it is now. */
  readonly to: string;
  readonly entries: number;
  /** Sizes of all files. */
  readonly bytes: number;
  /** Folders that are empty in the copy, because another volume lay there. */
  readonly otherVolumes: readonly string[];
}
