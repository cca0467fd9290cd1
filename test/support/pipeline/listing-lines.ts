/** Entries of a listing as find prints them. */
import type { ListedEntry } from '../../../shared/pipeline/backup/listing.ts';

const LETTERS = { file: 'f', dir: 'd', symlink: 'l', dev: 'b', chardev: 'c', fifo: 'p', socket: 's' } as const;

/** As GNU find prints it: seconds, and a fraction that counts upwards, with a tenth digit. */
const time = (ns: bigint): string => {
  const seconds = ns >= 0n || ns % 1_000_000_000n === 0n ? ns / 1_000_000_000n : ns / 1_000_000_000n - 1n;
  return `${seconds}.${(ns - seconds * 1_000_000_000n).toString().padStart(9, '0')}0`;
};

export const lineOf = (entry: ListedEntry): Buffer => {
  const { type, inode, links, mode, uid, gid, size, mtimeNs, ctimeNs } = entry;
  const letter = LETTERS[type as keyof typeof LETTERS];
  const facts = `${letter} ${inode} ${links} ${mode.toString(8)} ${uid} ${gid} ${size} ${time(mtimeNs)} ${time(ctimeNs)}\0`;
  return Buffer.concat([Buffer.from(facts), entry.path, Buffer.from([0]), entry.linkTarget, Buffer.from([0])]);
};

export const LISTED_TYPES = Object.keys(LETTERS) as readonly (keyof typeof LETTERS)[];
