/** What is wrong with a node in itself, whatever blobs are there. */
import type { Node } from '../node.ts';

export interface NodeFault {
  /** The same for faults of the same kind. */
  readonly kind: string;
  /** A sentence without its subject. */
  readonly fault: string;
  readonly advice: string;
}

/** Its bytes are what was written; what was written is wrong. */
export const WRONG_TREE =
  'It was written so, by a faulty program or to mislead one. "stillpoint repair points" writes restore points without it.';
const WRONG_SIZE = 'A restore writes the content that is stored. Compare it with another restore point.';

export function nodeFault(node: Node): NodeFault | undefined {
  const { type, stray, subtree, content } = node;
  if (stray?.subtree !== undefined)
    return wrong(
      'children',
      `is of the type "${type}" and names a tree, as only a folder can; nothing below it is restored`,
    );
  if ((stray?.content?.length ?? 0) > 0)
    return wrong('content', `is of the type "${type}" and names content, as only a file can`);
  if (type === 'dir' && subtree === undefined) return wrong('no-tree', 'is a folder that names no tree');
  if (type === 'file' && content === undefined) return wrong('no-content', 'is a file that names no content');
  return undefined;
}

/** @param bytes of the content, by the index */
export function sizeFault({ size = 0 }: Node, bytes: number): NodeFault | undefined {
  if (bytes === size) return undefined;
  return { kind: 'size', fault: `has ${size} bytes by its size and ${bytes} in its content`, advice: WRONG_SIZE };
}

function wrong(kind: string, fault: string): NodeFault {
  return { kind, fault, advice: WRONG_TREE };
}
