/**
 * The step of the critical section that makes one thin snapshot. It is given no size: with one, LVM would make a thick
 * snapshot of the thin volume. LVM holds the file system of the origin still while the pool notes the snapshot, so each
 * is one instant. It bears the flag that keeps it from being activated (`-k y`), as by a restart of the host or by an
 * administrator's `vgchange -ay`, and is activated all the same in this one command (`-K`).
 */
import type { Fragment } from '../../../remote/fragment.ts';
import type { RunIdentity, StandingSnapshot } from '../../provider.ts';
import { CREATE_EXITS } from '../errors.ts';
import { deviceMapperName, poolMapperName } from '../names.ts';

export interface ThinSnapshotOrder {
  readonly group: string;
  readonly origin: string;
  readonly name: string;
  readonly pool: string;
  /** Of a block of the pool's data. */
  readonly chunkBytes: number;
}

/** The command as an administrator would type it; shown in plans. */
export function lvcreateLine({ run, owner }: RunIdentity, { group, origin, name }: ThinSnapshotOrder): string {
  return `lvcreate -y -s -n ${name} -k y -K --addtag stillpoint --addtag sp.run=${run} --addtag sp.owner=${owner} ${group}/${origin}`;
}

export function createSnapshot({ run, owner }: RunIdentity, order: ThinSnapshotOrder): Fragment<StandingSnapshot> {
  const { group, origin, name, pool, chunkBytes } = order;
  return {
    name: 'create-thin-snapshot',
    script: `
run=$1 owner=$2 vg=$3 origin=$4 name=$5 dm=$6 pool=$7 pooldm=$8 chunk=$9
sp_plan lvm "$vg/$name"
# Not through a pipe: who reads it would be ended by the signal that we outlive.
if ! sp_instant sp_lvm 120 lvcreate -y -s -n "$name" -k y -K --addtag stillpoint --addtag "sp.run=$run" --addtag "sp.owner=$owner" "$vg/$origin" > "$dir/said.new" 2>&1; then
  cat "$dir/said.new" >&2
  sp_standing
  exit ${CREATE_EXITS.failed}
fi
uuid=$(sp_identity "$dm")
[ -n "$uuid" ] || { sp_standing; exit ${CREATE_EXITS.noDevice}; }
sp_made "$uuid" thin "$dm" "$pooldm" "$pool" "$chunk"
printf '%s\\0' "$uuid"`,
    args: [
      ...[run, owner, group, origin, name, deviceMapperName(group, name)],
      ...[`${group}/${pool}`, poolMapperName(group, pool), String(chunkBytes)],
    ],
    fields: 1,
    parse: ([uuid = '']) => {
      if (!/^[A-Za-z0-9-]{32,}$/.test(uuid)) throw new Error('a snapshot has another form');
      return { sizeBytes: 0, seen: { uuid } };
    },
  };
}
