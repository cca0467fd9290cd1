/**
 * What the target has is not stored again, so what its index says has to be true: a copy that leans on a pack which is
 * gone would be called done and could not be restored. One listing tells.
 */
import { StillpointError } from '../../base/errors.ts';
import type { PackId } from '../../repository/format/ids.ts';
import type { OpenedRepository } from '../../repository/opened-repository.ts';

/** The index must have been loaded before, so that what is written meanwhile is not missed. Errors: `repository.damaged`. */
export async function assertTargetPacks(
  { files, index, location }: OpenedRepository,
  signal: AbortSignal,
): Promise<void> {
  const there = new Set<string>();
  for (const name of await files.listNames('data', signal)) there.add(name);
  const missing = index.packIds.filter((id: PackId) => !there.has(id));
  if (missing.length === 0) return;
  const named = missing.slice(0, 4).map((id) => id.slice(0, 8));
  const which = missing.length > named.length ? `${named.join(', ')} and others` : named.join(', ');
  throw new StillpointError(
    'repository.damaged',
    `Packs that the index of the repository at ${location} names are not there: ${missing.length} (${which}).`,
    {
      advice: 'Nothing was copied. Run "stillpoint repair index" on that repository, then copy again.',
      details: { packs: missing.slice(0, 20) },
      cause: undefined,
    },
  );
}
