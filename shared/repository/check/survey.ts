/**
 * One walk over all trees of the restore points, to tell what each cause of damage costs, and to find trees that are
 * wrong in themselves. Each tree is read once; those in which or below which something is hit are read again, to name
 * the first paths. The work does not depend on how deep trees lie, nor on how many paths lead to them.
 */

import { displayName } from '../../base/bytes.ts';
import { isStillpointError } from '../../base/errors.ts';
import type { BlobId, BlobType } from '../ids.ts';
import type { Node } from '../node.ts';
import type { OpenedRepository } from '../opened-repository.ts';
import type { RestorePoint } from '../restore-point.ts';
import type { Damage } from './damage.ts';
import { HitCounts } from './hit-counts.ts';
import { type NodeFault, nodeFault, sizeFault, WRONG_TREE } from './node-faults.ts';
import { below } from './shown-paths.ts';
import { TreeGraph } from './tree-graph.ts';

/** How many of the trees that come next are said, so that they can be read meanwhile. */
const TREES_AHEAD = 8;

/** Why a blob cannot be read: the key of a cause in the damage; undefined for a good one. */
type CauseOf = (type: BlobType, id: BlobId) => string | undefined;

export interface SurveyPorts {
  readonly repository: OpenedRepository;
  readonly damage: Damage;
  readonly causeOf: CauseOf;
  readonly signal: AbortSignal;
}

/** A folder on the way down to what is hit. */
interface OpenFolder {
  readonly place: number;
  readonly path: string;
  /** Folders in it that lead to something. */
  readonly folders: readonly { readonly name: Buffer; readonly place: number }[];
  next: number;
  /** Whether anything got a name in or below it. */
  hasNamed: boolean;
}

export class Survey {
  readonly #ports: SurveyPorts;
  readonly #graph: TreeGraph;
  /** By the place of a tree in the graph: how many of its entries each cause hits. */
  readonly #own = new Map<number, Map<string, number>>();

  constructor(ports: SurveyPorts) {
    this.#ports = ports;
    this.#graph = new TreeGraph(ports.repository.index.blobCount);
  }

  async examine(points: readonly RestorePoint[]): Promise<void> {
    const roots: { readonly point: RestorePoint; readonly number: number }[] = [];
    for (const point of points) {
      const cause = this.#ports.causeOf('tree', point.tree);
      if (cause === undefined) roots.push({ point, number: await this.#walk(point.tree) });
      else this.#ports.damage.hit(cause, [`${point.id.slice(0, 8)}:/`]);
    }
    if (this.#own.size > 0) await this.#tell(roots);
  }

  /** Reads all trees from here on that were not read yet. */
  async #walk(top: BlobId): Promise<number> {
    const { index } = this.#ports.repository;
    const number = index.numberOf('tree', top) ?? 0;
    const waiting = [number];
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      const place = this.#graph.begin(next);
      if (place === undefined) continue;
      this.#ports.signal.throwIfAborted();
      const hits = new Map<string, number>();
      await this.#look(
        next,
        (cause) => hits.set(cause, (hits.get(cause) ?? 0) + 1),
        (child) => {
          this.#graph.addChild(child);
          waiting.push(child);
        },
      );
      this.#graph.end();
      this.#expect(waiting);
      if (hits.size > 0) this.#own.set(place, hits);
    }
    return number;
  }

  #expect(waiting: readonly number[]): void {
    const { repository, signal } = this.#ports;
    const next = waiting.slice(-TREES_AHEAD).filter((number) => !this.#graph.isBegun(number));
    const ids = next.toReversed().map((number) => repository.index.placeAt(number).id);
    repository.expectTrees(ids, signal);
  }

  /**
   * Looks at the entries of one tree.
   * @param onHit given the cause, and the name of the entry or none for the tree itself
   */
  async #look(
    number: number,
    onHit: (cause: string, name: Buffer | undefined) => void,
    onFolder: (child: number, name: Buffer) => void,
  ): Promise<void> {
    const { repository, causeOf, damage } = this.#ports;
    const { id } = repository.index.placeAt(number);
    const faults = new NodeFaults(id);
    const lost = await this.#read(id, (node) => {
      const fault = nodeFault(node);
      if (fault !== undefined) onHit(faults.add(fault, node), node.name);
      if (node.type === 'dir' && node.subtree !== undefined) {
        const cause = causeOf('tree', node.subtree);
        const child = cause === undefined ? repository.index.numberOf('tree', node.subtree) : undefined;
        if (child !== undefined) onFolder(child, node.name);
        else if (cause !== undefined) onHit(cause, node.name);
      }
      if (node.type === 'file' && node.content !== undefined) {
        for (const cause of this.#causesOfFile(node, node.content, faults)) onHit(cause, node.name);
      }
    });
    if (lost !== undefined) onHit(lost, undefined);
    faults.tell(damage);
  }

  #causesOfFile(node: Node, content: readonly BlobId[], faults: NodeFaults): Iterable<string> {
    const { causeOf, repository } = this.#ports;
    const causes = new Set<string>();
    let bytes = 0;
    for (const id of content) {
      const cause = causeOf('data', id);
      if (cause !== undefined) causes.add(cause);
      bytes += repository.index.plainLength('data', id) ?? 0;
    }
    const fault = causes.size === 0 ? sizeFault(node, bytes) : undefined;
    return fault === undefined ? causes : [faults.add(fault, node)];
  }

  /** The cause, where the tree cannot be read to its end. */
  async #read(id: BlobId, onNode: (node: Node) => void): Promise<string | undefined> {
    const { repository, damage, signal } = this.#ports;
    try {
      for await (const nodes of repository.treeParts(id, signal)) for (const node of nodes) onNode(node);
      return undefined;
    } catch (error) {
      if (!isStillpointError(error, 'repository.damaged')) throw error;
      const advice = isBlobFault(error.details)
        ? 'Run "stillpoint verify" to learn which packs are damaged.'
        : WRONG_TREE;
      const cause = `tree:${id}`;
      damage.add(cause, error.message, advice);
      return cause;
    }
  }

  async #tell(roots: readonly { readonly point: RestorePoint; readonly number: number }[]): Promise<void> {
    const { damage } = this.#ports;
    const counts = new HitCounts(this.#graph, this.#own);
    const places = roots.map(({ number }) => this.#graph.placeOf(number));
    for (const cause of counts.causes) {
      this.#ports.signal.throwIfAborted();
      for (const count of counts.count(cause, places)) damage.count(cause, count);
    }
    /** Trees below which every cause has as many names as it may. */
    const exhausted = new Uint8Array(this.#graph.size);
    for (const [index, { point }] of roots.entries()) {
      if (damage.isFull) return;
      const root = places[index] ?? 0;
      await this.#name(
        `${point.id.slice(0, 8)}:`,
        root,
        (place) => counts.isHit(place) && exhausted[place] === 0,
        exhausted,
      );
    }
  }

  /** Goes down to what is hit, as long as a cause has room for another name. */
  async #name(point: string, root: number, isWanted: (place: number) => boolean, exhausted: Uint8Array): Promise<void> {
    if (!isWanted(root)) return;
    const { damage, signal } = this.#ports;
    const open = [await this.#open(point, root, '', isWanted)];
    for (let here = open.at(-1); here !== undefined; here = open.at(-1)) {
      signal.throwIfAborted();
      const folder = damage.isFull ? undefined : here.folders[here.next];
      here.next += 1;
      if (folder === undefined) {
        open.pop();
        if (!here.hasNamed && !damage.isFull) exhausted[here.place] = 1;
        const above = open.at(-1);
        if (above !== undefined) above.hasNamed ||= here.hasNamed;
      } else if (isWanted(folder.place)) {
        open.push(await this.#open(point, folder.place, below(here.path, folder.name), isWanted));
      }
    }
  }

  async #open(point: string, place: number, path: string, isWanted: (place: number) => boolean): Promise<OpenFolder> {
    const { damage } = this.#ports;
    const folders: { name: Buffer; place: number }[] = [];
    let hasNamed = false;
    await this.#look(
      this.#graph.numberAt(place),
      (cause, name) => {
        if (!damage.hasRoom(cause)) return;
        const shown = name === undefined ? path : below(path, name);
        damage.name(cause, `${point}${shown === '' ? '/' : shown}`);
        hasNamed = true;
      },
      (child, name) => {
        const childPlace = this.#graph.placeOf(child);
        if (isWanted(childPlace)) folders.push({ name, place: childPlace });
      },
    );
    return { place, path, folders, next: 0, hasNamed };
  }
}

/** Entries of one tree that are wrong in themselves: each kind is reported once, with the first of them. */
class NodeFaults {
  readonly #tree: BlobId;
  readonly #kinds = new Map<string, { readonly fault: NodeFault; readonly name: Buffer; count: number }>();

  constructor(tree: BlobId) {
    this.#tree = tree;
  }

  /** The cause. */
  add(fault: NodeFault, { name }: Node): string {
    const known = this.#kinds.get(fault.kind);
    if (known === undefined) this.#kinds.set(fault.kind, { fault, name, count: 1 });
    else known.count += 1;
    return this.#causeOf(fault.kind);
  }

  tell(damage: Damage): void {
    for (const [kind, { fault, name, count }] of this.#kinds) {
      const others = count === 1 ? '' : `; the same holds for ${count - 1} more of its entries`;
      const where = `The entry "${displayName(name.subarray(0, 1024))}" of tree ${this.#tree.slice(0, 8)}`;
      damage.add(this.#causeOf(kind), `${where} ${fault.fault}${others}.`, fault.advice);
    }
  }

  #causeOf(kind: string): string {
    return `node:${this.#tree}:${kind}`;
  }
}

/** An unreadable blob says which copies failed, and how; a tree that makes no sense does not. */
function isBlobFault(details: Readonly<Record<string, unknown>>): boolean {
  return 'faults' in details;
}
