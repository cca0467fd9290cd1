/**
 * The step of the critical section that makes one thick snapshot. LVM itself freezes the file system of the origin while
 * it switches the tables, so each snapshot is one instant.
 */
import type { Fragment } from '../../../remote/fragment.ts';
import type { RunIdentity, StandingSnapshot } from '../../provider.ts';
import { CREATE_EXITS } from '../errors.ts';
import { deviceMapperName, turnOfGroup } from '../names.ts';

export interface SnapshotOrder {
  readonly group: string;
  readonly origin: string;
  readonly name: string;
  readonly extents: number;
  /** What it must have at least, where another run has taken room of the group since the plan was made. */
  readonly leastExtents: number;
  /** Extents of the group that the guard must leave alone when it makes the snapshot grow. */
  readonly reserveExtents: number;
  readonly extentBytes: number;
}

/** The command as an administrator would type it; shown in plans. */
export function lvcreateLine({ run, owner }: RunIdentity, order: SnapshotOrder): string {
  return `lvcreate -y -s -n ${order.name} -l ${order.extents} --monitor n --addtag stillpoint --addtag sp.run=${run} --addtag sp.owner=${owner} ${order.group}/${order.origin}`;
}

export function createSnapshot({ run, owner }: RunIdentity, order: SnapshotOrder): Fragment<StandingSnapshot> {
  const { group, origin, name, extents, leastExtents, reserveExtents, extentBytes } = order;
  return {
    name: 'create-lvm-snapshot',
    script: `
run=$1 owner=$2 vg=$3 origin=$4 name=$5 extents=$6 least=$7 dm=$8 reserve=$9
sp_plan lvm "$vg/$name"
halve() {
  free=$(sp_lvm 60 vgs -o vg_free_count "$vg" 2>/dev/null)
  free=\${free##* }
  case $free in ''|*[!0-9]*) exit ${CREATE_EXITS.failed} ;; esac
  half=$((free / 2))
  [ "$half" -ge "$least" ] || half=$least
}
# Planned at the same time as that of another run, perhaps with the same room.
if sp_beside "\${10}"; then
  halve
  # As where it is planned: a tenth of what is free stays so.
  [ $((free - least)) -ge $(((free + 9) / 10)) ] || { echo 'another run has taken the room meanwhile: insufficient free space' >&2; exit ${CREATE_EXITS.failed}; }
  [ "$half" -ge "$extents" ] || extents=$half
fi
# Not through a pipe: who reads it would be ended by the signal that we outlive.
until sp_instant sp_lvm 120 lvcreate -y -s -n "$name" -l "$extents" --monitor n --addtag stillpoint --addtag "sp.run=$run" --addtag "sp.owner=$owner" "$vg/$origin" > "$dir/said.new" 2>&1; do
  said=$(cat "$dir/said.new")
  echo "$said" >&2
  sp_standing
  # Another run was quicker: what it left is halved anew.
  case $said in *nsufficient\\ free\\ space*) ;; *) exit ${CREATE_EXITS.failed} ;; esac
  halve
  [ "$half" -lt "$extents" ] || exit ${CREATE_EXITS.failed}
  extents=$half
done
uuid=$(sp_identity "$dm")
[ -n "$uuid" ] || { sp_standing; exit ${CREATE_EXITS.noDevice}; }
sp_made "$uuid" thick "$dm" "$reserve"
printf '%s\\0%s\\0' "$uuid" "$extents"`,
    args: [
      ...[run, owner, group, origin, name, String(extents), String(Math.min(leastExtents, extents))],
      ...[deviceMapperName(group, name), String(reserveExtents), turnOfGroup(group).name],
    ],
    fields: 2,
    parse: ([uuid = '', made = '']) => {
      if (!/^[A-Za-z0-9-]{32,}$/.test(uuid) || !/^\d+$/.test(made)) throw new Error('a snapshot has another form');
      return { sizeBytes: Number(made) * extentBytes, seen: { uuid } };
    },
  };
}
