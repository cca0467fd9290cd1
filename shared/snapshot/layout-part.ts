/**
 * What a storage has to tell of itself so that somebody can build it again on empty disks: files of a restore point, made
 * by programs of the host that only read.
 */

export interface LayoutPart {
  /**
   * POSIX sh, the body of a function in a subshell of its own. It calls `sp_file NAME PROGRAM ARGUMENT…`, which keeps what
   * the program prints as the file NAME, `folder/name` at the most, and `sp_missing NAME WHAT` where what is needed for
   * the file is not on the host. $work is a private folder that goes with the script. It changes nothing on the host.
   */
  readonly script: string;
  /** What it may make, in the order in which it is read. */
  readonly files: readonly LayoutFile[];
  /** How it is built again from them, for a person at an empty machine; lines of plain text. */
  readonly rebuild?: string;
}

interface LayoutFile {
  /** The name as given to `sp_file`; `*` stands for any part of a name. */
  readonly name: string;
  /** For people: "the metadata of one pool". */
  readonly about: string;
}
