/** What the nodes of a tree have in common. */
import { createHash } from 'node:crypto';
import type { Preparation } from '../prepare.ts';
import type { NodeContext } from './node.ts';
import type { SourceTree } from './source-tree.ts';

export function nodeContext(tree: SourceTree, prepared: Preparation): NodeContext {
  const { users, groups } = prepared.survey.identity;
  const digest = createHash('sha256').update(tree.volume.volume.id).digest();
  return { users, groups, deviceId: BigInt(digest.readUIntBE(0, 6)) };
}
