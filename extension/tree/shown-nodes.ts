/**
 * What a view shows, and how it is brought up to date while it is shown.
 *
 * The editor knows an item by an object of ours. On a change it forgets at once the objects of everything below the node that
 * changed, and learns the new ones only when it has asked for them; until then a button that is pressed runs its command
 * without the item. So we read first and tell the editor afterwards, of the smallest part that is different, and
 * then have the answer ready. An item that stays keeps its object, whose content is replaced in place.
 */
import { isDeepStrictEqual } from 'node:util';

export interface NodePorts<N> {
  /** The same for the same thing, however it looks now. */
  readonly idOf: (node: N) => string;
  /** The children of a node, or of the view. Failures are nodes too: it never rejects. */
  readonly load: (parent: N | undefined) => Promise<readonly N[]>;
  /** Has the editor draw a node, or the view, again and ask for its children. */
  readonly changed: (node: N | undefined) => void;
  /** In milliseconds, from any origin. */
  readonly nowMs: () => number;
}

/** For how long what was read ahead is handed out. A view that is hidden asks later than that, and gets what is true then. */
const READY_MS = 5_000;

export class ShownNodes<N extends object> {
  readonly #ports: NodePorts<N>;
  readonly #nodes = new Map<string, N>();
  /** What the editor was given, by the id of the parent; undefined is the view itself. */
  readonly #children = new Map<string | undefined, readonly N[]>();
  readonly #ready = new Map<string | undefined, { readonly nodes: readonly N[]; readonly atMs: number }>();
  readonly #closed = new Set<string>();
  /** The latest reading of a parent; an older one that ends later counts for nothing. */
  readonly #readings = new Map<string | undefined, symbol>();

  constructor(ports: NodePorts<N>) {
    this.#ports = ports;
  }

  /** The object by which the editor knows a node. */
  find(id: string): N | undefined {
    return this.#nodes.get(id);
  }

  /** For the editor, when it asks. */
  async children(parent: N | undefined): Promise<N[]> {
    const id = this.#idOf(parent);
    const nodes = (this.#takeReady(id) ?? (await this.#ports.load(parent))).map((node) => this.#adopt(node));
    const staying = new Set(nodes);
    for (const old of this.#children.get(id) ?? []) if (!staying.has(old)) this.#forget(old);
    this.#children.set(id, nodes);
    return nodes;
  }

  /** Reads a node, or the view, and what is open below it again. */
  async renew(parent: N | undefined): Promise<void> {
    const id = this.#idOf(parent);
    this.#ready.delete(id);
    const before = this.#children.get(id);
    if (before === undefined || (id !== undefined && this.#closed.has(id))) {
      this.#ports.changed(parent);
      return;
    }
    const reading = Symbol('reading');
    this.#readings.set(id, reading);
    const nodes = await this.#ports.load(parent);
    if (this.#readings.get(id) !== reading) return;
    this.#readings.delete(id);
    const shown = this.#children.get(id) ?? before;
    if (!isDeepStrictEqual(shown.map(this.#ports.idOf), nodes.map(this.#ports.idOf))) {
      this.#ready.set(id, { nodes, atMs: this.#ports.nowMs() });
      this.#ports.changed(parent);
      return;
    }
    await Promise.all(shown.map((node, index) => this.#update(node, nodes[index] as N)));
  }

  /** A closed node is read again when it is opened and not before. */
  setOpen(node: N, isOpen: boolean): void {
    if (isOpen) this.#closed.delete(this.#ports.idOf(node));
    else this.#closed.add(this.#ports.idOf(node));
  }

  async #update(node: N, content: N): Promise<void> {
    if (!isDeepStrictEqual(node, content)) {
      replaceContent(node, content);
      this.#ports.changed(node);
    } else if (this.#children.has(this.#ports.idOf(node))) await this.renew(node);
  }

  #adopt(node: N): N {
    const id = this.#ports.idOf(node);
    const known = this.#nodes.get(id);
    if (known !== undefined) return replaceContent(known, node);
    this.#nodes.set(id, node);
    return node;
  }

  #forget(node: N): void {
    const id = this.#ports.idOf(node);
    // It may have moved below another parent.
    if (this.#nodes.get(id) !== node) return;
    this.#nodes.delete(id);
    this.#closed.delete(id);
    for (const child of this.#children.get(id) ?? []) this.#forget(child);
    this.#children.delete(id);
    this.#ready.delete(id);
  }

  #takeReady(id: string | undefined): readonly N[] | undefined {
    const ready = this.#ready.get(id);
    this.#ready.delete(id);
    return ready === undefined || this.#ports.nowMs() - ready.atMs > READY_MS ? undefined : ready.nodes;
  }

  #idOf(node: N | undefined): string | undefined {
    return node === undefined ? undefined : this.#ports.idOf(node);
  }
}

function replaceContent<N extends object>(node: N, content: N): N {
  if (node === content) return node;
  for (const key of Object.keys(node)) if (!(key in content)) Reflect.deleteProperty(node, key);
  return Object.assign(node, content);
}
