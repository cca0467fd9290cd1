/**
 * The verdict after the last read. A snapshot cannot change, and a mounted one cannot be destroyed; ZFS proves each block
 * by its checksum when it is read, so what could not be read is an error of the reading. What is left to ask is whether it
 * is the same one, by its guid and by the txg of its creation, in a pool that answers. That errors were found elsewhere in the
 * pool meanwhile says nothing of what was read: a pool that begins to fail needs its backup most.
 */
import { StillpointError } from '../../base/errors.ts';
import type { Fragment } from '../../remote/fragment.ts';
import { identityChanged } from '../identity-changed.ts';
import type { Seen, StandingSnapshot } from '../provider.ts';
import { fullName, identityOf, type SnapshotOrder } from './create.ts';

/** Of a pool that does not answer nothing is asked. */
export function observeSnapshot(order: SnapshotOrder): Fragment<Seen> {
  return {
    name: 'observe-dataset-snapshot',
    script: `
identity=''
! sp_zfs_answers "$2" || identity=$(zfs list -Hp -t snapshot -o guid,createtxg "$1" 2>/dev/null </dev/null)
printf '%s\\0%s\\0' "$sp_state" "$identity"`,
    args: [fullName(order), order.pool],
    fields: 2,
    parse: ([state = '', identity = '']) => ({ state, ...identityOf(identity) }),
  };
}

export function judgeSnapshot(
  order: SnapshotOrder,
  {
    standing: { seen: made },
    mounted,
    observed,
  }: { readonly standing: StandingSnapshot; readonly mounted: Seen; readonly observed: Seen },
  host: string,
): void {
  const { pool } = order;
  const state = observed['state'] ?? '';
  if (state !== 'ONLINE' && state !== 'DEGRADED') {
    const what = state === '' ? 'is not imported any more' : `is in the state ${state}`;
    throw new StillpointError(
      'snapshot.identity-changed',
      `The pool "${pool}" on "${host}" ${what}, so what was read of it cannot be proved.`,
      {
        advice:
          state === ''
            ? `Somebody exported it while it was being read. Import it, then run the backup again.`
            : `See "zpool status ${pool}" on the host. When its devices are there again, "zpool clear ${pool}" lets it go on.`,
        details: { host, snapshot: fullName(order), state },
        cause: undefined,
      },
    );
  }
  const isSame = [mounted, observed].every(({ guid, txg }) => guid === made['guid'] && txg === made['txg']);
  if (!isSame) throw identityChanged(fullName(order), host, { expected: { ...made, mounted }, observed });
}
