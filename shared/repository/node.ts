/**
 * What a restore point says about one file, folder, link or device, as everybody sees it who reads one or writes one.
 * Source: restic's `Node` type. What only a copy to the letter needs beside it, `format/stored-node.ts` has.
 */
import type { BlobId } from './ids.ts';
import type { Timestamp } from './timestamp.ts';

export const NODE_TYPES = ['file', 'dir', 'symlink', 'dev', 'chardev', 'fifo', 'socket', 'irregular'] as const;
export type NodeType = (typeof NODE_TYPES)[number];

export interface ExtendedAttribute {
  readonly name: string;
  readonly value: Buffer;
}

export interface StrayFields {
  /** Of what is not a file. */
  readonly content?: readonly BlobId[];
  /** Of what is not a folder. */
  readonly subtree?: BlobId;
}

/** POSIX ACLs are extended attributes (`system.posix_acl_access`). */
export interface Node {
  /** Bytes; never empty, `.`, `..` or with `/` or NUL. */
  readonly name: Buffer;
  /** `dev` is a block device. */
  readonly type: NodeType;
  /** Permissions with set-uid, set-gid and sticky: the low twelve bits of st_mode. */
  readonly mode: number;
  readonly mtime: Timestamp;
  /** restic writes the mtime here unless run with `--with-atime`. */
  readonly atime: Timestamp;
  readonly ctime: Timestamp;
  readonly uid: number;
  readonly gid: number;
  readonly user?: string;
  readonly group?: string;
  readonly inode?: bigint;
  /** st_dev; needed to tell hard links apart. */
  readonly deviceId?: bigint;
  /** Bytes of content, for files. */
  readonly size?: number;
  /** Number of hard links; restic writes it for everything but folders, fifos and sockets. */
  readonly links?: number;
  readonly linkTarget?: Buffer;
  readonly extendedAttributes?: readonly ExtendedAttribute[];
  /** st_rdev of a device. */
  readonly device?: bigint;
  /** Data blobs in order; present for every file, empty for an empty one, absent otherwise. */
  readonly content?: readonly BlobId[];
  /** Present for every folder, and for nothing else. */
  readonly subtree?: BlobId;
  /**
   * What the stored entry names although its type can have no such thing. Nobody follows it, as in restic; it is kept
   * apart so that nobody does by mistake: a tree "below" a symbolic link would lead wherever that leads.
   */
  readonly stray?: StrayFields;
  /** Why the entry could not be read wholly, said by the writer. */
  readonly error?: string;
}

/** The entries of a folder. */
export interface NodeByName {
  /** The entry of a name; undefined where there is none. */
  (name: Buffer): Node | undefined;
  readonly count: number;
}
