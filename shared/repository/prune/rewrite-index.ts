/**
 * The index after a prune. Index files that name a pack that goes are replaced by new ones; the others stay as they
 * are. New files are stored before old ones are removed, so that at every instant the index names every needed blob.
 *
 * As the new state is written it is also proved: every needed blob has to lie in a pack that stays. That looks at what
 * is written and not at what was planned, so that a fault in the planning removes nothing.
 */
import { invariant } from '../../base/errors.ts';
import { decodeIndex, encodeIndex, type IndexedPack } from '../format/index-file.ts';
import type { PackId } from '../ids.ts';
import type { OpenedRepository } from '../opened-repository.ts';
import type { RepositoryLock } from '../repository.ts';
import type { PreparedPrune } from './plan.ts';
import { BlobSet } from './used-blobs.ts';

/** As many as restic and our own writer put into one file. */
const MAX_BLOBS = 50_000;

export interface RewrittenIndex {
  /** Old index files that have to go. */
  readonly outdated: readonly string[];
  readonly written: number;
}

/** @param gone packs that the index must not name any more */
export async function writeNewIndex(
  repository: OpenedRepository,
  { prepared, gone, fresh }: { prepared: PreparedPrune; gone: ReadonlySet<PackId>; fresh: readonly IndexedPack[] },
  lock: RepositoryLock,
  signal: AbortSignal,
): Promise<RewrittenIndex> {
  const { files, index } = repository;
  const outdated: string[] = [];
  const found = new BlobSet(index.blobCount);
  let pending: IndexedPack[] = [];
  let pendingBlobs = 0;
  let written = 0;

  const note = ({ blobs }: IndexedPack): void => {
    for (const { type, id } of blobs) {
      const number = index.numberOf(type, id);
      if (number !== undefined && prepared.used.has(number)) found.add(number);
    }
  };
  const save = async (): Promise<void> => {
    if (pending.length === 0) return;
    lock.assertHeld();
    await files.save('index', encodeIndex(pending), signal);
    pending = [];
    pendingBlobs = 0;
    written += 1;
  };
  const put = async (pack: IndexedPack): Promise<void> => {
    pending.push(pack);
    pendingBlobs += pack.blobs.length;
    if (pendingBlobs >= MAX_BLOBS) await save();
  };

  for (const pack of fresh) {
    note(pack);
    await put(pack);
  }
  for (const name of await files.listNames('index', signal)) {
    const packs = [...decodeIndex(await files.load('index', name, signal), `index ${name.slice(0, 8)}`)];
    const staying = packs.filter(({ id }) => !gone.has(id));
    for (const pack of staying) note(pack);
    if (staying.length === packs.length) continue;
    outdated.push(name);
    for (const pack of staying) await put(pack);
  }
  await save();
  invariant(found.size === prepared.used.size, 'after a prune every needed blob lies in a pack that stays');
  return { outdated, written };
}
