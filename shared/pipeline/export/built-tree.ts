/** The tree that a run has built, asked for one path after the other. Folders on the way to the last path are held. */
import type { BlobId } from '../../repository/ids.ts';
import type { Node, NodeByName } from '../../repository/node.ts';
import type { TreeSpool } from './tree-spool.ts';

interface Level {
  /** With a slash at its end, as Latin-1 text. */
  readonly prefix: string;
  readonly nodeOf: NodeByName;
}

export class BuiltTree {
  readonly #spool: Pick<TreeSpool, 'byName'>;
  readonly #root: BlobId;
  readonly #levels: Level[] = [];

  constructor(spool: Pick<TreeSpool, 'byName'>, root: BlobId) {
    this.#spool = spool;
    this.#root = root;
  }

  /** @param path absolute; "/" has no node of its own */
  async find(path: Buffer, signal: AbortSignal): Promise<Node | undefined> {
    const text = path.toString('latin1');
    while (this.#levels.length > 0 && !text.startsWith(this.#levels.at(-1)?.prefix ?? '')) this.#levels.pop();
    if (this.#levels.length === 0) {
      this.#levels.push({ prefix: '/', nodeOf: await this.#spool.byName(this.#root, signal) });
    }
    for (;;) {
      const level = this.#levels.at(-1);
      const start = level?.prefix.length ?? 1;
      const slash = text.indexOf('/', start);
      const node = level?.nodeOf(Buffer.from(text.slice(start, slash < 0 ? undefined : slash), 'latin1'));
      if (slash < 0 || node === undefined) return node;
      if (node.subtree === undefined) return undefined;
      const prefix = text.slice(0, slash + 1);
      this.#levels.push({ prefix, nodeOf: await this.#spool.byName(node.subtree, signal) });
    }
  }
}
