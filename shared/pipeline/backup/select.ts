/**
 * Which listed entries belong to a tree: not what is excluded, nor anything below it; and where something is mounted
 * only the place itself, because what a snapshot shows below it lies hidden under that mount on the living host.
 */
import type { ExcludePatterns } from '../../domain/exclude-patterns.ts';
import type { ListedEntry } from './listing.ts';
import type { Selection } from './spool.ts';

export interface SelectionRules {
  /** The tree's own path, to make listed paths absolute. */
  readonly root: Buffer;
  readonly exclude: ExcludePatterns;
  /** Paths below the root at which other trees are joined, or nothing that is saved, as Latin-1 text. */
  readonly mounted: ReadonlySet<string>;
  /** The same, of folders that are ours and no part of the data. */
  readonly ours?: readonly string[];
  /** Folders below the root of which nothing is taken but the entries that mark them so; as Latin-1 text. */
  readonly marked?: MarkedFolders;
  readonly largerThanBytes?: number | undefined;
  /** Of what is held still, below the root: whatever marks or sizes say, all of it is taken. As Latin-1 text. */
  readonly held?: readonly string[] | undefined;
}

/** By path, the names of the entries that mark the folder. */
export type MarkedFolders = ReadonlyMap<string, readonly string[]>;

/** A listing goes depth first, so what lies below a folder that was left out follows it directly. */
export function selection(rules: SelectionRules): () => Selection {
  return () => {
    let skipped: string | undefined;
    /** Of what is in it, only what is held is taken, with the folders above it. */
    let heldAlone: string | undefined;
    return (entry: ListedEntry) => {
      if (entry.path.length === 0) return true;
      const text = entry.path.toString('latin1');
      if (skipped !== undefined && text.startsWith(skipped)) return false;
      skipped = undefined;
      if (rules.ours?.includes(text) === true || rules.exclude.matches(joined(rules.root, entry.path))) {
        skipped = `${text}/`;
        return false;
      }
      if (rules.mounted.has(text)) skipped = `${text}/`;
      const slash = text.lastIndexOf('/');
      const marks = rules.marked?.get(text.slice(0, Math.max(0, slash)));
      const isMarked = marks?.includes(text.slice(slash + 1)) === false;
      const isBelowMarked = heldAlone !== undefined && text.startsWith(heldAlone);
      if (rules.held?.some((place) => isOnTheWay(text, place)) === true) {
        if (isMarked && !isBelowMarked) heldAlone = `${text}/`;
        return true;
      }
      if (isMarked || isBelowMarked) {
        skipped = `${text}/`;
        return false;
      }
      return entry.type !== 'file' || entry.size <= (rules.largerThanBytes ?? Number.POSITIVE_INFINITY);
    };
  };
}

/** Whether it is the place, lies in it, or is a folder above it. */
const isOnTheWay = (path: string, place: string): boolean =>
  place === '' || path === place || path.startsWith(`${place}/`) || place.startsWith(`${path}/`);

/** Whether an entry, or a folder on the way to it from the tree's root, is excluded. */
export function isExcluded(root: Buffer, path: Buffer, exclude: ExcludePatterns): boolean {
  for (let end = path.indexOf(0x2f); end > 0; end = path.indexOf(0x2f, end + 1)) {
    if (exclude.matches(joined(root, path.subarray(0, end)))) return true;
  }
  return exclude.matches(joined(root, path));
}

/** A path below a tree as an absolute one. */
export function joined(root: Buffer, path: Buffer): Buffer {
  return Buffer.concat(root.length === 1 ? [root, path] : [root, SLASH, path]);
}

const SLASH = Buffer.from('/');
