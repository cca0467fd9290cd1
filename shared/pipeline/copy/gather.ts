/**
 * What a restore point needs that the other repository lacks. Trees are read, since they say what is below them, and
 * go to the writer at once; data blobs are only noted. A tree that was seen is not read again.
 *
 * That the other side has a tree says nothing about what is below it, for an interrupted copy may have stored the one
 * without the other; so every tree is gone through here, in the source.
 */
import { StillpointError } from '../../base/errors.ts';
import { mapWithLimit } from '../../base/limit.ts';
import { BlobSet } from '../../repository/blob-set.ts';
import { readTree } from '../../repository/format/tree-reader.ts';
import type { BlobId, BlobType } from '../../repository/ids.ts';
import type { OpenedRepository } from '../../repository/opened-repository.ts';
import type { RepositoryWriter } from '../../repository/repository.ts';

/** Trees are small: what one costs is asking for it. */
const TREES_AT_ONCE = 8;

export class Gatherer {
  readonly #source: OpenedRepository;
  readonly #writer: RepositoryWriter;
  readonly #visited: BlobSet;
  /** Data blobs to copy. */
  readonly wanted: BlobSet;
  /** Their size as the source stores them. */
  wantedBytes = 0;

  constructor(source: OpenedRepository, writer: RepositoryWriter) {
    this.#source = source;
    this.#writer = writer;
    this.#visited = new BlobSet(source.index);
    this.wanted = new BlobSet(source.index);
  }

  clear(): void {
    this.wanted.clear();
    this.wantedBytes = 0;
  }

  async gather(top: BlobId, signal: AbortSignal): Promise<void> {
    const waiting = [top];
    while (waiting.length > 0) {
      const ids = waiting.splice(-TREES_AT_ONCE).filter((id) => this.#isNew(this.#visited, 'tree', id));
      const found = await mapWithLimit(ids, TREES_AT_ONCE, async (id) => ({
        id,
        data: await this.#source.loadBlob('tree', id, signal),
      }));
      for (const { id, data } of found) waiting.push(...(await this.#take(id, data, signal)));
    }
  }

  async #take(id: BlobId, data: Buffer, signal: AbortSignal): Promise<BlobId[]> {
    const folders: BlobId[] = [];
    for await (const nodes of readTree(data, `tree ${id.slice(0, 8)}`, signal)) {
      for (const { content, subtree } of nodes) {
        if (subtree !== undefined) folders.push(subtree);
        for (const blob of content ?? []) this.#want(blob);
      }
    }
    if (!this.#writer.known('tree', id)) await this.#writer.put('tree', data, signal);
    return folders;
  }

  #want(id: BlobId): void {
    if (this.#writer.known('data', id) || !this.#isNew(this.wanted, 'data', id)) return;
    this.wantedBytes += this.#source.index.find('data', id)?.length ?? 0;
  }

  #isNew(set: BlobSet, type: BlobType, id: BlobId): boolean {
    const isNew = set.add(type, id);
    if (isNew !== undefined) return isNew;
    throw new StillpointError('repository.damaged', `The ${type} blob ${id.slice(0, 8)} is in no index.`, {
      advice: 'Run check on the repository that is copied from to see which files are affected.',
      details: { type, id },
      cause: undefined,
    });
  }
}
