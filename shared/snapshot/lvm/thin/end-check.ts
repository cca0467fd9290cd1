/**
 * The verdict after the last read. A thin snapshot never overflows by itself: what it holds stays as it was for as long
 * as the pool's metadata does. A pool that could not write them is read-only, wants to be checked or has failed, and
 * comes out of none of these while a volume of it is in use; so one good status now, of the same volume with the same
 * number in the same pool, proves that the snapshot was whole all the time that we read.
 */
import { StillpointError } from '../../../base/errors.ts';
import type { Fragment } from '../../../remote/fragment.ts';
import { identityChanged } from '../../identity-changed.ts';
import type { Seen, StandingSnapshot } from '../../provider.ts';
import { deviceMapperName, poolMapperName } from '../names.ts';
import { parsePoolStatus } from './pool-status.ts';

interface Named {
  readonly group: string;
  readonly name: string;
  readonly pool: string;
}

/** `status` is "0 LENGTH thin MAPPED HIGHEST" or "0 LENGTH thin Fail"; `readable` as of the thick ones. */
export function observeSnapshot({ group, name, pool }: Named): Fragment<Seen> {
  return {
    name: 'observe-thin-snapshot',
    script: `
mapper=$1 pool=$2
sp_identity "$mapper" | tr -d '\\n'; printf '\\0'
sp_lvm_thin_status "$mapper" | tr -d '\\n'; printf '\\0'
dmsetup table "$mapper" 2>/dev/null | tr -d '\\n'; printf '\\0'
sp_lvm_thin_status "$pool" | tr -d '\\n'; printf '\\0'
if dd "if=/dev/mapper/$mapper" of=/dev/null bs=4096 count=1 iflag=direct 2>/dev/null; then printf 'yes\\0'; else printf 'no\\0'; fi`,
    args: [deviceMapperName(group, name), poolMapperName(group, pool)],
    fields: 5,
    parse: ([uuid = '', status = '', table = '', poolStatus = '', readable = '']) => ({
      ...{ uuid, status, table, poolStatus, readable },
    }),
  };
}

/** Throws unless the snapshot is the one that was made, and was whole all the time. */
export function judgeSnapshot(
  { group, name, pool }: Named,
  { seen: made }: StandingSnapshot,
  mounted: Seen,
  observed: Seen,
  host: string,
): void {
  const label = `${group}/${name}`;
  const isSame = observed['uuid'] === made['uuid'];
  if (isSame && !isSound(observed)) {
    throw new StillpointError(
      'snapshot.full',
      `The thin pool "${group}/${pool}" on "${host}" ran full or failed while the snapshot "${label}" was being read.`,
      {
        advice: `See "lvs -a ${group}" and "dmesg" on the host. Where its status says "needs_check" or "Fail", the pool must be repaired ("lvconvert --repair ${group}/${pool}") while nothing of it is in use.`,
        details: { host, snapshot: label, status: observed['status'], poolStatus: observed['poolStatus'] },
        cause: undefined,
      },
    );
  }
  if (isSame && observed['table'] === mounted['table'] && observed['readable'] === 'yes') return;
  throw identityChanged(label, host, { expected: { ...made, ...mounted }, observed });
}

/** A pool that is out of data only makes writers wait; what it holds is whole. */
function isSound(observed: Seen): boolean {
  const pool = parsePoolStatus(observed['poolStatus'] ?? '');
  if (pool === undefined || pool.needsCheck || (pool.mode !== 'rw' && pool.mode !== 'out_of_data_space')) return false;
  return /^0 \d+ thin \d+ (\d+|-)$/.test((observed['status'] ?? '').trim());
}
