/**
 * What the target has is not stored again, so what its index says has to be true: a copy that leans on a pack which is
 * gone or cut short would be called done and could not be restored. One listing tells.
 */
import { StillpointError } from '../../base/errors.ts';
import { packSizeOf } from '../../repository/format/pack.ts';
import type { PackId } from '../../repository/ids.ts';
import type { OpenedRepository } from '../../repository/opened-repository.ts';
import { folderIsGone, listPacks, type PackListing } from '../../repository/read/pack-listing.ts';

/** The index must have been loaded before, so that what is written meanwhile is not missed. Errors: `repository.damaged`. */
export async function assertTargetPacks(repository: OpenedRepository, signal: AbortSignal): Promise<void> {
  const { gone, resized, listing } = await mismatches(repository, signal);
  if (listing.goneFolders.size > 0)
    throw folderIsGone(repository, listing, 'run "stillpoint repair index --give-up-folders" there, then copy again');
  if (gone.length + resized.length === 0) return;
  const facts = [...factOf('Gone', gone), ...factOf('Of another size', resized)].join(' ');
  const help =
    resized.length === 0
      ? 'Run "stillpoint repair index" on that repository'
      : 'Run "stillpoint check" on that repository: it says what is affected and which repair helps. Do that';
  throw new StillpointError(
    'repository.damaged',
    `Packs are not as the index of the ${repository.title} says. ${facts}`,
    {
      advice: `${help}, then copy again.`,
      details: { packs: gone.slice(0, 20), resized: resized.slice(0, 20) },
      cause: undefined,
    },
  );
}

interface Mismatches {
  readonly gone: readonly PackId[];
  readonly resized: readonly PackId[];
  readonly listing: PackListing;
}

async function mismatches(repository: OpenedRepository, signal: AbortSignal): Promise<Mismatches> {
  const listing = await listPacks(repository, signal);
  const gone: PackId[] = [];
  const resized: PackId[] = [];
  for (const { id, blobs } of repository.index.packs()) {
    const size = listing.sizes.get(id);
    if (size === undefined) gone.push(id);
    else if (size !== packSizeOf(blobs)) resized.push(id);
  }
  return { gone, resized, listing };
}

/** "Gone: 2 (1a2b3c4d, 5e6f7a8b)." */
function factOf(what: string, packs: readonly PackId[]): string[] {
  if (packs.length === 0) return [];
  const named = packs.slice(0, 4).map((id) => id.slice(0, 8));
  const others = packs.length > named.length ? ' and others' : '';
  return [`${what}: ${packs.length} (${named.join(', ')}${others}).`];
}
