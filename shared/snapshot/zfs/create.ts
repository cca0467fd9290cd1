/**
 * The step of the critical section that makes the snapshots of a pool. One command makes all of them in one transaction:
 * all are of one instant, or none is made. It is run for the first of them, for which it also notes the others; the steps of
 * the others then only prove that theirs is there. They are held at once, so that nothing else destroys them.
 */
import type { Fragment } from '../../remote/fragment.ts';
import { isWithin, parseMountinfo } from '../mountinfo.ts';
import type { RunIdentity, StandingSnapshot, VolumePlace } from '../provider.ts';
import { holdTag, OWNER_PROPERTY, RUN_PROPERTY, snapshotOf, wordOf } from './naming.ts';
import type { Room } from './room.ts';

/** Exit codes: ZFS failed, see stderr; another dataset has the name now; the pool does not answer. */
export const CREATE_EXITS = { failed: 76, otherDataset: 78, noPool: 79 } as const;

export interface SnapshotOrder {
  readonly pool: string;
  readonly poolGuid: string;
  readonly dataset: string;
  readonly guid: string;
  readonly name: string;
  readonly room: Pick<Room, 'dataset' | 'by'> & { readonly leastBytes: number };
  /** All snapshots of the pool, this one last; only for the first of a pool. */
  readonly all: readonly string[];
  /** Where the volume is seen. */
  readonly places: readonly Pick<VolumePlace, 'target' | 'root'>[];
  /** Ids of the mounts of ZFS that the plan knows. */
  readonly knownMounts: readonly number[];
}

export const fullName = ({ dataset, name }: Pick<SnapshotOrder, 'dataset' | 'name'>): string =>
  snapshotOf(dataset, name);

/** "GUID TAB TXG", as ZFS lists the two; empty where it is gone. */
export function identityOf(line: string): { readonly guid: string; readonly txg: string } {
  const [guid = '', txg = ''] = line.split('\t');
  return { guid, txg };
}

/** The command as an administrator would type it; shown in plans. */
export function createLine({ run, owner }: RunIdentity, order: SnapshotOrder): string {
  const { all } = order;
  if (all.length === 0) return `# ${fullName(order)} is made by the same command`;
  const names = all.map(typed).join(' ');
  return `zfs snapshot -o ${RUN_PROPERTY}=${run} -o ${OWNER_PROPERTY}=${owner} ${names} && zfs hold ${holdTag(run)} ${names}`;
}

export const typed = (name: string): string => (name.includes(' ') ? `'${name}'` : name);

export function createSnapshots({ run, owner }: RunIdentity, order: SnapshotOrder): Fragment<StandingSnapshot> {
  const { pool, poolGuid, guid, all, room, places, knownMounts } = order;
  const name = fullName(order);
  return {
    name: 'create-dataset-snapshots',
    script: `
run=$1 owner=$2 pool=$3 key=$4 name=$5 id=$6 guid=$7 room=$8 by=$9; shift 9
least=$1 mounts=$2; shift 2
list="$dir/zfs-$key.new"
if [ "$#" -gt 0 ]; then
  sp_zfs_answers "$pool" || exit ${CREATE_EXITS.noPool}
  left=$#
  while [ "$left" -gt 0 ]; do sp_plan zfs "$1"; set -- "$@" "$2"; shift 2; left=$((left - 2)); done
  # Not through a pipe: who reads it would be ended by the signal that we outlive.
  {
    sp_instant zfs snapshot -o "${RUN_PROPERTY}=$run" -o "${OWNER_PROPERTY}=$owner" "$@" && sp_share "$key" &&
    zfs hold "sp_$run" "$@"
  } > "$dir/said.new" 2>&1 || { cat "$dir/said.new" >&2; sp_standing; exit ${CREATE_EXITS.failed}; }
  for each in "$@"; do set -- "$@" "\${each%@*}"; done
  zfs list -Hp -t filesystem,snapshot -o name,guid,createtxg "$@" > "$list" || { sp_standing; exit ${CREATE_EXITS.failed}; }
fi
sp_shared "$key" zfs "$id"
made='' txg='' origin=''
while IFS=$sp_zfs_tab read -r one its_guid its_txg; do
  case $one in
    "$name") made=$its_guid txg=$its_txg ;;
    "\${name%@*}") origin=$its_guid ;;
  esac
done < "$list"
[ "$origin" = "$guid" ] && [ -n "$made" ] || { sp_standing; exit ${CREATE_EXITS.otherDataset}; }
sp_made "$made" "$txg" "$room" "$by" "$least"
printf '%s\\0%s\\0' "$made" "$txg"
while read -r mount rest; do
  case "$rest $mounts " in *' - zfs '*" $mount "*) ;; *' - zfs '*) printf '%s %s\\n' "$mount" "$rest" ;; esac
done < /proc/self/mountinfo
printf '\\0'`,
    args: [
      ...[run, owner, pool, poolGuid, name, wordOf(name), guid, wordOf(room.dataset), room.by],
      ...[String(room.leastBytes), ` ${knownMounts.join(' ')}`],
      ...all.flatMap((each) => [wordOf(each), each]),
    ],
    fields: 3,
    parse: ([made = '', txg = '', mounts = '']) => {
      if (!/^\d+$/.test(made) || !/^\d+$/.test(txg)) throw new Error('a snapshot has another form');
      const unplanned = newMountsIn(mounts, places);
      return { sizeBytes: 0, seen: { guid: made, txg }, ...(unplanned.length === 0 ? {} : { unplanned }) };
    },
  };
}

/** Paths in the volume at which something of ZFS was mounted after the plan. */
function newMountsIn(mountinfo: string, places: SnapshotOrder['places']): readonly Buffer[] {
  const mounts = parseMountinfo(Buffer.from(mountinfo, 'latin1'), {
    ...{ name: 'create-dataset-snapshots', script: '', args: [], needs: 'root' },
  });
  return mounts
    .filter(({ source }) => !source.includes('@'))
    .flatMap(({ target }) =>
      places.flatMap((place) => {
        if (target.equals(place.target) || !isWithin(target, place.target)) return [];
        const top = (path: Buffer): Buffer => (path.length === 1 ? Buffer.alloc(0) : path);
        return [Buffer.concat([top(place.root), target.subarray(top(place.target).length)])];
      }),
    );
}
