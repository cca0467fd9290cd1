/** Several names of one file: the first is restored with its content, later ones as links to it. */
import { createHash } from 'node:crypto';
import type { Node } from '../../repository/format/node.ts';

interface Known {
  readonly first: Buffer;
  readonly content: string;
  left: number;
}

export class HardLinks {
  readonly #known = new Map<string, Known>();

  /**
   * The path under which this file was met before, or undefined. Names count as one file only when device, inode,
   * type and content agree: equal numbers alone may come from two file systems that a backup could not tell apart.
   */
  claim(node: Node, path: Buffer): Buffer | undefined {
    const links = node.links ?? 0;
    if (links < 2 || node.type === 'dir' || node.inode === undefined) return undefined;
    const key = `${node.deviceId ?? 0n}:${node.inode}`;
    const content = contentOf(node);
    const known = this.#known.get(key);
    if (known === undefined) {
      this.#known.set(key, { first: path, content, left: links - 1 });
      return undefined;
    }
    if (known.content !== content) return undefined;
    known.left -= 1;
    if (known.left === 0) this.#known.delete(key);
    return known.first;
  }
}

function contentOf(node: Node): string {
  const hash = createHash('sha256').update(node.type);
  for (const id of node.content ?? []) hash.update(id);
  return hash
    .update(node.linkTarget ?? '')
    .update(String(node.device ?? ''))
    .digest('base64');
}
