/**
 * The verdict after the last read. A snapshot that was removed reads as an empty folder without any error, so what was read
 * says nothing; the same read-only subvolume under the same UUID does, before the first read and after the last.
 */
import type { Fragment } from '../../remote/fragment.ts';
import { identityChanged } from '../identity-changed.ts';
import type { Seen, StandingSnapshot } from '../provider.ts';
import type { SnapshotOrder } from './create.ts';

/** UUID, UUID of the origin, and flags; empty where it is gone. */
export function observeSnapshot({ fileSystem, name }: SnapshotOrder): Fragment<Seen> {
  return {
    name: 'observe-subvolume-snapshot',
    script: `sp_btrfs_seen "$1" | tr -d '\\n'; printf '\\0'`,
    args: [`${fileSystem}/${name}`],
    fields: 1,
    parse: ([line = '']) => {
      const [uuid = '', parent = '', flags = ''] = line.split(' ');
      return { uuid, parent, flags };
    },
  };
}

export function judgeSnapshot(
  { name }: SnapshotOrder,
  {
    standing: { seen: made },
    mounted,
    observed,
  }: { readonly standing: StandingSnapshot; readonly mounted: Seen; readonly observed: Seen },
  host: string,
): void {
  const isSame = [mounted, observed].every(({ uuid }) => uuid !== '' && uuid === made['uuid']);
  if (isSame && observed['parent'] === made['parent'] && observed['flags'] === 'readonly') return;
  throw identityChanged(name, host, { expected: { ...made, mounted }, observed });
}
