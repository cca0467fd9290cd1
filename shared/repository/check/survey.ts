/**
 * One walk over all trees of the restore points, to tell what each cause of damage costs, and to find trees that are
 * wrong in themselves. A tree that many restore points share is read once.
 */
import { displayName } from '../../base/bytes.ts';
import { isStillpointError } from '../../base/errors.ts';
import type { BlobId, BlobType } from '../format/ids.ts';
import type { Node } from '../format/node.ts';
import type { OpenedRepository } from '../opened-repository.ts';
import { MAX_DEPTH } from '../read/walk.ts';
import type { RestorePoint } from '../restore-point.ts';
import type { Damage } from './damage.ts';
import { NO_HITS, TreeHits } from './tree-hits.ts';

/** Why a blob cannot be had: the key of a cause in the damage; undefined for a good one. */
type CauseOf = (type: BlobType, id: BlobId) => string | undefined;

export interface SurveyPorts {
  readonly repository: OpenedRepository;
  readonly damage: Damage;
  readonly causeOf: CauseOf;
  readonly signal: AbortSignal;
}

export class Survey {
  readonly #ports: SurveyPorts;
  /** One bit for each blob: trees without any fault in or below them. */
  readonly #sound: Uint8Array;
  readonly #hits = new Map<BlobId, TreeHits>();

  constructor(ports: SurveyPorts) {
    this.#ports = ports;
    this.#sound = new Uint8Array((ports.repository.index.blobCount >> 3) + 1);
  }

  async examine(points: readonly RestorePoint[]): Promise<void> {
    for (const point of points) {
      for (const [cause, { paths, count }] of await this.#tree(point.tree, 0)) {
        const objects = paths.map((path) => `${point.id.slice(0, 8)}:${path === '' ? '/' : path}`);
        this.#ports.damage.hit(cause, objects, count);
      }
    }
  }

  async #tree(id: BlobId, depth: number): Promise<TreeHits> {
    this.#ports.signal.throwIfAborted();
    const number = this.#ports.repository.index.numberOf('tree', id);
    if (number !== undefined && ((this.#sound[number >> 3] ?? 0) & (1 << (number & 7))) !== 0) return NO_HITS;
    const known = this.#hits.get(id);
    if (known !== undefined) return known;
    const hits = await this.#examineTree(id, depth);
    if (!hits.isEmpty) this.#hits.set(id, hits);
    else if (number !== undefined) this.#sound[number >> 3] = (this.#sound[number >> 3] ?? 0) | (1 << (number & 7));
    return hits;
  }

  async #examineTree(id: BlobId, depth: number): Promise<TreeHits> {
    const cause = this.#ports.causeOf('tree', id);
    if (cause !== undefined) return new TreeHits().add(cause, '');
    const nodes = depth > MAX_DEPTH ? this.#tooDeep(id) : await this.#load(id);
    if (nodes === undefined) return new TreeHits().add(treeKey(id), '');
    const hits = new TreeHits();
    for (const node of nodes) {
      const name = displayName(node.name);
      if (node.type === 'dir' && node.subtree !== undefined)
        hits.addBelow(name, await this.#tree(node.subtree, depth + 1));
      else for (const hit of this.#causesOf(id, node)) hits.add(hit, `/${name}`);
    }
    return hits;
  }

  /** The causes that hit the entry itself. */
  #causesOf(tree: BlobId, node: Node): readonly string[] {
    if (node.type === 'dir') return [this.#incomplete(tree, node, 'is a folder that names no tree')];
    if (node.type !== 'file') return [];
    if (node.content === undefined) return [this.#incomplete(tree, node, 'is a file that names no content')];
    return this.#file(tree, node, node.content);
  }

  #file(tree: BlobId, node: Node, content: readonly BlobId[]): readonly string[] {
    const causes = new Set<string>();
    let bytes = 0;
    for (const id of content) {
      const cause = this.#ports.causeOf('data', id);
      if (cause !== undefined) causes.add(cause);
      bytes += this.#ports.repository.index.plainLength('data', id) ?? 0;
    }
    if (causes.size === 0 && bytes !== (node.size ?? 0)) {
      const fault = `has ${node.size ?? 0} bytes by its size and ${bytes} in its content`;
      return [
        this.#incomplete(
          tree,
          node,
          fault,
          'A restore writes the content that is stored. Compare it with another restore point.',
        ),
      ];
    }
    return [...causes];
  }

  #incomplete(tree: BlobId, node: Node, fault: string, advice = WRONG_TREE): string {
    const cause = `node:${tree}:${node.name.toString('hex')}`;
    const where = `The entry "${displayName(node.name)}" of tree ${tree.slice(0, 8)}`;
    this.#ports.damage.add(cause, `${where} ${fault}.`, advice);
    return cause;
  }

  #tooDeep(id: BlobId): undefined {
    const message = `Tree ${id.slice(0, 8)} lies more than ${MAX_DEPTH} folders deep; no host has such a path.`;
    this.#ports.damage.add(treeKey(id), message, WRONG_TREE);
    return undefined;
  }

  async #load(id: BlobId): Promise<readonly Node[] | undefined> {
    const { repository, damage, signal } = this.#ports;
    try {
      return (await repository.loadTree(id, signal)).nodes;
    } catch (error) {
      if (!isStillpointError(error, 'repository.damaged')) throw error;
      const advice = isBlobFault(error.details)
        ? 'Run "stillpoint verify" to learn which packs are damaged.'
        : WRONG_TREE;
      damage.add(treeKey(id), error.message, advice);
      return undefined;
    }
  }
}

/** Its bytes are what was written; what was written is wrong. */
const WRONG_TREE =
  'It was written so, by a faulty program or to mislead one. "stillpoint repair points" writes restore points without it.';

const treeKey = (id: BlobId): string => `tree:${id}`;

/** An unreadable blob says which copies failed, and how; a tree that makes no sense does not. */
function isBlobFault(details: Readonly<Record<string, unknown>>): boolean {
  return 'faults' in details;
}
