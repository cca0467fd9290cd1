/**
 * What was found wrong, and whom it hits. Causes are gathered first (a missing pack, a broken blob); then one walk over
 * all trees tells which restore points and files each cause costs. A tree that many restore points share is read once.
 */
import { displayName } from '../base/bytes.ts';
import { isStillpointError } from '../base/errors.ts';
import type { Finding } from '../domain/report.ts';
import type { BlobId, BlobType } from './format/ids.ts';
import type { Node } from './format/node.ts';
import type { OpenedRepository } from './opened-repository.ts';
import type { RestorePoint } from './restore-point.ts';

/** More is no help to a reader; the count stays true. */
const MAX_AFFECTED = 100;

interface Cause {
  readonly message: string;
  readonly severity: Finding['severity'];
  readonly affects: string[];
  more: number;
}

export class Damage {
  readonly #causes = new Map<string, Cause>();

  /** @param key the same for the same cause, so that it is told once */
  add(key: string, message: string, severity: Finding['severity'] = 'damage'): void {
    if (!this.#causes.has(key)) this.#causes.set(key, { message, severity, affects: [], more: 0 });
  }

  addFinding({ message, severity, affects }: Finding): void {
    this.#causes.set(`finding:${message}`, { message, severity, affects: [...affects], more: 0 });
  }

  hit(key: string, object: string): void {
    const cause = this.#causes.get(key);
    if (cause === undefined) return;
    if (cause.affects.length < MAX_AFFECTED) cause.affects.push(object);
    else cause.more += 1;
  }

  get findings(): readonly Finding[] {
    return [...this.#causes.values()].map(({ message, severity, affects, more }) => ({
      message,
      severity,
      affects: more === 0 ? affects : [...affects, `and ${more} more`],
    }));
  }
}

/** Why a blob cannot be had: the key of a cause in the damage; undefined for a good one. */
export type CauseOf = (type: BlobType, id: BlobId) => string | undefined;

interface Hit {
  readonly cause: string;
  readonly path: string;
}

export interface SurveyPorts {
  readonly repository: OpenedRepository;
  readonly damage: Damage;
  readonly causeOf: CauseOf;
  readonly signal: AbortSignal;
}

/** Walks all trees of the restore points and notes what each cause hits. */
export class Survey {
  readonly #ports: SurveyPorts;
  /** One bit for each blob: trees without any fault in or below them. */
  readonly #sound: Uint8Array;
  readonly #hits = new Map<BlobId, readonly Hit[]>();

  constructor(ports: SurveyPorts) {
    this.#ports = ports;
    this.#sound = new Uint8Array((ports.repository.index.blobCount >> 3) + 1);
  }

  async examine(points: readonly RestorePoint[]): Promise<void> {
    for (const point of points) {
      for (const { cause, path } of await this.#tree(point.tree, 0)) {
        this.#ports.damage.hit(cause, `${point.id.slice(0, 8)}:${path === '' ? '/' : path}`);
      }
    }
  }

  async #tree(id: BlobId, depth: number): Promise<readonly Hit[]> {
    this.#ports.signal.throwIfAborted();
    const number = this.#ports.repository.index.numberOf('tree', id);
    if (number !== undefined && ((this.#sound[number >> 3] ?? 0) & (1 << (number & 7))) !== 0) return [];
    const known = this.#hits.get(id);
    if (known !== undefined) return known;
    const hits = await this.#examineTree(id, depth);
    if (hits.length > 0) this.#hits.set(id, hits);
    else if (number !== undefined) this.#sound[number >> 3] = (this.#sound[number >> 3] ?? 0) | (1 << (number & 7));
    return hits;
  }

  async #examineTree(id: BlobId, depth: number): Promise<readonly Hit[]> {
    const cause = this.#ports.causeOf('tree', id);
    if (cause !== undefined) return [{ cause, path: '' }];
    const nodes = await this.#load(id);
    if (nodes === undefined || depth > 4096) return [{ cause: `tree:${id}`, path: '' }];
    const hits: Hit[] = [];
    for (const node of nodes) {
      for (const hit of await this.#node(node, depth)) {
        if (hits.length <= MAX_AFFECTED) hits.push({ cause: hit.cause, path: `/${displayName(node.name)}${hit.path}` });
      }
    }
    return hits;
  }

  async #node(node: Node, depth: number): Promise<readonly Hit[]> {
    if (node.subtree !== undefined) return this.#tree(node.subtree, depth + 1);
    const causes = new Set<string>();
    for (const id of node.content ?? []) {
      const cause = this.#ports.causeOf('data', id);
      if (cause !== undefined) causes.add(cause);
    }
    return [...causes].map((cause) => ({ cause, path: '' }));
  }

  async #load(id: BlobId): Promise<readonly Node[] | undefined> {
    const { repository, damage, signal } = this.#ports;
    try {
      return (await repository.loadTree(id, signal)).nodes;
    } catch (error) {
      if (!isStillpointError(error, 'repository.damaged')) throw error;
      damage.add(`tree:${id}`, error.message);
      return undefined;
    }
  }
}
