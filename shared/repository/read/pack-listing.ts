/**
 * Which packs are there. "Not in the listing" is no proof that a pack is lost: a listing may leave out what a server does
 * not follow, does not show yet, or was cut short. So each pack that the index names and the listing lacks is asked for
 * once more by its own name; only the store's word on that name counts.
 *
 * A pack that is gone together with all the others of its folder was hardly lost: the folder was moved, or its disk is
 * not mounted. That case is recognised, so that work which would give something up refuses.
 */
import { isStillpointError, StillpointError } from '../../base/errors.ts';
import { mapWithLimit } from '../../base/limit.ts';
import type { StoredFile } from '../backend/backend.ts';
import { isId, type PackId } from '../ids.ts';
import type { OpenedRepository } from '../opened-repository.ts';

export interface PackListing {
  /** Size of every pack that is there. */
  readonly sizes: ReadonlyMap<PackId, number>;
  /** Those among them that the listing left out. */
  readonly unlisted: readonly PackId[];
  /** Folders of packs that are gone as a whole, as "data/1a", with how many packs the index names in each. */
  readonly goneFolders: ReadonlyMap<string, number>;
}

/** Fewer packs than these may be lost together by chance. */
const WHOLE_FOLDER = 4;
const NAMED = 6;

/** @param onFile is given every file that was listed, foreign ones too; false leaves it out */
export async function listPacks(
  { files: { backend }, index }: OpenedRepository,
  signal: AbortSignal,
  onFile: (file: StoredFile) => boolean = ({ name }) => isId(name),
): Promise<PackListing> {
  const sizes = new Map<PackId, number>();
  for await (const file of backend.list('data', signal)) {
    if (onFile(file)) sizes.set(file.name as PackId, file.sizeBytes);
  }
  const missing = index.packIds.filter((id) => !sizes.has(id));
  if (missing.length === 0) return { sizes, unlisted: [], goneFolders: new Map() };
  const unlisted: PackId[] = [];
  await mapWithLimit(missing, backend.properties.connections, async (name) => {
    try {
      sizes.set(name, (await backend.stat({ type: 'data', name }, signal)).sizeBytes);
      unlisted.push(name);
    } catch (error) {
      if (!isStillpointError(error, 'backend.not-found')) throw error;
    }
  });
  const folders = await backend.packFolders?.(signal);
  return { sizes, unlisted: unlisted.toSorted(), goneFolders: goneFolders(index.packIds, sizes, folders) };
}

function goneFolders(
  named: readonly PackId[],
  sizes: ReadonlyMap<PackId, number>,
  folders: ReadonlySet<string> | undefined,
): ReadonlyMap<string, number> {
  const gone = new Map<string, number>();
  for (const [folder, packs] of Map.groupBy(named, (id) => id.slice(0, 2))) {
    if (packs.some((id) => sizes.has(id))) continue;
    if (packs.length >= WHOLE_FOLDER || folders?.has(folder) === false) gone.set(`data/${folder}`, packs.length);
  }
  return new Map([...gone].toSorted(([left], [right]) => (left < right ? -1 : 1)));
}

/** @param next what to do where the folders are lost for good */
export function folderIsGone(
  { title }: OpenedRepository,
  { goneFolders: gone }: PackListing,
  next: string,
): StillpointError {
  const packs = [...gone.values()].reduce((sum, count) => sum + count, 0);
  const named = [...gone.keys()].slice(0, NAMED).join(', ');
  const others = gone.size > NAMED ? ` and ${gone.size - NAMED} more` : '';
  return new StillpointError(
    'repository.damaged',
    `Whole folders of packs are missing in the ${title}: ${named}${others} (${packs} packs).`,
    {
      advice: `Folders that were moved, or that lie on a disk which is not mounted, look like this: bring them back, or link to where they are now. Only if they are lost for good, ${next}.`,
      details: { folders: [...gone.keys()].slice(0, 256), packs },
      cause: undefined,
    },
  );
}
