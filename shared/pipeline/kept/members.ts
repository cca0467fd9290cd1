/** What a host has of a kept set. */
import { StillpointError } from '../../base/errors.ts';
import type { KeptId } from '../../domain/kept-name.ts';
import type { FoundKept, FoundSets } from './listing.ts';

export function membersOf(id: KeptId, { found }: FoundSets, host: string): readonly FoundKept[] {
  const members = found.filter(({ object, marks }) => object.set === id && marks !== undefined);
  if (members.length > 0) return members;
  throw new StillpointError('snapshot.unknown-kept', `No kept snapshots on "${host}" have the id ${id}.`, {
    advice: `"stillpoint snapshot list ${host}" shows those that there are.`,
    details: { host, id },
    cause: undefined,
  });
}
