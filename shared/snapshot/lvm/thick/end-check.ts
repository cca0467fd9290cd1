/**
 * The verdict after the last read. A thick snapshot that overflowed stays invalid forever, so one numeric status now,
 * on the same volume with the same table and mount, proves that it was valid all the time that we read.
 */
import { StillpointError } from '../../../base/errors.ts';
import type { Fragment } from '../../../remote/fragment.ts';
import { identityChanged } from '../../identity-changed.ts';
import type { Seen, StandingSnapshot } from '../../provider.ts';
import { deviceMapperName } from '../names.ts';

interface Named {
  readonly group: string;
  readonly name: string;
}

/**
 * `status` is that of `dmsetup status`: "0 LENGTH snapshot USED/TOTAL METADATA" in sectors, or words such as "Invalid";
 * `readable` says "yes" where a block of the snapshot could be read past the cache.
 */
export function observeSnapshot({ group, name }: Named): Fragment<Seen> {
  return {
    name: 'observe-lvm-snapshot',
    script: `
mapper=$1
sp_identity "$mapper" | tr -d '\\n'; printf '\\0'
dmsetup status "$mapper" 2>/dev/null | tr -d '\\n'; printf '\\0'
dmsetup table "$mapper" 2>/dev/null | tr -d '\\n'; printf '\\0'
if dd "if=/dev/mapper/$mapper" of=/dev/null bs=4096 count=1 iflag=direct 2>/dev/null; then printf 'yes\\0'; else printf 'no\\0'; fi`,
    args: [deviceMapperName(group, name)],
    fields: 4,
    parse: ([uuid = '', status = '', table = '', readable = '']) => ({ uuid, status, table, readable }),
  };
}

/** Bytes in use, read from a status; undefined when the snapshot is not valid, or full to the last sector. */
export function usedBytes(status: string): number | undefined {
  const match = /^\d+ \d+ snapshot (\d+)\/(\d+) \d+$/.exec(status.trim());
  return match && Number(match[1]) < Number(match[2]) ? Number(match[1]) * 512 : undefined;
}

/** Throws unless the snapshot is the one that was made, and was whole all the time. */
export function judgeSnapshot(
  { group, name }: Named,
  { seen: made }: StandingSnapshot,
  mounted: Seen,
  observed: Seen,
  host: string,
): void {
  const label = `${group}/${name}`;
  const isSame = observed['uuid'] === made['uuid'];
  if (isSame && usedBytes(observed['status'] ?? '') === undefined) {
    throw new StillpointError(
      'snapshot.full',
      `The snapshot "${label}" on "${host}" filled up while it was being read.`,
      {
        advice:
          'More was written to the origin than the snapshot had room for; the origin itself is not affected by that. Give its volume group more free space, or run at a quieter time.',
        details: { host, snapshot: label, status: observed['status'] },
        cause: undefined,
      },
    );
  }
  const sameTable = tableIdentity(observed['table'] ?? '') === tableIdentity(mounted['table'] ?? '');
  if (isSame && sameTable && observed['readable'] === 'yes') return;
  throw identityChanged(label, host, { expected: { ...made, ...mounted }, observed });
}

/** "0 LENGTH snapshot ORIGIN STORE P CHUNK": origin and store are device numbers and stay; the store may have grown. */
function tableIdentity(table: string): string {
  return table.trim().split(' ').slice(0, 7).join(' ');
}
