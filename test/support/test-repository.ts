/** Repositories for tests: cheap keys, a small tree as a literal, and a backup of it in one call. */

import type { Backend } from '../../shared/repository/backend/backend.ts';
import { encodeTree } from '../../shared/repository/format/tree.ts';
import type { BlobId } from '../../shared/repository/ids.ts';
import type { Node } from '../../shared/repository/node.ts';
import { createRepository } from '../../shared/repository/open-repository.ts';
import type { OpenedRepository } from '../../shared/repository/opened-repository.ts';
import type { RepositoryLock, RepositoryWriter, WriterOptions } from '../../shared/repository/repository.ts';
import type { RestorePoint } from '../../shared/repository/restore-point.ts';
import { timestampFromNs } from '../../shared/repository/timestamp.ts';
import { createMemoryBackend } from './stores/memory.ts';

export const PASSWORD = 'correct horse';
/** scrypt as cheap as it gets; the strength of passwords is not what these tests are about. */
export const CHEAP_KEY = { N: 16, r: 1, p: 1 };

/** Each test has a limit of time of its own; this ends what goes on behind it, and many tests of one file share it. */
export function testSignal(): AbortSignal {
  return AbortSignal.timeout(15 * 60_000);
}

export function createTestRepository(
  backend: Backend = createMemoryBackend(),
  version: 1 | 2 = 2,
): Promise<OpenedRepository> {
  return createRepository(backend, PASSWORD, testSignal(), { keyCost: CHEAP_KEY, version });
}

/** One that is locked and has its index loaded, as a backup has it while it writes. */
export interface LockedRepository extends AsyncDisposable {
  readonly repository: OpenedRepository;
  readonly lock: RepositoryLock;
}

export async function createLockedRepository(): Promise<LockedRepository> {
  const repository = await createTestRepository();
  const lock = await repository.lock('shared', testSignal());
  await repository.loadIndex(testSignal());
  return {
    ...{ repository, lock },
    async [Symbol.asyncDispose]() {
      await lock[Symbol.asyncDispose]();
      await repository.close();
    },
  };
}

/** A folder as a literal: text or bytes are a file, an object is a folder. */
export interface TestTree {
  readonly [name: string]: string | Uint8Array | readonly Uint8Array[] | TestTree;
}

const WHEN = timestampFromNs(1_700_000_000_123_456_789n);
const META = { mtime: WHEN, atime: WHEN, ctime: WHEN, uid: 1000, gid: 1000, user: 'ada', group: 'ada' } as const;

/** Stores the files and trees; the result is the id of the top tree. A list of pieces is one file of several blobs. */
export async function putTree(writer: RepositoryWriter, tree: TestTree, signal: AbortSignal): Promise<BlobId> {
  const nodes: Node[] = [];
  for (const [name, content] of Object.entries(tree)) {
    const common = { ...META, name: Buffer.from(name) };
    if (typeof content === 'string' || content instanceof Uint8Array || Array.isArray(content)) {
      const pieces = (Array.isArray(content) ? content : [Buffer.from(content as string)]) as Uint8Array[];
      const ids: BlobId[] = [];
      for (const piece of pieces) {
        if (piece.length > 0) ids.push((await (await writer.put('data', Buffer.from(piece), signal)).saved).id);
      }
      const size = pieces.reduce((sum, piece) => sum + piece.length, 0);
      nodes.push({ ...common, type: 'file', mode: 0o644, size, links: 1, content: ids });
    } else {
      nodes.push({ ...common, type: 'dir', mode: 0o755, subtree: await putTree(writer, content as TestTree, signal) });
    }
  }
  return (await (await writer.put('tree', encodeTree(nodes), signal)).saved).id;
}

/** A whole backup: lock, index, blobs, flush, restore point. */
export async function backUp(
  repository: OpenedRepository,
  tree: TestTree,
  options: WriterOptions = {},
  signal: AbortSignal = testSignal(),
): Promise<RestorePoint> {
  await using lock = await repository.lock('shared', signal);
  await repository.loadIndex(signal);
  await using writer = await repository.openWriter(lock, { workers: 1, ...options });
  const top = await putTree(writer, tree, signal);
  await writer.flush(signal);
  return await repository.saveRestorePoint({ time: WHEN, tree: top, paths: ['/'], hostname: 'db1' }, lock, signal);
}
