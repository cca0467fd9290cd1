/**
 * Files in the order in which the packs hold them. A folder lists its files by their names, and they were stored as the
 * host gave them; read in the order of names, a window of one large folder would have blobs all over the packs of it, and
 * the same ranges would be read again for each window.
 */
import type { Node } from '../../repository/node.ts';
import type { BlobCatalogue } from '../../repository/point-reader.ts';

/** Only files change places, and only among themselves: the order of folders is that of the walk. */
export function inStoredOrder(nodes: readonly Node[], index: Pick<BlobCatalogue, 'storedOrder'>): readonly Node[] {
  const files: { readonly node: Node; readonly order: number }[] = [];
  for (const node of nodes) if (node.type === 'file') files.push({ node, order: orderOf(node, index) });
  files.sort((left, right) => left.order - right.order);
  let next = 0;
  return nodes.map((node) => (node.type === 'file' ? (files[next++]?.node ?? node) : node));
}

/** What has no content, or none that is known, comes first. */
function orderOf({ content = [] }: Node, index: Pick<BlobCatalogue, 'storedOrder'>): number {
  const [first] = content;
  return (first && index.storedOrder('data', first)) ?? -1;
}
