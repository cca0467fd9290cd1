/**
 * What a storage does with snapshots that are kept on purpose. One is made as a short-lived snapshot of a run, under its
 * watchman, and becomes a kept one by another name: until then it goes with the run, from then on it stays. So nothing that
 * is half made is left for a person to find, but for a set that was cut between the names of two of its snapshots; which
 * is why each says how many there are.
 */
import type { PlannedSnapshot } from '../domain/backup-plan.ts';
import type { KeptState } from '../domain/kept.ts';
import type { KeptId } from '../domain/kept-name.ts';
import type { OwnerId, RunId } from '../domain/names.ts';
import type { Fragment } from '../remote/fragment.ts';

/** What has the form of a kept name, as it was found on the host. */
export interface KeptObject {
  /** Of the storage, as in records of runs. */
  readonly kind: string;
  readonly id: string;
  readonly set: KeptId;
  /** What tells it from another one of that name; a word of letters, digits and +_.:/=@,- only. */
  readonly proof: string;
  /** Of the volume that it is of, and its name for people. */
  readonly volumeId: string;
  readonly volume: string;
  /** As `keep` was given them; empty where the host has none. */
  readonly words: readonly string[];
  readonly state: KeptState;
  readonly room: { readonly usedBytes: number | undefined; readonly totalBytes: number | undefined };
}

/** Of a snapshot that stands, what keeping it takes. */
export interface KeepOrder {
  readonly run: RunId;
  readonly owner: OwnerId;
  readonly provider: string;
  readonly id: string;
  readonly planned: Pick<PlannedSnapshot, 'snapshot' | 'volumeId'>;
  /** What its provider saw of it when it was made. */
  readonly standing: { readonly seen: Readonly<Record<string, string>> };
}

export interface KeepSteps {
  /** What it is from then on, and what will tell it from another one; see `KeptObject`. */
  readonly id: string;
  readonly proof: string;
  /** As an administrator would type it. */
  readonly lines: readonly string[];
  /** Writes the words beside the snapshot, which is a short-lived one still. Fails where it is not the one that was made. */
  readonly mark: Fragment<void>;
  /** One step of the host: before it the snapshot goes with its run, and after it it stays. */
  readonly rename: Fragment<void>;
}

/** What came of removing one: `gone` where it was not there any more. */
const REMOVALS = ['removed', 'gone', 'busy', 'foreign', 'merging', 'alone', 'needed', 'unread'] as const;
export type Removal = (typeof REMOVALS)[number];

/** Of the first word that a storage says of one; nothing is said of what was gone. */
export function removalOf(word: string): Removal {
  const known = REMOVALS.find((each) => each === (word === '' ? 'gone' : word));
  if (known === undefined) throw new Error('what became of a snapshot is said in another form');
  return known;
}
