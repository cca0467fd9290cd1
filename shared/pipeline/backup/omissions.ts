/**
 * What a restore point does not hold, or not with everything that belongs to it. It is reported as it is found and is in
 * the report, because a backup that lacks something without a word is worse than one that fails; and a file that any
 * user of the host can make must not end the backup of all the others.
 */
import { displayName } from '../../base/bytes.ts';
import type { EmitEvent } from '../../domain/events.ts';
import type { SkippedItem } from '../../domain/verbs/backup.ts';
import type { MissingEntry } from '../../domain/wholeness.ts';
import type { Complaint } from './complaints.ts';
import type { ListedEntry } from './listing.ts';

/** A node names each MiB of a file; more would be a folder that neither we nor restic can load. */
export const MOST_FILE_BYTES = 4 * 1024 ** 4;
/** PATH_MAX of Linux, with the NUL: tar on the host cannot open a longer one. */
const MOST_PATH = 4096;
/** Named in the report; more are in the events. */
const NAMED = 1000;

export class Omissions {
  readonly items: SkippedItem[] = [];
  /** Of these, what is not in the restore point: it is partial, and says so itself. */
  readonly missing: MissingEntry[] = [];
  missingCount = 0;
  /** Whether the host said of an entry that not all of its attributes could be read: the next backup must not trust it. */
  attributesMissing = false;
  readonly #emit: EmitEvent;
  readonly #named = new Set<string>();

  constructor(emit: EmitEvent) {
    this.#emit = emit;
  }

  /** @param path absolute */
  leaveOut(path: Buffer, reason: string): void {
    this.#miss(displayName(path), reason);
  }

  /** @param path absolute; of an entry that could not be looked at, or of a folder that could not be looked into. */
  cannotList(path: Buffer, reason: string): void {
    this.#miss(displayName(path), `not saved, or not with all that is in it, because it cannot be listed: ${reason}`);
  }

  /** @param path absolute */
  cannotRead(path: Buffer, reason: string): void {
    this.#miss(displayName(path), `not saved, because it cannot be read: ${reason}`);
  }

  /** @param path absolute; of a file that is saved, but of no single moment. */
  torn(path: Buffer, reason: string): void {
    this.#miss(displayName(path), `saved, but perhaps torn: ${reason}`);
  }

  /** @param path absolute; of a file that is saved, may be torn, and is not there any more. */
  mayBeTorn(path: Buffer, reason: string): void {
    this.#name(displayName(path), `saved, but perhaps torn: ${reason}`);
  }

  /** @param path absolute; told where only programs that hold no sockets read what is saved. */
  isSocket(path: Buffer): void {
    this.#name(displayName(path), 'left out: it is a socket, which its program makes');
  }

  /** @param path absolute, in the restore point; of what tells how the system is laid out, which is no part of the data. */
  lacksLayout(path: Buffer, reason: string): void {
    this.#name(displayName(path), `not there: ${reason}`);
  }

  /** @param path absolute */
  lackAttributesOf(path: Buffer, reason: string): void {
    this.#name(displayName(path), `saved without all of its attributes: ${reason}`);
  }

  /**
   * @param base what tar's names are seen from, absolute
   * @param remarks of tar on what it packed whole
   * @param others lines that name nothing
   */
  lackAttributes(base: Buffer, remarks: readonly Complaint[], others: readonly string[]): void {
    for (const { name, reason } of remarks) {
      this.attributesMissing = true;
      const below = name.subarray(name[0] === 0x2e ? 1 : 0);
      this.lackAttributesOf(base.length === 1 && below.length > 0 ? below : Buffer.concat([base, below]), reason);
    }
    for (const line of others) {
      if (!line.startsWith('tar: ')) continue;
      this.attributesMissing = true;
      this.#name(displayName(base), `saved, but tar said: ${line.slice('tar: '.length)}`);
    }
  }

  #miss(path: string, reason: string): void {
    this.missingCount += 1;
    if (this.missing.length < NAMED) this.missing.push({ path, reason });
    this.#name(path, reason);
  }

  /** Once for each entry: what else is said of it follows from the first. */
  #name(path: string, reason: string): void {
    if (this.#named.has(path)) return;
    if (this.#named.size < NAMED) this.#named.add(path);
    this.#emit({ type: 'item-skipped', path, reason });
    if (this.items.length < NAMED) this.items.push({ path, reason });
  }
}

/** Why the host's tar or the repository cannot take an entry; undefined where they can. `name` is what tar is asked for. */
export function whyLeftOut({ type, size }: ListedEntry, name: Buffer): string | undefined {
  if (name.length >= MOST_PATH) return 'its path has more bytes than programs on Linux can open (4095)';
  if (type === 'file' && size > MOST_FILE_BYTES) return 'it is larger than 4 TiB, holes counted';
  return undefined;
}
