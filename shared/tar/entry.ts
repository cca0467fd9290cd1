/**
 * A byte-exact, streaming tar codec: what `tar` on a host writes, as entries, and entries as what `tar` understands.
 *
 * It is pure: chunks in, entries out, and the other way round; no files, no processes. Names, link names and values of
 * extended attributes are bytes and are never decoded. Memory is bounded by one chunk, one entry's header (at most
 * `maxHeaderBytes`) and one sparse map. Whatever cannot be understood is an error with the position in the stream;
 * nothing is guessed, because a guess here would become a user's only copy. A crash leaves nothing behind.
 */

export type TarEntryType = 'file' | 'hardlink' | 'symlink' | 'chardev' | 'blockdev' | 'dir' | 'fifo';

/** `seconds` since 1970, rounded down; `nanoseconds` from 0 to 999 999 999, also before 1970. */
export interface TarTime {
  readonly seconds: number;
  readonly nanoseconds: number;
}

/**
 * Pairs of offset and length, rising and without overlap. A plain typed array, because a database on a busy file
 * system can have hundreds of thousands of parts.
 */
export type SparseMap = Float64Array;

export interface TarXattr {
  readonly name: Buffer;
  readonly value: Buffer;
}

/** What both directions have in common: everything of an entry but its content. */
export interface TarHead {
  /** Folders carry no "/" at the end here. */
  readonly name: Buffer;
  readonly type: TarEntryType;
  /** Permission bits with setuid, setgid and sticky: 12 bits. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** The size that the file has on disk, holes included; 0 for everything that is not a file. */
  readonly size: number;
  readonly mtime: TarTime;
  /** Target of a symbolic link; for a hard link the name of the entry that came first. Otherwise empty. */
  readonly linkName: Buffer;
  readonly devMajor: number;
  readonly devMinor: number;
  readonly xattrs: readonly TarXattr[];
  /** POSIX ACLs as text (SCHILY.acl.*). GNU tar writes them with --acls only; the raw xattrs say the same. */
  readonly aclAccess: Buffer | undefined;
  readonly aclDefault: Buffer | undefined;
  /** Which parts of the file are stored; undefined when all of it is. */
  readonly sparse: SparseMap | undefined;
}

export interface TarEntry extends TarHead {
  /**
   * Up to where the map of a sparse file speaks of it. GNU tar writes maps that reach the end of the file, with an
   * empty part there if need be; where one ends earlier, tar could not read on, and it says so nowhere else.
   */
  readonly sparseEnd: number | undefined;
  readonly atime: TarTime | undefined;
  readonly ctime: TarTime | undefined;
  /** How many bytes `content` yields: `size`, or for a sparse file the sum of its stored parts. */
  readonly storedSize: number;
  /** Where in the stream the entry's first header began. */
  readonly position: number;
  /**
   * The stored bytes as slices of the incoming chunks: copy what you keep. To be read once, before the next entry is asked for; what is left unread is skipped.
   */
  readonly content: AsyncIterable<Buffer>;
  /** Whether a slice that fills its memory is the reader's, who may move it to another thread. */
  readonly givesMemory?: true;
  /** The same in one slice, where all of it had come with the header. */
  readonly whole?: Buffer | undefined;
}

const NO_BYTES = Buffer.alloc(0);

/** An entry of which only these facts are given: empty, root's, mode 0600, without attributes, from 1970. */
export function bareHead(name: string | Buffer, type: TarEntryType, facts: Partial<TarHead> = {}): TarHead {
  return {
    name: Buffer.from(name as string),
    type,
    mode: 0o600,
    uid: 0,
    gid: 0,
    size: 0,
    mtime: { seconds: 0, nanoseconds: 0 },
    linkName: NO_BYTES,
    devMajor: 0,
    devMinor: 0,
    xattrs: [],
    aclAccess: undefined,
    aclDefault: undefined,
    sparse: undefined,
    ...facts,
  };
}
