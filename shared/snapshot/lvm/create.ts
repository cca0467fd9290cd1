/**
 * The critical section: one script makes all snapshots of a run, back to back, with no round trip to us in between.
 * LVM itself freezes the file system of the origin while it switches the tables, so each snapshot is one instant.
 */
import type { OwnerId, RunId } from '../../domain/names.ts';
import { type RemoteCommand, type RemoteScript, unreadableOutput } from '../../remote/command.ts';
import { REAP, RUN_ROOT } from '../lease/scripts.ts';
import { IDENTITY } from './tool.ts';

export interface SnapshotOrder {
  readonly group: string;
  readonly origin: string;
  readonly name: string;
  readonly extents: number;
  /** What it must have at least, where another run has taken room of the group since the plan was made. */
  readonly leastExtents: number;
  /** Extents of the group that the guard must leave alone when it makes the snapshot grow. */
  readonly reserveExtents: number;
}

export interface CreatedSnapshot {
  readonly name: string;
  readonly uuid: string;
  readonly extents: number;
  /** Uptime of the host in seconds, to a hundredth, just before and just after: the instant lies between. */
  readonly beforeUptime: number;
  readonly afterUptime: number;
  /**
   * The host's wall clock just before, in ns since 1970: a label, and the bound below which the next run may believe
   * times. It must not be later than the instant.
   */
  readonly wallClockNs: bigint;
}

/** How device-mapper calls a logical volume: hyphens in names are doubled, one hyphen joins group and volume. */
export function deviceMapperName(group: string, volume: string): string {
  return `${group.replaceAll('-', '--')}-${volume.replaceAll('-', '--')}`;
}

/** The command as an administrator would type it; shown in plans. */
export function lvcreateLine(order: SnapshotOrder, run: RunId, owner: OwnerId): string {
  return `lvcreate -y -s -n ${order.name} -l ${order.extents} --monitor n --addtag stillpoint --addtag sp.run=${run} --addtag sp.owner=${owner} ${order.group}/${order.origin}`;
}

/**
 * Each snapshot is recorded on the host before it is made, so that the cleanup knows of it even where nothing that
 * LVM prints can be read. Exit 71: there is no room for the record, and nothing more was made. Exit 75: the lease ended
 * meanwhile. Exit 76: lvcreate failed, see stderr. Exit 78: lvcreate succeeded and there is no such device.
 */
export function createSnapshots(
  run: RunId,
  owner: OwnerId,
  orders: readonly SnapshotOrder[],
): RemoteCommand<readonly CreatedSnapshot[]> {
  const script: RemoteScript = {
    name: 'create-snapshots',
    script: `${REAP}
${IDENTITY}
# A client that gives up ends us; but LVM finishes what it began, and somebody has to see to the result.
trap '' PIPE
trap : HUP INT TERM
run=$1 owner=$2; shift 2
dir=${RUN_ROOT}/$run
# Whoever removed the run did so before this snapshot was there.
sp_late() { sp_settle "$run" "$owner" "$vg" "$name" '' >&2; sp_reap "$run" "$owner" >&2; }
sp_make() {
  wall=$(date +%s.%N)
  read -r before idle < /proc/uptime
  # Not through a pipe: who reads it would be ended by the signal that we outlive.
  sp_lvm 120 lvcreate -y -s -n "$name" -l "$extents" --monitor n --addtag stillpoint --addtag "sp.run=$run" --addtag "sp.owner=$owner" "$vg/$origin" > "$dir/said.new" 2>&1
}
while [ "$#" -ge 7 ]; do
  vg=$1 origin=$2 name=$3 extents=$4 dm=$5 reserve=$6 least=$7; shift 7
  sp_alive "$run" || exit 75
  echo "$vg $name" >> "$dir/planned" || exit 71
  until sp_make; do
    said=$(cat "$dir/said.new")
    echo "$said" >&2
    sp_alive "$run" || { sp_late; exit 75; }
    # Another run was quicker: what it left is halved anew.
    case $said in *nsufficient\\ free\\ space*) ;; *) exit 76 ;; esac
    free=$(sp_lvm 60 vgs -o vg_free_count "$vg" 2>/dev/null)
    free=\${free##* }
    case $free in ''|*[!0-9]*) exit 76 ;; esac
    half=$((free / 2))
    [ "$half" -ge "$least" ] || half=$least
    [ "$half" -lt "$extents" ] || exit 76
    extents=$half
  done
  read -r after idle < /proc/uptime
  uuid=$(sp_identity "$dm")
  if ! sp_alive "$run"; then sp_late; exit 75; fi
  [ -n "$uuid" ] || exit 78
  echo "$vg $name $uuid $dm $reserve" >> "$dir/snapshots" || exit 71
  sp_alive "$run" || { sp_late; exit 75; }
  printf '%s\\0%s\\0%s\\0%s\\0%s\\0%s\\0' "$name" "$uuid" "$extents" "$before" "$after" "$wall"
done`,
    args: [run, owner, ...orders.flatMap((order) => orderArguments(order))],
    needs: 'root',
  };
  return {
    ...script,
    budgetMs: 150_000 * Math.max(1, orders.length),
    repeatable: false,
    parse: (output) => parseCreated(output.stdout, orders.length, script),
  };
}

function orderArguments(order: SnapshotOrder): readonly string[] {
  const { group, origin, name, extents, leastExtents, reserveExtents } = order;
  return [
    ...[group, origin, name, String(extents), deviceMapperName(group, name)],
    ...[String(reserveExtents), String(Math.min(leastExtents, extents))],
  ];
}

function parseCreated(stdout: Buffer, expected: number, script: RemoteScript): readonly CreatedSnapshot[] {
  const fields = stdout.toString('latin1').split('\0');
  if (fields.pop() !== '' || fields.length !== expected * 6) {
    throw unreadableOutput(script, `${fields.length} fields instead of ${expected * 6}`, stdout.toString('latin1'));
  }
  return Array.from({ length: expected }, (_, index) => {
    const [name = '', uuid = '', extents = '', before = '', after = '', wall = ''] = fields.slice(index * 6);
    const numbers = [extents, before, after].every((text) => /^\d+(\.\d+)?$/.test(text));
    // A date(1) without %N prints it as it is.
    const clock = /^(\d+)(?:\.(\d{9}))?/.exec(wall);
    if (!numbers || clock === null || !/^[A-Za-z0-9-]{32,}$/.test(uuid))
      throw unreadableOutput(script, 'a field has another form', fields.join(' '));
    return {
      name,
      uuid,
      extents: Number(extents),
      beforeUptime: Number(before),
      afterUptime: Number(after),
      wallClockNs: BigInt(clock[1] ?? 0) * 1_000_000_000n + BigInt(clock[2] ?? 0),
    };
  });
}
