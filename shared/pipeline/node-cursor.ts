/** The nodes of a tree one by one, for code that goes through two trees in step or comes back to one later. */
import type { Node } from '../repository/node.ts';

export class NodeCursor {
  readonly #parts: AsyncIterator<readonly Node[]>;
  #part: readonly Node[] = [];
  #next = 0;

  constructor(parts: AsyncIterable<readonly Node[]>) {
    this.#parts = parts[Symbol.asyncIterator]();
  }

  /** The node at hand; undefined at the end. Asking again gives the same one until it was passed. */
  async peek(): Promise<Node | undefined> {
    while (this.#next >= this.#part.length) {
      const next = await this.#parts.next();
      if (next.done === true) return undefined;
      this.#part = next.value;
      this.#next = 0;
    }
    return this.#part[this.#next];
  }

  pass(): void {
    this.#next += 1;
  }

  /** Takes the node at hand. */
  async take(): Promise<Node | undefined> {
    const node = await this.peek();
    if (node !== undefined) this.pass();
    return node;
  }
}
