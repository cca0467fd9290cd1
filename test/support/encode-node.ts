/** A node as one text, for nodes that are small enough. */
import type { Node } from '../../shared/repository/format/node.ts';
import { nodePieces } from '../../shared/repository/format/node-json.ts';

export function encodeNode(node: Node): string {
  return [...nodePieces(node)].join('');
}
