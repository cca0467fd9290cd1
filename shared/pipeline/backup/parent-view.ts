/**
 * The parent restore point, walked in step with a listing: for each listed path the node that the parent has there.
 * Loads one tree per folder and forgets it when the listing has left the folder.
 */

import { isStillpointError } from '../../base/errors.ts';
import type { BlobId } from '../../repository/ids.ts';
import type { Node, NodeByName } from '../../repository/node.ts';
import type { Folders } from './reading-sink.ts';

/** A folder of the parent. */
interface Entered {
  readonly subtree: BlobId;
  /** Of its entries. */
  readonly count: number;
}

interface Level {
  readonly path: string;
  readonly nodeOf: NodeByName;
}

const NONE: NodeByName = Object.assign(() => undefined, { count: 0 });

export class ParentView {
  readonly #folders: Pick<Folders, 'treeByName'>;
  readonly #root: Node | undefined;
  readonly #levels: Level[] = [];

  /** @param root the parent's node at the tree's root; undefined where there is no parent. */
  constructor(folders: Pick<Folders, 'treeByName'>, root: Node | undefined) {
    this.#folders = folders;
    this.#root = root;
  }

  /** The parent's node at a listed path. Paths come in the order of the listing. */
  find(path: Buffer): Node | undefined {
    if (path.length === 0) return this.#root;
    const text = path.toString('latin1');
    const slash = text.lastIndexOf('/');
    const folder = text.slice(0, Math.max(0, slash));
    while (this.#levels.length > 0 && this.#levels.at(-1)?.path !== folder) this.#levels.pop();
    return this.#levels.at(-1)?.nodeOf(path.subarray(slash + 1));
  }

  /** Call it for each folder right after `find`, so that its entries can be found; gives what there is of it. */
  async enter(path: Buffer, node: Node | undefined, signal: AbortSignal): Promise<Entered | undefined> {
    const subtree = node?.subtree;
    const nodeOf = subtree === undefined ? undefined : await this.#entries(subtree, signal);
    this.#levels.push({ path: path.toString('latin1'), nodeOf: nodeOf ?? NONE });
    return subtree && nodeOf && { subtree, count: nodeOf.count };
  }

  async #entries(subtree: BlobId, signal: AbortSignal): Promise<NodeByName | undefined> {
    try {
      return await this.#folders.treeByName(subtree, signal);
    } catch (error) {
      // A parent is not used where its tree is damaged: its files are read again, which also mends the repository.
      if (isStillpointError(error, 'repository.damaged')) return undefined;
      throw error;
    }
  }
}
