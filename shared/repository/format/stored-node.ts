/**
 * A node as a tree holds it: with all that has to come back to the letter when it is written again. An absent field is
 * omitted on disk; so is a zero or an empty text, as Go's `omitempty` does.
 */
import type { Node } from '../node.ts';

export interface StoredNode extends Node {
  /** For other systems than Unix; kept as read. */
  readonly genericAttributes?: Readonly<Record<string, unknown>>;
  /** The mode field as it was read, where it says more than type and mode do. */
  readonly storedMode?: number;
  /** Fields that we do not know, kept as read. */
  readonly extra?: Readonly<Record<string, unknown>>;
}

/** Entries sorted by the bytes of their names, no name twice. */
export interface Tree {
  readonly nodes: readonly StoredNode[];
}
