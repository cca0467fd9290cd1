/**
 * Which files and folders need a blob, a tree or a pack: what a person asks when one of them is damaged or gone. Ids may
 * be shortened; one that fits nothing is refused, because "nothing needs it" would be believed.
 */
import { StillpointError } from '../../base/errors.ts';
import { BlobSet } from '../../repository/blob-set.ts';
import type { BlobId } from '../../repository/ids.ts';
import type { Node } from '../../repository/node.ts';
import type { PointReader } from '../../repository/point-reader.ts';

export class IdMatcher {
  readonly #wanted: BlobSet;

  constructor(repository: PointReader, ids: readonly string[]) {
    this.#wanted = new BlobSet(repository.index);
    if (ids.length > 0) this.#choose(repository, ids);
  }

  /** Whether the node itself needs what is wanted; what is below it is asked for itself. */
  matches({ content, subtree }: Node): boolean {
    if (this.#wanted.size === 0) return false;
    if (subtree !== undefined && this.matchesTree(subtree)) return true;
    return content?.some((id) => this.#wanted.has('data', id)) === true;
  }

  matchesTree(id: BlobId): boolean {
    return this.#wanted.has('tree', id);
  }

  #choose({ index, title }: PointReader, ids: readonly string[]): void {
    const missing = new Set(ids.map(checkedId));
    const fits = (id: string): boolean => {
      const found = ids.filter((wanted) => id.startsWith(wanted.toLowerCase()));
      for (const wanted of found) missing.delete(wanted.toLowerCase());
      return found.length > 0;
    };
    for (const pack of index.packs()) {
      const isWhole = fits(pack.id);
      for (const { type, id } of pack.blobs) if (fits(id) || isWhole) this.#wanted.add(type, id);
    }
    const [unknown] = missing;
    if (unknown === undefined) return;
    throw new StillpointError('usage.invalid', `No blob, tree or pack of the ${title} is "${unknown}".`, {
      advice: 'No index knows it. Give an id, or at least the first 8 digits of one, as check and verify print them.',
      cause: undefined,
    });
  }
}

/** In small letters. */
export function checkedId(id: string): string {
  if (/^[0-9a-f]{8,64}$/i.test(id)) return id.toLowerCase();
  throw new StillpointError('usage.invalid', `"${id}" is not an id.`, {
    advice: 'An id has 64 hexadecimal digits; the first 8 or more are enough.',
    cause: undefined,
  });
}
