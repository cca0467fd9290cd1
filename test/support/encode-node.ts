/** A node as one text, for nodes that are small enough. */

import { nodePieces } from '../../shared/repository/format/node-json.ts';
import type { StoredNode } from '../../shared/repository/format/stored-node.ts';

export function encodeNode(node: StoredNode): string {
  return [...nodePieces(node)].join('');
}
