/**
 * Repositories that say what no honest program would write: entries are stored word for word as JSON, with none of the
 * checks of our own writer, and any entry may carry children.
 */
import { createLocalBackend } from '../../shared/repository/backend/local.ts';
import type { BlobId } from '../../shared/repository/ids.ts';
import { createRepository } from '../../shared/repository/open-repository.ts';
import type { RepositoryWriter } from '../../shared/repository/repository.ts';
import type { RestorePointDraft } from '../../shared/repository/restore-point.ts';
import { timestampFromNs } from '../../shared/repository/timestamp.ts';
import { CHEAP_KEY, PASSWORD, testSignal } from './test-repository.ts';

export interface ForgedNode {
  /** As stored: bytes that are not text are written as `\xNN`. */
  readonly name: string;
  readonly type: string;
  /** What stands in the blobs, each text or buffer a blob of its own. */
  readonly content?: readonly (string | Buffer)[];
  /** What the entry's own tree holds, whatever its type is; an id is named as it is. */
  readonly children?: readonly ForgedNode[] | BlobId;
  /** Any further field of a node, which also replaces what is written by default. */
  readonly [field: string]: unknown;
}

const WHEN = '2023-11-14T22:13:20.123456789Z';

/** `folder` is created; the repository opens with `PASSWORD`. Children come before their parents, without recursion. */
export async function forgeRepository(
  folder: string,
  nodes: readonly ForgedNode[],
  point: Partial<RestorePointDraft> = {},
): Promise<void> {
  const signal = testSignal();
  await using repository = await createRepository(createLocalBackend(folder), PASSWORD, signal, {
    keyCost: CHEAP_KEY,
  });
  await using lock = await repository.lock('shared', signal);
  await repository.loadIndex(signal);
  await using writer = await repository.openWriter(lock, { workers: 1 });
  const tree = await forgeTree(writer, nodes, signal);
  await writer.flush(signal);
  const time = timestampFromNs(1_700_000_000_000_000_000n);
  await repository.saveRestorePoint({ time, tree, paths: ['/'], hostname: 'forged', ...point }, lock, signal);
}

interface Open {
  readonly nodes: readonly ForgedNode[];
  readonly texts: string[];
}

async function forgeTree(writer: RepositoryWriter, nodes: readonly ForgedNode[], signal: AbortSignal): Promise<BlobId> {
  const put = async (type: 'data' | 'tree', data: Buffer): Promise<BlobId> =>
    (await (await writer.put(type, data, signal)).saved).id;
  const textOf = async (node: ForgedNode, subtree: BlobId | undefined): Promise<string> => {
    const { children: _, content, ...fields } = node;
    const ids: BlobId[] = [];
    for (const piece of content ?? []) ids.push(await put('data', Buffer.from(piece)));
    const stored = content === undefined ? {} : { content: ids };
    const times = { mtime: WHEN, atime: WHEN, ctime: WHEN };
    const mode = node.type === 'dir' ? 2 ** 31 + 0o755 : 0o644;
    return JSON.stringify({ mode, ...times, uid: 0, gid: 0, ...stored, subtree, ...fields });
  };
  const open: Open[] = [{ nodes, texts: [] }];
  for (;;) {
    const here = open.at(-1) as Open;
    const node = here.nodes[here.texts.length];
    if (node !== undefined && Array.isArray(node.children)) open.push({ nodes: node.children, texts: [] });
    else if (node !== undefined) here.texts.push(await textOf(node, node.children as BlobId | undefined));
    else {
      const id = await put('tree', Buffer.from(`{"nodes":[${here.texts.join(',')}]}\n`));
      open.pop();
      const above = open.at(-1);
      if (above === undefined) return id;
      above.texts.push(await textOf(above.nodes[above.texts.length] as ForgedNode, id));
    }
  }
}

/** A chain of folders, each in the one before, and what the last one holds. */
export function folderChain(depth: number, name: string, inside: readonly ForgedNode[]): ForgedNode {
  let node: ForgedNode = { name, type: 'dir', children: inside };
  for (let count = 1; count < depth; count += 1) node = { name, type: 'dir', children: [node] };
  return node;
}
