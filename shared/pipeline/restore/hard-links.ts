/** Several names of one file: the first is restored with its content, later ones as links to it. */
import { createHash } from 'node:crypto';
import type { Node } from '../../repository/node.ts';

interface Known {
  readonly first: Buffer;
  readonly content: string;
  /** Counts the walks. */
  readonly walk: number;
  left: number;
}

export class HardLinks {
  readonly #known = new Map<string, Known>();
  #walk = 0;

  /** Paths of the next walk begin elsewhere, so no entry of it can be a link to one of those before. */
  nextWalk(): void {
    this.#walk += 1;
  }

  /**
   * The path under which this file was met before, or undefined. Names count as one file only when device, inode,
   * type and content agree: equal numbers alone may come from two file systems that a backup could not tell apart.
   * @param onSeparated called where the file was met in an earlier walk, and becomes a file of its own in this one
   */
  claim(node: Node, path: Buffer, onSeparated?: () => void): Buffer | undefined {
    const links = node.links ?? 0;
    if (links < 2 || node.type === 'dir' || node.inode === undefined) return undefined;
    const key = `${node.deviceId ?? 0n}:${node.inode}`;
    const content = contentOf(node);
    const known = this.#known.get(key);
    if (known === undefined || (known.content === content && known.walk !== this.#walk)) {
      if (known !== undefined) onSeparated?.();
      this.#known.set(key, { first: path, content, walk: this.#walk, left: (known?.left ?? links) - 1 });
      return undefined;
    }
    if (known.content !== content) return undefined;
    known.left -= 1;
    if (known.left <= 0) this.#known.delete(key);
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
